"""How a level and a column are said: the one place that turns codes and column names into words for people.

A level is said as the contract of the respondents says it (`levels` of its column); otherwise as the codebook of the source says
the code that its select passes on. How readers see rows with these words is told in release/page/labels.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from pipelines.contracts.codebook import HEADER
from pipelines.contracts.model import Contract
from pipelines.project.decoding import columns_decoded
from pipelines.project.levels import variables_looked_up
from pipelines.project.selects import CODE, DECODED
from pipelines.project.sources import Source

if TYPE_CHECKING:
    from pipelines.project.project import Project

CODEBOOK = "codebook"

LevelWords = Mapping[str, Mapping[str, str]]
"""Column -> level -> its words."""


def spelled(name: str) -> str:
    """A name or a level that nobody has words for: its own letters, parted by spaces."""
    return name.replace("_", " ")


def within(label: str) -> str:
    """A label as it stands within a sentence: with a small first letter, but for abbreviations such as `ACE inhibitor`."""
    first = label.split(maxsplit=1)[0] if label.split() else ""
    return label if any(letter.isupper() for letter in first[1:]) else label[:1].lower() + label[1:]


def column_words(project: "Project") -> dict[str, str]:
    """Column of the respondents -> its words: the label of the study, or the name in the contract, or its own letters."""
    study = project.study
    labels = {name: described.label for name, described in study.characteristics.categorical.items()}
    labels |= {name: described.label for name, described in study.characteristics.continuous.items()}
    labels |= {name: exposure.label for name, exposure in study.exposures.items()}
    labels |= {name: outcome.label for name, outcome in study.outcomes.items()}
    if not project.has_respondents:
        return labels
    contract = project.contracts[study.respondents]
    return {column.name: column.label or spelled(column.name) for column in contract.columns} | labels


def level_words(project: "Project", source: Source) -> LevelWords:
    """The words of the levels of the respondents of one source: of the columns that the study speaks of, where there are some."""
    if not project.has_respondents:
        return {}
    contract = project.contracts[project.study.respondents]
    with_levels = [column for column in contract.columns if column.type == "VARCHAR" and column.name in project.study.variables]
    of_codebooks = _of_codebooks(project, source, tuple(column.name for column in with_levels))
    words = {column.name: {**of_codebooks.get(column.name, {}), **dict(column.levels)} for column in with_levels}
    return {name: of_column for name, of_column in words.items() if of_column}


def _of_codebooks(project: "Project", source: Source, columns: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Column -> level -> the meaning of the code that the select of a source passes on; of two lines of a code the first."""
    select = project.selects.get(f"{project.study.respondents}/{source.source}")
    if select is None:
        return {}
    contracts = {table: project.contracts[f"raw.{table}"] for table in source.tables}
    delivered = tuple((table, tuple(contract.column_types())) for table, contract in contracts.items())
    coded = tuple((table, tuple(columns_decoded(contract))) for table, contract in contracts.items())
    words: dict[str, dict[str, str]] = {}
    for column, read in _read(select.text, columns, delivered, coded):
        if read.table in contracts:
            for level, meaning in _meanings(contracts[read.table], read.variable):
                words.setdefault(column, {}).setdefault(level, meaning)
    return words


def _meanings(contract: Contract, variable: str | None) -> Iterator[tuple[str, str]]:
    """The codes of a column in lower case, or of all where it is not known, and what they mean."""
    named = {column.name.lower(): (column.codebook_variable or column.name).lower() for column in contract.columns}
    wanted = named.get(variable, variable) if variable else None
    for code in contract.codebook.codes if contract.codebook else ():
        if code.code and not code.kind_of_missing and wanted in {None, code.variable.lower()}:
            yield code.code, code.meaning


@dataclass(frozen=True)
class _Read:
    """A coded column that a column is made from, in lower case; None where the select does not say which of a codebook."""

    table: str
    variable: str | None


Columns = tuple[tuple[str, tuple[str, ...]], ...]
"""Tables and their columns."""


@cache
def _read(sql: str, columns: tuple[str, ...], delivered: Columns, coded: Columns) -> tuple[tuple[str, _Read], ...]:
    """What of the codebooks columns of a select are made from, in the order in which sqlglot meets it; nothing where it cannot
    tell."""
    schema: dict[str, Any] = {
        "raw": {table: dict.fromkeys(names, "VARCHAR") for table, names in delivered},
        CODEBOOK: {table: dict.fromkeys(HEADER, "VARCHAR") for table, _ in delivered},
        DECODED.rstrip("."): {table: dict.fromkeys(names, "VARCHAR") for table, names in coded},
    }
    try:
        query = sqlglot.parse_one(sql, read="duckdb").assert_is(exp.Query)
        looked_up = {alias: variable.lower() for alias, variable in variables_looked_up(query).items()}
        whole = qualify(query, dialect="duckdb", schema=schema, validate_qualify_columns=False, identify=False)
        scope = build_scope(whole)
        named = [column for column in columns if column in query.named_selects]
        nodes = {column: lineage(column, whole, schema, scope=scope, dialect="duckdb", trim_selects=False) for column in named}
    except (SqlglotError, ValueError, KeyError):
        return ()
    return tuple(
        (column, read)
        for column, node in nodes.items()
        for step in node.walk()
        if isinstance(step.expression, exp.Table)
        for read in _variable(step.expression, step.name.rpartition(".")[2].lower(), looked_up)
    )


def _variable(table: exp.Table, column: str, looked_up: Mapping[str, str]) -> Iterator[_Read]:
    if f"{table.db}." == DECODED and column.endswith(CODE):
        yield _Read(table.name, column.removesuffix(CODE))
    elif table.db == CODEBOOK:
        yield _Read(table.name, looked_up.get(table.alias_or_name))
