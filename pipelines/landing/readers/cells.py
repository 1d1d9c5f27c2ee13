"""Cells of a sheet as columns: a column has the one type of all its cells, or it is text. Nothing but a blank is missing.

Text of a column of several kinds: numbers as short as they are exact, `true` and `false`, ISO dates. How a cell is shown does
not matter.
"""

import re
from array import array
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, time

import polars as pl

from pipelines.landing.readers.delivered import IN_UTC, SECONDS, Delivered, Refused, unique_names

Value = float | int | str | bool | datetime
"""A cell: `int` is a whole number that no floating-point number holds, `Seconds` a time of day or duration."""

TIME_OF_DAY = re.compile("T?[0-9]{2}:[0-9]{2}.*")
MIDNIGHT = time()
MAX_EXACT = 2**53
INT64_BOUND = 2**63


class Seconds(float):
    """A time of day or a duration, in seconds."""


class Instant(datetime):
    """A day with a time of day in a cell that is formatted to show the time alone."""


@dataclass
class Cells:
    """The cells of a sheet that hold something, in the order of rows; merged ranges by first and last row and column."""

    columns: dict[int, "tuple[array[int], list[Value]]"] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    n_formulas: int = 0
    errors: list[tuple[int, int]] = field(default_factory=list)
    no_dates: list[tuple[int, int]] = field(default_factory=list)
    """Cells that are formatted as dates, with values that are none."""
    remarks: dict[int, str] = field(default_factory=dict)
    """Column -> what a person should know of how its numbers are shown."""
    n_values: int = 0
    n_hidden: int = 0
    """Rows that are hidden and hold something."""

    def add(self, row: int, column: int, value: Value) -> None:
        rows, values = self.columns.setdefault(column, (array("q"), []))
        rows.append(row)
        values.append(value)
        self.n_values += 1

    def moment(self, row: int, column: int, text: str) -> Value:
        """A date, an instant or a time of day as ISO 8601 writes it; what is none, or of another zone than UTC, is noted and
        stays text."""
        bare = text.strip().removesuffix("Z")
        try:
            read = time.fromisoformat(bare) if TIME_OF_DAY.fullmatch(bare) else datetime.fromisoformat(bare)
        except ValueError:
            read = None
        if read is None or read.tzinfo:
            self.no_dates.append((row, column))
            return text
        if bare != text.strip():
            self.remarks[column] = IN_UTC
        if isinstance(read, datetime):
            return read
        return Seconds(read.hour * 3600 + read.minute * 60 + read.second + read.microsecond / 1e6)

    def has_value_in(self, rows: tuple[int, int], columns: tuple[int, int]) -> bool:
        held = (self.columns[column][0] for column in range(columns[0], columns[1] + 1) if column in self.columns)
        return any(rows[0] <= row <= rows[1] for found in held for row in found)


def place(row: int, column: int) -> str:
    """The name of a cell, such as B7; rows and columns are counted from 0."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


def whole_or_float(text: str) -> float | int:
    """A number as it is written; `int` only where floating point would change it."""
    number = float(text)
    if abs(number) < MAX_EXACT or not text.strip().lstrip("+-").isdigit():
        return number
    return number if int(number) == int(text) else int(text)


def delivered_of(cells: Cells, missing: Collection[str] = ()) -> Delivered:
    """The sheet as a frame: the first line that holds something has the names; blank lines and columns are nothing.

    Texts that read as one of the declared marks of `missing` are no values of their column.
    """
    blank = {"", *missing}
    _check(cells)
    if not cells.columns:
        raise Refused("a sheet without a header line", "Put the names of the columns into its first line")
    header = min(rows[0] for rows, _ in cells.columns.values())
    names = {
        column: _text(values[0], is_dated=False).strip() for column, (rows, values) in cells.columns.items() if rows[0] == header
    }
    if not any(names.values()):
        raise Refused("a sheet without a header line", "Put the names of the columns into its first line")
    unnamed = [column for column, (rows, _) in cells.columns.items() if not names.get(column) and rows[-1] > header]
    if unnamed:
        raise Refused(
            f"a column of values without a name in the first line ({place(header, min(unnamed))} is blank)",
            "Give each column a name, or clear the column",
        )
    _check_merged(cells, header)
    wanted = sorted(column for column, name in names.items() if name)
    numbers = sorted({row for column in wanted for row in cells.columns[column][0] if row > header})
    position = {row: index for index, row in enumerate(numbers)}
    titles = unique_names([names[column] for column in wanted])
    series, units, faults = [], {}, {}
    for title, column in zip(titles, wanted, strict=True):
        rows, values = cells.columns[column]
        given = [(row, value) for row, value in zip(rows, values, strict=True) if row > header and value not in blank]
        kinds = {type(value) for _, value in given}
        fault = _fault(cells, column, given, kinds)
        if fault:
            faults[title] = fault
        if kinds == {Seconds}:
            units[title] = SECONDS
        filled: list[Value | None] = [None] * len(numbers)
        for row, value in given:
            filled[position[row]] = value
        series.append(_series(title, filled, kinds))
    remarks = {title: cells.remarks[column] for title, column in zip(titles, wanted, strict=True) if column in cells.remarks}
    notes = [f"the sheet hides {cells.n_hidden:,} rows, by hand or by a filter; they are read"] if cells.n_hidden else []
    return Delivered(pl.DataFrame(series), column_units=units, column_notes=remarks, column_faults=faults, notes=notes)


def _check(cells: Cells) -> None:
    if cells.n_formulas:
        raise Refused(
            f"{cells.n_formulas:,} cells with formulas, whose saved results may be stale",
            "Deliver values: paste the sheet as values",
        )
    if cells.errors:
        listed = ", ".join(place(*cell) for cell in cells.errors[:3])
        raise Refused(
            f"{len(cells.errors):,} cells with errors such as #N/A (the first: {listed})",
            "Deliver values, and empty cells for what is missing",
        )


def _check_merged(cells: Cells, header: int) -> None:
    held = [
        f"{place(top, left)}:{place(bottom, right)}"
        for top, left, bottom, right in cells.merged
        if (top, left) != (bottom, right) and bottom >= header and cells.has_value_in((top, bottom), (left, right))
    ]
    if held:
        more = f" and {len(held) - 3:,} more" if len(held) > 3 else ""
        raise Refused(
            f"merged cells in {', '.join(held[:3])}{more}, where one value stands for several cells",
            "Unmerge them, and write the value into each cell that it is about",
        )


def _series(name: str, filled: list[Value | None], kinds: set[type]) -> pl.Series:
    if not kinds:
        return pl.Series(name, filled, dtype=pl.String)
    if kinds <= {float, Seconds}:
        return pl.Series(name, filled, dtype=pl.Float64)
    if kinds <= {float, int} and all(
        isinstance(value, (float, int)) and _is_int64(value) for value in filled if value is not None
    ):
        return pl.Series(name, [None if value is None else int(value) for value in filled], dtype=pl.Int64)  # type: ignore[arg-type]
    if kinds == {bool}:
        return pl.Series(name, filled, dtype=pl.Boolean)
    is_dated = all(value.time() == MIDNIGHT for value in filled if isinstance(value, datetime))
    if kinds <= {datetime, Instant}:
        dates = pl.Series(name, filled, dtype=pl.Datetime("us"))
        return dates.cast(pl.Date) if is_dated else dates
    return pl.Series(name, [None if value is None else _text(value, is_dated) for value in filled], dtype=pl.String)


def _is_int64(value: float) -> bool:
    return float(value).is_integer() and -INT64_BOUND <= value < INT64_BOUND


def _fault(cells: Cells, column: int, given: list[tuple[int, Value]], kinds: set[type]) -> str | None:
    """Why a column cannot be taken in: numbers that are no dates, or seconds beside others, told apart by formats alone."""
    no_dates = [place(*cell) for cell in cells.no_dates if cell[1] == column]
    if no_dates:
        return f"{len(no_dates):,} cells that are formatted as dates, with values that are none (the first: {no_dates[0]})"
    odd = (float, int, bool, str, datetime, Instant) if Seconds in kinds else ()
    others = [place(row, column) for row, value in given if type(value) in odd]
    if others:
        return f"times of day or durations beside {len(others):,} cells that are formatted otherwise (the first: {others[0]})"
    return None


def _text(value: Value, is_dated: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if is_dated else value.isoformat(" ").removesuffix("000")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(float(value))
    return str(value)
