"""Which columns the columns of a table are made from, down to the variables that were delivered.

sqlglot finds it in the SQL. What an estimator has read is noted where it reads (Estimation.columns_read), not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify

from pipelines.contracts.codebook import HEADER
from pipelines.project.ages import follows
from pipelines.project.decoding import columns_decoded
from pipelines.project.project import Project
from pipelines.project.respondents import REASON
from pipelines.project.selects import ANSWERS, CODE, DECODED, Select
from pipelines.report.register import columns_read

LOOKED_UP = frozenset({"codebook", "study"})
"""Schemas of tables that say what data means: what is looked up in them is made from what it is looked up by."""


@dataclass(frozen=True, order=True)
class Origin:
    """A column of another table that a column is made from."""

    table: str
    column: str


Origins = Mapping[str, tuple[Origin, ...]]
"""Column -> what it is made from, in order; nothing for a constant. What a select leaves out is not in it."""


def origins_of(project: Project, table: str, source: str) -> Origins:
    """What the columns of a core table are made from in one source: by its select, and by what is the same for every source."""
    answered = dict(origins(project, project.selects[f"{table}/{source}"]))
    answered |= {column: answered[other] for column, other in follows(answered).items()}
    vocabulary = project.vocabularies.get(table)
    if vocabulary is None:
        return answered
    found = {}
    for column, made_from in origins(project, vocabulary).items():
        read = [answered.get(origin.column, ()) if origin.table.startswith(ANSWERS) else (origin,) for origin in made_from]
        if column in answered or any(read):
            found[column] = tuple(sorted({origin for origins in read for origin in origins}))
    return found


def origins(project: Project, select: Select) -> Origins:
    """What the columns that a select returns are made from; raises SqlglotError or ValueError where sqlglot cannot tell.

    A code from a codebook is made from the variable that was received, an age band from the age. Conditions that only choose
    rows are no origins.
    """
    tables = {name: list(contract.column_types()) for name, contract in project.contracts.items()}
    for contract in project.contracts.values():
        if contract.codebook:
            tables[f"codebook.{contract.table}"] = HEADER
            tables[f"{DECODED}{contract.table}"] = columns_decoded(contract)
    tables |= {f"{ANSWERS}{name.partition('.')[2]}": tables[name] for name in project.vocabularies}
    top_codes = {f"{variable}_top_code" for source in project.sources.values() for variable in source.top_codes()}
    tables["study.age_bands"] = project.study.age_bands.frame().columns
    tables |= columns_read(project, select.reads)
    tables["meta.this_wave"] = ["source", "wave", "is_synthetic", *sorted(top_codes)]
    return _origins(select.text, tuple((name, tuple(columns)) for name, columns in tables.items()))


@cache
def _origins(sql: str, tables: tuple[tuple[str, tuple[str, ...]], ...]) -> Origins:
    schema: dict[str, Any] = {}
    for name, columns in tables:
        database, _, table = name.partition(".")
        schema.setdefault(database, {})[table] = dict.fromkeys(columns, "VARCHAR")
    query = sqlglot.parse_one(sql, read="duckdb")
    query = qualify(query, dialect="duckdb", schema=schema, validate_qualify_columns=False, identify=False)
    _count_joins_as_origins(query)
    written = {(name, column.lower()): column for name, columns in tables for column in columns}
    found = {}
    for column, node in lineage(None, query, schema, dialect="duckdb", trim_selects=False).items():
        leaves = [(step.expression, step.name.rpartition(".")[2]) for step in node.walk() if not step.downstream]
        read = {
            (f"{leaf.db}.{leaf.name}", name) for leaf, name in leaves if isinstance(leaf, exp.Table) and leaf.db != "codebook"
        }
        found[column] = tuple(
            sorted({_delivered(Origin(table, written.get((table, name), name)), written) for table, name in read})
        )
    return found


def _delivered(origin: Origin, written: Mapping[tuple[str, str], str]) -> Origin:
    """What was looked up is made from what it was looked up by."""
    if not origin.table.startswith(DECODED):
        return origin
    table = origin.table.replace(DECODED, "raw.")
    if (table, origin.column.lower()) in written:
        return Origin(table, origin.column)
    return Origin(table, origin.column.removesuffix(CODE).removesuffix(REASON))


def _count_joins_as_origins(query: exp.Expr) -> None:
    """Make each column of a looked-up table depend on the columns that its table is joined on; changes `query`."""
    for select in query.find_all(exp.Select):
        joined_on = {
            join.this.alias_or_name: list(join.args["on"].find_all(exp.Column))
            for join in select.args.get("joins") or []
            if isinstance(join.this, exp.Table) and join.this.db in LOOKED_UP and join.args.get("on")
        }
        for projection in select.expressions:
            for column in list(projection.find_all(exp.Column)):
                others = [other.copy() for other in joined_on.get(column.table, []) if other.table != column.table]
                if others:
                    column.replace(exp.Coalesce(this=column.copy(), expressions=others))
