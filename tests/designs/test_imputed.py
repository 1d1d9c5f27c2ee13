"""Imputed values of respondents: which lists are refused, what stands for what is not known, and what is not pooled."""

import math
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.making.engine import confine
from pipelines.making.imputed import completed, problems_of_imputations
from pipelines.project.designs import Imputation
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.report.estimation import Estimation
from pipelines.report.odds_ratios import MANTEL_HAENSZEL_IMPUTED, odds_ratios
from pipelines.stages import load_project
from pipelines.statistics import Effect, pool_effects, pool_prevalences
from pipelines.statistics.effect import effect
from pipelines.statistics.imputed import NOT_IN_EVERY_IMPUTATION
from pipelines.statistics.prevalence import ESTIMATE_SCHEMA
from tests.report.test_estimates import admissions, cohort

SAID = Imputation(imputations=3, variables=["age_years", "has_outcome"])
PEOPLE = pl.DataFrame(
    {
        "age_years": [25, None, 45, None],
        "age_years_missing": [None, "refused", None, "refused"],
        "age_band": ["20-39", None, "40+", None],
        "age_years_imputed": [None, [30, 41, 39], [45, 45, 45], None],
        "has_outcome": [True, None, None, False],
        "has_outcome_imputed": [None, [True, True, False], [False, True, True], None],
    },
    schema_overrides={"age_years_imputed": pl.List(pl.Int64), "has_outcome_imputed": pl.List(pl.Boolean)},
)
BANDS = pl.DataFrame({"age_band": ["20-39", "40+"], "lower_age": [20, 40], "upper_age": [40, 1000]})


def test_an_imputation_stands_for_what_is_not_known_and_the_band_follows() -> None:
    with duckdb.connect() as connection:
        connection.register("people", PEOPLE.to_arrow())
        found = [connection.sql(completed("people", PEOPLE.columns, SAID, number, BANDS)).pl() for number in (1, 2, 3)]
    assert [one["age_years"].to_list() for one in found] == [[25, 30, 45, None], [25, 41, 45, None], [25, 39, 45, None]]
    assert [one["age_band"].to_list()[1] for one in found] == ["20-39", "40+", "20-39"]
    assert [one["age_years_missing"].to_list() for one in found] == [[None, None, None, "refused"]] * 3
    assert [one["has_outcome"].to_list()[1:3] for one in found] == [[True, False], [True, True], [False, True]]


def problems(people: pl.DataFrame) -> list[str]:
    with duckdb.connect() as connection:
        connection.register("people", people.to_arrow())
        return problems_of_imputations(connection, "people", SAID, "sql/core/respondents/x.sql")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([None, [30, 41, 39], [45, 45, 45], None], None),
        ([None, [30, 41], [45, 45, 45], None], "of 4 respondents 1 have age_years_imputed of another length than 3"),
        ([None, [30, 41, 39], [45, 45, 46], None], "1 have age_years observed and other values in age_years_imputed"),
        ([None] * 4, "no respondent has age_years_imputed"),
    ],
)
def test_lists_that_cannot_be_meant_are_refused(values: list[Any], problem: str | None) -> None:
    found = problems(PEOPLE.with_columns(age_years_imputed=pl.Series(values, dtype=pl.List(pl.Int64))))
    assert [problem in one for one in found if problem] == ([True] if problem else [])


def of_rows(*rows: dict[str, Any]) -> list[pl.DataFrame]:
    base = dict.fromkeys(ESTIMATE_SCHEMA) | {"n_respondents": 100, "n_cases": 10, "n_missing": 0, "degrees_freedom": 20}
    return [pl.DataFrame([base | {"band": "a"} | row], schema={"band": pl.String, **ESTIMATE_SCHEMA}) for row in rows]


def test_what_some_imputation_has_no_error_of_is_not_shown() -> None:
    for other in ({"prevalence": 0.1}, {"prevalence": 0.1, "prevalence_se": 0.03, "band": "b"}):
        tables = of_rows({"prevalence": 0.1, "prevalence_se": 0.03}, other)
        [row] = pool_prevalences(tables, ["band"], 0.95).to_dicts()
        assert (row["prevalence"], row["presentation"], row["presentation_reason"]) == (None, "suppress", NOT_IN_EVERY_IMPUTATION)


def test_nobody_in_every_imputation_is_as_it_is_and_the_fewest_respondents_decide() -> None:
    nobody = {"prevalence": 0.0, "prevalence_se": 0.0, "presentation": "review"}
    assert pool_prevalences(of_rows(nobody, nobody), ["band"], 0.95).to_dicts() == of_rows(nobody)[0].to_dicts()
    some = {"prevalence": 0.4, "prevalence_se": 0.02}
    [row] = pool_prevalences(of_rows(some, some | {"n_respondents": 29}), ["band"], 0.95).to_dicts()
    assert (row["n_respondents"], row["presentation"]) == (100, "suppress")
    assert row["presentation_reason"].startswith("fewer than 30 respondents")


def test_one_effect_is_itself() -> None:
    one: Effect = effect(0.3, 0.1, 12)
    assert pool_effects([one]) is one
    assert math.isclose(pool_effects([one, one]).se, 0.1)


def estimated(project: Project, source: Source) -> dict[str, dict[str, Any]]:
    """Rows by model; of each person the exposure is imputed three times, as it is known."""
    people = admissions().with_columns(is_sedentary_imputed=pl.concat_list(*["is_sedentary"] * 3))
    types = project.contracts["core.respondents"].column_types() | {"is_sedentary_imputed": "BOOLEAN[]"}
    columns = ", ".join(name if name in people.columns else f"cast(null as {kind}) as {name}" for name, kind in types.items())
    with duckdb.connect() as connection:
        connection.register("people", people.to_arrow())
        connection.execute(f"create schema core; create table core.respondents as select {columns} from people")
        confine(connection)
        asked = Estimation(connection, "core.respondents", project.study, source, source.study_waves)
        found = odds_ratios(asked).filter(outcome="has_cramps", exposure="is_sedentary")
    return {row["model"]: row for row in found.unique("model").to_dicts()}


def test_a_cohort_is_pooled_too_but_for_mantel_haenszel() -> None:
    project = load_project()
    whole = estimated(project, cohort())
    said = Imputation(imputations=3, variables=["is_sedentary"])
    pooled = estimated(project, cohort().model_copy(update={"imputed": said}))
    assert whole["mantel_haenszel"]["odds_ratio"] is not None
    hidden = pooled["mantel_haenszel"]
    assert (hidden["odds_ratio"], hidden["presentation_reason"]) == (None, MANTEL_HAENSZEL_IMPUTED)
    for model in ("crude", "adjusted"):
        assert pooled[model]["odds_ratio"] == pytest.approx(whole[model]["odds_ratio"], rel=1e-12)
        # values that agree in all imputations lose only what Barnard and Rubin take off: (d + 1) / (d + 3) d
        d = whole[model]["degrees_freedom"]
        assert pooled[model]["degrees_freedom"] == math.floor((d + 1) / (d + 3) * d)
        assert pooled[model]["degrees_freedom_rule"] == "Barnard and Rubin 1999 on respondents - 1, rounded down"
