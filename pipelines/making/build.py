"""Making the objects of core and report tables: run the select or the estimator, judge, accept or keep the old one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.core.harmonise import completed
from pipelines.machine.disk import raise_if_full
from pipelines.machine.errors import CrampAtlasError
from pipelines.making.engine import bind_frame, engine, without_values
from pipelines.making.judging import as_records, bind_for, judge_claims, judge_contract, nothing_to_judge, problems_of
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.report.estimators import COUNTING_RECORDS, ESTIMATORS, SETTINGS_NOT_READ, Estimation
from pipelines.stages import Plan, records_received
from pipelines.statistics import StatsError
from pipelines.store import Acceptance, Place, Rejection, Sidecar
from pipelines.store.acceptance import Cause


@dataclass(frozen=True)
class Built:
    """A sidecar, and whether its object had to be made now."""

    sidecar: Sidecar
    is_new: bool


def build(project: Project, plan: Plan, cause: Cause) -> Built:
    """Bring one core or report object up to date and accept it, or keep the accepted one and say why."""
    built = _make(project, plan)
    acceptance = project.store.acceptance(plan.place.source, plan.place.wave)
    if built.sidecar.verdict == "rejected":
        changed = with_rejection(acceptance, plan.place.name, cause, built.sidecar.problems, {plan.place.name: plan.recipe})
    else:
        changed = with_accepted(acceptance, plan.place.name, {plan.place.name: plan.recipe})
    project.store.set_acceptance(plan.place.source, plan.place.wave, changed)
    return built


def with_accepted(acceptance: Acceptance, held_back: str, recipes: Mapping[str, str]) -> Acceptance:
    """Accept these recipes and lift the rejection that held them back."""
    now = datetime.now(UTC)
    news = {table: recipe for table, recipe in recipes.items() if acceptance.tables.get(table) != recipe}
    return Acceptance(
        tables=acceptance.tables | news,
        accepted_at=acceptance.accepted_at | dict.fromkeys(news, now),
        rejections={name: rejection for name, rejection in acceptance.rejections.items() if name != held_back},
    )


def with_rejection(
    acceptance: Acceptance, held_back: str, cause: Cause, problems: list[str], recipes: Mapping[str, str]
) -> Acceptance:
    """Keep what is accepted and note the rejection; the same rejection keeps its first date."""
    before = acceptance.rejections.get(held_back)
    since = before.rejected_at if before and before.recipes == recipes else datetime.now(UTC)
    rejection = Rejection(cause=cause, problems=problems, recipes=dict(recipes), rejected_at=since)
    return acceptance.model_copy(update={"rejections": acceptance.rejections | {held_back: rejection}})


def absent(project: Project, plan: Plan) -> Sidecar:
    """A typed object of zero rows, for what a source never delivered."""
    contract = project.contracts[plan.place.name]
    content, rows = project.store.write(plan.place, contract.arrow_schema().empty_table())
    results = nothing_to_judge(project, plan.place, f"no delivery of {plan.place.source} {plan.place.wave} was ever accepted")
    return _sidecar(plan, content=content, rows=rows, verdict="not_applicable", results=as_records(results))


def _make(project: Project, plan: Plan) -> Built:
    known = project.store.sidecar(plan.place, plan.recipe)
    if known:
        return Built(known, is_new=False)
    sidecar = absent(project, plan) if plan.is_absent else _compute(project, plan)
    project.store.record(plan.place, sidecar)
    return Built(sidecar, is_new=True)


def _compute(project: Project, plan: Plan) -> Sidecar:
    place = plan.place
    try:
        content, rows, columns_read = _write(project, plan)
    except duckdb.Error as error:
        raise_if_full(error, project.settings.warehouse_folder)
        return _failed(plan, without_values(error))
    except pa.ArrowInvalid:
        return _failed(plan, "a column does not have the type that the contract promises")
    except (StatsError, CrampAtlasError) as error:
        return _failed(plan, str(error))
    candidate = project.store.path(place, content)
    results = [*judge_contract(project, place, candidate), *judge_claims(project, place, {place: candidate})]
    problems = problems_of(place, results)
    return _sidecar(
        plan,
        content=content,
        rows=rows,
        columns_read=columns_read,
        verdict="rejected" if problems else "accepted",
        problems=problems,
        results=as_records(results),
    )


def _failed(plan: Plan, reason: str) -> Sidecar:
    problem = f"{plan.place.name} {plan.place.wave}: {reason}"
    return _sidecar(plan, content=None, rows=0, verdict="rejected", problems=[problem])


def _write(project: Project, plan: Plan) -> tuple[str, int, list[str]]:
    """(content, rows, columns that an estimator has read)."""
    place = plan.place
    source = project.sources[place.source]
    contract = project.contracts[place.name]
    objects = {read: project.store.path(read, content) for read, content in plan.inputs.items()}
    select = project.selects.get(f"{place.name}/{place.source}") or project.selects.get(place.name)
    with engine(project.settings) as connection:
        if select is None:
            estimation = _estimation(project, connection, place, objects)
            frame = _as_contracted(ESTIMATORS[place.name](estimation), contract.arrow_schema())
            return *project.store.write(place, frame), sorted(estimation.columns_read)
        for table in select.reads:
            if table.partition(".")[0] in {"raw", "core", "report", "codebook"}:
                bind_for(project, connection, place, table, objects)
        bind_frame(connection, "study", "age_bands", project.study.age_bands.frame())
        bind_frame(connection, "meta", "this_wave", this_wave(source, place.wave))
        reader = connection.sql(select.text).to_arrow_reader(100_000)
        return *project.store.write(place, completed(select.name, reader, contract, source)), []


def this_wave(source: Source, wave: str) -> pl.DataFrame:
    """What a harmonising select may know of its wave: one row with its names and `<variable>_top_code` columns."""
    top_codes = {f"{variable}_top_code": [code] for variable, code in source.top_codes().items()}
    frame = pl.DataFrame({"source": [source.source], "wave": [wave], "is_synthetic": [source.is_synthetic]} | top_codes)
    return frame.with_columns(pl.col(pl.Int64).cast(pl.Int32))


def _estimation(
    project: Project, connection: duckdb.DuckDBPyConnection, place: Place, objects: Mapping[Place, Path]
) -> Estimation:
    source = project.sources[place.source]
    bind_for(project, connection, place, project.study.respondents, objects)
    return Estimation(
        connection=connection,
        respondents=project.study.respondents,
        study=project.study.without(SETTINGS_NOT_READ[place.name]),
        source=source,
        waves=[wave for wave in source.study_waves if any(read.wave == wave for read in objects)],
        comparability=project.comparability_of(source),
        standard_population=project.standard_population,
        received=records_received(project, source) if place.name in COUNTING_RECORDS else {},
    )


def _as_contracted(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """Exactly the contract's columns and types. A column that the estimator has nothing for is NULL; it may have no others."""
    unknown = set(frame.columns) - set(schema.names)
    if unknown:
        raise CrampAtlasError(f"the estimator returns {', '.join(sorted(unknown))}, which the contract does not have")
    absent_columns = [pl.lit(None).alias(name) for name in schema.names if name not in frame.columns]
    return frame.with_columns(absent_columns).select(schema.names).to_arrow().cast(schema)


def _sidecar(
    plan: Plan,
    *,
    content: str | None,
    rows: int,
    verdict: str,
    columns_read: list[str] | None = None,
    problems: list[str] | None = None,
    results: list[dict[str, object]] | None = None,
) -> Sidecar:
    return Sidecar.model_validate(
        {
            "table": plan.place.name,
            "source": plan.place.source,
            "wave": plan.place.wave,
            "recipe": plan.recipe,
            "ingredients": dict(plan.ingredients),
            "inputs": {str(place): digest for place, digest in plan.inputs.items()},
            "content": content,
            "rows": rows,
            "columns_read": columns_read or [],
            "verdict": verdict,
            "problems": problems or [],
            "results": results or [],
        }
    )
