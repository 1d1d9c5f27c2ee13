"""Long texts of Stata files (strL), which stand apart from the records and are referred to from there.

Layout: Stata's description of the formats 117 to 119 (`help dta`), sections 5.2 (map), 5.9 (data) and 5.10 (strls).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np

HEADER = re.compile(rb"<stata_dta><header><release>(11[789])</release><byteorder>(LSF|MSF)</byteorder><K>")
HEADER_BYTES = 1024

MAP, TYPES = b"<map>", b"<variable_types>"
DATA, TEXTS = b"<data>", b"<strls>"
AT_TYPES, AT_DATA, AT_TEXTS = 2, 9, 10
"""Positions in the map of where sections begin."""

LONG_TEXT = 32_768
WIDTHS = {LONG_TEXT: 8, 65_526: 8, 65_527: 4, 65_528: 4, 65_529: 2, 65_530: 1}
"""Type -> bytes of a value; types below are texts of so many bytes."""

TEXT_MARK = b"GSO"


@dataclass(frozen=True)
class _Version:
    """Bytes of the numbers of variables, of records, of a variable in a reference, and of a record at a text."""

    n_variables: int
    n_records: int
    variable: int
    record: int


VERSIONS: Mapping[bytes, _Version] = {
    b"117": _Version(2, 4, 4, 4),
    b"118": _Version(2, 8, 2, 8),
    b"119": _Version(4, 8, 3, 8),
}


def lost_texts(path: Path) -> dict[int, int]:
    """Position of each column of long texts -> how many of its records refer to a text that the file does not hold.

    Readers show such a text as an empty one. Raises ValueError where the file is not laid out as its version says.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        found = HEADER.match(header)
        if not found:
            return {}
        version = VERSIONS[found[1]]
        order: Literal["little", "big"] = "little" if found[2] == b"LSF" else "big"
        n_variables = int.from_bytes(header[found.end() : found.end() + version.n_variables], order)
        at = found.end() + version.n_variables + len(b"</K><N>")
        n_records = int.from_bytes(header[at : at + version.n_records], order)
        sections = _map(file, header, order)
        types = np.frombuffer(_section(file, sections[AT_TYPES], TYPES, 2 * n_variables), "<u2" if order == "little" else ">u2")
        if LONG_TEXT not in types:
            return {}
        held = np.array(sorted({0, *_references(file, sections[AT_TEXTS], version, order)}), dtype=np.uint64)
    ends = np.cumsum([WIDTHS.get(int(kind), int(kind)) for kind in types])
    if n_records == 0:
        return {}
    records = np.memmap(path, np.uint8, "r", sections[AT_DATA] + len(DATA), (n_records, int(ends[-1])))
    lost = {}
    for position in np.flatnonzero(types == LONG_TEXT):
        column = np.ascontiguousarray(records[:, ends[position] - WIDTHS[LONG_TEXT] : ends[position]])
        references = column.view("<u8" if order == "little" else ">u8").ravel()
        lost[int(position)] = int(np.count_nonzero(~np.isin(references, held)))
    return {position: n for position, n in lost.items() if n}


def _map(file: IO[bytes], header: bytes, order: Literal["little", "big"]) -> list[int]:
    start = header.find(MAP)
    if start < 0:
        raise ValueError("no map")
    content = _section(file, start, MAP, 8 * (AT_TEXTS + 1))
    return [int.from_bytes(content[at : at + 8], order) for at in range(0, len(content), 8)]


def _section(file: IO[bytes], start: int, tag: bytes, n_bytes: int) -> bytes:
    file.seek(start)
    content = file.read(len(tag) + n_bytes)
    if not content.startswith(tag) or len(content) < len(tag) + n_bytes:
        raise ValueError("no such section")
    return content[len(tag) :]


def _references(file: IO[bytes], start: int, version: _Version, order: Literal["little", "big"]) -> Iterator[int]:
    """Of each text that the file holds, the number by which a record refers to it."""
    _section(file, start, TEXTS, 0)
    head = len(TEXT_MARK) + 4 + version.record + 1 + 4
    in_record = 8 - version.variable
    while (content := file.read(head)).startswith(TEXT_MARK):
        if len(content) < head:
            raise ValueError("a cut text")
        variable = int.from_bytes(content[3:7], order)
        record = int.from_bytes(content[7 : 7 + version.record], order)
        yield variable | record << 8 * version.variable if order == "little" else variable << 8 * in_record | record
        file.seek(int.from_bytes(content[-4:], order), 1)
