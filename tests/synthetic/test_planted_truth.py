"""What is planted for the survey is what plain counting in its population gives; the report holds the estimates against it."""

from collections.abc import Mapping

import polars as pl
import pytest

from pipelines.making.engine import bind_frame, bind_objects, engine
from pipelines.project.project import Project
from pipelines.project.selects import columns_asked
from pipelines.synthetic.census import PLANTED, planted_truth
from pipelines.synthetic.survey import draw_population

WAVE = "2024"


@pytest.fixture(scope="module")
def population(project: Project) -> pl.DataFrame:
    return draw_population(project, project.sources["synthetic_survey"])


@pytest.fixture(scope="module")
def planted(project: Project, population: pl.DataFrame) -> pl.DataFrame:
    return planted_truth(project, project.sources["synthetic_survey"], WAVE, population)


def _planted(planted: pl.DataFrame, **keys: str) -> float:
    return float(planted.filter([pl.col(name) == value for name, value in keys.items()])["planted"].item())


@pytest.mark.parametrize(
    ("population_name", "age_band", "members"),
    [
        ("everyone_asked", "all", pl.lit(True)),
        ("everyone_asked", "20-29", pl.col("age").is_between(20, 29)),
        ("everyone_asked", "80+", pl.col("age") >= 80),
        ("women_20_44", "all", (pl.col("sex") == "female") & pl.col("age").is_between(20, 44)),
    ],
)
def test_a_planted_prevalence_is_the_share_in_the_population(
    planted: pl.DataFrame, population: pl.DataFrame, population_name: str, age_band: str, members: pl.Expr
) -> None:
    found = _planted(planted, measure="prevalence", population=population_name, age_band=age_band, outcome="has_cramps")
    assert found == pytest.approx(population.filter(members)["leg_cramps"].ge(1).mean(), abs=1e-8)


def test_a_planted_crude_odds_ratio_is_that_of_the_four_cells_of_the_population(
    planted: pl.DataFrame, population: pl.DataFrame
) -> None:
    adults = population.filter(pl.col("age") >= 20)
    exposed, frequent = adults["loop_diuretic"] == 1, adults["leg_cramps"] >= 3
    a, b, c, d = (int((x & y).sum()) for x in (exposed, ~exposed) for y in (frequent, ~frequent))
    found = _planted(
        planted, exposure="takes_loop_diuretic", outcome="has_frequent_cramps", model="crude", population="adults_20_plus"
    )
    assert found == pytest.approx(a * d / (b * c), abs=1e-7)


def test_adjusting_for_age_brings_the_odds_ratio_near_the_effect_that_was_drawn_with(planted: pl.DataFrame) -> None:
    """Statins rise with age as cramps do: the crude odds ratio is confounded, 1.15 is the effect in the source's file."""
    keys = {"exposure": "takes_statin", "outcome": "has_cramps", "population": "adults_20_plus"}
    assert _planted(planted, model="crude", **keys) > 1.4
    assert _planted(planted, model="adjusted", **keys) == pytest.approx(1.15, abs=0.1)


def test_every_outcome_exposure_and_model_of_the_study_is_planted(project: Project, planted: pl.DataFrame) -> None:
    ratios = planted.filter(pl.col("measure") == "odds_ratio")
    assert planted.columns == PLANTED
    asked = columns_asked(project.selects[f"{project.study.respondents}/synthetic_survey"], None)
    assert set(ratios["exposure"]) == set(project.study.exposures) & asked
    assert len(set(ratios["exposure"])) >= 9
    assert set(ratios["model"]) == {"crude", "adjusted"}
    assert set(planted["outcome"]) == set(project.study.outcomes)
    assert set(planted.filter(pl.col("measure") == "prevalence")["population"]) == set(project.study.populations)


def _report(project: Project, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    select = project.selects["report.planted_truth"]
    with engine(project.settings) as connection:
        for table in select.reads:
            schema, name = table.split(".")
            if table in frames:
                bind_frame(connection, schema, name, frames[table])
            else:
                bind_objects(connection, project.contracts[table], [])
        return connection.sql(select.text).pl()


PREVALENCE_KEY = {"wave": WAVE, "population": "everyone_asked", "outcome": "has_cramps", "age_band": "80+"}
RATIO_KEY = {
    "wave": WAVE,
    "population": "adults_20_plus",
    "outcome": "has_cramps",
    "exposure": "takes_statin",
    "exposure_level": "true",
    "model": "crude",
}


@pytest.mark.parametrize(
    ("lower", "upper", "is_covered"),
    [(0.3, 0.5, True), (0.4, 0.5, True), (0.3, 0.4, True), (0.41, 0.5, False), (0.3, 0.39, False), (None, None, None)],
)
def test_a_value_is_covered_where_its_interval_holds_it(
    project: Project, lower: float | None, upper: float | None, is_covered: bool | None
) -> None:
    estimates = {"prevalence": 0.35, "prevalence_lower": lower, "prevalence_upper": upper, "source": "synthetic_survey"}
    other = {"odds_ratio": 9.0, "odds_ratio_lower": 8.0, "odds_ratio_upper": 10.0, "source": "nhanes"}
    blank = dict.fromkeys(PLANTED) | {"measure": "prevalence", "planted": 0.4}
    found = _report(
        project,
        {
            "raw.synthetic_survey_planted": pl.DataFrame([blank | PREVALENCE_KEY]),
            "report.prevalence_by_age_band": pl.DataFrame([PREVALENCE_KEY | estimates]),
            "report.odds_ratios": pl.DataFrame([RATIO_KEY | other]),
        },
    )
    assert found.select("source", "planted", "estimate", "is_covered", "is_synthetic").rows() == [
        ("synthetic_survey", 0.4, 0.35, is_covered, True)
    ]


def test_an_odds_ratio_is_held_against_that_of_its_own_source_and_model(project: Project) -> None:
    blank = dict.fromkeys(PLANTED) | {"measure": "odds_ratio", "planted": 1.5}
    estimates = [
        RATIO_KEY | {"source": "synthetic_survey", "odds_ratio": 1.4, "odds_ratio_lower": 1.2, "odds_ratio_upper": 1.6},
        RATIO_KEY
        | {
            "source": "synthetic_survey",
            "model": "adjusted",
            "odds_ratio": 1.0,
            "odds_ratio_lower": 0.9,
            "odds_ratio_upper": 1.1,
        },
        RATIO_KEY | {"source": "nhanes", "odds_ratio": 3.0, "odds_ratio_lower": 2.0, "odds_ratio_upper": 4.0},
    ]
    found = _report(
        project,
        {"raw.synthetic_survey_planted": pl.DataFrame([blank | RATIO_KEY]), "report.odds_ratios": pl.DataFrame(estimates)},
    )
    assert found.select("estimate", "is_covered").rows() == [(1.4, True)]


def test_a_planted_value_that_was_not_estimated_stays_in_the_report(project: Project) -> None:
    blank = dict.fromkeys(PLANTED) | {"measure": "odds_ratio", "planted": 1.5}
    found = _report(project, {"raw.synthetic_survey_planted": pl.DataFrame([blank | RATIO_KEY])})
    assert found.select("planted", "estimate", "is_covered").rows() == [(1.5, None, None)]


def test_the_report_has_the_columns_of_its_contract(project: Project) -> None:
    assert _report(project, {}).columns == list(project.contracts["report.planted_truth"].column_types())
