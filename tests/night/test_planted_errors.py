"""An error planted into an estimator, a select, a claim or a section of the page: that alone is rejected, and says why."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import pipelines.release.page.writing as page
from pipelines.core.harmonise import build_core
from pipelines.machine.errors import NoSpace
from pipelines.making.faults import verdict_on
from pipelines.making.judging import judge_claims, problems_of
from pipelines.project.project import Project
from pipelines.release.figures.drawing import Figure
from pipelines.release.kept import manifest_of
from pipelines.release.page.display import DisplayTable
from pipelines.report.estimators import ESTIMATORS
from pipelines.report.make import build_report
from pipelines.statistics import StatsError
from pipelines.store import Place
from pipelines.terminal.exit_codes import ExitCode, exit_code_of
from tests.atlas import Atlas
from tests.survey_cases import add_case

SURVEY, PAIRS = "synthetic_survey", "synthetic_case_control"
SECRET = "4711"
"""Stands for a respondent's value in the text of an error."""

TYPE = "ZeroDivisionError"


ANOTHER_POPULATION = "where: age_years >= 20\n", "where: age_years > 19\n"
"""Before and after, in study.yaml: it makes every report table anew. A flow of respondents has no confidence level."""


def fail(*_: object, **__: object) -> Any:
    raise ZeroDivisionError(f"a value was {SECRET}")


@pytest.fixture(scope="module")
def replanned(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A published project after a change of study.yaml: every table has to be made again."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("planted") / "project")
    atlas.edit("study.yaml", "confidence_level: 0.95", "confidence_level: 0.9")
    atlas.edit("study.yaml", *ANOTHER_POPULATION)
    return atlas.project


def place_of(project: Project, table: str, source: str) -> Place:
    [place] = [place for place in project.places(table) if place.source == source]
    return place


@pytest.mark.parametrize("table", ESTIMATORS)
def test_an_error_in_an_estimator_rejects_that_table_of_that_source(
    replanned: Project, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    place = place_of(replanned, table, SURVEY)
    accepted = replanned.store.accepted(place)
    monkeypatch.setattr("pipelines.report.estimated.ESTIMATORS", {**ESTIMATORS, table: fail})
    built = build_report(replanned, place)
    [problem] = built.sidecar.problems
    assert problem.startswith(f"{table} {place.wave}: an unexpected error ({TYPE}) in ")
    assert SECRET not in problem
    assert replanned.store.accepted(place) == accepted
    rejection = replanned.store.acceptance(SURVEY, place.wave).rejections[table]
    assert (rejection.cause, rejection.problems) == ("estimate", [problem])


def test_an_error_in_a_report_select_rejects_that_table_of_that_source(replanned: Project) -> None:
    for name, select in replanned.selects.items():
        if not name.startswith("report."):
            continue
        planted = replace(select, text=f"select error('{SECRET}') as a from ({select.text}) as rows")
        project = replace(replanned, selects={**replanned.selects, name: planted})
        built = build_report(project, place_of(project, name, SURVEY))
        [problem] = built.sidecar.problems
        assert problem.startswith(f"{name} ")
        assert SECRET not in problem


@pytest.mark.parametrize("source", [SURVEY, PAIRS])
def test_an_error_in_a_core_select_rejects_that_wave_of_that_source(replanned: Project, source: str) -> None:
    name = f"core.respondents/{source}"
    select = replanned.selects[name]
    planted = replace(select, text=f"select error('{SECRET}') as source from ({select.text}) as rows")
    project = replace(replanned, selects={**replanned.selects, name: planted})
    [place, *_] = [place for place in project.places("core.respondents") if place.source == source]
    built = build_core(project, place)
    [problem] = built.sidecar.problems
    assert problem.startswith(f"core.respondents {place.wave}: ")
    assert SECRET not in problem


def test_an_error_in_a_claim_is_that_claims(replanned: Project) -> None:
    claims = [(table, check) for table, checks in replanned.checks.items() for check in checks]
    assert claims
    for table, check in claims:
        planted = replace(check, text=f"select 1 as a where cast(error('{SECRET}') as boolean)", reads=())
        project = replace(replanned, checks={table: (planted,)})
        [place, *_] = [
            place for name, contract in project.contracts.items() if contract.table == table for place in project.places(name)
        ]
        results = judge_claims(project, place, {})
        [problem] = problems_of(place, results)
        assert check.name in problem
        assert SECRET not in problem


def test_a_fault_of_the_machine_is_no_verdict(tmp_path: Path) -> None:
    for error in (MemoryError(), PermissionError("no"), NoSpace("full")):
        with pytest.raises(type(error)):
            verdict_on(error, tmp_path)
    with pytest.raises(NoSpace):
        verdict_on(OSError(28, "No space left on device"), tmp_path)


def test_our_own_errors_are_quoted_and_others_are_not(tmp_path: Path) -> None:
    assert verdict_on(StatsError("the strata are lonely"), tmp_path) == "the strata are lonely"
    assert verdict_on(duckdb.ConversionException(SECRET), tmp_path).startswith("the query failed while it ran (Conv")
    with pytest.raises(BaseException, match=SECRET) as raised:  # a panic of polars is no Exception
        pl.DataFrame({"a": [1]}).select(pl.col("a").map_elements(fail, return_dtype=pl.Int64))
    assert SECRET not in verdict_on(raised.value, tmp_path)


FUNCTIONS = {
    "pipelines.release.page.content._lead": "Prevalence of each outcome",
    "pipelines.release.page.content.statements_of": "About the study",
    "pipelines.release.page.content.variables_table": "Variables",
    "pipelines.release.page.content.checklist_table": "Checklists",
    "pipelines.release.page.content._not_shown": "What is not shown",
    "pipelines.release.page.content.in_words": "Drift",
    "pipelines.release.page.content.cite": "Sources, and how to cite",
    "pipelines.release.page.content.prevalence_figure": "prevalence, figure",
    "pipelines.release.page.content.forest_figure": "odds ratios, figure",
    "pipelines.release.page.content.best_of_waves": "Any leg cramps at night in the past month",
    "pipelines.release.page.content._source_part": "(synthetic_survey)",
    "pipelines.release.page.content.read_content": "report.html",
    "pipelines.release.page.writing.html": "prevalence by age",
    "pipelines.release.page.writing.write_word": "report_tables.docx",
    "pipelines.release.page.writing.write_table": "CSV",
    "pipelines.release.page.people.flow_table": "Respondent flow",
    "pipelines.release.page.people.characteristics_table": "characteristics",
    "pipelines.release.page.tables.prevalence_table": "prevalence",
    "pipelines.release.page.tables.odds_ratio_table": "odds ratios",
    "pipelines.release.page.tables.standardised_table": "Age-standardised prevalence",
    "pipelines.release.page.tables.planted_table": "Planted values",
    "pipelines.release.page.quality.comparability_table": "Comparability of waves",
    "pipelines.release.page.quality.quality_table": "Data quality",
    "pipelines.release.page.quality.changes_tables": "What changed",
}
"""What is called for a section of the page -> the name of a section that then says that it could not be drawn."""


@pytest.fixture(scope="module")
def release(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path, dict[str, Any]]:
    """The public database of a release in a folder of its own, with waves that cannot be compared and a number that moved."""
    project = published_synthetic.project
    folder = tmp_path_factory.mktemp("release")
    database = folder / "epi_public.duckdb"
    shutil.copy((published_synthetic.warehouse / "epi_public.duckdb").resolve(), database)
    database.chmod(0o644)
    with duckdb.connect(str(database)) as connection:
        for table, values in {
            "meta.comparability": {"source": SURVEY, "verdict": "not_comparable", "variable": "sex", "reason": "asked otherwise"},
            "meta.release_changes": {"table_name": "report.trends", "kind": "changed"},
        }.items():
            columns = connection.sql(f"from {table}").columns
            known = {name: value for name, value in values.items() if name in columns}
            names, marks = ", ".join(known), ", ".join("?" * len(known))
            connection.execute(f"insert into {table} ({names}) values ({marks})", list(known.values()))
    return project, folder, manifest_of(project)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that takes long about a page returns at once."""
    monkeypatch.setattr(page, "html", lambda shown: (f"<table><tr><td>{shown.title}</td></tr></table>", []))
    monkeypatch.setattr(page, "write_word", lambda *_: None)
    for figure in ("prevalence_figure", "forest_figure"):
        monkeypatch.setattr(f"pipelines.release.page.content.{figure}", lambda *_: Figure("<svg/>", "a figure", 1, 1))
    monkeypatch.setattr("pipelines.release.page.quality.changes_tables", lambda *_: [])
    monkeypatch.setattr("pipelines.release.page.quality.comparability_table", lambda *_: DisplayTable("c", "c", [], []))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_error_in_a_section_of_the_page_is_said_in_its_place(
    release: tuple[Project, Path, dict[str, Any]], quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, function: str
) -> None:
    project, folder, manifest = release
    (tmp_path / "epi_public.duckdb").symlink_to(folder / "epi_public.duckdb")
    monkeypatch.setattr(function.replace("page.content.read_content", "page.writing.read_content"), fail)
    undrawn = page.write_page(project, tmp_path, manifest)
    assert any(FUNCTIONS[function] in line for line in undrawn), undrawn
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert SECRET not in text + "".join(undrawn)
    assert TYPE in text or function.endswith(("write_word", "write_table"))
    assert all(TYPE in line for line in undrawn)


def test_a_night_with_planted_errors_publishes_the_rest(synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    """One estimator fails on one source, one section of the page and one figure on all; a cohort is perfectly associated."""
    add_case(synthetic, "deliveries/perfect_association")
    synthetic.edit("study.yaml", "confidence_level: 0.95", "confidence_level: 0.9")
    synthetic.edit("study.yaml", *ANOTHER_POPULATION)

    def only_on(source: str, estimator: Callable[..., pl.DataFrame]) -> Callable[..., pl.DataFrame]:
        return lambda estimation: fail() if estimation.source.source == source else estimator(estimation)

    planted = {table: only_on(SURVEY, estimator) for table, estimator in ESTIMATORS.items() if table != "report.trends"}
    monkeypatch.setattr("pipelines.report.estimated.ESTIMATORS", {**ESTIMATORS, **planted})
    monkeypatch.setattr("pipelines.release.page.tables.planted_table", fail)
    monkeypatch.setattr("pipelines.release.page.content.forest_figure", fail)
    refreshed = synthetic.refresh()
    assert exit_code_of(refreshed) == ExitCode.LOOK
    [failure] = refreshed.failures
    for table in planted:
        assert f"estimate: {table} all: an unexpected error ({TYPE})" in failure
    assert "report.html: This section could not be drawn: Planted values (synthetic_survey)" in failure
    assert "odds ratios, figure (synthetic_case_control)" in failure
    assert SECRET not in failure
    levels = dict(synthetic.query("select source, min(confidence_level) from report.odds_ratios group by source"))
    assert levels == {SURVEY: 0.95, PAIRS: 0.9}
    assert synthetic.query("select distinct confidence_level from report.trends") == [(0.9,)]
    untested = "select p_value, p_value_reason from report.characteristics_by_outcome where source = 'mini'"
    found = synthetic.query(f"{untested} and outcome = 'has_cramps' and level = 'male'")
    assert found
    for p_value, reason in found:
        assert p_value is None
        assert reason
    text = (synthetic.warehouse / "current" / "report.html").read_text(encoding="utf-8")
    assert text.count("This section could not be drawn") >= 3
    assert SECRET not in text
