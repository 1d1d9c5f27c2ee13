"""Generated records through the project's own harmonising select and estimators, in memory and without the warehouse."""

from collections.abc import Mapping

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.core.harmonise import completed, this_wave, typed
from pipelines.machine.quoting import identifier
from pipelines.making.engine import bind_frame, bind_select, engine
from pipelines.making.ordering import BATCH_ROWS
from pipelines.project.decoding import decoded
from pipelines.project.project import Project
from pipelines.project.respondents import REASON
from pipelines.project.selects import DECODED
from pipelines.project.sources import Source
from pipelines.report.estimators import ESTIMATORS, Estimation

ESTIMATES = ("report.prevalence_by_age_band", "report.odds_ratios")
"""The report tables whose truth is planted."""


def estimated(project: Project, source: Source, wave: str, people: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """Report table -> the rows of one wave of a source, were `people` the raw table that it delivers."""
    with engine(project.settings) as connection:
        _bind_respondents(project, connection, source, wave, people)
        estimation = Estimation(connection, project.study.respondents, project.study, source, [wave])
        estimates = {table: ESTIMATORS[table](estimation) for table in ESTIMATES}
    return {table: frame.filter(pl.col("wave") == wave) if frame.width else frame for table, frame in estimates.items()}


def _bind_respondents(
    project: Project, connection: duckdb.DuckDBPyConnection, source: Source, wave: str, people: pl.DataFrame
) -> None:
    """Make the respondent table readable, without the columns that say why something is missing: no estimate needs them."""
    table = project.study.respondents
    select = project.selects[f"{table}/{source.source}"]
    for read in sorted(select.reads, key=lambda read: read.startswith(DECODED)):
        kind, name = read.split(".")
        delivered = project.contracts.get(f"raw.{name}")
        if kind == "codebook" and delivered:
            bind_frame(connection, "codebook", name, delivered.codebook_frame())
        elif kind == "raw":
            bind_frame(connection, "raw", name, people)
        elif read.startswith(DECODED) and delivered:
            bind_select(connection, read, decoded(delivered))
    bind_frame(connection, "study", "age_bands", project.study.age_bands.frame())
    bind_frame(connection, "meta", "this_wave", this_wave(source, wave))
    contract = project.contracts[table]
    text = completed(connection, select, project.vocabularies.get(table), contract, source, project.study.age_bands.frame())
    schema = contract.arrow_schema()
    harmonised = typed(select, connection.sql(text).to_arrow_reader(BATCH_ROWS), schema)
    columns = [column for column in schema.names if not column.endswith(REASON)]
    rows = pa.Table.from_batches(batch.select(columns) for batch in harmonised)
    connection.register("harmonised", rows)
    connection.execute(f"create schema if not exists {identifier(table.split('.')[0])}")
    connection.execute(f"create table {table} as from harmonised")
    connection.unregister("harmonised")
