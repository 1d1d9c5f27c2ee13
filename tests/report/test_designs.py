"""What a source's file says of its design, from the delivery to every report table, against R survey (make_designs.R)."""

import math
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from scipy import stats

from pipelines.statistics import Design, collapse, rank_test
from pipelines.statistics.design import LonelyOption
from tests.atlas import Atlas, make_atlas
from tests.golden.reference import assert_close, reference
from tests.survey_cases import CASES as SURVEYS
from tests.survey_cases import add_survey, harmonise, report, respondents

TOLERANCE = 1e-8
EXPECTED: dict[str, dict[str, dict[str, Any]]] = {}
for row in reference("out_designs"):
    EXPECTED.setdefault(row["case"], {})[row["what"]] = row
OPTIONS = ("certainty", "adjust", "average")
CASES = (*OPTIONS, "panel", "rounds")


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return make_atlas(tmp_path / "project")


def declared(case: str) -> dict[str, Any]:
    return {"lonely_psu": case} if case in OPTIONS else {"panel": case == "panel"}


@pytest.fixture(scope="module", params=CASES)
def estimated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """Case -> table -> rows by what they are about, of the survey with lonely PSUs or of the panel."""
    case = request.param
    atlas = make_atlas(tmp_path_factory.mktemp(case) / "project")
    name = add_survey(atlas, "survey_lonely" if case in OPTIONS else "survey_panel", **declared(case))
    assert harmonise(atlas, name) == []
    wave = "2020" if case in OPTIONS else "pooled"
    tables = ("prevalence_by_age_band", "odds_ratios", "trends", "prevalence_age_standardised", "characteristics_by_outcome")
    return case, {table: report(atlas, name, table).filter(wave=wave, outcome="has_cramps") for table in tables}


def one(found: Any, **where: Any) -> dict[str, Any]:
    [row] = found.filter(**where).to_dicts()
    return dict(row)


def test_prevalence(estimated: tuple[str, dict[str, Any]]) -> None:
    case, tables = estimated
    table = tables["prevalence_by_age_band"]
    bands = {f"band [{low},{high})": f"{low}-{high - 1}" for low, high in zip(range(20, 80, 10), range(30, 90, 10), strict=True)}
    wanted = {
        "adults": ("adults_20_plus", "all"),
        "sixty": ("adults_60_plus", "all"),
        "band [80,1e+03)": ("everyone_asked", "80+"),
    }
    wanted |= {what: ("everyone_asked", band) for what, band in bands.items()}
    for what, (population, band) in wanted.items():
        row, expected = one(table, population=population, age_band=band), EXPECTED[case][what]
        assert_close(row["prevalence"], expected["estimate"], TOLERANCE, f"{what} prevalence")
        assert_close(row["prevalence_se"], expected["se"], TOLERANCE, f"{what} error")
        if expected["df"] is not None:
            assert row["degrees_freedom"] == expected["df"]


@pytest.mark.parametrize("model", ["crude", "adjusted"])
def test_odds_ratios(estimated: tuple[str, dict[str, Any]], model: str) -> None:
    case, tables = estimated
    row, expected = one(tables["odds_ratios"], exposure="is_sedentary", model=model), EXPECTED[case][model]
    assert_close(math.log(row["odds_ratio"]), expected["estimate"], TOLERANCE, "log odds ratio")
    half = math.log(row["odds_ratio_upper"] / row["odds_ratio_lower"]) / 2
    assert_close(half / stats.t.ppf(0.975, expected["df"]), expected["se"], TOLERANCE, "error")


def test_trend_standardised_and_characteristics(estimated: tuple[str, dict[str, Any]]) -> None:
    case, tables = estimated
    expected = EXPECTED[case]
    trend = one(tables["trends"], population="adults_20_plus")
    assert_close(math.log(trend["odds_ratio"]), expected["trend"]["estimate"], TOLERANCE, "trend")
    standard = one(tables["prevalence_age_standardised"], sex="all", population="adults_20_plus")
    assert_close(standard["prevalence"], expected["standardised"]["estimate"], TOLERANCE, "standardised")
    assert_close(standard["prevalence_se"], expected["standardised"]["se"], TOLERANCE, "standardised error")
    ages = one(tables["characteristics_by_outcome"], characteristic="age_years")
    for group in ("cases", "noncases"):
        assert_close(ages[f"mean_of_{group}"], expected[f"age of {group}"]["estimate"], TOLERANCE, group)
        assert_close(ages[f"mean_of_{group}_se"], expected[f"age of {group}"]["se"], TOLERANCE, f"{group} error")
    sex = one(tables["characteristics_by_outcome"], characteristic="sex", level="female")
    assert_close(sex["p_value"], expected["sex by outcome"]["estimate"], TOLERANCE, "Rao-Scott p")


@pytest.mark.parametrize("option", OPTIONS)
def test_a_rank_test_with_lonely_psus(option: LonelyOption) -> None:
    """R's svyranktest of the ids, which are never tied, between adults with and without the outcome."""
    people = pl.read_csv(SURVEYS / "survey_lonely" / "people_2020.csv")
    with duckdb.connect() as connection:
        connection.register("people", people.to_arrow())
        design = Design("st", "ps", "w", lonely=option)
        cells = collapse(connection, "people", design, keys={"id": "id", "y": "y = 1", "is_adult": "age >= 20"})
    found, expected = rank_test(cells, "id", "y", domain=pl.col("is_adult")), EXPECTED[option]["rank of id"]
    assert_close(found.difference, expected["estimate"], TOLERANCE, "difference")
    assert_close(found.se, expected["se"], TOLERANCE, "error")


def test_text_strata_and_psus_stand_as_they_were_sent(atlas: Atlas) -> None:
    name = add_survey(atlas, "survey_panel")
    assert harmonise(atlas, name) == []
    people = respondents(atlas, name, "first")
    assert people["stratum_text"].n_unique() == 12
    assert {"coast north", "01"} < set(people["stratum_text"])
    assert people["stratum"].null_count() == people["psu"].null_count() == people.height


def test_an_undeclared_lonely_psu_is_refused_in_one_sentence(atlas: Atlas) -> None:
    [problem] = harmonise(atlas, add_survey(atlas, "survey_lonely"))
    assert problem == (
        "core.respondents 2020: 1 of 15 strata of lonely have one PSU only, so their variance is unknown. Write lonely_psu: "
        "certainty, adjust or average into data_contracts/sources/lonely.yaml (docs/statistics.md says what each does), or join "
        "each of them to a neighbouring stratum in sql/core/respondents/lonely.sql"
    )


def test_a_psu_in_two_strata_is_refused_unless_ids_count_within_strata(atlas: Atlas) -> None:
    name = add_survey(atlas, "survey_notnested")
    [problem] = harmonise(atlas, name)
    assert problem.startswith("core.respondents 2020: 2 of 30 PSU ids are in several strata. Mend stratum or psu")
    assert "write psus_nested: true into data_contracts/sources/notnested.yaml" in problem
    add_survey(atlas, "survey_notnested", psus_nested=True)
    assert harmonise(atlas, name) == []


def test_psus_that_every_stratum_numbers_alike_count_within_strata_unless_the_source_denies_it(atlas: Atlas) -> None:
    name = add_survey(atlas, "survey_blankage")
    assert harmonise(atlas, name) == []
    add_survey(atlas, "survey_blankage", psus_nested=False)
    [problem] = harmonise(atlas, name)
    assert "2 of 2 PSU ids are in several strata" in problem


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("survey_nullw", "of 199 respondents 1 have none (NULL) as interview_weight. A weight is 0"),
        ("survey_smallw", "have one between 0 and 0.001 as interview_weight. A weight is 0"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_once(atlas: Atlas, case: str, words: str) -> None:
    name = add_survey(atlas, case, lonely_psu="certainty")
    [problem] = harmonise(atlas, name)
    assert words in problem
    assert f"mend it in sql/core/respondents/{name}.sql" in problem
    assert "select" not in problem


def test_a_blank_age_is_no_top_code(atlas: Atlas) -> None:
    name = add_survey(atlas, "survey_blankage")
    assert harmonise(atlas, name) == []
    people = respondents(atlas, name, "2020")
    assert people.filter(age_band="80+").height == 83
    assert people["age_years"].max() == 80
    assert (
        people.filter(pl.col("age_band").is_null(), age_years_missing="missing").height == people["age_years"].null_count() == 120
    )
