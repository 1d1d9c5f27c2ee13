"""Writing the DuckDB files of a release. They are built once, checkpointed, and never opened for writing again."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl

from pipelines.contracts.model import Contract
from pipelines.machine.files import READ_ONLY, sync_file
from pipelines.machine.quoting import identifier, literal
from pipelines.machine.settings import Settings
from pipelines.making.engine import bind_objects, no_rows

FILE_FORMAT = "v1.0.0"
"""The oldest DuckDB that reads what is written, whichever version writes: its clients live longer than ours."""


def write_database(
    path: Path,
    contracts: Iterable[Contract],
    objects: Mapping[str, list[Path]],
    frames: Mapping[str, pl.DataFrame],
    views: Mapping[str, str],
    settings: Settings,
    afterwards: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
) -> None:
    """One table for each contract, from its objects or its frame, or a view by its select; with comments on them and columns.

    `afterwards` adds what is neither, before the file is closed for good.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.warehouse_folder / "spill"),
        "storage_compatibility_version": FILE_FORMAT,
    }
    with duckdb.connect(str(path), config=config) as connection:
        connection.execute("attach ':memory:' as views")
        comments: list[str] = []
        for contract in contracts:
            name = f"{contract.schema}.{contract.table}"
            table = f"{identifier(contract.schema)}.{identifier(contract.table)}"
            connection.execute(f"create schema if not exists {identifier(contract.schema)}")
            if name in frames:
                connection.register("frame", frames[name].to_arrow())
                connection.execute(f"create table {table} as select * from frame")
                connection.unregister("frame")
            elif name in views:
                connection.execute(f"create view {table} as {no_rows(contract)} union all by name {views[name]}")
            else:
                connection.execute("use views")
                bind_objects(connection, contract, objects.get(name, []))
                connection.execute(f"use {identifier(path.stem)}")
                # what is held back at an older version of its contract may lack a column
                connection.execute(f"create table {table} as {no_rows(contract)} union all by name from views.{table}")
            comments += comments_sql(contract, contract.schema, contract.table, "view" if name in views else "table")
        connection.execute("; ".join(["begin", *comments, "commit"]))  # one by one they take longer than the tables
        if afterwards:
            afterwards(connection)
        connection.execute("detach views")
        connection.execute("checkpoint")
    leftover = path.with_name(path.name + ".wal")
    if leftover.exists():
        raise RuntimeError(f"{path.name} was not checkpointed: {leftover.name} is left")
    path.chmod(READ_ONLY)
    sync_file(path)


def comments_sql(contract: Contract, schema: str, table: str, kind: Literal["table", "view"] = "table") -> list[str]:
    """The statements that put the contract's descriptions on a DuckDB table or view and its columns."""
    name = f"{identifier(schema)}.{identifier(table)}"
    return [
        f"comment on {kind} {name} is {literal(contract.description)}",
        *(f"comment on column {name}.{identifier(column.name)} is {literal(column.comment)}" for column in contract.columns),
    ]
