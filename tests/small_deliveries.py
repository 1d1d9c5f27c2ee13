"""The small deliveries of tests/cases: files as they lie there, and SAS transport files laid out by hand.

The layout of a transport file of version 5 is that of SAS Institute, "The record layout of a data set in SAS transport (XPORT)
format", TS-140.
"""

import struct
from pathlib import Path
from typing import NamedTuple

CASES = Path(__file__).parent / "cases" / "deliveries"

CARD = 80
NUMERIC, TEXT = 1, 2
DAY = "01JAN24:00:00:00"


class Variable(NamedTuple):
    """A column as a NAMESTR describes it."""

    kind: int
    length: int
    name: str
    label: bytes = b""
    display: str = ""


class DataSet(NamedTuple):
    """A member of a transport file: its columns, and its records as the bytes of their fields."""

    name: str
    variables: tuple[Variable, ...]
    records: bytes


def ibm(value: int) -> bytes:
    """A positive whole number as an IBM mainframe writes a double: sign and exponent of 16, then the fraction."""
    digits = (value.bit_length() + 3) // 4
    return struct.pack(">B", 64 + digits) + (value << (56 - 4 * digits)).to_bytes(7, "big")


def transport_file(*members: DataSet, filler: bytes = b" ") -> bytes:
    """The members in one file; `filler` fills up the last card of each."""
    cards = _header("LIBRARY") + _stamp("SAS     SAS     SASLIB")
    for member in members:
        cards += _header("MEMBER", "0" * 17 + "160" + "0" * 7 + "140") + _header("DSCRPTR")
        cards += _stamp(f"SAS     {member.name:<8}SASDATA")
        cards += _header("NAMESTR", f"{len(member.variables):010}".ljust(30, "0"))
        cards += _whole_cards(_namestrs(member.variables), b" ") + _header("OBS") + _whole_cards(member.records, filler)
    return cards


def _header(kind: str, numbers: str = "0" * 30) -> bytes:
    return f"HEADER RECORD*******{kind:<8}HEADER RECORD!!!!!!!{numbers}".encode("ascii").ljust(CARD)


def _stamp(what: str) -> bytes:
    return f"{what:<24}9.4     LINUX{DAY:>43}{DAY}".encode("ascii").ljust(2 * CARD)


def _namestrs(variables: tuple[Variable, ...]) -> bytes:
    found, position = b"", 0
    for number, variable in enumerate(variables, 1):
        found += struct.pack(">4h", variable.kind, 0, variable.length, number)
        found += variable.name.encode("ascii").ljust(8) + variable.label.ljust(40)
        found += variable.display.encode("ascii").ljust(8) + struct.pack(">4h", 9 if variable.display else 0, 0, 0, 0)
        found += b" " * 8 + struct.pack(">2hi", 0, 0, position) + bytes(52)
        position += variable.length
    return found


def _whole_cards(content: bytes, filler: bytes) -> bytes:
    return content + filler * (-len(content) % CARD)


SEQN, AGE = Variable(NUMERIC, 8, "SEQN"), Variable(NUMERIC, 8, "AGE")
LETTERS = b"".join(ibm(number) + text for number, text in ((1, b"caf\xe9  "), (2, b"na\xeff  ")))

TRANSPORT_FILES = {
    "xpt_blank_last_row.xpt": transport_file(
        DataSet("DEMO", (Variable(TEXT, 3, "A"), Variable(TEXT, 3, "B")), b"x  y  z     " + b" " * 6)
    ),
    # seconds since 1960 that are shown as dates
    "xpt_dtdate.xpt": transport_file(
        DataSet(
            "D",
            (SEQN, Variable(NUMERIC, 8, "VISIT", b"Date of visit", "DTDATE")),
            ibm(1) + ibm(8_036 * 86_400) + ibm(2) + ibm(23_376 * 86_400),
        )
    ),
    "xpt_latin1.xpt": transport_file(
        DataSet("DEMO", (Variable(NUMERIC, 8, "SEQN", b"gr\xf6\xdfe"), Variable(TEXT, 6, "T")), LETTERS)
    ),
    "xpt_latin1_value.xpt": transport_file(DataSet("D", (SEQN, Variable(TEXT, 6, "T")), LETTERS)),
    "xpt_pad_nul.xpt": transport_file(
        DataSet(
            "DEMO",
            (SEQN, Variable(NUMERIC, 8, "X")),
            b"".join(ibm(number) + ibm(value) for number, value in ((1, 44), (2, 45), (3, 46))),
        ),
        filler=b"\0",
    ),
    "xpt_two_members.xpt": transport_file(
        DataSet("DEMO", (SEQN, AGE), b"".join(ibm(number) + ibm(age) for number, age in ((1, 44), (2, 51), (3, 60)))),
        DataSet("DRUG", (SEQN, Variable(TEXT, 7, "DRUG")), ibm(1) + b"aspirin" + ibm(2) + b"none   "),
    ),
}


def names() -> set[str]:
    """The names of all small deliveries."""
    return {path.name for path in CASES.iterdir()} | TRANSPORT_FILES.keys()


def delivery(name: str, folder: Path) -> Path:
    """The file of a small delivery; what is laid out by hand is written into `folder`."""
    if name not in TRANSPORT_FILES:
        return CASES / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(TRANSPORT_FILES[name])
    return path
