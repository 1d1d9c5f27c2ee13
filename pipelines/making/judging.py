"""Judging a candidate object: its contract, then the claims in sql/checks that name its table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from pipelines.contracts.expectations import RuleResult, Status, judge, not_applicable
from pipelines.machine.faults import listed
from pipelines.making.engine import bind_objects, confine, engine
from pipelines.making.faults import ANY, verdict_on
from pipelines.making.rules_as_sql import outcomes
from pipelines.making.seeing import bind_for, is_there
from pipelines.making.spark import server
from pipelines.project.project import Project
from pipelines.project.selects import Select
from pipelines.store import Place

NAMED = "named"
"""Column of a claim that says which rows are against it; told only where the claim reads report tables alone."""


def judge_contract(project: Project, place: Place, candidate: Path) -> list[RuleResult]:
    """The verdict of every rule of the contract on the candidate, by Great Expectations.

    Where the engine is Spark, its server judges core tables, as far as their rules are SQL that it reads alike.
    """
    contract = project.contracts[place.name]
    if project.settings.engine == "duckdb" or place.schema != "core":
        return judge(candidate, contract, place.wave, project.settings)
    with engine(project.settings) as connection:
        bind_objects(connection, contract, [candidate])
        with server(project.settings, connection) as spark:
            elsewhere = partial(outcomes, spark, contract.name)
            return judge(candidate, contract, place.wave, project.settings, elsewhere)


def judge_claims(project: Project, place: Place, candidates: Mapping[Place, Path]) -> list[RuleResult]:
    """The claims of sql/checks about the table of `place`: each is a select that must return no row.

    A claim sees the candidates first and otherwise what is accepted of the same source (of this wave, for raw and core).
    It is `not_applicable` where nothing of a table that it reads was ever accepted, or all of them are empty.
    """
    checks = project.checks.get(place.table, ())
    if not checks:
        return []
    with engine(project.settings, of_a_delivery=True) as connection:
        for table in sorted({table for check in checks for table in check.reads} | {place.name}):
            bind_for(project, connection, place, table, candidates)
        confine(connection)
        with _counting(project, connection) as count:
            return [_judge_claim(project, connection, count, place, check, candidates) for check in checks]


@contextmanager
def _counting(project: Project, connection: duckdb.DuckDBPyConnection) -> Iterator[Callable[[str], int]]:
    """What returns the one number of a select, on the engine of the project."""
    if project.settings.engine == "spark":
        with server(project.settings, connection) as spark:
            yield lambda sql: spark.numbers(sql)[0]
    else:
        yield lambda sql: int(connection.sql(sql).fetchall()[0][0])


def nothing_to_judge(project: Project, place: Place, reason: str) -> list[RuleResult]:
    """Every rule and claim about `place` as not applicable."""
    rules = not_applicable(project.contracts[place.name], reason)
    return [*rules, *(_claim(check, "not_applicable", 0, reason) for check in project.checks.get(place.table, ()))]


def _judge_claim(
    project: Project,
    connection: duckdb.DuckDBPyConnection,
    count: Callable[[str], int],
    place: Place,
    check: Select,
    candidates: Mapping[Place, Path],
) -> RuleResult:
    missing = [table for table in check.reads if not is_there(project, place, table, candidates)]
    if missing:
        return _claim(check, "not_applicable", 0, f"no delivery with {', '.join(missing)} was ever accepted")
    try:
        offending = count(f"select count(*) as n from ({check.text})")
        names = _named(connection, check) if offending and _is_about_reports(check) else ""
        is_empty = not any(connection.sql(f"select 1 from {table} limit 1").fetchall() for table in check.reads)
    except ANY as error:
        return _claim(check, "error", 0, verdict_on(error, project.settings.warehouse_folder))
    if offending:
        return _claim(check, "failed", offending, f"{offending:,} rows against it{names}")
    if is_empty:
        return _claim(check, "not_applicable", 0, f"{', '.join(check.reads)}: no rows of {place.source}")
    return _claim(check, "passed", 0, "")


def _is_about_reports(check: Select) -> bool:
    """Whether no record of anybody can stand in what the claim returns."""
    return all(table.startswith("report.") for table in check.reads)


def _named(connection: duckdb.DuckDBPyConnection, check: Select) -> str:
    """What a claim about a report table says of the rows against it in its column `named`: words of the project alone."""
    answer = connection.sql(check.text)
    if NAMED not in answer.columns:
        return ""
    names = [str(name) for (name,) in connection.sql(f"select distinct {NAMED} from ({check.text}) order by all").fetchall()]
    return f" ({listed(names)})"


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
