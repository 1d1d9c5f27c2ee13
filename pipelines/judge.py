"""Judging a candidate object: its contract, then the claims in sql/checks that name its table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from pipelines.contracts.expectations import RuleResult, judge
from pipelines.engine import bind_frame, bind_objects, engine, without_values
from pipelines.plan import raw_place
from pipelines.project import Project, Select
from pipelines.store import Place


def judge_contract(project: Project, place: Place, candidate: Path) -> list[RuleResult]:
    """The verdict of every rule of the contract on the candidate, by Great Expectations."""
    return judge(candidate, project.contracts[place.name], place.wave)


def judge_claims(project: Project, place: Place, candidates: Mapping[Place, Path]) -> list[RuleResult]:
    """The claims of sql/checks about the table of `place`: each is a select that must return no row.

    A claim sees the candidates first and otherwise what is accepted of the same source (of this wave, for raw and core).
    """
    checks = project.checks.get(place.table, ())
    if not checks:
        return []
    with engine(project.settings) as connection:
        for table in sorted({table for check in checks for table in check.reads} | {place.name}):
            bind_for(project, connection, place, table, candidates)
        return [_judge_claim(connection, check) for check in checks]


def bind_for(
    project: Project, connection: duckdb.DuckDBPyConnection, place: Place, table: str, objects: Mapping[Place, Path]
) -> None:
    """Make `table` readable as a select about `place` should see it: its source, and its wave unless it is a report."""
    if table.startswith("codebook."):
        name = table.removeprefix("codebook.")
        bind_frame(connection, "codebook", name, project.contracts[f"raw.{name}"].codebook_frame())
        return
    schema, name = table.split(".")
    places = [candidate for candidate in project.places(table) if candidate.source == place.source]
    if place.schema != "report":
        wanted = raw_place(project.sources[place.source], table, place.wave).wave if schema == "raw" else place.wave
        places = [candidate for candidate in places if candidate.wave == wanted]
    paths = [path for candidate in places if (path := objects.get(candidate) or accepted_path(project, candidate))]
    bind_objects(connection, project.contracts[table], paths)


def accepted_path(project: Project, place: Place) -> Path | None:
    """The Parquet of the accepted object of a place."""
    sidecar = project.store.accepted(place)
    return project.store.path(place, sidecar.content) if sidecar and sidecar.content else None


def _judge_claim(connection: duckdb.DuckDBPyConnection, check: Select) -> RuleResult:
    claim = Path(check.name).stem.partition("__")[2].replace("_", " ")
    try:
        offending = connection.sql(f"select count(*) from ({check.text})").fetchall()[0][0]
    except duckdb.Error as error:
        return RuleResult(check.name, None, "reject", "error", 0, 0, claim, without_values(error))
    if offending:
        return RuleResult(check.name, None, "reject", "failed", 0, offending, claim, f"{offending:,} rows against it")
    return RuleResult(check.name, None, "reject", "passed", 0, 0, claim, "")


def problems_of(place: Place, results: Sequence[RuleResult]) -> list[str]:
    """What makes a candidate unacceptable: rules that reject a delivery and failed, or could not be judged."""
    return [
        f"{place.name} {place.wave}: {result.description} ({_count(result)})"
        for result in results
        if (result.status == "failed" and result.severity == "reject") or result.status == "error"
    ]


def _count(result: RuleResult) -> str:
    detail = f"; {result.detail}" if result.detail else ""
    if result.status == "error":
        return f"{result.rule_id} could not be judged{detail}"
    return f"{result.rule_id}: {result.n_failed:,} of {result.n_checked:,}{detail}" if result.n_checked else result.detail


def as_records(results: Sequence[RuleResult]) -> list[dict[str, Any]]:
    return [asdict(result) for result in results]
