"""Judging a candidate object: its contract, then the claims in sql/checks that name its table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from pipelines.contracts.expectations import RuleResult, Status, judge, not_applicable
from pipelines.machine.disk import raise_if_full
from pipelines.making.engine import bind_frame, bind_objects, engine, without_values
from pipelines.project.project import Project
from pipelines.project.selects import Select
from pipelines.stages import raw_place
from pipelines.store import Place


def judge_contract(project: Project, place: Place, candidate: Path) -> list[RuleResult]:
    """The verdict of every rule of the contract on the candidate, by Great Expectations."""
    return judge(candidate, project.contracts[place.name], place.wave)


def judge_claims(project: Project, place: Place, candidates: Mapping[Place, Path]) -> list[RuleResult]:
    """The claims of sql/checks about the table of `place`: each is a select that must return no row.

    A claim sees the candidates first and otherwise what is accepted of the same source (of this wave, for raw and core).
    It is `not_applicable` where nothing of a table that it reads was ever accepted, or all of them are empty.
    """
    checks = project.checks.get(place.table, ())
    if not checks:
        return []
    with engine(project.settings) as connection:
        for table in sorted({table for check in checks for table in check.reads} | {place.name}):
            bind_for(project, connection, place, table, candidates)
        return [_judge_claim(project, connection, place, check, candidates) for check in checks]


def nothing_to_judge(project: Project, place: Place, reason: str) -> list[RuleResult]:
    """Every rule and claim about `place` as not applicable."""
    rules = not_applicable(project.contracts[place.name], reason)
    return [*rules, *(_claim(check, "not_applicable", 0, reason) for check in project.checks.get(place.table, ()))]


def bind_for(
    project: Project, connection: duckdb.DuckDBPyConnection, place: Place, table: str, objects: Mapping[Place, Path]
) -> None:
    """Make `table` readable as a select about `place` should see it: its source, and its wave unless it is a report."""
    if table.startswith("codebook."):
        name = table.removeprefix("codebook.")
        bind_frame(connection, "codebook", name, project.contracts[f"raw.{name}"].codebook_frame())
        return
    paths = [path for read in places_read(project, place, table) if (path := objects.get(read) or accepted_path(project, read))]
    bind_objects(connection, project.contracts[table], paths)


def places_read(project: Project, place: Place, table: str) -> list[Place]:
    """The places of `table` that a select about `place` reads."""
    places = [candidate for candidate in project.places(table) if candidate.source == place.source]
    if place.schema == "report":
        return places
    is_raw = table.startswith("raw.")
    wanted = raw_place(project.sources[place.source], table, place.wave).wave if is_raw else place.wave
    return [candidate for candidate in places if candidate.wave == wanted]


def _is_there(project: Project, place: Place, table: str, candidates: Mapping[Place, Path]) -> bool:
    """Whether a select about `place` finds anything of a table that was delivered, be it of no rows."""
    if table.startswith("codebook."):
        return True
    return any(
        read in candidates or ((sidecar := project.store.accepted(read)) is not None and sidecar.verdict == "accepted")
        for read in places_read(project, place, table)
    )


def accepted_path(project: Project, place: Place) -> Path | None:
    """The Parquet of the accepted object of a place."""
    sidecar = project.store.accepted(place)
    return project.store.path(place, sidecar.content) if sidecar and sidecar.content else None


def _judge_claim(
    project: Project, connection: duckdb.DuckDBPyConnection, place: Place, check: Select, candidates: Mapping[Place, Path]
) -> RuleResult:
    missing = [table for table in check.reads if not _is_there(project, place, table, candidates)]
    if missing:
        return _claim(check, "not_applicable", 0, f"no delivery with {', '.join(missing)} was ever accepted")
    try:
        offending = connection.sql(f"select count(*) from ({check.text})").fetchall()[0][0]
    except duckdb.Error as error:
        raise_if_full(error, project.settings.warehouse_folder)
        return _claim(check, "error", 0, without_values(error))
    if offending:
        return _claim(check, "failed", offending, f"{offending:,} rows against it")
    if not any(connection.sql(f"select 1 from {table} limit 1").fetchall() for table in check.reads):
        return _claim(check, "not_applicable", 0, f"{', '.join(check.reads)}: no rows of {place.source}")
    return _claim(check, "passed", 0, "")


def _claim(check: Select, status: Status, n_failed: int, detail: str) -> RuleResult:
    return RuleResult(
        rule_id=check.name,
        column=None,
        severity="reject",
        status=status,
        n_checked=0,
        n_failed=n_failed,
        description=Path(check.name).stem.partition("__")[2].replace("_", " "),
        detail=detail,
        threshold="0 rows",
        dimension="consistency",
        query=None if status == "not_applicable" else check.text.strip(),
    )


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
    if result.n_checked:
        return f"{result.rule_id}: {result.n_failed:,} of {result.n_checked:,}{detail}"
    return result.detail if result.rule_id.startswith("sql/checks/") else f"{result.rule_id}: {result.detail}"


def as_records(results: Sequence[RuleResult]) -> list[dict[str, Any]]:
    return [asdict(result) for result in results]
