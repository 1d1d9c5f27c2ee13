"""A first draft of a contract, its codebook and its source's file, from one delivered file: texts for a person to finish.

Types are those that every value fits. Ranges are never taken from the data: they would be somebody's values. Reading the file
and writing the texts does not belong here, and nothing in here is printed: a codebook may list what respondents answered.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import yaml

from pipelines.authoring.declared_missing import Ranges, declared_values, in_words, meaning_of
from pipelines.authoring.guesses import mark_in, notes_on
from pipelines.authoring.undescribed import chosen, undescribed_lines, why_undescribed
from pipelines.contracts.codebook import HEADER
from pipelines.contracts.columns import LOGICAL_TYPES, NUMERIC_TYPES, WHOLE_NUMBER_TYPES, PhysicalType
from pipelines.contracts.odcs import API_VERSION
from pipelines.contracts.unlisted import CODE
from pipelines.landing.readers.delivered import DELIVERED_TWICE
from pipelines.landing.readers.names import difference
from pipelines.machine.errors import ConfigurationError
from pipelines.raw.casting import DECIMAL_NUMBER, MARKS_OF_MISSING, cast_values
from pipelines.raw.conform import BYTE_ORDER_MARK, PRINTABLE_NAME

MAX_CODES = 20
"""A column with more distinct values is not taken for a coded one."""

MIN_ROWS_PER_CODE = 2
"""Codes repeat; in a short file, identifiers and measurements are few as well."""

TYPES: tuple[PhysicalType, ...] = ("BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "VARCHAR")
"""The narrowest first: a column gets the first that all of its values fit."""

LEADING_ZERO = r"^[+-]?0[0-9]"
LONG_NUMBER = r"^[+-]?[0-9]{16,}"
NAME_WITH_E = r"^[+-]?[0-9]+[eE][0-9]+$"
"""Text that a number would not give back: such a column is text. 1E2 may be a name, and is another one than 10E1."""

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

OTHER_TYPE = "ask for it as text, number, date or true/false"

HEAD = """\
# A draft from one delivered file, written by `cramp-atlas contract init`. Every TODO is a decision for you, and
# `cramp-atlas contract lint` lists those that are left; `cramp-atlas contract test FILE` says whether the file still meets it.
# A type is the narrowest that all values of the file fit. There are no ranges: those of the file are respondents' values,
# the right ones are in the questionnaire. A codebook lists labelled values, and of the others only whole numbers of up to
# four digits in columns with few of them (texts with the option --list-text-values).
"""


@dataclass(frozen=True)
class Draft:
    """The texts, and the line that names the table in a source's file. `codebook` is None where no column has codes."""

    contract: str
    codebook: str | None
    source: str
    source_line: str
    coded: tuple[str, ...]
    form_todo: tuple[str, ...] = ()
    """What is guessed of the file's form, one line each."""
    undescribed: tuple[str, ...] = ()
    """One line for each column that is left out because no contract can hold it."""


@dataclass(frozen=True)
class _Codes:
    """The lines of one variable in the codebook, and whether they are all of its values."""

    lines: tuple[tuple[str, str], ...] = ()
    is_complete: bool = False
    declared_missing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Column:
    name: str
    type: PhysicalType
    label: str
    codes: _Codes
    n_missing: int
    is_unique: bool
    is_empty: bool
    unit: str
    todo: tuple[str, ...]


def draft(
    frame: pl.DataFrame,
    *,
    table: str,
    source: str,
    wave: str,
    file: str,
    form: str = "",
    form_todo: Sequence[str] = (),
    decimal: str = ".",
    is_decimal_guessed: bool = False,
    column_labels: Mapping[str, str] | None = None,
    value_labels: Mapping[str, Mapping[str, str]] | None = None,
    list_text_values: bool = False,
    only: Collection[str] = (),
    left_out: Collection[str] = (),
    column_faults: Mapping[str, str] | None = None,
    column_units: Mapping[str, str] | None = None,
    column_notes: Mapping[str, str] | None = None,
    declared_missing: Mapping[str, Ranges] | None = None,
) -> Draft:
    """Draft what describes a delivered frame as `raw.<table>`.

    `file` is where it lies below the source's folder in landing, `form` what the source's file must say of its form, of which
    `form_todo` is guessed. `decimal` is the decimal mark of numbers in text; a guessed one holds for the columns that allow no
    other reading, and others with such commas stay text. Labels are those that the file carries: column -> label, column ->
    received value -> label, and so are units, notes on how values came about, and the values declared missing, which become
    TODOs. A person may name the `only` columns to describe, or those `left_out`; columns with `column_faults` and those of a type
    that no contract holds are left out with a TODO. Raises ConfigurationError where the frame has no record, columns that no
    contract can name, or none that it can type: all of them.
    """
    frame = frame.rename({name: name.lstrip(BYTE_ORDER_MARK) for name in frame.columns[:1]})
    positions = {name: position for position, name in enumerate(frame.columns, start=1)}
    unwanted = chosen(frame.columns, only, left_out)
    frame = frame.drop(unwanted)
    marks = {name: mark_in(frame[name], decimal, is_decimal_guessed) for name in frame.columns}
    reasons = dict(_untyped(frame, marks, column_faults or {}))
    undescribed = tuple(undescribed_lines(positions, reasons, len(positions)))
    problems = [*_wrong_names(frame.columns)]
    if problems or len(reasons) == frame.width:
        problems += [f"{line}: {OTHER_TYPE}" for line in undescribed]
    if frame.height == 0:
        problems.append("the file holds no record, so no type can be told from it")
    if problems:
        raise ConfigurationError("no contract can be drafted:\n- " + "\n- ".join(problems))
    columns = [
        _column(
            frame[name],
            marks[name],
            (column_labels or {}).get(name, ""),
            (value_labels or {}).get(name, {}),
            list_text_values,
            (column_units or {}).get(name, ""),
            (column_notes or {}).get(name, ""),
            (declared_missing or {}).get(name, ()),
        )
        for name in frame.columns
        if name not in reasons
    ]
    coded = [column for column in columns if column.codes.lines]
    line = f"{table}: {{file: {_quoted(file)}{f', {form}' if form else ''}}}"
    return Draft(
        contract="\n".join(_contract_lines(table, columns, unwanted, reasons)) + "\n",
        codebook=_codebook(coded) if coded else None,
        source=_source(source, wave, line, form_todo),
        source_line=line,
        form_todo=tuple(form_todo),
        coded=tuple(column.name for column in coded),
        undescribed=undescribed,
    )


def _wrong_names(names: Sequence[str]) -> Iterator[str]:
    numbers = sum(1 for name in names if re.fullmatch(DECIMAL_NUMBER.strip("^$"), name.strip()))
    if numbers:
        # the first line is a record: its fields must not be shown
        yield f"{numbers} of {len(names)} columns are named by a number: put the names of the columns into the first line"
        return
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        twice = DELIVERED_TWICE.fullmatch(name)
        shown = f"column {name}" if PRINTABLE_NAME.fullmatch(name) else f"column {position} of {len(names)}"
        if not name.strip() or '"' in name or not name.isprintable():
            yield f"{shown} has a name that is empty or holds quotes or control characters: ask for another name"
        elif name.lower() in seen or (twice and twice["name"].lower() in seen):
            first = seen[name.lower()] if name.lower() in seen else seen[twice["name"].lower()] if twice else position
            delivered_twice = f"column {twice['name']} is delivered twice: " if twice and PRINTABLE_NAME.fullmatch(name) else ""
            how = None if twice else difference(name, names[first - 1])
            same = f"has the same name as column {first}{f', which differs {how}' if how else ''}"
            yield f"{delivered_twice}{shown} {same}: ask for the file with each column once"
        seen.setdefault(name.lower(), position)


def _untyped(frame: pl.DataFrame, marks: Mapping[str, str], faults: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The columns that no contract can hold, and why, in words that follow `delivered`."""
    for name in frame.columns:
        if name in faults:
            yield name, f"with {faults[name]}"
        elif _type_of(frame[name], marks[name]) is None:
            yield name, why_undescribed(frame[name])


def _type_of(values: pl.Series, decimal: str) -> PhysicalType | None:
    """The narrowest type that all values fit; text that a number would not give back stays text."""
    if values.null_count() == len(values):
        return "VARCHAR"
    excluded: set[str] = set()
    if isinstance(values.dtype, pl.Datetime):
        excluded = {"DATE"}  # that all are midnights today promises nothing
    if values.dtype == pl.String:
        text = values.str.strip_chars()
        if text.str.contains(LEADING_ZERO).any() or text.str.contains(NAME_WITH_E).any():
            excluded = {"INTEGER", "BIGINT", "DOUBLE"}
        elif text.str.contains(LONG_NUMBER).any():
            excluded = {"DOUBLE"}
        if (text == "").sum() + text.null_count() == len(text):
            return "VARCHAR"
    return next((kind for kind in TYPES if kind not in excluded and not cast_values(values, kind, decimal)[1]), None)


def _column(
    values: pl.Series,
    decimal: str,
    label: str,
    labels: Mapping[str, str],
    list_text_values: bool,
    unit: str,
    note: str,
    missing: Ranges,
) -> _Column:
    kind = _type_of(values, decimal) or "VARCHAR"
    if unit and kind in NUMERIC_TYPES:
        kind = "DOUBLE"  # that all are whole today promises nothing
    typed, _ = cast_values(values, kind, decimal)
    given = typed.drop_nulls()
    return _Column(
        name=values.name,
        type=kind,
        label=" ".join(label.split()),
        codes=_codes(given, kind, _labels_as_received(labels, kind), list_text_values, declared_values(given, missing)),
        n_missing=typed.null_count(),
        is_unique=len(given) > 1 and given.n_unique() == len(given),
        is_empty=len(given) == 0,
        unit=unit,
        todo=(*_to_decide(note, missing), *notes_on(values, kind, _type_without_marks(values, decimal))),
    )


def _type_without_marks(values: pl.Series, decimal: str) -> PhysicalType | None:
    """The type of a column of text where texts such as NA were missing values."""
    if values.dtype != pl.String:
        return None
    return _type_of(values.set(values.str.strip_chars().is_in(MARKS_OF_MISSING), None), decimal)


def _to_decide(note: str, missing: Ranges) -> Iterator[str]:
    """What a column's file says of it and a person has to look at."""
    if note:
        yield note
    if missing:
        yield f"the file declares {in_words(missing)} missing: give each of these values its kind in the codebook"


def _codes(
    given: pl.Series, kind: PhysicalType, named: Mapping[str, str], list_text_values: bool, missing: Sequence[str]
) -> _Codes:
    """The labelled values and those declared missing, then the others where all of them may be listed."""
    if kind not in NUMERIC_TYPES | {"VARCHAR"}:
        return _Codes()
    labels = {**named, **{text: meaning_of(named.get(text), text) for text in missing if _kind_of(named.get(text, "")) == ""}}
    distinct = given.unique().sort()
    is_trimmed = kind != "VARCHAR" or bool((given == given.str.strip_chars()).all())
    others = [text for text in map(str, distinct) if text not in labels] if len(distinct) <= MAX_CODES + len(labels) else None
    is_few = others is not None and len(others) <= MAX_CODES and is_trimmed
    if others and kind in WHOLE_NUMBER_TYPES:
        is_few = is_few and all(CODE.fullmatch(text) for text in others)
    elif others:
        is_few = is_few and kind == "VARCHAR" and list_text_values
    if not named:
        is_few = is_few and 0 < MIN_ROWS_PER_CODE * len(distinct) <= len(given)
    listed = [(text, "TODO") for text in others or ()] if is_few else []
    return _Codes((*labels.items(), *listed), is_few, frozenset(missing))


def _kind_of(meaning: str) -> str:
    """The kind of missing that a label names; empty where it names none."""
    return KINDS_BY_LABEL.get(meaning.casefold().replace("’", "'"), "")


def _labels_as_received(labels: Mapping[str, str], kind: PhysicalType) -> dict[str, str]:
    """Received value, as SQL prints it in the column's type, -> label; a value that the type cannot hold is left out."""
    found: dict[str, str] = {}
    for received, label in labels.items():
        meaning = " ".join(label.split())
        text = received.strip()
        if kind in NUMERIC_TYPES:
            if not re.match(DECIMAL_NUMBER, text) or (kind != "DOUBLE" and not float(text).is_integer()):
                continue
            text = str(float(text)) if kind == "DOUBLE" else str(int(float(text)))
        if text:
            found[text] = meaning or "TODO"
    return found


def _codebook(columns: Sequence[_Column]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for column in columns:
        for received, meaning in column.codes.lines:
            kind = _kind_of(meaning) or ("missing" if received in column.codes.declared_missing else "")
            writer.writerow([column.name, received, "" if kind else received, meaning, kind])
    return text.getvalue()


def _contract_lines(table: str, columns: Sequence[_Column], unwanted: Sequence[str], reasons: Mapping[str, str]) -> Iterator[str]:
    yield HEAD.rstrip("\n")
    yield from (f"apiVersion: {API_VERSION}", "kind: DataContract", f"id: raw.{table}", 'name: "TODO a title"')
    yield from ("version: 0.1.0", "status: draft", "description:", '  purpose: "TODO what the table is for"')
    yield "  # TODO link how the file is documented and on what terms it may be used:"
    yield '  # authoritativeDefinitions: [{type: documentation, url: "https://..."}, {type: terms, url: "https://..."}]'
    yield from ("schema:", f"  - name: {table}", '    description: "One row per TODO"')
    keys = [column.name for column in columns if _is_key(column)]
    yield "    # TODO mark what tells rows apart with primaryKey: true, or say why nothing does: noPrimaryKeyBecause." + (
        f" In this file each of these does: {', '.join(keys)}." if keys else ""
    )
    if unwanted or reasons:
        yield "    customProperties:"
        for name, reason in reasons.items():
            why = f"is delivered {reason}, which no contract can promise"
            yield f"      # TODO {_quoted(name)} {why}: leave it out, or {OTHER_TYPE}"
        names = ", ".join(_quoted(name) for name in [*unwanted, *reasons])
        yield f"      - {{property: columnsLeftOut, value: [{names}]}}"
    yield "    properties:"
    for column in columns:
        yield from _column_lines(column)
    yield from (
        "    quality:",
        "      - {metric: rowCount, mustBeGreaterThan: 0, description: The delivery holds at least one record}",
    )


def _is_key(column: _Column) -> bool:
    return column.is_unique and not column.n_missing


def _column_lines(column: _Column) -> Iterator[str]:
    yield f"      - name: {_quoted(column.name)}"
    yield f"        logicalType: {next(iter(LOGICAL_TYPES[column.type]))}"
    yield f"        physicalType: {column.type}"
    yield f"        description: {_quoted(column.label or 'TODO what it holds')}"
    yield from (f"        # TODO {text}" for text in column.todo)
    if column.is_empty:
        yield "        # TODO the file has no value in it, so its type is unknown"
    elif not column.n_missing:
        yield "        # TODO required: true? Every record of the file has a value"
    if column.codes.lines and not column.codes.is_complete:
        yield "        # TODO {property: codebook, value: true} once a range takes in the values that are not listed"
    elif not column.codes.lines and not column.unit and column.type in NUMERIC_TYPES and not _is_key(column):
        yield "        # TODO logicalTypeOptions: {minimum: ..., maximum: ...} and a unit, if it is a measurement"
    properties = [("question", _quoted(column.label))] if column.label.endswith("?") else []
    properties += [("unit", _quoted(column.unit))] if column.unit else []
    properties += [("codebook", "true")] if column.codes.is_complete and column.codes.lines else []
    if properties:
        yield "        customProperties:"
        yield from (f"          - {{property: {name}, value: {value}}}" for name, value in properties)


def _source(source: str, wave: str, line: str, form_todo: Sequence[str]) -> str:
    decide = "".join(f"# TODO {text}\n      " for text in form_todo)
    return f"""\
# A draft, written by `cramp-atlas contract init`: every TODO is a decision for you.
source: {source}
title: "TODO the survey's or study's name"
# TODO survey (weights, strata, PSUs), cohort or clinic (unweighted), or case_control (matched sets)
design: cohort
# TODO public_use, synthetic, or restricted for people who did not agree to be published: what is published of those goes
# through disclosure control. Ask whoever is responsible for the data; restricted is right until they say otherwise.
classification: restricted
citation: "TODO how to cite it"
terms_of_use: "TODO what the provider allows"
# Files lie in landing/{source}. TODO add `rows: ` where the provider states the number of records.
waves:
  {_quoted(wave)}:
    tables:
      {decide}{line}
"""


def _quoted(text: str) -> str:
    """A YAML scalar on one line that reads back as exactly this text."""
    return yaml.safe_dump(text, default_style='"', width=float("inf"), allow_unicode=True).rstrip("\n")
