"""A database of a release with all rows in it: its views are tables, so that it needs no warehouse beside it."""

from pathlib import Path

import duckdb

from pipelines.machine.quoting import identifier, literal
from pipelines.machine.settings import Settings
from pipelines.release.database import FILE_FORMAT
from pipelines.release.whereabouts import variables_of

LISTED = """
select schema_name, table_name, comment from duckdb_tables() where database_name = 'release'
union all
select schema_name, view_name, comment from duckdb_views() where database_name = 'release' and not internal
order by all
"""

COMMENTED = """
select schema_name, table_name, column_name, comment from duckdb_columns()
where database_name = 'release' and comment is not null
"""


def copy_database(database: Path, target: Path, settings: Settings) -> None:
    """Copy every table and view with its comments into a new file; rows are streamed."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.warehouse_folder / "spill"),
        "storage_compatibility_version": FILE_FORMAT,
    }
    with duckdb.connect(str(target), config=config) as connection:
        for variable in variables_of(database):
            connection.execute(variable)
        connection.execute(f"attach {literal(str(database))} as release (read_only)")
        for schema, name, comment in connection.sql(LISTED).fetchall():
            table = f"{identifier(schema)}.{identifier(name)}"
            connection.execute(f"create schema if not exists {identifier(schema)}")
            connection.execute(f"create table {table} as from release.{table}")
            connection.execute(f"comment on table {table} is {literal(comment)}")
        for schema, name, column, comment in connection.sql(COMMENTED).fetchall():
            described = ".".join(map(identifier, (schema, name, column)))
            connection.execute(f"comment on column {described} is {literal(comment)}")
        connection.execute("detach release")
        connection.execute("checkpoint")
