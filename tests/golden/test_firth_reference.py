"""Firth's logistic regression against R brglm2 0.9 (`data/out_firth.csv`; `endometrial` is real and published)."""

import math
from functools import cache
from typing import Any

import polars as pl
import pytest

from pipelines.statistics import FirthLogistic, SeparatedOutcome, conditional_logistic, firth_logistic
from tests.golden.reference import DATA, assert_close, reference

MODELS = {"endometrial": ("HG", ["NV", "PI", "EH"]), "separated": ("y", ["x", "z"])}


@cache
def fit(model: str) -> FirthLogistic:
    outcome, terms = MODELS[model]
    data = pl.read_csv(DATA / f"in_{model}.csv", schema_overrides=dict.fromkeys(terms, pl.Float64))
    return firth_logistic(data[outcome], data.select(terms).to_numpy(), names=terms)


@pytest.mark.parametrize("row", reference("out_firth"), ids=lambda row: f"{row['model']} {row['term']}")
def test_penalised_estimates_and_profile_limits_equal_brglm2(row: dict[str, Any]) -> None:
    found = fit(row["model"]).term("(intercept)" if row["term"] == "(Intercept)" else row["term"])
    assert_close(found.log_estimate, row["est"], 1e-10, "coefficient")
    assert_close(found.se, row["se"], 1e-10, "standard error")
    assert_close(math.log(found.lower), row["pl_l"], 1e-8, "lower")
    assert_close(math.log(found.upper), row["pl_u"], 1e-8, "upper")


def test_the_endometrial_odds_ratio_is_the_published_one() -> None:
    # Heinze and Schemper 2002: NV 2.929, 95 % profile interval 0.61 to 7.85
    found = fit("endometrial").term("NV")
    assert round(found.log_estimate, 3) == 2.929
    assert (round(math.log(found.lower), 2), round(math.log(found.upper), 2)) == (0.61, 7.85)


def test_the_p_value_agrees_with_the_interval() -> None:
    model = fit("endometrial")
    assert model.term("NV").p_value < 0.05
    assert model.term("PI").p_value > 0.05
    level = 1 - model.term("PI").p_value
    assert_close(model.term("PI", level).upper, 1.0, 1e-8, "the limit at the level of the p-value")


def test_separated_data_have_finite_penalised_estimates() -> None:
    data = pl.read_csv(DATA / "in_separated.csv")
    with pytest.raises(SeparatedOutcome):  # the same data without the penalty, as one set
        conditional_logistic(data["y"], data["x"], [0] * data.height)
    assert math.isfinite(fit("separated").term("x").upper)
