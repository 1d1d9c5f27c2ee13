"""All small surveys of tests/cases/statistics in one project: each has its right number or its message."""

from io import StringIO
from typing import NamedTuple

import duckdb
import pytest

from pipelines.machine.console import PlainConsole
from pipelines.project.project import Project
from pipelines.terminal.summary import _print_prevalence
from tests.atlas import Atlas, make_atlas
from tests.survey_cases import CASES, add_survey, harmonise, report, respondents

REFUSED = {
    "survey_lonely": "1 of 15 strata of lonely have one PSU only",
    "survey_notnested": "2 of 30 PSU ids are in several strata",
    "survey_nullw": "of 199 respondents 1 have none (NULL) as interview_weight",
    "survey_smallw": "have one between 0 and 0.001 as interview_weight",
}
"""Case -> its only message."""

ODDS_RATIOS = {
    "survey_birthwt": ({"exposure": "is_sedentary", "outcome": "has_cramps", "model": "adjusted"}, 3.53809255096237, "review"),
    "survey_bdendo": ({"exposure": "takes_statin", "model": "matched"}, 1.49319431989554, "show"),
    "survey_nullcase": ({"exposure": "is_sedentary", "model": "matched"}, 6.60555127546133, "review"),
}
"""Case -> row, odds ratio of R (tests/statistics/cases.R), verdict."""

OTHERS = ("survey_blankage", "survey_panel", "survey_rounds")


class Surveys(NamedTuple):
    """`found`: case -> its source and the problems of its respondents."""

    atlas: Atlas
    project: Project
    found: dict[str, tuple[str, list[str]]]


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> Surveys:
    """All cases harmonised; those that are refused come first."""
    atlas = make_atlas(tmp_path_factory.mktemp("surveys") / "project")
    names = {case: add_survey(atlas, case) for case in (*REFUSED, *ODDS_RATIOS, *OTHERS)}
    project = atlas.project
    return Surveys(atlas, project, {case: (name, harmonise(atlas, name, project)) for case, name in names.items()})


def test_every_case_is_among_them(surveys: Surveys) -> None:
    assert {folder.name for folder in CASES.glob("survey_*")} == surveys.found.keys()


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_estimated_has_one_message(surveys: Surveys, case: str) -> None:
    name, [problem] = surveys.found[case]
    assert REFUSED[case] in problem
    assert problem.startswith("core.respondents 2020")
    assert f"{name}.sql" in problem or f"{name}.yaml" in problem


@pytest.mark.parametrize("case", ODDS_RATIOS)
def test_the_odds_ratio_is_that_of_r(surveys: Surveys, case: str) -> None:
    atlas, project, found = surveys
    name, problems = found[case]
    where, odds_ratio, presentation = ODDS_RATIOS[case]
    assert problems == []
    [row] = report(atlas, name, "odds_ratios", project).filter(**where).to_dicts()
    assert (row["odds_ratio"], row["presentation"]) == (pytest.approx(odds_ratio, rel=1e-8), presentation)


def test_blank_ages_are_in_no_band(surveys: Surveys) -> None:
    atlas, _, found = surveys
    assert found["survey_blankage"] == ("blankage", [])
    assert respondents(atlas, "blankage", "2020").filter(age_band="80+").height == 83


def test_the_terminal_prints_the_pooled_wave(surveys: Surveys) -> None:
    atlas, project, found = surveys
    assert found["survey_rounds"] == ("rounds", [])
    rows = report(atlas, "rounds", "prevalence_by_age_band", project)
    assert set(rows["wave"]) == {"round1", "round2", "pooled"}
    said = StringIO()
    with duckdb.connect() as connection:
        connection.register("rows", rows.to_arrow())
        connection.execute("create schema report; create table report.prevalence_by_age_band as select * from rows")
        _print_prevalence(project, connection, PlainConsole(file=said, width=200))
    assert "Prevalence, % (rounds pooled)" in said.getvalue()
    assert "round1" not in said.getvalue()
