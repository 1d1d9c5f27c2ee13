"""All small surveys of tests/cases/statistics in one project: each has its right number or its message."""

from io import StringIO
from typing import Any

import duckdb
import pytest
from rich.console import Console

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


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Atlas, dict[str, tuple[str, list[str]]]]:
    """The project, and of each case its source with the problems of its respondents; those that are refused come first."""
    atlas = make_atlas(tmp_path_factory.mktemp("surveys") / "project")
    names = {case: add_survey(atlas, case) for case in (*REFUSED, *ODDS_RATIOS, *OTHERS)}
    return atlas, {case: (name, harmonise(atlas, name)) for case, name in names.items()}


def test_every_case_is_among_them(surveys: tuple[Atlas, dict[str, Any]]) -> None:
    assert {folder.name for folder in CASES.glob("survey_*")} == surveys[1].keys()


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_estimated_has_one_message(surveys: tuple[Atlas, dict[str, tuple[str, list[str]]]], case: str) -> None:
    name, [problem] = surveys[1][case]
    assert REFUSED[case] in problem
    assert problem.startswith("core.respondents 2020")
    assert f"{name}.sql" in problem or f"{name}.yaml" in problem


@pytest.mark.parametrize("case", ODDS_RATIOS)
def test_the_odds_ratio_is_that_of_r(surveys: tuple[Atlas, dict[str, tuple[str, list[str]]]], case: str) -> None:
    atlas, found = surveys
    name, problems = found[case]
    where, odds_ratio, presentation = ODDS_RATIOS[case]
    assert problems == []
    [row] = report(atlas, name, "odds_ratios").filter(**where).to_dicts()
    assert (row["odds_ratio"], row["presentation"]) == (pytest.approx(odds_ratio, rel=1e-8), presentation)


def test_blank_ages_are_in_no_band(surveys: tuple[Atlas, dict[str, tuple[str, list[str]]]]) -> None:
    atlas, found = surveys
    assert found["survey_blankage"] == ("blankage", [])
    assert respondents(atlas, "blankage", "2020").filter(age_band="80+").height == 83


def test_the_terminal_prints_the_pooled_wave(surveys: tuple[Atlas, dict[str, tuple[str, list[str]]]]) -> None:
    atlas, found = surveys
    assert found["survey_rounds"] == ("rounds", [])
    rows = report(atlas, "rounds", "prevalence_by_age_band")
    assert set(rows["wave"]) == {"round1", "round2", "pooled"}
    said = StringIO()
    with duckdb.connect() as connection:
        connection.register("rows", rows.to_arrow())
        connection.execute("create schema report; create table report.prevalence_by_age_band as select * from rows")
        _print_prevalence(atlas.project, connection, Console(file=said, width=200))
    assert "Prevalence, % (rounds pooled)" in said.getvalue()
    assert "round1" not in said.getvalue()
