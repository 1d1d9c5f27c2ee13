"""Rows ordered and numbered by counting, where their keys are small whole numbers or have few levels: rows are not sorted.

Cells of a large relation have such keys. Other keys (wide ranges, text that nearly every row has another of) are left to polars:
`row_numbers` returns None.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.int64]

# Above this many combinations the array to count in costs more than a sort.
MOST_COMBINATIONS = 4_000_000
MOST_COMBINATIONS_PER_ROW = 100

LARGEST_NUMBER = 2**63 - 1
WHOLE = (pl.Int8, pl.Int16, pl.Int32, pl.Int64)

# Below this many rows polars sorts faster than rows are counted.
FEWEST_ROWS_TO_ORDER = 2_000

FEWEST_ROWS_OF_A_LEVEL = 4
"""Of text, for its levels to be numbered."""


def row_numbers(table: pl.DataFrame, columns: Sequence[str]) -> tuple[Numbers, int] | None:
    """A number for each row, shape (rows,), that orders rows as their columns do (NULL last), and the numbers' upper end.

    Equal rows have equal numbers. None where a column is no boolean, ENUM or integer, or the combinations are too many to
    pay.
    """
    if not columns:
        return None
    most = min(MOST_COMBINATIONS, MOST_COMBINATIONS_PER_ROW * table.height)
    numbers, size = np.zeros(table.height, dtype=np.int64), 1
    for name in columns:
        column = _countable(table[name])
        if column is None:
            return None
        whole = column if column.dtype.is_integer() else column.to_physical()
        low, high = (int(end) if isinstance(end, (int, bool)) else 0 for end in (whole.min(), whole.max()))
        span = high - low + 2
        size *= span
        if size > most:
            return None
        numbers *= span
        known = whole.cast(pl.Int64)
        numbers += (known.fill_null(high + 1) if known.null_count() else known).to_numpy()
        numbers -= low
    return numbers, size


def _countable(column: pl.Series) -> pl.Series | None:
    """A column whose levels are ordered as small whole numbers are; of others these numbers, where they are few or sorted."""
    if column.dtype == pl.String:
        levels = column.drop_nulls().unique().sort()
        return column.cast(pl.Enum(levels)) if len(levels) * FEWEST_ROWS_OF_A_LEVEL <= len(column) else None
    if column.dtype in (pl.Boolean, pl.Enum):
        return column
    if not column.dtype.is_integer() or column.dtype in (pl.Int128, pl.UInt64):
        return None
    low, high = column.min(), column.max()
    is_wide = isinstance(low, int) and isinstance(high, int) and high - low >= MOST_COMBINATIONS
    return column.rle_id() if is_wide and not column.null_count() and column.is_sorted() else column


def ordered(table: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The rows in the order of the columns, NULL last. The columns must tell the rows apart."""
    if not columns or table.height < FEWEST_ROWS_TO_ORDER:
        return table.sort(list(columns), nulls_last=True) if columns else table
    numbered = row_numbers(table, columns)
    if numbered is None:
        numbers = _ranks(table, columns)
        return table.sort(list(columns), nulls_last=True) if numbers is None else table[np.argsort(numbers)]
    number, size = numbered
    row_of = np.full(size, -1, dtype=np.int64)
    row_of[number] = np.arange(table.height)
    return table[row_of[row_of >= 0]]


def _ranks(table: pl.DataFrame, columns: Sequence[str]) -> Numbers | None:
    """Numbers as those of row_numbers, where DOUBLEs and numbers far apart are ranked first, by a sort of one column."""
    if not all(table[name].dtype in (pl.Boolean, pl.Enum, pl.Float64, *WHOLE) for name in columns):
        return None
    numbers, size = np.zeros(table.height, dtype=np.int64), 1
    for name in columns:
        part = row_numbers(table, [name]) or _ranks_of_values(table[name])
        if part is None or (size := size * part[1]) > LARGEST_NUMBER:
            return None
        numbers = numbers * part[1] + part[0]
    return numbers


def _ranks_of_values(values: pl.Series) -> tuple[Numbers, int] | None:
    """The rank of each value, NULL last, and how many there are; None where one is not a number."""
    if values.dtype == pl.Float64 and values.is_nan().any():
        return None
    levels, of_known = np.unique(values.drop_nulls().to_numpy(), return_inverse=True)
    ranks = np.full(len(values), len(levels), dtype=np.int64)
    ranks[values.is_not_null().to_numpy()] = of_known
    return ranks, len(levels) + 1


def level_numbers(table: pl.DataFrame, columns: Sequence[str], rows: npt.NDArray[np.bool_]) -> tuple[Numbers, Numbers] | None:
    """The level of each row (-1 outside `rows`), levels in order from 0, and one row of each level; None as row_numbers."""
    numbered = row_numbers(table, columns)
    if numbered is None:
        return None
    number, size = numbered
    row_of = np.full(size, -1, dtype=np.int64)
    inside = np.flatnonzero(rows)
    row_of[number[inside]] = inside
    is_level = row_of >= 0
    level_of = np.cumsum(is_level) - 1
    return np.where(rows, level_of[number], -1), row_of[is_level]


def whole_sums(values: Numbers, group: Numbers, n_groups: int) -> npt.NDArray[np.float64]:
    """Sums of whole numbers by group, the nearest DOUBLE of each; `group` (rows,) has no -1.

    Multiples of 2**26 and what is left of them are added apart, so that a DOUBLE holds each exactly.
    """
    high, low = (np.bincount(group, part, n_groups) for part in (values >> 26, values & (2**26 - 1)))
    return (high * 2.0**26 + low).astype(np.float64)
