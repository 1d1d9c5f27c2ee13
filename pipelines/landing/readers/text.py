"""Text files of separated fields: every field stays text, NULL where it is empty. Numbers and dates are read by `conform`."""

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.landing.readers.delivered import Delivered, Refused, RefusedHere, unique_names
from pipelines.landing.readers.headings import (
    check_first_lines,
    check_label_lines,
    check_names,
    check_record_ends,
    fault_of_line,
    remedy_for_counts,
)
from pipelines.landing.readers.limits import Limits, in_bytes
from pipelines.landing.readers.names import COMPOSED
from pipelines.landing.readers.pieces import Pieces, rows_of_a_piece
from pipelines.landing.readers.sniffing import OTHER_SEPARATORS, byte_order_mark, sniff_text
from pipelines.project.form import Form

CHUNK_BYTES = 2**20
LINE_END_BYTES = 2
BUFFER_BYTES = 2**24
"""What DuckDB reads at once; by default sixteen of the longest lines that are allowed."""

HEADER_REMEDY = "Put the names of the columns into its first line"

AS_DECLARED = "Deliver it as it is declared, or declare its encoding and separator in the source's file"

NOT_WITHIN_A_LINE = "Look for a quote that is never closed, or raise CRAMP_ATLAS_READER_LINE_LIMIT"

END_OF_DOS = b"\x1a"
"""What programs of old write after the last line (Ctrl+Z), and others end that line."""

ESCAPES = (b"\x1b$", b"\x1b(")
"""How text of ISO 2022 changes its letters: bytes of ASCII that are none."""


def read_text(path: Path, form: Form, limits: Limits, folder: Path) -> Pieces:
    """Read separated text of the declared encoding and separator; raises Refused with what the file looks like instead."""
    separator = form.separator_of(path.suffix.lower())
    text = _as_utf8(path, form, folder)
    bytes_of_a_line = _check_lines(text, path, form, limits)
    names = _header(text, path, form, separator, limits)
    check_names(names, separator)
    head: list[pl.DataFrame] = []
    rows = rows_of_a_piece(len(names), bytes_of_a_line)

    def frames() -> Iterator[pl.DataFrame]:
        try:
            for frame in _records(text, len(names), rows, separator, form, limits, folder):
                if codecs.lookup(form.encoding).name in COMPOSED:
                    frame = frame.with_columns(pl.all().str.normalize("NFC"))
                if form.missing:
                    frame = frame.with_columns(values.set(values == "", None) for values in frame)
                frame.columns = unique_names(names)
                head[:] = [pl.concat([*head, frame.head(2)]).head(2)]
                yield frame
        except duckdb.OutOfMemoryException:
            raise MemoryError from None
        except duckdb.Error as error:
            raise _fault(str(error), path, text, form, limits) from None

    def told() -> Delivered:
        check_label_lines(head[0])
        return Delivered(head[0].clear())

    return Pieces(frames(), told)


def _records(
    text: Path, n_columns: int, rows: int, separator: str, form: Form, limits: Limits, folder: Path
) -> Iterator[pl.DataFrame]:
    """The records as DuckDB reads them, so many at once."""
    # DuckDB refuses a record with too few fields, where polars fills it up. Positions stand for names, which may repeat.
    columns = {f"column_{position}": "VARCHAR" for position in range(n_columns)}
    with duckdb.connect(":memory:", config={"temp_directory": str(folder)}) as connection:
        reader = connection.read_csv(
            str(text),
            header=True,
            auto_detect=False,
            columns=columns,
            delimiter=separator,
            quotechar='"',
            escapechar='"',
            strict_mode=True,
            null_padding=False,
            max_line_size=limits.line + LINE_END_BYTES,
            buffer_size=max(limits.line + LINE_END_BYTES, BUFFER_BYTES),
            **_marks(form),
        ).to_arrow_reader(rows)
        yield pl.DataFrame(reader.schema.empty_table()).cast(pl.String)
        while (batch := _next(reader)) is not None:
            yield pl.DataFrame(pa.Table.from_batches([batch]))


def _next(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    """The next records, None after the last; raises DuckDB's error, which Arrow hands on as one of the system."""
    try:
        return next(reader, None)
    except OSError as error:
        said = str(error)
    kinds = {"Out of Memory Error": duckdb.OutOfMemoryException, "IO Error": duckdb.IOException}
    raise next((kind for words, kind in kinds.items() if said.startswith(words)), duckdb.InvalidInputException)(said)


def _marks(form: Form) -> dict[str, Any]:
    """Cells without quotes that read as a declared mark are NULL, as R writes them; with quotes they are text."""
    return {"na_values": ["", *form.missing], "allow_quoted_nulls": False} if form.missing else {}


def _as_utf8(path: Path, form: Form, folder: Path) -> Path:
    """The file itself, or what it says as UTF-8 in `folder`. A byte order mark is proof and goes before the declaration."""
    encoding = byte_order_mark(path) or form.encoding
    if Form(encoding=encoding).is_utf8 or encoding == "utf-8-sig":
        return path
    decoded = folder / "decoded.txt"
    n_lines = 1
    try:
        with path.open(encoding=encoding, errors="strict", newline="") as source, decoded.open("wb") as target:
            while chunk := source.read(CHUNK_BYTES):
                target.write(chunk.encode())
                n_lines += chunk.count("\n")
    except UnicodeError:
        raise _misfit(f"text that is not {encoding} (after line {n_lines:,})", path, form) from None
    return decoded


def _check_lines(text: Path, delivered: Path, form: Form, limits: Limits) -> float:
    """No NUL, one kind of line end, and no more bytes before a line feed than the limit: found by passes that hold one chunk.

    Returns how many bytes a line has on average.
    """
    line, length = 1, 0
    kinds: set[bytes] = set()
    last = b""
    for chunk in _chunks(text, limits):
        last = chunk.rstrip(b"\r\n")[-1:] or last
        if any(escape in chunk for escape in ESCAPES):
            raise _misfit("text with escape sequences, as encodings such as iso2022_jp have", delivered, form)
        if b"\0" in chunk:
            place = line + chunk[: chunk.index(0)].count(b"\n")
            raise _misfit(f"text with NUL characters in line {place:,}", delivered, form)
        first = chunk.find(b"\n")
        length += len(chunk) if first < 0 else first
        if length > limits.line:
            raise RefusedHere(
                f"text with more than {in_bytes(limits.line)} in line {line:,}",
                NOT_WITHIN_A_LINE,
            )
        if first >= 0:
            line += chunk.count(b"\n")
            length = len(chunk) - chunk.rfind(b"\n") - 1
        kinds |= _line_ends(chunk)
    if last == END_OF_DOS:
        raise Refused("text that ends with the end mark of DOS (Ctrl+Z), which is no record", "Remove it")
    if len(kinds) > 1 and len(_line_ends_of_records(text, limits)) > 1:
        raise Refused("text with mixed line ends", "Deliver one kind of line end; inside quotes any may stand")
    return text.stat().st_size / line


def _chunks(text: Path, limits: Limits) -> Iterator[bytes]:
    """The text in pieces without room for too long a line between two line feeds; none ends between CR and LF."""
    with text.open("rb") as file:
        while chunk := file.read(min(CHUNK_BYTES, limits.line)):
            yield chunk + file.read(1) if chunk.endswith(b"\r") else chunk


def _line_ends(text: bytes) -> set[bytes]:
    pairs = text.count(b"\r\n")
    counts = {b"\r\n": pairs, b"\n": text.count(b"\n") - pairs, b"\r": text.count(b"\r") - pairs}
    return {kind for kind, count in counts.items() if count}


def _line_ends_of_records(text: Path, limits: Limits) -> set[bytes]:
    """The line ends outside quotes."""
    kinds: set[bytes] = set()
    n_quotes = 0
    for chunk in _chunks(text, limits):
        outside = chunk.split(b'"')[n_quotes % 2 :: 2]
        kinds |= _line_ends(b"-".join(outside))
        n_quotes += chunk.count(b'"')
    return kinds


def _header(text: Path, delivered: Path, form: Form, separator: str, limits: Limits) -> list[str]:
    """The names, which may have line breaks within quotes."""
    check_first_lines(_first_lines(text, limits), separator)
    csv.field_size_limit(limits.line + LINE_END_BYTES)
    try:
        with text.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            records = csv.reader(file, strict=True, delimiter=separator)
            names = next(records, [])
            first_line = records.line_num + 1
            if _may_end_with(separator, text, limits):
                check_record_ends(_until_fault(records), len(names), separator, first_line)
    except csv.Error:
        raise _misfit("a first line whose quotes do not match", delivered, form) from None
    if any(not _is_utf8(name) for name in names):
        raise _misfit("a first line that is not UTF-8", delivered, form)
    if not any(name.strip() for name in names):
        raise Refused("text without a header line: its first line is blank", HEADER_REMEDY)
    if len(names) == 1 and re.search(OTHER_SEPARATORS.format(separator=re.escape(separator)), names[0]):
        raise _misfit("text with another separator than declared", delivered, form)
    return names


def _may_end_with(separator: str, text: Path, limits: Limits) -> bool:
    """Whether any line ends with a separator and nothing, or an empty pair of quotes: DuckDB takes one too many in silence."""
    ending = re.compile(rf'{re.escape(separator)}(?:"")?(?:[\r\n]|\Z)'.encode())
    before = b""
    for chunk in _chunks(text, limits):
        if ending.search(before + chunk):
            return True
        before = chunk[-len(separator.encode()) - 2 :]
    return False


def _until_fault(records: Iterator[list[str]]) -> Iterator[list[str]]:
    """The records before the first whose quotes do not match, which DuckDB will tell."""
    try:
        yield from records
    except csv.Error:
        return


def _first_lines(text: Path, limits: Limits) -> list[str]:
    """The first two lines, whatever their end."""
    with text.open("rb") as file:
        start = file.readline(limits.line + LINE_END_BYTES) + file.readline(limits.line + LINE_END_BYTES)
    return start.decode("utf-8-sig", errors="replace").splitlines()[:2]


def _is_utf8(name: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in name)


def _fault(message: str, path: Path, text: Path, form: Form, limits: Limits) -> Refused:
    """What DuckDB says about a record, without the record."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    place = f" in line {int(line[1]):,}" if line else ""
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if counts:
        separator = form.separator_of(path.suffix.lower())
        known = line and fault_of_line(_line(text, int(line[1])), separator, int(counts[1]), int(counts[2]))
        if known:
            return Refused(f"text{place} {known[0]}", known[1])
        found = f"text{place} with {counts[2]} fields where the header has {counts[1]}"
        return _misfit(found, path, form, remedy_for_counts(int(counts[1]), int(counts[2]), separator))
    if "not utf-8" in message.lower():
        return _misfit(f"text{place} that is not UTF-8", path, form)
    if "unterminated quote" in message:
        return Refused(f"text{place} with a quote that is never closed (was it cut?)", "Double the quotes inside fields")
    if "maximum line size" in message.lower():
        return RefusedHere(f"a record{place} with more than {in_bytes(limits.line)}", NOT_WITHIN_A_LINE)
    if "invalid state" in message:
        return Refused("text with characters behind a closing quote", "Double the quotes inside fields")
    return _misfit(f"text{place} that is not separated as declared", path, form)


def _line(text: Path, number: int) -> str:
    with text.open("rb") as file:
        found = next(islice(file, number - 1, None), b"")
    return found.decode(errors="replace").rstrip("\r\n")


def _reads_alike(one: Form, other: Form, suffix: str) -> bool:
    """Whether two forms read the bytes of a text file alike, whatever they say of its cells."""
    return one.separator_of(suffix) == other.separator_of(suffix) and codecs.lookup(one.encoding) == codecs.lookup(other.encoding)


def _misfit(found: str, path: Path, form: Form, remedy: str = AS_DECLARED) -> Refused:
    """What is wrong, and the form that would fit, where one would, or else the remedy."""
    likely = sniff_text(path)
    if likely is None or _reads_alike(likely, form, path.suffix.lower()):
        return Refused(found, remedy)
    if likely == Form():
        return Refused(found, "It looks like UTF-8 with the usual separator: if that is right, take `form` out")
    return Refused(
        found, f"It looks like text of another form: declare `{likely.declaration()}` in the source's file if that is right"
    )
