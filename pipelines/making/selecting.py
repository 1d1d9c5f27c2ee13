"""Running one select over the accepted objects that its plan names, on DuckDB or on a server of Spark Connect."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.machine.errors import CrampAtlasError
from pipelines.making.engine import bind_frame, confine, engine
from pipelines.making.ordering import BATCH_ROWS, in_order
from pipelines.making.seeing import bind_for
from pipelines.making.spark import server
from pipelines.project.project import Project
from pipelines.project.selects import Select
from pipelines.store.recipe import Plan

ENGINE_LIBRARIES = ("duckdb", "great-expectations", "pyarrow")


@contextmanager
def bound(project: Project, plan: Plan, select: Select, known: Mapping[str, pl.DataFrame]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads what a select reads: tables, codebooks and the small frames `known` by name (`schema.table`)."""
    objects = {read: project.store.path(read, content) for read, content in plan.inputs.items()}
    with engine(project.settings, of_a_delivery=plan.place.schema == "core") as connection:
        for table in select.reads:
            if table.partition(".")[0] in {"raw", "core", "report", "codebook", "decoded"}:
                bind_for(project, connection, plan.place, table, objects)
        for name, frame in known.items():
            schema, _, table = name.partition(".")
            bind_frame(connection, schema, table, frame)
        confine(connection)
        yield connection


def as_promised(name: str, column: pa.Array, field: pa.Field) -> pa.Array:
    """A column in the contract's type; raises CrampAtlasError that names the select and the column where it does not fit."""
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CrampAtlasError(
            f"{name}: {field.name} is {column.type}, with values that do not fit {field.type}, which the contract promises"
        ) from error


@contextmanager
def selected(project: Project, plan: Plan, select: Select, known: Mapping[str, pl.DataFrame]) -> Iterator[pa.RecordBatchReader]:
    """The rows of a select over what it reads."""
    with bound(project, plan, select, known) as connection:
        if project.settings.engine == "spark":
            with server(project.settings, connection) as spark:
                yield spark.rows(select.text)
        else:
            with connection.sql(select.text).to_arrow_reader(BATCH_ROWS) as rows:
                yield rows


def use_in_order(
    project: Project,
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    use: Callable[[pa.RecordBatchReader], tuple[str, int]],
) -> tuple[str, int]:
    """What `use` makes of the rows of a select in its order; all that it reads is bound on the connection."""
    if project.settings.engine == "spark":
        with server(project.settings, connection) as spark:
            return use(spark.rows(sql))
    return in_order(connection, sql, use)
