"""What a text file looks like. For a person who describes a delivery and for messages: no delivery is read by it."""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from pipelines.project.form import SEPARATORS, Form

SNIFFED_BYTES = 2**18
SNIFFED_LINES = 200
CANDIDATES = (",", ";", "\t", "|")
OTHER_SEPARATORS = "(?!{separator})[,;\t|]"

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

COMMA_NUMBER = re.compile(r"[+-]?[0-9]*,[0-9]+")
POINT_NUMBER = re.compile(r"[+-]?[0-9]+\.[0-9]+")


def byte_order_mark(path: Path) -> str | None:
    """The encoding that the file itself names in its first bytes."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((encoding for mark, encoding in BYTE_ORDER_MARKS if start.startswith(mark)), None)


def sniff_text(path: Path, told: str | None = None) -> Form | None:
    """The form that the beginning of a text file fits, in an encoding that somebody told or in the likeliest.

    None where it looks like no text of separated fields.
    """
    with path.open("rb") as file:
        start = file.read(SNIFFED_BYTES)
    marked = byte_order_mark(path)
    encoding = marked or told or _encoding(start)
    if encoding is None:
        return None
    text = codecs.getincrementaldecoder(encoding)(errors="ignore").decode(start)
    if "\0" in text:
        return None
    lines = text.splitlines()[:SNIFFED_LINES]
    separator = max(CANDIDATES, key=lambda candidate: _share_alike(lines, candidate))
    if _share_alike(lines, separator) == 0:
        separator = SEPARATORS[path.suffix.lower()]
    fields = [field.strip() for record in _records(lines, separator)[1:] for field in record]
    has_commas = any(COMMA_NUMBER.fullmatch(field) for field in fields)
    has_points = any(POINT_NUMBER.fullmatch(field) for field in fields)
    return Form(
        encoding="utf-8" if marked or encoding == "utf-8" else encoding,  # a byte order mark needs no declaration
        separator=None if separator == SEPARATORS[path.suffix.lower()] else separator,
        decimal="," if has_commas and not has_points else ".",
    )


def _encoding(start: bytes) -> str | None:
    if b"\0" in start:
        return next(
            (name for name, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])) if _mostly_zero(zeros)), None
        )
    for encoding in ("utf-8", "cp1252"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(start)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def _mostly_zero(half: bytes) -> bool:
    return half.count(0) > 0.5 * len(half)


def _share_alike(lines: Sequence[str], separator: str) -> float:
    """How many records have as many fields as the header, in favour of more fields; 0 where the header has one."""
    records = _records(lines, separator)
    width = len(records[0]) if records else 0
    if width < 2:
        return 0
    return sum(len(record) == width for record in records) / len(records) + width / 10_000


def _records(lines: Sequence[str], separator: str) -> list[list[str]]:
    """The records up to the first whose quotes do not fit the separator."""
    records = []
    try:
        for record in csv.reader(io.StringIO("\n".join(lines)), delimiter=separator, strict=True):
            records.append(record)
    except csv.Error:
        pass
    return records
