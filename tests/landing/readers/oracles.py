"""What independent readers make of a file: R's haven, pyarrow with checksums, openpyxl, Python's csv. No code of the readers.

Values are None, float, str, bool, or Tag, Day, Instant and Seconds below, so that 7, "7" and a date never equal each other.
"""

import csv
import datetime
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.patience import PATIENCE_SECONDS

EPOCH = datetime.date(1970, 1, 1)
STATISTICAL = {".sav", ".zsav", ".por", ".dta", ".xpt", ".sas7bdat"}
SECONDS_PER_DAY = 86_400
EXACT_IN_DOUBLE = 2**53


class Tag(NamedTuple):
    """An extended missing value of Stata or SAS."""

    letter: str


class Day(NamedTuple):
    """Days since 1970-01-01."""

    days: int


class Instant(NamedTuple):
    """Seconds since 1970-01-01 by the clock that the file shows."""

    seconds: float


class Seconds(NamedTuple):
    """A time of day or a duration."""

    seconds: float


TIMED: dict[str, Callable[[float], object]] = {"instant": Instant, "seconds": Seconds, "number": float, "text": float}


@dataclass(frozen=True)
class Columns:
    """`values`: a list a column, in order. `formats`: how the file shows a column, where it says so."""

    names: list[str]
    values: list[list[Any]]
    formats: dict[str, str] = field(default_factory=dict)


def read_statistical(paths: Iterable[Path]) -> dict[Path, Columns | None]:
    """What haven reads of the data sets, in one process of R; None for what it refuses, too."""
    script = Path(__file__).with_name("read_by_haven.R")
    asked = "".join(f"{path}\n" for path in paths)
    done = subprocess.run(
        ["Rscript", str(script)], input=asked.encode(), capture_output=True, check=True, timeout=PATIENCE_SECONDS
    )
    read: dict[Path, Columns | None] = {}
    current = Columns([], [])
    kind = ""
    for line in done.stdout.decode("utf-8").split("\n")[:-1]:
        if line.startswith("#"):
            what, *said = line.split("\t")
            if what == "#column":
                kind, shown, name = said
                current.names.append(_unescaped(name))
                current.formats[current.names[-1]] = shown
                current.values.append([])
            else:
                current = Columns([], [])
                read[Path(said[0])] = current if what == "#file" else None
        else:
            current.values[-1].append(_of_haven(line, kind))
    return read


def _of_haven(token: str, kind: str) -> object:
    if token == "N":
        return None
    if token.startswith("'"):
        return _unescaped(token[1:])
    if token.startswith(".") and len(token) == 2:
        return Tag(token[1])
    number = float(token)
    return Day(int(number)) if kind == "date" else TIMED[kind](number)


def _unescaped(text: str) -> str:
    parts = text.split("\\\\")
    for escape, character in (("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t")):
        parts = [part.replace(escape, character) for part in parts]
    return "\\".join(parts)


def read_parquet(path: Path) -> Columns:
    """pyarrow's reading, with page checksums verified. Raises what pyarrow raises."""
    table = pq.ParquetFile(path, page_checksum_verification=True).read()
    return Columns(table.column_names, [[of_python(value) for value in column.to_pylist()] for column in _plain(table)])


def _plain(table: pa.Table) -> Iterator[pa.ChunkedArray]:
    """Columns in microseconds, as Python has no finer clock; raises where that would lose something."""
    for column in table.columns:
        yield column.cast(pa.timestamp("us", column.type.tz)) if pa.types.is_timestamp(column.type) else column


def read_workbook(path: Path) -> dict[str, Columns | None]:
    """openpyxl's values of each sheet, below its first line that holds any; None for a sheet that holds none.

    Records and columns without any value are left out.
    """
    with warnings.catch_warnings(action="ignore"):  # of drawings and the like
        book = openpyxl.load_workbook(path, data_only=True, read_only=True)
        read = {}
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # a written dimension may be wrong
            read[sheet.title] = _under_header([row for row in sheet.iter_rows(values_only=True) if _holds(row)])
    book.close()
    return read


def _holds(row: tuple[Any, ...]) -> bool:
    return any(value not in (None, "") for value in row)


def _under_header(rows: list[tuple[Any, ...]]) -> Columns | None:
    if not rows:
        return None
    header, *records = rows
    named = [position for position, name in enumerate(header) if name is not None]
    values = [[of_python(record[place]) if place < len(record) else None for record in records] for place in named]
    return Columns([_as_name(header[position]) for position in named], values)


def _as_name(value: Any) -> str:
    return str(value).strip()


def read_text(path: Path, encoding: str, separator: str) -> Columns:
    """Fields as Python's csv reads them; an empty field is missing. Raises ValueError where a line is short or quotes stray."""
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as file:
        try:
            header, *records = [record for record in csv.reader(file, delimiter=separator, strict=True) if record]
        except csv.Error as error:
            raise ValueError(str(error)) from None
    if any(len(record) != len(header) for record in records):
        raise ValueError("lines of different lengths")
    return Columns(header, [[record[position] or None for record in records] for position in range(len(header))])


def of_python(value: Any) -> Any:
    """A value of Python's types, as of a frame, in the words of this module."""
    match value:
        case datetime.datetime():
            return Instant(_seconds(value.replace(tzinfo=None) - datetime.datetime(1970, 1, 1)))
        case datetime.date():
            return Day((value - EPOCH).days)
        case datetime.timedelta():
            return Seconds(_seconds(value))
        case datetime.time():
            return Seconds(value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6)
        case bool() | None:
            return value
        case int() | Decimal() if -EXACT_IN_DOUBLE <= value <= EXACT_IN_DOUBLE:
            return float(value)
        case _:
            return value


def _seconds(span: datetime.timedelta) -> float:
    return span.days * SECONDS_PER_DAY + span.seconds + span.microseconds / 1e6
