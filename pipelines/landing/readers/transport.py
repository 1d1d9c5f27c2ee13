"""SAS transport files (.xpt), of version 5 and 8: which data set, how many records, what they hold.

The format says how long a record is and never how many there are: records of 80 bytes are filled up with blanks. Source: SAS
technical notes TS-140 and TS-140-2, Record Layout of a SAS Data Set in SAS Transport (XPORT) Format.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.landing.readers.delivered import Delivered, Refused, shown
from pipelines.landing.readers.readstat import read_data_set
from pipelines.landing.readers.statistical import delivered_by
from pipelines.project.form import Form

CARD = 80
"""Bytes of a transport record."""

HEADER = b"HEADER RECORD*******%-8bHEADER RECORD!!!!!!!"
LIBRARIES = (HEADER % b"LIBRARY ", HEADER % b"LIBV8")
MEMBERS = (HEADER % b"MEMBER", HEADER % b"MEMBV8")
DESCRIPTORS = (HEADER % b"NAMESTR", HEADER % b"NAMSTV8")
OBSERVATIONS = (HEADER % b"OBS", HEADER % b"OBSV8")
COUNT = slice(48, 63)
"""Where version 8 says how many observations there are; many writers leave it at zero."""

DESCRIPTOR_SIZE = slice(74, 78)
"""In the header of a member: how long the description of a variable is (140, or 136 from VAX/VMS)."""

N_VARIABLES = slice(54, 58)
MEMBER_NAMES = (slice(8, 16), slice(8, 40))
"""Where a data set says what it is called, in version 5 and in version 8."""

ANY_MEMBER = b"HEADER RECORD*******MEMB"
BLANK_NUMBERS = tuple(int.from_bytes(b" " * n) / 256.0**n * 16.0 ** (0x20 - 64) for n in range(1, 8))
"""What numbers of two to eight bytes would be if all of them were blanks: sign and exponent of 16, then the fraction."""

CHUNK = 2**16
NUMBER = 1
"""The type of a variable that is a number; 2 is text."""

NAME_ONE = "Say which one in its form: `form: {member: NAME}`"
UNPACK = f"Unpack it and deliver the .xpt itself. {NAME_ONE}"
ROWS = "Declare `rows` for it in the source's file, the number of records that its provider states"


@dataclass(frozen=True)
class _Member:
    """One data set of the file: what it is called, and where in the file it, its records, and what comes after it begin."""

    name: str
    at: int
    data_at: int
    end: int
    record_bytes: int
    is_text_only: bool
    n_stated: int | None


@dataclass(frozen=True)
class _Records:
    """How many records to read, how many blank ones follow them, and how many more blank ones there may be."""

    n: int
    n_blank: int = 0
    n_undecided: int = 0


def read_transport(path: Path, form: Form, folder: Path, n_records: int | None = None, is_packed: bool = False) -> Delivered:
    """Float64, String and date columns of the one data set, or of the `member` that the form names.

    A file that was cut between two of its records cannot be told from a whole one: compare the number of rows with the source's
    (`n_records`). Special missing values are kept as codes, as `statistical` says. `folder` may be written to. Where the file
    `is_packed`, its form names the member of the archive, and none of several data sets can be named.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        member, is_alone = _member(content, form.member, UNPACK if is_packed else NAME_ONE)
        if not member.record_bytes:
            raise Refused("a SAS transport file whose data set has no columns", "Ask for the data set itself")
        records = _count(content, member, n_records)
        source = path if is_alone else folder / "member.xpt"
        if not is_alone:
            source.write_bytes(content[: 3 * CARD] + content[member.at : member.end])
    data = read_data_set(
        "a SAS transport file", _read_xport, str(source), form, named=None, user_missing=True, row_limit=records.n
    )
    frame = data.frame.head(records.n)
    if frame.height < records.n:
        raise Refused(f"a cut SAS transport file ({frame.height:,} of {records.n:,} records)", "Fetch it again")
    _check_numbers(frame)
    if records.n_blank:
        frame = pl.concat([frame, frame.clear(records.n_blank)])
    return replace(delivered_by(replace(data, frame=frame), "SAS", {}), notes=_notes(records))


def _check_numbers(frame: pl.DataFrame) -> None:
    """Raises Refused where a number is blank, which SAS never writes: then text stands where records should be."""
    n_blank = sum(int(values.is_in(BLANK_NUMBERS).sum()) for values in frame.select(pl.col(pl.Float64)))
    if n_blank:
        raise Refused(
            f"a SAS transport file with {n_blank:,} numbers of blanks: something else stands behind its records, or among them",
            "Ask for it again, with the data alone",
        )


def _notes(records: _Records) -> list[str]:
    if not records.n_undecided:
        return []
    return [
        f"the file holds {records.n:,} records, or up to {records.n_undecided:,} blank ones more, which nothing tells from the "
        "blanks that fill it up: declare `rows` in the source's file, the number of records that its provider states"
    ]


def _read_xport(path: str, **options: Any) -> Any:
    """`pyreadstat.read_xport` with `user_missing`, which the function itself does not take, but the parser behind it does."""
    from pyreadstat.pyreadstat import parser_entry_point  # type: ignore[attr-defined]

    return parser_entry_point(path, "xport", **options)


def _member(content: mmap.mmap, wanted: str | None, remedy: str) -> tuple[_Member, bool]:
    """The data set to read, and whether it is the only one."""
    if content[: len(LIBRARIES[0])] not in LIBRARIES:
        raise Refused("no SAS transport file", "Fetch it again and look at what the server sends")
    excess = len(content) % CARD
    if excess:
        raise Refused(
            f"a cut or altered SAS transport file (its last record has {excess} of {CARD} bytes)",
            "Fetch it again, as a binary file: a transfer as text adds or drops bytes",
        )
    places = list(_places_of_members(content))
    if not places:
        raise Refused("a cut SAS transport file (no data set in it)", "Fetch it again")
    members = [_described(content, at, end) for at, end in pairwise([*places, len(content)])]
    names = ", ".join(shown(member.name) for member in members)
    if wanted is None and len(members) > 1:
        raise Refused(f"a SAS transport file of {len(members)} data sets ({names})", remedy)
    found = [member for member in members if wanted is None or member.name.upper() == wanted.upper()]
    if not found:
        raise Refused(f"no data set of the name in its form; there are {names}", "Correct `member` in its form")
    if len(found) > 1:
        raise Refused("two data sets of the name in its form", "Ask for a file with one of them")
    return found[0], len(members) == 1


def _places_of_members(content: mmap.mmap) -> Iterator[int]:
    """Where the headers of data sets stand: at the beginning of a transport record."""
    at = content.find(ANY_MEMBER)
    while at >= 0:
        if at % CARD == 0 and content[at : at + len(MEMBERS[0])] in MEMBERS:
            yield at
        at = content.find(ANY_MEMBER, at + 1)


def _described(content: mmap.mmap, at: int, end: int) -> _Member:
    try:
        return _parsed(content, at, end)
    except (ValueError, StopIteration):
        raise Refused("a cut or damaged SAS transport file (its header)", "Fetch it again") from None


def _parsed(content: mmap.mmap, start: int, end: int) -> _Member:
    """A member by its headers: two of it, two with its names, one of the descriptors, those, and one of the observations."""

    def card(at: int) -> bytes:
        return content[at : at + CARD]

    size = int(card(start)[DESCRIPTOR_SIZE])
    names = card(start + 2 * CARD)
    descriptors = start + 4 * CARD
    if not card(descriptors).startswith(DESCRIPTORS):
        raise ValueError
    n_variables = int(card(descriptors)[N_VARIABLES])
    first = descriptors + CARD
    described = [content[first + number * size : first + (number + 1) * size] for number in range(n_variables)]
    after = first + -(-n_variables * size // CARD) * CARD
    observations = next(at for at in range(after, end, CARD) if card(at).startswith(OBSERVATIONS))
    stated = card(observations)[COUNT].strip()
    is_of_version_8 = card(start).startswith(MEMBERS[1])
    return _Member(
        name=names[MEMBER_NAMES[is_of_version_8]].decode("latin-1").strip(),
        at=start,
        data_at=observations + CARD,
        end=end,
        record_bytes=sum(int.from_bytes(text[4:6]) for text in described),
        is_text_only=all(int.from_bytes(text[0:2]) != NUMBER for text in described),
        n_stated=int(stated) if is_of_version_8 and stated.isdigit() and int(stated) > 0 else None,
    )


def _used(content: mmap.mmap, start: int, end: int, padding: bytes) -> int:
    """How many bytes there are from `start` without the padding before `end`."""
    while end > start:
        begin = max(start, end - CHUNK)
        rest = content[begin:end].rstrip(padding)
        if rest:
            return begin + len(rest) - start
        end = begin
    return 0


def _count(content: mmap.mmap, member: _Member, n_records: int | None) -> _Records:
    """How many records there are; raises Refused where what follows the last one may be records or padding."""
    n_bytes, size = member.end - member.data_at, member.record_bytes
    n_used = _used(content, member.data_at, member.end, b" ")
    n_most, n_filled = n_bytes // size, -(-n_used // size)
    n_certain = -(-_used(content, member.data_at, member.end, b" \0") // size)
    expected = n_records if n_records is not None else member.n_stated
    if expected is not None and n_certain <= expected <= n_most:
        return _Records(min(expected, n_filled), max(0, expected - n_filled))
    if n_records is None and expected is not None:
        raise Refused(
            f"a SAS transport file that states {expected:,} records and holds {n_certain:,} to {n_most:,}: cut, or padded",
            "Fetch it again",
        )
    if n_filled > n_most:
        raise Refused("a SAS transport file with bytes after its last whole record: cut, or padded", "Fetch it again")
    if n_certain < n_filled and n_used == n_bytes:
        raise Refused(
            f"a SAS transport file whose last {n_filled - n_certain:,} records hold NUL bytes only and end with the file: "
            "padding, or records of zeros",
            ROWS,
        )
    n_undecided = n_most - n_filled if member.is_text_only else 0
    if n_undecided and n_bytes - n_filled * size >= CARD:
        raise Refused(
            f"a SAS transport file with more blanks after its last record than fill it up: padding, or up to {n_undecided:,} "
            "blank records",
            ROWS,
        )
    return _Records(n_filled, n_undecided=n_undecided)
