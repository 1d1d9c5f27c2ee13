"""Rows ordered and numbered by whole numbers of their keys, which are counted where they are small and sorted where not.

Cells have such keys. Other keys (text that nearly every row has another of) are left to polars: `row_numbers` returns None.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.int64]

# Above this many combinations the array to count in costs more than a sort of the numbers.
MOST_COMBINATIONS = 4_000_000
MOST_COMBINATIONS_PER_ROW = 16

LARGEST_NUMBER = 2**63 - 1
WHOLE = (pl.Int8, pl.Int16, pl.Int32, pl.Int64)

# Below this many rows polars sorts faster than rows are counted.
FEWEST_ROWS_TO_ORDER = 2_000

FEWEST_ROWS_OF_A_LEVEL = 4
"""Of text, for its levels to be numbered."""


def row_numbers(table: pl.DataFrame, columns: Sequence[str]) -> tuple[Numbers, int] | None:
    """A number for each row, shape (rows,), that orders rows as their columns do (NULL last), and the numbers' upper end.

    Equal rows have equal numbers. None where a column is no boolean, ENUM, integer or text of few levels, or the combinations
    are more than there are numbers.
    """
    if not columns:
        return None
    numbers, size = np.zeros(table.height, dtype=np.int64), 1
    for name in columns:
        column = _countable(table[name])
        if column is None:
            return None
        digits, span = _digits(column)
        if (size := size * span) > LARGEST_NUMBER:
            return None
        numbers *= span
        numbers += digits
    return numbers, size


def _digits(column: pl.Series) -> tuple[npt.NDArray[np.integer], int]:
    """The levels of a column that is countable, from 0 in their order, and how many there may be; NULL is the last."""
    if column.dtype.is_integer():
        low, high = (int(end) if isinstance(end, int) else 0 for end in (column.min(), column.max()))
        whole = column.cast(pl.Int64) - low
    else:
        low, high = 0, len(column.dtype.categories) - 1 if isinstance(column.dtype, pl.Enum) else 1
        whole = column.to_physical()
    if not column.null_count():
        return whole.cast(pl.UInt8).to_numpy() if whole.dtype == pl.Boolean else whole.to_numpy(), high - low + 1
    return whole.cast(pl.Int64).fill_null(high - low + 1).to_numpy(), high - low + 2


def _is_dense(size: int, n_rows: int) -> bool:
    """Whether an array of all numbers costs less than a sort of those of the rows."""
    return size <= min(MOST_COMBINATIONS, MOST_COMBINATIONS_PER_ROW * n_rows)


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
    if not _is_dense(size, table.height):
        return table[np.argsort(number)]
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
    inside = np.flatnonzero(rows)
    if not _is_dense(size, table.height):
        _, first, found = np.unique(number[inside], return_index=True, return_inverse=True)
        level = np.full(table.height, -1, dtype=np.int64)
        level[inside] = found
        return level, inside[first]
    row_of = np.full(size, -1, dtype=np.int64)
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
