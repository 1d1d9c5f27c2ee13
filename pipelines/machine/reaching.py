"""SQL of an analyst that reaches out of what it is given: files, the machine's settings, other queries. Told before it runs."""

import re
from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

REACHING = re.compile(r"read_.*|.*_scan|glob|sniff_csv|getenv|query|query_table|duckdb_(secrets|settings|extensions)|.*_metadata")
"""Functions of DuckDB that read a file or the settings of the machine, or run a text as a query."""


def reaches_out(sql: str, given: Collection[str] = ()) -> str | None:
    """What one select reads beside `schema.table` names, its own CTEs and the tables `given`; None where it is nothing.

    SQL that cannot be parsed reaches nothing: it is refused for that elsewhere.
    """
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except (SqlglotError, RecursionError):
        return None
    for function in tree.find_all(exp.Func):
        name = function.sql(dialect="duckdb").partition("(")[0].strip().lower()
        if REACHING.fullmatch(name):
            return f"calls {name}, which reaches out of the warehouse"
    known = {*given, *(cte.alias for cte in tree.find_all(exp.CTE))}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier) and not table.db and table.name not in known:
            return f"reads `{table.name}`, which is no table of the project"
    return None
