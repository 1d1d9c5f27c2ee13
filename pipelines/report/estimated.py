"""Making a report table by its estimator: what the estimator is given, and its rows with exactly the contract's columns."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.machine.errors import CrampAtlasError
from pipelines.making.build import Made
from pipelines.making.engine import confine, engine
from pipelines.making.seeing import bind_for
from pipelines.project.project import Project
from pipelines.report.estimation import Estimation
from pipelines.report.estimators import COUNTING_RECORDS, ESTIMATORS, EVENT_ESTIMATORS, SETTINGS_NOT_READ
from pipelines.report.events import Events
from pipelines.report.finite import with_finite_numbers
from pipelines.report.held import Held, held_cells
from pipelines.report.plan import records_received, sections_read
from pipelines.report.scales import marked_for_scale
from pipelines.report.standing import Standing, standing_rows
from pipelines.store import Place
from pipelines.store.recipe import Plan


def estimated(project: Project, plan: Plan) -> Made:
    """Run the estimator of the table; raises StatsError and CrampAtlasError where there can be no table."""
    place = plan.place
    objects = {read: project.store.path(read, content) for read, content in plan.inputs.items()}
    schema = project.contracts[place.name].arrow_schema()
    with engine(project.settings) as connection:
        if place.name in EVENT_ESTIMATORS:
            events = _events(project, connection, place, objects)
            confine(connection)
            rows = _as_contracted(with_finite_numbers(EVENT_ESTIMATORS[place.name](events)), schema)
            return Made(*project.store.write(place, rows), sorted(events.columns_read))
        estimation = _estimation(project, connection, plan, objects)
        confine(connection)
        standing = standing_rows(project, plan)
        rows = _rows(estimation, place.name, standing, schema)
        if not standing.holds(estimation.of_all_waves):
            standing = Standing()
            rows = _rows(estimation, place.name, standing, schema)
    columns_read = sorted(estimation.columns_read | standing.columns_read)
    return Made(*project.store.write(place, rows), columns_read, estimation.of_all_waves)


def _rows(estimation: Estimation, table: str, standing: Standing, schema: pa.Schema) -> pa.Table:
    """Those that stand and all others, wave after wave, the pool last."""
    found = ESTIMATORS[table](replace(estimation, standing=standing.waves))
    rows = pl.DataFrame(_as_contracted(marked_for_scale(with_finite_numbers(found), estimation), schema))
    if standing.waves:
        rows = pl.concat([standing.rows, rows], how="vertical_relaxed")
    order = {scope.wave: number for number, scope in enumerate(estimation.scopes())}
    in_order = rows.sort(pl.col("wave").replace_strict(order, return_dtype=pl.Int64), maintain_order=True)
    return in_order.to_arrow().cast(schema)


def _events(project: Project, connection: duckdb.DuckDBPyConnection, place: Place, objects: Mapping[Place, Path]) -> Events:
    source, [table] = project.sources[place.source], project.reads(place.name)
    bind_for(project, connection, place, table, objects)
    settings = project.study.sequence_symmetry
    return Events(
        connection=connection,
        table=table,
        study=project.study.without(set(type(project.study).model_fields) - sections_read(place.name)),
        source=source,
        waves=[wave for wave in source.study_waves if any(read.wave == wave for read in objects)],
        drug_classes=project.drug_classes[settings.drug_classes] if settings else {},
    )


def _estimation(project: Project, connection: duckdb.DuckDBPyConnection, plan: Plan, objects: Mapping[Place, Path]) -> Estimation:
    place = plan.place
    source = project.sources[place.source]
    respondents = project.study.respondents
    bind_for(project, connection, place, respondents, objects)
    return Estimation(
        connection=connection,
        respondents=project.study.respondents,
        study=project.study.without(SETTINGS_NOT_READ[place.name]),
        source=source,
        waves=[wave for wave in source.study_waves if any(read.wave == wave for read in objects)],
        comparability=project.comparability_of(source),
        standard_population=project.standard_population,
        received=records_received(project, source) if place.name in COUNTING_RECORDS else {},
        held=held_cells(project, plan.inputs) if source.can_be_added_up else Held(),
    )


def _as_contracted(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """Exactly the contract's columns and types. A column that the estimator has nothing for is NULL; it may have no others."""
    unknown = set(frame.columns) - set(schema.names)
    if unknown:
        raise CrampAtlasError(f"the estimator returns {', '.join(sorted(unknown))}, which the contract does not have")
    absent_columns = [pl.lit(None).alias(name) for name in schema.names if name not in frame.columns]
    return frame.with_columns(absent_columns).select(schema.names).to_arrow().cast(schema)
