"""SPSS, Stata and SAS data sets, read by pyreadstat with their labels.

Missing values that the provider declared are kept as what was received: a code of SPSS as its number or text, an extended missing
of Stata or SAS as `.a` or `.R` (which makes its column text); only the system missing (`.`) is NULL.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pipelines.landing.readers.delivered import HIGHEST, LOWEST, Delivered, Refused, RefusedHere
from pipelines.landing.readers.instants import Clock, clock_of, decoded, note_of, of_these, unit_of
from pipelines.landing.readers.readstat import BY_FILE, DataSet, bare, read_data_set
from pipelines.landing.readers.stata_strings import lost_texts
from pipelines.project.form import Form

NAMES = {
    ".sas7bdat": "a SAS data set",
    ".sav": "an SPSS file",
    ".zsav": "a compressed SPSS file",
    ".por": "an SPSS portable file",
    ".dta": "a Stata file",
}
SYSTEMS = {".sas7bdat": "SAS", ".sav": "SPSS", ".zsav": "SPSS", ".por": "SPSS", ".dta": "Stata"}
LABELLED = tuple(NAMES)
CATALOGUE = ".sas7bcat"

FIRST_IN_UTF8 = 118
"""The version of Stata's format from which texts are UTF-8; before it nothing tells."""

RELEASE = re.compile(rb"<stata_dta><header><release>([0-9]{3})")

END_OF_STATA = b"</stata_dta>"
MOST_OF_AN_END = 2**16

SAS_ENCODING = 70
"""The byte of a SAS data set that numbers its encoding; 0 in files of before there were any."""

ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")

MOST_OF_A_DICTIONARY = 64 * 2**20


def _extension(subtype: int, *numbers: int) -> bytes:
    """A pattern of how an extension of an SPSS dictionary begins, in either order of bytes."""
    starts = [b"".join(number.to_bytes(4, order) for number in (7, subtype, *numbers)) for order in ORDERS]
    return b"(?:%b)" % b"|".join(map(re.escape, starts))


SPSS_ENCODING = re.compile(_extension(20, 1) + rb".{4}([A-Za-z0-9_.:-]+)", re.DOTALL)
"""The name of the encoding."""

SPSS_CODE_PAGE = re.compile(_extension(3, 4, 8) + rb".{28}(.{4})", re.DOTALL)
"""The last of eight numbers: the code page, or 1 to 4 for EBCDIC, two kinds of ASCII, and Kanji."""

LAST_VAGUE_CODE = 4

SPSS_RECORDS = slice(80, 84)
"""The number of records in the header of an SPSS file, -1 where its writer did not know it."""

LOST = "\ufffd"


def read_statistical(path: Path, form: Form, beside: Path, name: str, n_records: int | None = None) -> Delivered:
    """Read the data set; `beside` and `name` are of the delivered file, which a catalogue of SAS may stand beside.

    `n_records` is what the source's file says of the number of records, for a file that does not say it.
    """
    suffix = path.suffix.lower()
    what = NAMES[suffix]
    data = read_data_set(
        what,
        _readers()[suffix],
        str(path),
        form if suffix != ".por" else Form(),
        named=_named_encoding(path, suffix),
        user_missing=True,
    )
    if data.n_records is not None and data.n_records != data.frame.height:
        raise Refused(f"a cut {bare(what)} ({data.frame.height:,} of {data.n_records:,} records)", "Fetch it again")
    if suffix == ".dta" and _lacks_end(path):
        raise Refused("a cut Stata file (its end mark is missing)", "Fetch it again")
    if suffix == ".dta":
        data = _with_lost_texts(data, path)
    if n_records != data.frame.height and _leaves_number_open(path, suffix):
        _check_end(what, data.frame)
    if suffix == ".por" and _has_lost_letters(data):
        raise Refused(
            "an SPSS portable file with letters beyond those of ASCII, which the format does not tell", "Ask for it as .sav"
        )
    labels = data.value_labels
    if suffix == ".sas7bdat":
        labels = _labels_of_catalogue(_catalogue(form, beside, name), data.label_sets, form)
    return delivered_by(data, SYSTEMS[suffix], labels)


def _readers() -> Mapping[str, Callable[..., Any]]:
    import pyreadstat

    return {
        ".sas7bdat": _read_sas,
        ".sav": pyreadstat.read_sav,
        ".zsav": pyreadstat.read_sav,
        ".por": _read_portable,
        ".dta": pyreadstat.read_dta,
    }


def _read_sas(path: str, **options: Any) -> Any:
    import pyreadstat

    return pyreadstat.read_sas7bdat(path, **options)


def _read_portable(path: str, **options: Any) -> Any:
    """`pyreadstat.read_por` with `user_missing`, which the function itself does not take, but the parser behind it does."""
    from pyreadstat.pyreadstat import parser_entry_point  # type: ignore[attr-defined]

    return parser_entry_point(path, "por", **options)


def _named_encoding(path: Path, suffix: str) -> str | None:
    """The encoding that the file says its texts are in; None where it does not say. A portable file is in letters of SPSS."""
    with path.open("rb") as file:
        if suffix == ".dta":
            release = RELEASE.match(file.read(64))
            return "UTF-8" if release and int(release[1]) >= FIRST_IN_UTF8 else None
        if suffix == ".sas7bdat":
            return BY_FILE if any(file.read(SAS_ENCODING + 1)[SAS_ENCODING:]) else None
        if suffix == ".por":
            return BY_FILE
        dictionary = file.read(MOST_OF_A_DICTIONARY)
    named = SPSS_ENCODING.search(dictionary)
    if named:
        return named[1].decode("latin-1")
    code = SPSS_CODE_PAGE.search(dictionary)
    return BY_FILE if code and min(int.from_bytes(code[1], order) for order in ORDERS) > LAST_VAGUE_CODE else None


def _lacks_end(path: Path) -> bool:
    """Whether a Stata file of version 13 on is without the mark at its end, behind which only padding may stand."""
    with path.open("rb") as file:
        if not RELEASE.match(file.read(64)):
            return False
        file.seek(max(0, path.stat().st_size - MOST_OF_AN_END))
        return END_OF_STATA not in file.read()


def _with_lost_texts(data: DataSet, path: Path) -> DataSet:
    """The same, with columns of long texts at fault of which the file does not hold every one."""
    try:
        lost = lost_texts(path)
    except (ValueError, OSError):
        raise Refused("a cut or damaged Stata file", "Fetch it again") from None
    faults = {data.frame.columns[position]: f"{n:,} long texts that the file does not hold" for position, n in lost.items()}
    return replace(data, text_faults={**data.text_faults, **faults}) if faults else data


def _leaves_number_open(path: Path, suffix: str) -> bool:
    """Whether an SPSS file says of its number of records that it does not know it."""
    if suffix not in (".sav", ".zsav"):
        return False
    with path.open("rb") as file:
        return file.read(SPSS_RECORDS.stop)[SPSS_RECORDS] == b"\xff\xff\xff\xff"


def _has_lost_letters(data: DataSet) -> bool:
    """Whether pyreadstat put its mark in the place of a letter that it could not tell."""
    lost = any(
        data.frame[name].str.contains(LOST, literal=True).any() for name in data.texts if data.frame[name].dtype == pl.String
    )
    labels = [*data.labels.values(), *(text for labels in data.value_labels.values() for text in labels.values())]
    return lost or any(LOST in text for text in labels)


def _check_end(what: str, frame: pl.DataFrame) -> None:
    """A file that does not say its number of records may be padded, and padding reads as records of zeros."""
    if frame.height and all(value in (0, "", None) for value in frame.row(frame.height - 1)):
        raise Refused(
            f"{what} that does not say how many records it has and ends in zeros, which may be padding",
            "Declare `rows` for it in the source's file",
        )


def delivered_by(data: DataSet, system: str, labels: Mapping[str, Mapping[Any, str]]) -> Delivered:
    """What pyreadstat read, with a type for every column, dates by their formats, and labels that are text."""
    columns, faults, units, notes, missing = [], {}, {}, {}, {}
    for name in data.frame.columns:
        clock = clock_of(system, data.formats.get(name)) if name not in data.texts else None
        if clock:
            clock = of_these(clock, data.frame[name])
        values, fault = _typed(data, name, clock)
        columns.append(values)
        fault = data.text_faults.get(name, fault)
        if fault:
            faults[name] = fault
        if clock and unit_of(clock):
            units[name] = unit_of(clock)
        is_explained = name in data.texts or bool(labels.get(name))
        note = clock.note if clock else "" if is_explained else note_of(system, data.formats.get(name))
        if note:
            notes[name] = note
        ranges = [*_declared(data.missing.get(name, ()), clock), *((f".{tag}", f".{tag}") for tag in data.tags.get(name, ()))]
        if ranges:
            missing[name] = ranges
    frame = pl.DataFrame(columns)
    return Delivered(
        frame,
        data.labels,
        {
            variable: {
                _label_key(value, variable in data.tags or frame[variable].dtype != pl.String): text
                for value, text in texts.items()
            }
            for variable, texts in labels.items()
            if variable in frame.columns
        },
        column_units=units,
        column_notes=notes,
        declared_missing=missing,
        column_faults=faults,
    )


def _typed(data: DataSet, name: str, clock: Clock | None) -> tuple[pl.Series, str]:
    """A column as it is delivered, and what is wrong with it."""
    values = data.frame[name]
    if name in data.tags:
        return _tagged(values, clock)
    if values.dtype in (pl.Null, pl.Object):
        values = values.cast(pl.String if name in data.texts else pl.Float64)
    return decoded(values, clock) if clock else (values, "")


def _tagged(values: pl.Series, clock: Clock | None) -> tuple[pl.Series, str]:
    """A column of numbers and tags as text: 7 as `7`, a tag as `.a`."""
    read = values.to_list()
    numbers: list[Any] = [None if isinstance(value, str) else value for value in read]
    fault = ""
    if clock:
        series, fault = decoded(pl.Series(values.name, numbers, dtype=pl.Float64), clock)
        numbers = series.to_list()
    texts = [f".{value}" if isinstance(value, str) else _as_text(other) for value, other in zip(read, numbers, strict=True)]
    return pl.Series(values.name, texts, pl.String), fault


def _declared(ranges: Any, clock: Clock | None) -> list[tuple[str, str]]:
    """Declared ranges as text; an end that is a date or an instant as one."""
    found = []
    for low, high in ranges:
        if low == float("inf") or high == float("-inf"):  # a range that holds nothing
            continue
        found.append(
            (LOWEST if low == float("-inf") else _end(low, clock), HIGHEST if high == float("inf") else _end(high, clock))
        )
    return found


def _end(value: Any, clock: Clock | None) -> str:
    if clock is None or isinstance(value, str):
        return _as_text(value) or ""
    read, _ = decoded(pl.Series([float(value)]), clock)
    return _as_text(read[0]) or ""


def _as_text(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def _label_key(value: object, is_number: bool) -> str:
    """A labelled value as `conform` and codebooks write it."""
    return f".{value}" if is_number and isinstance(value, str) else _as_text(value) or ""


def _catalogue(form: Form, beside: Path, name: str) -> Path | None:
    if form.catalogue:
        path = beside / form.catalogue
        if not path.is_file() or not path.resolve().is_relative_to(beside.resolve()):
            raise RefusedHere(
                "no catalogue of value labels where `form` names one", "Deliver it beside the file, or correct its name"
            )
        return path
    stem = name.lower().partition(".")[0]
    return next(
        (
            path
            for path in sorted(beside.iterdir())
            if path.name.lower() == stem + CATALOGUE and path.is_file() and not path.is_symlink()
        ),
        None,
    )


def _labels_of_catalogue(path: Path | None, formats: Mapping[str, str], form: Form) -> Mapping[str, Mapping[Any, str]]:
    if path is None:
        return {}
    try:
        data = read_data_set("a SAS catalogue of value labels", _read_catalogue, str(path), form, named=BY_FILE)
    except Refused as refused:
        raise RefusedHere(refused.found, refused.remedy) from refused
    return {variable: data.sets[name] for variable, name in formats.items() if name in data.sets}


def _read_catalogue(path: str, **options: Any) -> Any:
    import pyreadstat

    options.pop("disable_datetime_conversion")
    return pyreadstat.read_sas7bcat(path, **options)
