"""Strata and PSUs that are text, on a few rows: what names a place, and what does not."""

import duckdb
import polars as pl
import pytest

from pipelines.making.design import problems_of_design
from pipelines.project.sources import Source
from tests.report.test_estimates import cohort

SURVEY = cohort().model_copy(update={"design": "survey"})
PEOPLE = pl.DataFrame(
    {
        "stratum_text": ["coast north"] * 4 + ["inland"] * 4,
        "psu_text": ["01", "01", "02", "02"] * 2,
        "interview_weight": [1.0] * 8,
    }
).with_columns(stratum=pl.lit(None, pl.Int32), psu=pl.lit(None, pl.Int32))


def problems(people: pl.DataFrame, source: Source = SURVEY) -> list[str]:
    with duckdb.connect() as connection:
        connection.register("people", people.to_arrow())
        return problems_of_design(connection, "people", source, ["interview_weight"], "sql/core/respondents/berkeley.sql")


def test_text_with_blanks_inside_names_a_stratum() -> None:
    assert problems(PEOPLE) == []


@pytest.mark.parametrize("blank", [None, "", "  "])
@pytest.mark.parametrize("name", ["stratum", "psu"])
def test_a_text_of_blanks_is_no_stratum_and_no_psu(blank: str | None, name: str) -> None:
    column = f"{name}_text"
    people = PEOPLE.with_columns(pl.when(pl.int_range(8) == 3).then(pl.lit(blank)).otherwise(column).alias(column))
    [problem] = problems(people)
    assert problem.startswith(f"1 respondents have no {name}: every sampled person needs one")


def test_a_column_of_the_table_does_not_count_its_people() -> None:
    alone = SURVEY.model_copy(update={"has_psus": False})
    people = PEOPLE.with_columns(
        pl.when(pl.int_range(8) == 3).then(None).otherwise("stratum_text").alias("stratum_text"),
        respondent_id=pl.int_range(8).cast(pl.String),
        n=pl.lit(40),
    )
    [problem] = problems(people, alone)
    assert problem.startswith("1 respondents have no stratum")


def test_blanks_at_the_end_of_a_name_make_it_another() -> None:
    [problem] = problems(PEOPLE.with_columns(stratum_text=pl.col("stratum_text") + pl.Series(["", "", "", " "] + [""] * 4)))
    assert "1 of 3 strata of berkeley have one PSU only" in problem


def drawn(**declared: object) -> Source:
    return SURVEY.model_copy(update=declared)


def test_strata_without_psus_hold_people() -> None:
    people = PEOPLE.with_columns(psu_text=pl.lit(None, pl.String), respondent_id=pl.int_range(8).cast(pl.String))
    assert problems(people, drawn(has_psus=False)) == []
    one_alone = people.with_columns(stratum_text=pl.Series(["coast north"] * 7 + ["inland"]))
    [problem] = problems(one_alone, drawn(has_psus=False))
    assert "1 of 2 strata of berkeley have one person only" in problem


def test_a_sample_without_strata_needs_several_psus() -> None:
    people = PEOPLE.with_columns(stratum_text=pl.lit(None, pl.String))
    assert problems(people, drawn(has_strata=False)) == []
    [problem] = problems(people.with_columns(psu_text=pl.lit("01")), drawn(has_strata=False, lonely_psu="certainty"))
    assert problem.startswith("berkeley has one PSU in all")


@pytest.mark.parametrize(
    ("n_population", "reason"),
    [
        ([40] * 4 + [10] * 4, None),
        ([2] * 8, None),
        ([40] * 3 + [41] + [10] * 4, "1 of 2 strata have several n_population: it counts the PSUs of the stratum"),
        ([1] * 4 + [10] * 4, "1 of 2 strata have an n_population below the units sampled in them"),
        ([0] * 8, "2 of 2 strata have an n_population below"),
        ([None] + [10] * 7, "1 respondents have no n_population"),
    ],
)
def test_a_population_is_one_number_a_stratum_and_not_below_its_sample(n_population: list[int], reason: str | None) -> None:
    people = PEOPLE.with_columns(n_population=pl.Series(n_population, dtype=pl.Int64))
    found = problems(people, drawn(finite_population=True))
    assert [reason in problem for problem in found if reason] == ([True] if reason else [])
