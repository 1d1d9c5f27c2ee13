"""DuckDB as the engine: an in-memory connection that sees tables as views over Parquet and runs one select.

What a select reads is found in the select itself. Nothing in here writes to the warehouse.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from pipelines.contracts.model import Contract
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import Settings


@contextmanager
def engine(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that spills to `warehouse/spill` above the memory limit."""
    spill = settings.warehouse_folder / "spill"
    with duckdb.connect(":memory:", config={"memory_limit": settings.memory_limit, "temp_directory": str(spill)}) as connection:
        connection.execute("set perfect_ht_threshold = 20")
        yield connection


def without_values(error: duckdb.Error) -> str:
    """What went wrong in one line. Only errors from before any row is read are quoted: others may hold a respondent's value."""
    if isinstance(error, (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)):
        return str(error).splitlines()[0]
    return f"the query failed while it ran ({type(error).__name__}); run it by hand to see why"


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A quoted SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def tables_read(sql: str, name: str) -> list[str]:
    """The `schema.table` names that a select reads, in order; raises ConfigurationError where it is not one select."""
    try:
        statements = [statement for statement in sqlglot.parse(sql, read="duckdb") if statement is not None]
    except ParseError as error:
        raise ConfigurationError(f"{name} is not SQL that DuckDB reads: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ConfigurationError(f"{name} must hold exactly one select")
    return sorted({f"{table.db}.{table.name}" for table in statements[0].find_all(exp.Table) if table.db})


def tables_of_rows(sql: str) -> list[str]:
    """The `schema.table` names whose rows a select turns into its own: what stands after its `from`, looked up in its CTEs.

    Tables that are only joined are not among them. A union has those of all its parts.
    """
    select = sqlglot.parse_one(sql, read="duckdb").assert_is(exp.Query)
    return sorted(set(_tables_of_rows(select, {cte.alias: cte.this for cte in select.find_all(exp.CTE)})))


def _tables_of_rows(query: exp.Expr, named: Mapping[str, exp.Expr]) -> Iterator[str]:
    if isinstance(query, exp.SetOperation):
        yield from _tables_of_rows(query.left, named)
        yield from _tables_of_rows(query.right, named)
    elif isinstance(query, exp.Subquery):
        yield from _tables_of_rows(query.this, named)
    elif isinstance(query, exp.Table):
        if query.db:
            yield f"{query.db}.{query.name}"
        elif query.name in named:
            yield from _tables_of_rows(named[query.name], {name: cte for name, cte in named.items() if name != query.name})
    elif isinstance(query, exp.Select) and (source := query.find(exp.From)):
        yield from _tables_of_rows(source.this, named)


def columns_returned(sql: str) -> list[str]:
    """The names of the columns that a select returns, in order."""
    return list(sqlglot.parse_one(sql, read="duckdb").assert_is(exp.Query).named_selects)


def bind_objects(connection: duckdb.DuckDBPyConnection, contract: Contract, objects: Sequence[Path]) -> None:
    """Make `schema.table` a view over the objects; over none, a typed table of zero rows.

    Objects that were accepted under different versions of the contract may differ in columns: what one lacks is NULL.
    """
    paths = ", ".join(literal(str(path)) for path in objects)
    select = f"select * from read_parquet([{paths}], union_by_name = true)" if objects else no_rows(contract)
    _bind(connection, contract.schema, contract.table, select)


def no_rows(contract: Contract) -> str:
    """A select of the contract's columns, with their types, and of no row."""
    columns = ", ".join(f"cast(null as {kind}) as {identifier(column)}" for column, kind in contract.column_types().items())
    return f"select {columns} where false"


def bind_frame(connection: duckdb.DuckDBPyConnection, schema: str, table: str, frame: pl.DataFrame) -> None:
    """Make a small frame readable as `schema.table`."""
    registered = f"{schema}__{table}"
    connection.register(registered, frame.to_arrow())
    _bind(connection, schema, table, f"select * from {identifier(registered)}")


def _bind(connection: duckdb.DuckDBPyConnection, schema: str, table: str, select: str) -> None:
    connection.execute(f"create schema if not exists {identifier(schema)}")
    connection.execute(f"create or replace view {identifier(schema)}.{identifier(table)} as {select}")
