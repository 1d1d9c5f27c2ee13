"""SQL of an analyst that is not about what it is given: files, the machine, the day, chance. Told before it runs."""

from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.machine.functions import not_of_the_data

DRAWS = "draws a sample, which is another one every time"
DESCRIBES = "describes a table instead of reading it"


def is_one_select(sql: str) -> bool:
    """Whether a text is one select that DuckDB reads, and nothing that changes anything."""
    try:
        statements = [statement for statement in sqlglot.parse(sql, read="duckdb") if statement is not None]
    except (SqlglotError, RecursionError):
        return False
    return len(statements) == 1 and isinstance(statements[0], exp.Query)


def reaches_out(sql: str, given: Collection[str], instead: str, *, schemas: bool = True) -> str | None:
    """What one select reads or calls beside `schema.table` names, its own CTEs and the tables `given`; None where it is nothing.

    `instead` says what it may read; `schemas` is whether that is `schema.table` at all. SQL that cannot be parsed reaches
    nothing: it is refused for that elsewhere. Names are compared as DuckDB does, without regard to case.
    """
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except (SqlglotError, RecursionError):
        return None
    for name, why in not_of_the_data(tree):
        return f"calls {name}, which {why}"
    given_later = tree.find(exp.Placeholder, exp.Parameter, exp.SessionParameter)
    if given_later is not None:
        return f"holds the parameter `{given_later.sql(dialect='duckdb')}`, which nobody gives a value: write the value itself"
    if tree.find(exp.TableSample):
        return DRAWS
    if tree.find(exp.Describe, exp.Summarize):
        return f"{DESCRIBES}; {instead}"
    known = {name.casefold() for name in (*given, *(cte.alias for cte in tree.find_all(exp.CTE)))}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        if table.db and not (schemas and not table.catalog):
            return f"reads `{table.sql(dialect='duckdb')}`; {instead}"
        if not table.db and table.name.casefold() not in known:
            return f"reads `{table.name}`, which is no table of the project; {instead}"
    return None
