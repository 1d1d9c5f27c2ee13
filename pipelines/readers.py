"""Delivered files as frames, by extension. What is in them is judged by contracts; here a file is readable or it is not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import polars as pl

from pipelines.errors import CrampAtlasError

XPT_RECORD_BYTES = 80
XPT_HEADERS = (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!")
"""How a SAS transport file begins (versions 5 and 8)."""

MAX_CSV_RECORD_BYTES = 16 * 2**20


class DeliveryUnreadable(CrampAtlasError):
    """A delivered file cannot be read. The message names the file, what is wrong and what to do, and shows no content."""


def read_delivery(path: Path) -> pl.DataFrame:
    """Read a delivered .xpt, .csv or .parquet file.

    A SAS transport file has Float64 and String columns, a CSV file (UTF-8, comma, header line) has text columns only with
    NULL for empty fields, and a Parquet file has its own types. Raises DeliveryUnreadable where there is no such file, the
    extension is another one, the file is empty or cut, or its content is not what the extension says. A SAS transport file
    that was cut between two of its records cannot be told from a whole one: compare the number of rows with the source's.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise _unreadable(path, f"a file named *{path.suffix}", f"Deliver one of {', '.join(sorted(READERS))}")
    if not path.is_file():
        raise _unreadable(path, "no file", "Deliver it, or correct its name in the source's file")
    if path.stat().st_size == 0:
        raise _unreadable(path, "an empty file", "Fetch or copy it again")
    return reader(path)


def _read_xpt(path: Path) -> pl.DataFrame:
    import pyreadstat

    with path.open("rb") as file:
        start = file.read(XPT_RECORD_BYTES)
    if not start.startswith(XPT_HEADERS):
        kind = "a web page" if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")) else "no SAS transport file"
        raise _unreadable(path, kind, "Fetch it again and look at what the server sends")
    excess = path.stat().st_size % XPT_RECORD_BYTES
    if excess:
        raise _unreadable(
            path, f"a cut SAS transport file (its last record has {excess} of {XPT_RECORD_BYTES} bytes)", "Fetch it again"
        )
    try:
        frame, _ = pyreadstat.read_xport(str(path), output_format="polars")
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, ValueError, OSError) as error:  # the text may hold content
        raise _unreadable(path, f"a damaged SAS transport file ({type(error).__name__})", "Fetch it again") from None
    return frame


def _read_csv(path: Path) -> pl.DataFrame:
    names = _csv_header(path)
    # DuckDB refuses a record with too few fields, where polars fills it up. Positions stand for names, which may repeat.
    columns = {f"column_{position}": "VARCHAR" for position in range(len(names))}
    with duckdb.connect(":memory:") as connection:
        try:
            frame = connection.read_csv(
                str(path),
                header=True,
                auto_detect=False,
                columns=columns,
                delimiter=",",
                quotechar='"',
                escapechar='"',
                strict_mode=True,
                null_padding=False,
                max_line_size=MAX_CSV_RECORD_BYTES,
            ).pl()
        except duckdb.Error as error:
            raise _unreadable(path, _csv_fault(str(error)), "Deliver UTF-8 text with a comma between fields") from None
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        repeats = seen.get(name)
        unique.append(name if repeats is None else f"{name}_duplicated_{repeats}")
        seen[name] = 0 if repeats is None else repeats + 1
    frame.columns = unique
    return frame


def _csv_header(path: Path) -> list[str]:
    with path.open("rb") as file:
        line = file.readline(MAX_CSV_RECORD_BYTES)
    try:
        text = line.decode("utf-8-sig")
        names = next(csv.reader(io.StringIO(text), strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, f"text whose first line cannot be read ({type(error).__name__})", "Deliver it as UTF-8") from None
    if not any(name.strip() for name in names):
        raise _unreadable(path, "text without a header line", "Put the names of the columns into its first line")
    if len(names) == 1 and re.search(r"[;\t|]", names[0]):
        raise _unreadable(path, "text with another separator than a comma", "Deliver it with a comma between fields")
    return names


def _csv_fault(message: str) -> str:
    line = re.search(r"CSV Error on Line: (\d+)", message)
    place = f" in line {int(line[1]):,}" if line else ""
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if counts:
        return f"a CSV file{place} with {counts[2]} fields where the header has {counts[1]}"
    if "unterminated quote" in message:
        return f"a CSV file{place} with a quote that is never closed (was it cut?)"
    if "not utf-8" in message.lower():
        return f"a CSV file{place} that is not UTF-8"
    return f"a CSV file{place} that cannot be read"


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, ValueError, OSError) as error:  # the text may hold content
        raise _unreadable(path, f"a cut or damaged Parquet file ({type(error).__name__})", "Fetch or write it again") from None


def _unreadable(path: Path, found: str, remedy: str) -> DeliveryUnreadable:
    return DeliveryUnreadable(f"{path.name} cannot be read: found {found} at {path.parent}. {remedy}.")


READERS: Mapping[str, Callable[[Path], pl.DataFrame]] = {".csv": _read_csv, ".parquet": _read_parquet, ".xpt": _read_xpt}
