"""The texts of a draft: YAML of a contract and of a source's file, lines of a codebook. What they say is decided in `draft`."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

import yaml

from pipelines.authoring.drafted_column import DraftedColumn, kind_of_missing
from pipelines.contracts.codebook import HEADER
from pipelines.contracts.columns import LOGICAL_TYPES, NUMERIC_TYPES
from pipelines.contracts.odcs import API_VERSION
from pipelines.machine.visible import one_line

OTHER_TYPE = "ask for it as text, number, date or true/false"

HEAD = """\
# A draft from one delivered file, written by `cramp-atlas contract init`. Every TODO is a decision for you, and
# `cramp-atlas contract lint` lists those that are left; `cramp-atlas contract test FILE` says whether the file still meets it.
# A type is the narrowest that all values of the file fit. There are no ranges: those of the file are respondents' values,
# the right ones are in the questionnaire. A codebook lists labelled values, and of the others only whole numbers of up to
# four digits in columns with few of them (texts with the option --list-text-values).
"""


def codebook_text(columns: Sequence[DraftedColumn]) -> str:
    """A codebook of the columns that have codes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for column in columns:
        for received, meaning in column.codes.lines:
            kind = kind_of_missing(meaning) or ("missing" if received in column.codes.declared_missing else "")
            writer.writerow([column.name, received, "" if kind else received, meaning, kind])
    return text.getvalue()


def contract_lines(
    table: str, columns: Sequence[DraftedColumn], unwanted: Sequence[str], reasons: Mapping[str, str]
) -> Iterator[str]:
    """A contract line by line. `unwanted` columns are left out because a person says so, others for their `reasons`."""
    yield HEAD.rstrip("\n")
    yield from (f"apiVersion: {API_VERSION}", "kind: DataContract", f"id: raw.{table}", 'name: "TODO a title"')
    yield from ("version: 0.1.0", "status: draft", "description:", '  purpose: "TODO what the table is for"')
    yield "  # TODO link how the file is documented and on what terms it may be used:"
    yield '  # authoritativeDefinitions: [{type: documentation, url: "https://..."}, {type: terms, url: "https://..."}]'
    yield from ("schema:", f"  - name: {table}", '    description: "One row per TODO"')
    keys = [column.name for column in columns if _is_key(column)]
    yield "    # TODO mark what tells rows apart with primaryKey: true, or say why nothing does: noPrimaryKeyBecause." + (
        f" In this file each of these does: {one_line(', '.join(keys))}." if keys else ""
    )
    if unwanted or reasons:
        yield "    customProperties:"
        for name, reason in reasons.items():
            why = f"is delivered {reason}, which no contract can promise"
            yield f"      {decision(f'{quoted(name)} {why}: leave it out, or {OTHER_TYPE}')}"
        names = ", ".join(quoted(name) for name in [*unwanted, *reasons])
        yield f"      - {{property: columnsLeftOut, value: [{names}]}}"
    yield "    properties:"
    for column in columns:
        yield from _column_lines(column)
    yield from (
        "    quality:",
        "      - {metric: rowCount, mustBeGreaterThan: 0, description: The delivery holds at least one record}",
    )


def _is_key(column: DraftedColumn) -> bool:
    return column.is_unique and not column.n_missing


def _column_lines(column: DraftedColumn) -> Iterator[str]:
    yield f"      - name: {quoted(column.name)}"
    yield f"        logicalType: {next(iter(LOGICAL_TYPES[column.type]))}"
    yield f"        physicalType: {column.type}"
    yield f"        description: {quoted(column.label or 'TODO what it holds')}"
    yield from (f"        {decision(text)}" for text in column.todo)
    if column.is_empty:
        yield "        # TODO the file has no value in it, so its type is unknown"
    elif not column.n_missing:
        yield "        # TODO required: true? Every record of the file has a value"
    if column.codes.lines and not column.codes.is_complete:
        yield "        # TODO {property: codebook, value: true} once a range takes in the values that are not listed"
    elif not column.codes.lines and not column.unit and column.type in NUMERIC_TYPES and not _is_key(column):
        yield "        # TODO logicalTypeOptions: {minimum: ..., maximum: ...} and a unit, if it is a measurement"
    properties = [("question", quoted(column.label))] if column.label.endswith("?") else []
    properties += [("unit", quoted(column.unit))] if column.unit else []
    properties += [("codebook", "true")] if column.codes.is_complete and column.codes.lines else []
    if properties:
        yield "        customProperties:"
        yield from (f"          - {{property: {name}, value: {value}}}" for name, value in properties)


def source_text(source: str, wave: str, line: str, form_todo: Sequence[str]) -> str:
    """A source's file with one wave and one table, whose `line` says where the file lies and of what form it is."""
    decide = "".join(f"{decision(text)}\n      " for text in form_todo)
    return f"""\
# A draft, written by `cramp-atlas contract init`: every TODO is a decision for you.
source: {source}
title: "TODO the survey's or study's name"
# TODO survey (weights, strata, PSUs), cohort or clinic (unweighted), or case_control (matched sets); register or diary (events)
design: cohort
# TODO public_use, synthetic, or restricted for people who did not agree to be published: what is published of those goes
# through disclosure control. Ask whoever is responsible for the data; restricted is right until they say otherwise.
classification: restricted
citation: "TODO how to cite it"
terms_of_use: "TODO what the provider allows"
# What the page of a release says of its people; without it the page says that it is not written yet.
target_population: "TODO whom its people stand for"
setting: "TODO where and when they were asked, and how"
eligibility: "TODO who could take part, and who was asked what the study is about"
response: "TODO how many of those chosen took part"
# Files lie in landing/{source}. TODO add `rows: ` where the provider states the number of records.
waves:
  {quoted(wave)}:
    tables:
      {decide}{line}
"""


def decision(text: str) -> str:
    """A comment of YAML that leaves something to a person; what it quotes of a delivery stays in it."""
    return f"# TODO {one_line(text)}"


def quoted(text: str) -> str:
    """A YAML scalar on one line that reads back as exactly this text."""
    return yaml.safe_dump(text, default_style='"', width=float("inf"), allow_unicode=True).rstrip("\n")
