"""How the study defines what it estimates decides which published estimates ask the same question."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.project.project import Project
from pipelines.project.study import Study
from pipelines.report.register import FRAMES

SELECT = (REPOSITORY / "sql/report/evidence_comparison.sql").read_text(encoding="utf-8")
STUDY = yaml.safe_load((REPOSITORY / "study.yaml").read_text(encoding="utf-8"))

SAME = {
    "populations": {"adults_20_plus": "adults"},
    "outcomes": {"has_cramps": {"recall_window": "past month", "case_threshold": "any"}},
    "exposures": {"takes_statin": {"instrument": "medicines shown"}},
}

CHANGES: dict[str, tuple[tuple[str, ...], str]] = {
    "populations": (("populations", "adults_20_plus"), "other people (adults; ours: changed)"),
    "outcomes.*.recall_window": (
        ("outcomes", "has_cramps", "recall_window"),
        "other recall window (past month; ours: changed)",
    ),
    "outcomes.*.case_threshold": (("outcomes", "has_cramps", "case_threshold"), "other threshold of a case (any; ours: changed)"),
    "exposures.*.instrument": (
        ("exposures", "takes_statin", "instrument"),
        "exposure measured otherwise (medicines shown; ours: changed)",
    ),
}


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.read(Settings(project=REPOSITORY))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """One estimate of ours and one published one, which agree in everything."""
    numbers = "1.2::double as {0}, 1.1::double as {0}_lower, 1.3::double as {0}_upper, null::varchar as presentation_reason"
    keys = "'s' as source, 'pooled' as wave, 'adults_20_plus' as population, 'has_cramps' as outcome, false as is_synthetic"
    with duckdb.connect() as connection:
        connection.execute("create schema report; create schema evidence")
        connection.execute(
            f"create table report.prevalence_by_age_band as select {keys}, 'all' as age_band, {numbers.format('prevalence')} "
            "where false"
        )
        connection.execute(
            f"create table report.odds_ratios as select {keys}, {numbers.format('odds_ratio')}, "
            "'takes_statin' as exposure, 'true' as exposure_level, 'adjusted' as model"
        )
        connection.execute(
            "create table evidence.register as select 'E1' as evidence_id, 'A 2020' as study, 'cross-sectional' as design, "
            "'adults' as people, 'has_cramps' as outcome, 'takes_statin' as exposure, 'past month' as recall_window, "
            "'any' as case_threshold, 'medicines shown' as exposure_instrument, 'odds ratio' as measure, "
            "1.25::double as estimate, 1.0::double as lower, 1.5::double as upper, '1.25' as printed, 'read' as verified"
        )
        connection.execute("create table evidence.sources as select 's' as source, 'survey' as design")
        yield connection


def differences(project: Project, connection: duckdb.DuckDBPyConnection, evidence: dict[str, Any]) -> str | None:
    assert project.evidence is not None
    study = Study.model_validate(STUDY | {"evidence": evidence})
    defined = FRAMES["evidence.definitions"](replace(project, study=study), project.evidence)
    connection.register("defined", defined.to_arrow())
    connection.execute("create or replace table evidence.definitions as from defined")
    [said] = connection.sql(SELECT).pl()["differences"]
    return None if said is None else str(said)


def test_what_is_defined_alike_is_the_same_question(project: Project, connection: duckdb.DuckDBPyConnection) -> None:
    assert differences(project, connection, SAME) is None


@pytest.mark.parametrize("setting", CHANGES)
def test_each_definition_decides_what_is_the_same_question(
    project: Project, connection: duckdb.DuckDBPyConnection, setting: str
) -> None:
    path, said = CHANGES[setting]
    evidence: dict[str, Any] = yaml.safe_load(yaml.safe_dump(SAME))
    part = evidence
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = "changed"
    assert differences(project, connection, evidence) == said
