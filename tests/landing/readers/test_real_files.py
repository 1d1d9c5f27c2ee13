"""What packages ship is read as an independent reader reads it, value by value, or refused in words that help.

The files are found when the test runs (`real_files.FOLDERS`); none is part of the project.
"""

import datetime
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.landing.readers.delivered import Delivered, DeliveryUnreadable
from pipelines.landing.readers.reading import read_delivery, sniff
from pipelines.machine.settings import Settings
from pipelines.project.form import Form
from tests.cannot_run import cannot_run
from tests.landing.readers import oracles
from tests.landing.readers.oracles import Columns, Day, Instant, Seconds, Tag
from tests.landing.readers.real_files import SUFFIXES, real_files

MIN_FILES = 60
TO_INSTALL = "r-cran-haven, r-cran-readxl, r-cran-openxlsx, r-cran-readstata13, r-cran-mitools and pspp of Debian"
IDL = "scipy/io/tests/data"
"""These .sav are of another program, IDL."""

REFUSED_ON_PURPOSE = {
    "cells with formulas": "a saved result may be stale",
    "cells with errors": "an error is no value",
    "merged cells": "the cells under a merged one are empty",
    "a column of values without a name": "a column is known by its name",
    "not UTF-8": "an encoding is declared, not guessed",
    "mixed line ends": "which of them ends a record is not decidable",
    "declare `form: ": "the file is of the form that the message names, and is read so below",
}
"""What a message says of a file that the independent reader reads -> why it is refused all the same."""

WEEKS = 52
PERIODS = {"%tw": WEEKS, "%tm": 12, "%tq": 4, "%th": 2}
"""Stata's format -> periods of a year."""

SECONDS_INSERTED_BEFORE = [
    *(f"{year}-07-01" for year in (1972, 1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015)),
    *(f"{year}-01-01" for year in (*range(1973, 1981), 1988, 1990, 1991, 1996, 1999, 2006, 2009, 2017)),
]
"""IERS Bulletin C."""

SENTENCE = re.compile(r"^\S.* cannot be read: found .+\. .+\.$", re.DOTALL)
DUPLICATED = re.compile(r"_duplicated_\d+$")


@pytest.fixture(scope="module")
def files() -> list[Path]:
    return of_kind(real_files(), {*SUFFIXES}, MIN_FILES)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(project=tmp_path_factory.mktemp("real"))


def of_kind(files: list[Path], suffixes: set[str], at_least: int) -> list[Path]:
    """The files of these suffixes that are what their name says."""
    found = [path for path in files if path.suffix.lower() in suffixes and not is_of_idl(path)]
    if len(found) < at_least:
        kinds = ", ".join(sorted(suffixes))
        cannot_run(f"{len(found)} files ({kinds}) of installed packages found where {at_least} are needed: install {TO_INSTALL}")
    return found


def is_of_idl(path: Path) -> bool:
    return path.suffix == ".sav" and IDL in path.as_posix()


def test_spss_stata_and_sas_as_haven_reads_them(files: list[Path], settings: Settings) -> None:
    wanted = of_kind(files, oracles.STATISTICAL, 20)
    if not shutil.which("Rscript"):
        cannot_run(f"Rscript is not installed: install {TO_INSTALL}")
    right = oracles.read_statistical(wanted)
    assert not [fault for path in wanted for fault in faults(path, Form(), right[path], settings)]


def test_workbooks_as_openpyxl_reads_them(files: list[Path], settings: Settings) -> None:
    books = {path: oracles.read_workbook(path) for path in of_kind(files, {".xlsx"}, 10)}
    read = [(path, sheet, right) for path, sheets in books.items() for sheet, right in sheets.items() if right]
    assert not [fault for path, sheet, right in read for fault in faults(path, Form(sheet=sheet), right, settings)]


def test_parquet_as_pyarrow_reads_it(files: list[Path], settings: Settings) -> None:
    wanted = of_kind(files, {".parquet"}, 5)
    assert not [fault for path in wanted for fault in faults(path, Form(), oracles.read_parquet(path), settings)]


def test_separated_text_as_csv_reads_it(files: list[Path], settings: Settings) -> None:
    wanted = of_kind(files, {".csv", ".tsv"}, 20)
    assert not [fault for path in wanted for fault in faults_of_text(path, settings)]


def test_an_idl_file_is_called_one(settings: Settings) -> None:
    messages = [answer(path, Form(), settings) for path in real_files() if is_of_idl(path)]
    assert messages
    assert not [message for message in messages if not isinstance(message, str) or "IDL" not in message]


@pytest.mark.parametrize(
    ("read", "right"), [("1", "1.0"), (1.0, 2.0), (None, ""), (datetime.date(1970, 1, 2), Day(2)), ("07", "7"), ("x", Tag("x"))]
)
def test_a_value_that_is_another_is_found(read: Any, right: Any) -> None:
    ours = Delivered(pl.DataFrame({"same": ["a"], "other": [read]}))
    assert len(list(differences(ours, Columns(["same", "other"], [["a"], [right]])))) == 1


def faults_of_text(path: Path, settings: Settings) -> Iterator[str]:
    """As delivered, and, where that is refused, of the form that the file looks like."""
    plain = Form()
    yield from faults(path, plain, text_of(path, plain), settings)
    if isinstance(answer(path, plain, settings), Delivered):
        return
    try:
        form = sniff(path, None, settings)
    except DeliveryUnreadable:
        return
    if form != plain:
        yield from faults(path, form, text_of(path, form), settings)


def text_of(path: Path, form: Form) -> Columns | None:
    try:
        return oracles.read_text(path, form.encoding, form.separator_of(path.suffix.lower()))
    except (ValueError, UnicodeDecodeError):
        return None


def faults(path: Path, form: Form, right: Columns | None, settings: Settings) -> Iterator[str]:
    """What is wrong with how a file is read: `right` is the independent reading, None where that reader refuses it."""
    ours = answer(path, form, settings)
    where = f"{path}{f' [{form.sheet}]' if form.sheet else ''}"
    if isinstance(ours, str):
        is_on_purpose = any(part in ours for part in REFUSED_ON_PURPOSE)
        if not SENTENCE.match(ours) or (right is not None and not is_on_purpose):
            yield f"{where}: {ours}"
    elif right is None:
        yield f"{where}: read, though the independent reader refuses it"
    else:
        yield from (f"{where}: {fault}" for fault in differences(ours, right))


def answer(path: Path, form: Form, settings: Settings) -> Delivered | str:
    try:
        return read_delivery(path, form, settings)
    except DeliveryUnreadable as error:
        return str(error)


def as_shown(value: Any, shown: str | None) -> Any:
    """What a number of haven stands for by the format that Stata shows it in, where haven leaves that to others.

    Stata Data Management Reference, Datetime: periods count from 1960, and %tC counts inserted seconds.
    """
    period = PERIODS.get((shown or "")[:3])
    if period and isinstance(value, float):
        year, part = divmod(int(value), period)
        first = datetime.date(1960 + year, 1, 1)
        month = first.replace(month=1 + part * 12 // period) if period != WEEKS else first + datetime.timedelta(weeks=part)
        return Day((month - oracles.EPOCH).days)
    if (shown or "").startswith("%tC") and isinstance(value, Instant):
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=value.seconds)
        return Instant(value.seconds - sum(moment >= datetime.datetime.fromisoformat(end) for end in SECONDS_INSERTED_BEFORE))
    return value


def differences(ours: Delivered, right: Columns) -> Iterator[str]:
    """Names, number of records, and per column the first value that is another."""
    names = [DUPLICATED.sub("", name) for name in ours.frame.columns]
    if names != right.names:
        yield f"columns {names} where {right.names} are right"
        return
    for name, column, values in zip(names, ours.frame, right.values, strict=True):
        read = [oracles.of_python(value) for value in column.to_list()]
        if len(read) != len(values):
            yield f"{len(read)} records where {len(values)} are right"
            return
        expected = [as_shown(value, right.formats.get(name)) for value in values]
        wrong = [(row, a, b) for row, (a, b) in enumerate(zip(read, expected, strict=True)) if not is_same(a, b)]
        if wrong:
            row, a, b = wrong[0]
            yield f"{name} ({right.formats.get(name) or column.dtype}), record {row + 1}: {a!r} where {b!r} is right"


def is_same(ours: Any, right: Any) -> bool:
    """Whether a value is the right one, as it is or, in a column of several kinds, as the text of it."""
    match right:
        case Tag(letter):
            return bool(ours == f".{letter}")
        case float() if isinstance(ours, float):
            return ours == right or (math.isnan(ours) and math.isnan(right))
        case float() if isinstance(ours, str):
            return is_number(ours) and float(ours) == right
        case bool() if isinstance(ours, str):
            return ours == str(right).lower()
        case Instant(seconds) if isinstance(ours, Day):
            return ours.days * oracles.SECONDS_PER_DAY == seconds
        case Instant() | Day() if isinstance(ours, str):
            return ours.removesuffix(" 00:00:00") == as_text(right)
        case Seconds(seconds) if isinstance(ours, float):
            return ours == seconds
    return type(ours) is type(right) and bool(ours == right)


def is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text) is not None


def as_text(right: Day | Instant) -> str:
    """A date or an instant as ISO 8601 writes it, a midnight without its zeros."""
    seconds = right.days * oracles.SECONDS_PER_DAY if isinstance(right, Day) else right.seconds
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    return str(moment).removesuffix(" 00:00:00")
