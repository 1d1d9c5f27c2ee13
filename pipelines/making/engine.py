"""DuckDB as the engine: an in-memory connection that sees tables as views over Parquet and runs one select.

What a select reads is found in the select itself. Nothing in here writes to the warehouse. What an analyst wrote runs on a
connection that is confined: it reaches the objects that were bound, and no other file, network, extension or database.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from pipelines.contracts.model import Contract
from pipelines.machine.quoting import identifier, literal
from pipelines.machine.settings import Settings


@contextmanager
def engine(settings: Settings, *, of_a_delivery: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that spills to `warehouse/spill` above the memory limit, or above that for work on deliveries."""
    spill = settings.warehouse_folder / "spill"
    limit = settings.delivery_memory_limit if of_a_delivery else settings.memory_limit
    limits = {"memory_limit": limit, "temp_directory": str(spill)}
    with duckdb.connect(":memory:", config={**limits, "python_enable_replacements": False}) as connection:
        connection.execute("set TimeZone = 'UTC'")  # and not that of the machine
        connection.execute("set perfect_ht_threshold = 20")
        yield connection


def confine(connection: duckdb.DuckDBPyConnection) -> None:
    """Lock the connection in with what is bound on it, before SQL of an analyst runs: there is no way back."""
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _allow(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Let a connection that will be confined go on reading these files."""
    [(allowed,)] = connection.execute("select current_setting('allowed_paths')").fetchall()
    listed = ", ".join(literal(path) for path in [*allowed, *map(str, files)])
    connection.execute(f"set allowed_paths = [{listed}]")


def without_values(error: duckdb.Error) -> str:
    """What went wrong in one line. Only errors from before any row is read are quoted: others may hold a respondent's value."""
    if isinstance(error, (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)):
        return str(error).splitlines()[0]
    return f"the query failed while it ran ({type(error).__name__}); run it by hand to see why"


def bind_objects(
    connection: duckdb.DuckDBPyConnection, contract: Contract, objects: Sequence[Path], name: str | None = None
) -> None:
    """Make `schema.table`, or another `name`, a view over the objects; over none, a typed table of zero rows.

    Objects that were accepted under different versions of the contract may differ in columns: what one lacks is NULL.
    """
    paths = ", ".join(literal(str(path)) for path in objects)
    select = f"select * from read_parquet([{paths}], union_by_name = true)" if objects else no_rows(contract)
    _allow(connection, objects)
    bind_select(connection, name or contract.name, select)


def no_rows(contract: Contract) -> str:
    """A select of the contract's columns, with their types, and of no row."""
    columns = ", ".join(f"cast(null as {kind}) as {identifier(column)}" for column, kind in contract.column_types().items())
    return f"select {columns} where false"


def bind_frame(connection: duckdb.DuckDBPyConnection, schema: str, table: str, frame: pl.DataFrame) -> None:
    """Make a small frame readable as `schema.table`."""
    registered = f"{schema}__{table}"
    connection.register(registered, frame.to_arrow())
    bind_select(connection, f"{schema}.{table}", f"select * from {identifier(registered)}")


def bind_select(connection: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    """Make a select readable as `name` (`schema.table`)."""
    schema, _, table = name.partition(".")
    connection.execute(f"create schema if not exists {identifier(schema)}")
    view = f"{identifier(schema)}.{identifier(table)}"
    connection.execute(f"create or replace view {view} as {select}")
    connection.execute(f"comment on view {view} is {literal(select)}")  # its very words, which another engine is given
