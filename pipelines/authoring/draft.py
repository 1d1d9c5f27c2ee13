"""A first draft of a contract, its codebook and its source's file, from one delivered file: texts for a person to finish.

Types are those that every value fits. Ranges are never taken from the data: they would be somebody's values. Reading the file
and the wording of the texts do not belong here, and nothing in here is printed: a codebook may list what respondents answered.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.authoring.declared_missing import Ranges
from pipelines.authoring.draft_text import OTHER_TYPE, codebook_text, contract_lines, quoted, source_text
from pipelines.authoring.drafted_column import drafted_column, type_of
from pipelines.authoring.guesses import mark_in
from pipelines.authoring.undescribed import chosen, undescribed_lines, why_undescribed
from pipelines.landing.readers.delivered import DELIVERED_TWICE
from pipelines.landing.readers.names import difference
from pipelines.machine.errors import ConfigurationError
from pipelines.raw.casting import DECIMAL_NUMBER
from pipelines.raw.conform import BYTE_ORDER_MARK, PRINTABLE_NAME


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
    problems = [*_wrong_names(frame.columns, only)]
    if problems or len(reasons) == frame.width:
        problems += [f"{line}: {OTHER_TYPE}" for line in undescribed]
    if frame.height == 0:
        problems.append("the file holds no record, so no type can be told from it")
    if problems:
        raise ConfigurationError("no contract can be drafted:\n- " + "\n- ".join(problems))
    columns = [
        drafted_column(
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
    line = f"{table}: {{file: {quoted(file)}{f', {form}' if form else ''}}}"
    return Draft(
        contract="\n".join(contract_lines(table, columns, unwanted, reasons)) + "\n",
        codebook=codebook_text(coded) if coded else None,
        source=source_text(source, wave, line, form_todo),
        source_line=line,
        form_todo=tuple(form_todo),
        coded=tuple(column.name for column in coded),
        undescribed=undescribed,
    )


def _wrong_names(names: Sequence[str], told: Collection[str]) -> Iterator[str]:
    """What keeps these names out of a contract; those that a person told are names, whatever they look like."""
    numbers = sum(1 for name in names if name not in told and re.fullmatch(DECIMAL_NUMBER.strip("^$"), name.strip()))
    if numbers:
        # the first line is a record: its fields must not be shown
        yield (
            f"{numbers} of {len(names)} columns are named by a number: put the names of the columns into the first line, or name "
            "each column to describe (--only), if these are names, such as years"
        )
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
            left_out = f"leave {'both' if twice else 'it'} out (--leave-out)"
            yield f"{delivered_twice}{shown} {same}: ask for the file with each column once, or {left_out}"
        seen.setdefault(name.lower(), position)


def _untyped(frame: pl.DataFrame, marks: Mapping[str, str], faults: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The columns that no contract can hold, and why, in words that follow `delivered`."""
    for name in frame.columns:
        if name in faults:
            yield name, f"with {faults[name]}"
        elif type_of(frame[name], marks[name]) is None:
            yield name, why_undescribed(frame[name])
