"""Regression against R survey 4.1-1 svyglm (`data/out_svyglm*.csv`)."""

from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import Categorical, Design, Numeric, Regression, effect, regression
from pipelines.statistics.intervals import t_quantile
from tests.golden.reference import ELEMENT_DESIGNS, NHANES_DESIGN, assert_close, cells_of, reference

TOLERANCE = 1e-11
SEX, DRUG, AGE = Categorical("sex", "F"), Categorical("drug", 0), Numeric("age")
BASE = ("drug", "age", "sex")

# model -> design, keys, terms, outcome, domain
MODELS: dict[str, tuple[Design, tuple[str, ...], tuple[Categorical | Numeric, ...], str, pl.Expr | None]] = {
    "crude": (NHANES_DESIGN, ("drug",), (DRUG,), "y", None),
    "adj_cat": (NHANES_DESIGN, ("drug", "age_band", "sex"), (DRUG, Categorical("age_band", "0-11"), SEX), "y", None),
    "adj_int_age": (NHANES_DESIGN, (*BASE, "race"), (DRUG, AGE, SEX, Categorical("race", "A")), "y", None),
    "adj_cont": (NHANES_DESIGN, (*BASE, "bmi", "smoke"), (DRUG, AGE, Numeric("bmi"), SEX, Categorical("smoke", 0)), "y", None),
    "interaction": (NHANES_DESIGN, (*BASE, "drug_in_men"), (DRUG, SEX, AGE, Numeric("drug_in_men")), "y", None),
    "adults": (NHANES_DESIGN, BASE, (DRUG, AGE, SEX), "y", pl.col("age") >= 20),
    "domain_stratum<=6": (NHANES_DESIGN, ("drug", "age", "is_low_stratum"), (DRUG, AGE), "y", pl.col("is_low_stratum")),
    "trend_smoke": (NHANES_DESIGN, ("smoke", "age", "sex"), (Numeric("smoke"), AGE, SEX), "y", None),
    "rare_outcome": (NHANES_DESIGN, ("drug_rare", "age"), (Categorical("drug_rare", 0), AGE), "y_rare", pl.col("age") >= 20),
    "poisson_PR": (NHANES_DESIGN, BASE, (DRUG, AGE, SEX), "y", None),
    "iid": (ELEMENT_DESIGNS["iid"], BASE, (DRUG, AGE, SEX), "y", None),
    "stratified_elements": (ELEMENT_DESIGNS["stratified_elements"], BASE, (DRUG, AGE, SEX), "y", None),
}
EXPRESSIONS = {"drug_in_men": "drug * (sex = 'M')::integer", "is_low_stratum": "stratum <= 6"}
NAMES_IN_R = {
    "(Intercept)": "(intercept)",
    "drug": "drug=1",
    "drug_rare": "drug_rare=1",
    "drug:sexM": "drug_in_men",
    "factor(smoke)1": "smoke=1",
    "factor(smoke)2": "smoke=2",
}


def name_of(term: str) -> str:
    if term in NAMES_IN_R:
        return NAMES_IN_R[term]
    stem = next((stem for stem in ("age_band", "sex", "race") if term.startswith(stem)), None)
    return f"{stem}={term.removeprefix(stem)}" if stem else term


@cache
def fit(model: str) -> Regression:
    design, keys, terms, outcome, domain = MODELS[model]
    cells = cells_of("nhanes_like", design, {key: EXPRESSIONS.get(key, key) for key in (*keys, outcome)})
    return regression(cells, outcome, terms, family="poisson" if model == "poisson_PR" else "logistic", domain=domain)


def test_every_model_of_the_reference_is_fitted() -> None:
    assert {row["model"] for row in reference("out_svyglm")} == set(MODELS)


@pytest.mark.parametrize("model", list(MODELS))
def test_coefficients_and_their_errors_equal_svyglm(model: str) -> None:
    result = fit(model)
    rows = [row for row in reference("out_svyglm") if row["model"] == model]
    assert {name_of(row["term"]) for row in rows} == set(result.names)
    for row in rows:
        assert (result.n_respondents, result.residual_degrees_freedom) == (row["n"], row["df_resid"])
        i = result.names.index(name_of(row["term"]))
        error = float(np.sqrt(result.covariance[i, i]))
        assert_close(float(result.coefficients[i]), row["est"], TOLERANCE, f"{model} {row['term']}")
        assert_close(error, row["se"], TOLERANCE, f"{model} {row['term']} error")
        assert_close(float(result.coefficients[i]) / error, row["t"], TOLERANCE, f"{model} {row['term']} t")


@pytest.mark.parametrize("model", list(MODELS))
def test_effects_by_residual_degrees_of_freedom_equal_svyglm(model: str) -> None:
    result = fit(model)
    for row in (row for row in reference("out_svyglm") if row["model"] == model and row["term"] != "(Intercept)"):
        column, _, level = name_of(row["term"]).partition("=")
        typed = int(level) if level.isdigit() else level or None
        found = result.term(column, typed, degrees_freedom="residual")
        assert_effect(found, row)


def assert_effect(found: Any, row: dict[str, Any]) -> None:
    what = f"{row['model']} {row['term']}"
    assert_close(found.estimate, row["ratio"], TOLERANCE, what)
    assert_close(found.lower, row["ratio_l"], TOLERANCE, f"{what} lower")
    assert_close(found.upper, row["ratio_u"], TOLERANCE, f"{what} upper")
    # a p-value multiplies the relative error of t by t squared (here up to 470): so from svyglm's own coefficient and error
    same = effect(row["est"], row["se"], row["df_resid"])
    assert_close(same.p_value, float(row["p"]), TOLERANCE, f"{what} p")
    margin = t_quantile(found.degrees_freedom, 0.95) * found.se
    assert_close(found.log_estimate - margin, row["l"], TOLERANCE, f"{what} log lower")
    assert_close(found.log_estimate + margin, row["u"], TOLERANCE, f"{what} log upper")


def test_design_degrees_of_freedom_are_psus_minus_strata_of_the_domain() -> None:
    # 15 strata of 2 PSUs, and the domain of strata 1 to 6
    assert fit("adults").degrees_freedom == 15
    assert fit("domain_stratum<=6").degrees_freedom == 6


def test_covariance_of_coefficients_equals_vcov() -> None:
    result = fit("adj_cat")
    rows = reference("out_svyglm_vcov_adj_cat")
    assert len(rows) == len(result.names) ** 2
    for row in rows:
        i, j = result.names.index(name_of(row["row"])), result.names.index(name_of(row["col"]))
        assert_close(float(result.covariance[i, j]), row["cov"], TOLERANCE, f"{row['row']} with {row['col']}")
