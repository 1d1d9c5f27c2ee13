"""One column of a delivered file as a draft describes it: its type, its codes, and what is left to decide."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.authoring.declared_missing import Ranges, declared_values, in_words, meaning_of
from pipelines.authoring.doubts import WITH_EXPONENT, WITH_ZERO, notes_on
from pipelines.contracts.columns import NUMERIC_TYPES, WHOLE_NUMBER_TYPES, PhysicalType
from pipelines.contracts.unlisted import CODE
from pipelines.machine.visible import commanding, visible
from pipelines.raw.casting import DECIMAL_NUMBER, MARKS_OF_MISSING, cast_values

MAX_CODES = 20
"""A column with more distinct values is not taken for a coded one."""

MIN_ROWS_PER_CODE = 2
"""Codes repeat; in a short file, identifiers and measurements are few as well."""

TYPES: tuple[PhysicalType, ...] = ("BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "VARCHAR")
"""The narrowest first: a column gets the first that all of its values fit."""

LONG_NUMBER = r"^[+-]?[0-9]{16,}"
NO_NUMBER = f"^{WITH_ZERO}|^{WITH_EXPONENT}$"
"""Text that a number would not give back: such a column is text."""

KINDS_BY_LABEL = {
    "refused": "refused",
    "refuse": "refused",
    "refusal": "refused",
    "don't know": "dont_know",
    "dont know": "dont_know",
    "do not know": "dont_know",
    "not asked": "not_asked",
    "not applicable": "not_asked",
    "missing": "missing",
    "no answer": "missing",
}
"""Labels that say why an answer is missing; any other label is taken for an answer."""


@dataclass(frozen=True)
class Codes:
    """The lines of one variable in the codebook, and whether they are all of its values."""

    lines: tuple[tuple[str, str], ...] = ()
    is_complete: bool = False
    declared_missing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DraftedColumn:
    """A column of a contract; `todo` are the sentences for a person beside it."""

    name: str
    type: PhysicalType
    label: str
    codes: Codes
    n_missing: int
    is_unique: bool
    is_empty: bool
    unit: str
    todo: tuple[str, ...]


def drafted_column(
    values: pl.Series,
    decimal: str,
    label: str,
    labels: Mapping[str, str],
    list_text_values: bool,
    unit: str,
    note: str,
    missing: Ranges,
) -> DraftedColumn:
    kind = type_of(values, decimal) or "VARCHAR"
    if unit and kind in NUMERIC_TYPES:
        kind = "DOUBLE"  # that all are whole today promises nothing
    typed, _ = cast_values(values, kind, decimal)
    given = typed.drop_nulls()
    return DraftedColumn(
        name=values.name,
        type=kind,
        label=_in_one_line(label),
        codes=_codes(given, kind, _labels_as_received(labels, kind), list_text_values, declared_values(given, missing)),
        n_missing=typed.null_count(),
        is_unique=len(given) > 1 and given.n_unique() == len(given),
        is_empty=len(given) == 0,
        unit=_in_one_line(unit),
        todo=(*_to_decide(_in_one_line(note), missing), *notes_on(values, typed, kind, _type_without_marks(values, decimal))),
    )


def _in_one_line(text: str) -> str:
    """What a file says of itself, as a file of the project may hold it."""
    return visible(" ".join(text.split()))


def _type_without_marks(values: pl.Series, decimal: str) -> PhysicalType | None:
    """The type of a column of text where texts such as NA were missing values."""
    if values.dtype != pl.String:
        return None
    return type_of(values.set(values.str.strip_chars().is_in(MARKS_OF_MISSING), None), decimal)


def _to_decide(note: str, missing: Ranges) -> Iterator[str]:
    """What a column's file says of it and a person has to look at."""
    if note:
        yield note
    if missing:
        yield f"the file declares {in_words(missing)} missing: give each of these values its kind in the codebook"


def _codes(
    given: pl.Series, kind: PhysicalType, named: Mapping[str, str], list_text_values: bool, missing: Sequence[str]
) -> Codes:
    """The labelled values and those declared missing, then the others where all of them may be listed."""
    if kind not in NUMERIC_TYPES | {"VARCHAR"}:
        return Codes()
    labels = {
        **named,
        **{
            text: meaning_of(named.get(text), text)
            for text in missing
            if not commanding(text) and kind_of_missing(named.get(text, "")) == ""
        },
    }
    distinct = given.unique().sort()
    is_trimmed = kind != "VARCHAR" or bool((given == given.str.strip_chars()).all())
    others = [text for text in map(str, distinct) if text not in labels] if len(distinct) <= MAX_CODES + len(labels) else None
    is_few = others is not None and len(others) <= MAX_CODES and is_trimmed
    if others and kind in WHOLE_NUMBER_TYPES:
        is_few = is_few and all(CODE.fullmatch(text) for text in others)
    elif others:
        is_few = is_few and kind == "VARCHAR" and list_text_values and not any(map(commanding, others))
    if not named:
        is_few = is_few and 0 < MIN_ROWS_PER_CODE * len(distinct) <= len(given)
    listed = [(text, "TODO") for text in others or ()] if is_few else []
    return Codes((*labels.items(), *listed), is_few, frozenset(missing))


def kind_of_missing(meaning: str) -> str:
    """The kind of missing that a label names; empty where it names none."""
    return KINDS_BY_LABEL.get(meaning.casefold().replace("’", "'"), "")


def _labels_as_received(labels: Mapping[str, str], kind: PhysicalType) -> dict[str, str]:
    """Received value, as SQL prints it in the column's type, -> label; a value that the type or a codebook cannot hold is left
    out."""
    found: dict[str, str] = {}
    for received, label in labels.items():
        meaning = _in_one_line(label)
        text = received.strip()
        if kind in NUMERIC_TYPES:
            if not re.match(DECIMAL_NUMBER, text) or (kind != "DOUBLE" and not float(text).is_integer()):
                continue
            text = str(float(text)) if kind == "DOUBLE" else str(int(float(text)))
        if text and not commanding(text):
            found[text] = meaning or "TODO"
    return found


def type_of(values: pl.Series, decimal: str) -> PhysicalType | None:
    """The narrowest type that all values fit; text that a number would not give back stays text."""
    if values.null_count() == len(values):
        return "VARCHAR"
    excluded: set[str] = set()
    if isinstance(values.dtype, pl.Datetime):
        excluded = {"DATE"}  # that all are midnights today promises nothing
    if values.dtype == pl.String:
        text = values.str.strip_chars()
        if text.str.contains(NO_NUMBER).any():
            excluded = {"INTEGER", "BIGINT", "DOUBLE"}
        elif text.str.contains(LONG_NUMBER).any():
            excluded = {"DOUBLE"}
        if (text == "").sum() + text.null_count() == len(text):
            return "VARCHAR"
    return next((kind for kind in TYPES if kind not in excluded and not cast_values(values, kind, decimal)[1]), None)
