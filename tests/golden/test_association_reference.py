"""Tests of association and of terms, and trends, against R survey 4.1-1 and prop.trend.test.

`data/out_svychisq.csv`, `out_regtermtest.csv`, `out_trend_unweighted.csv`, `out_ranktest.csv`, and `trend_smoke` of
`out_svyglm.csv`.
"""

from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import (
    Categorical,
    Cells,
    Numeric,
    cochran_armitage,
    likelihood_ratio_test,
    rank_test,
    rao_scott_test,
    regression,
    trend,
    wald_independence_test,
    wald_test,
    weighted_f_tail,
)
from pipelines.statistics.rank_test import compare_scores
from tests.golden.reference import DATA, NHANES_DESIGN, assert_close, cells_of, reference

TERMS = [Categorical("drug", 0), Categorical("age_band", "0-11"), Categorical("sex", "F")]


@pytest.fixture(scope="module")
def nhanes() -> Cells:
    return cells_of("nhanes_like", NHANES_DESIGN, {key: key for key in ("drug", "age_band", "sex", "y")})


def svychisq(statistic: str) -> list[Any]:
    rows = [row for row in reference("out_svychisq") if row["statistic"] == statistic]
    return [pytest.param(row, id=row["row"]) for row in rows]


@pytest.mark.parametrize("row", svychisq("F"))
def test_second_order_rao_scott_test_equals_svychisq(nhanes: Cells, row: dict[str, Any]) -> None:
    found = rao_scott_test(nhanes, row["row"], row["col"])
    assert_close(found.f, row["value"], 1e-10, "F")
    assert_close(found.numerator_df, row["ndf"], 1e-10, "numerator degrees of freedom")
    assert_close(found.denominator_df, row["ddf"], 1e-10, "denominator degrees of freedom")
    assert_close(found.p_value, row["p"], 1e-10, "p")
    assert (found.n_respondents, found.n_missing) == (7840, 160)


@pytest.mark.parametrize("row", svychisq("Chisq"))
def test_first_order_rao_scott_test_equals_svychisq(nhanes: Cells, row: dict[str, Any]) -> None:
    found = rao_scott_test(nhanes, row["row"], row["col"])
    assert len(found.design_effects) == row["ndf"]
    assert_close(found.chi_squared, row["value"], 1e-10, "chi-squared")
    assert_close(found.p_first_order, row["p"], 1e-10, "p")


@pytest.mark.parametrize("row", svychisq("lincom"))
def test_mixture_of_chi_squared_equals_the_saddlepoint_of_svychisq(nhanes: Cells, row: dict[str, Any]) -> None:
    # The reference had no CompQuadForm, so "lincom" is its saddlepoint. R counts whole degrees of freedom, 58 of 58.7.
    found = rao_scott_test(nhanes, row["row"], row["col"])
    assert_close(found.chi_squared, row["value"], 1e-10, "chi-squared")
    whole = np.floor(found.denominator_df + 1e-9)
    p_value = weighted_f_tail(found.chi_squared * whole / found.denominator_df, found.design_effects, whole)
    assert_close(p_value, row["p"], 1e-3, "p with whole degrees of freedom")
    if whole == found.denominator_df:
        assert_close(found.p_saddlepoint, row["p"], 1e-3, "p")


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("row", ["drug", "sex", "age_band"])
def test_wald_test_of_independence_equals_svychisq(nhanes: Cells, row: str, adjusted: bool) -> None:
    statistic = "adjWald" if adjusted else "Wald"
    expected = next(r for r in reference("out_svychisq") if (r["row"], r["statistic"]) == (row, statistic))
    found = wald_independence_test(nhanes, row, "y", adjusted=adjusted)
    assert (found.numerator_df, found.denominator_df) == (expected["ndf"], expected["ddf"])
    assert_close(found.f, expected["value"], 1e-10, "F")
    assert_close(found.p_value, expected["p"], 1e-10, "p")


def test_wald_test_of_a_term_equals_regtermtest(nhanes: Cells) -> None:
    expected = next(row for row in reference("out_regtermtest") if row["test"] == "Wald_F")
    found = wald_test(regression(nhanes, "y", TERMS), ["age_band"], denominator="residual")
    assert (found.numerator_df, found.denominator_df) == (expected["df"], expected["ddf"])
    assert_close(found.f, expected["stat"], 1e-8, "F")
    assert_close(found.p_value, expected["p"], 1e-8, "p")


def test_likelihood_ratio_test_of_a_term_equals_regtermtest(nhanes: Cells) -> None:
    expected = next(row for row in reference("out_regtermtest") if row["test"] == "RaoScott_LRT")
    found = likelihood_ratio_test(nhanes, "y", TERMS, ["age_band"])
    assert (found.numerator_df, found.denominator_df) == (expected["df"], expected["ddf"])
    # R gives the weights a mean of 1 over all rows, here they have it over those with a known outcome
    data = pl.read_csv(DATA / "in_nhanes_like.csv")
    known = data.filter(pl.col("y").is_not_null())["wt"].to_numpy()
    assert_close(found.chi_squared * known.mean() / data["wt"].to_numpy().mean(), expected["stat"], 1e-5, "chi-squared")
    assert_close(found.p_value, expected["p"], 1e-5, "p")


def test_trend_in_counted_proportions_equals_prop_trend_test() -> None:
    (expected,) = reference("out_trend_unweighted")
    known = pl.read_csv(DATA / "in_nhanes_like.csv").filter(pl.col("y").is_not_null())
    bands = known.group_by("age_band").agg(pl.col("y").sum(), pl.len()).sort("age_band")
    found = cochran_armitage(bands["y"].to_list(), bands["len"].to_list(), list(range(8)))
    assert_close(found.chi_squared, expected["stat"], 1e-12, "chi-squared")
    assert_close(found.p_value, expected["p"], 1e-12, "p")
    assert found.slope > 0


def test_design_based_trend_over_ordered_categories_equals_svyglm() -> None:
    cells = cells_of("nhanes_like", NHANES_DESIGN, {key: key for key in ("smoke", "age", "sex", "y")})
    scores = {0: 0.0, 1: 1.0, 2: 2.0}
    adjusted = {"adjusters": [Numeric("age"), Categorical("sex", "F")], "confidence_level": 0.95}
    found = trend(cells, "y", "smoke", scores, **adjusted)  # type: ignore[arg-type]
    expected = next(r for r in reference("out_svyglm") if (r["model"], r["term"]) == ("trend_smoke", "smoke"))
    assert_close(found.log_estimate, expected["est"], 1e-11, "slope")
    assert_close(found.se, expected["se"], 1e-11, "standard error")
    assert found.degrees_freedom == 15


def test_rank_test_equals_svyranktest() -> None:
    (expected,) = reference("out_ranktest")
    cells = cells_of("nhanes_like", NHANES_DESIGN, {"id": "id", "bmi": "bmi", "y": "y"})
    # svyranktest gives tied people the unweighted mean of ranks that depend on the order of rows: so its own ranks
    known = pl.read_csv(DATA / "in_nhanes_like.csv").filter(pl.col("y").is_not_null()).sort("bmi", maintain_order=True)
    middle = known.with_columns(rank=(pl.col("wt").cum_sum() - pl.col("wt") / 2) / pl.col("wt").sum())
    ranked = middle.select("id", pl.col("rank").mean().over("bmi"))
    score = cells.table.join(ranked, on="id", how="left", maintain_order="left")["rank"].fill_null(0.0).to_numpy()
    found = compare_scores(cells, score, "y", cells.known(["y"]))
    assert found.degrees_freedom == expected["df"]
    assert_close(found.t, expected["t"], 1e-12, "t")
    assert_close(found.p_value, expected["p"], 1e-12, "p")


def test_rank_test_without_ties_equals_svyranktest() -> None:
    # R survey 4.1-1 on in_nhanes_like: svyranktest(untied ~ y, update(subset(des, !is.na(y)), untied = bmi + id * 1e-7))
    cells = cells_of("nhanes_like", NHANES_DESIGN, {"untied": "bmi::double + id * 1e-7::double", "y": "y"})
    found = rank_test(cells, "untied", "y")
    assert_close(found.difference, 0.11154515823193584, 1e-12, "difference in mean rank score")
    assert_close(found.t, 9.7247367794903159, 1e-12, "t")
    assert_close(found.p_value, 1.3184941714563245e-07, 1e-12, "p")
    tied = rank_test(cells_of("nhanes_like", NHANES_DESIGN, {"bmi": "bmi", "y": "y"}), "bmi", "y")
    assert_close(tied.t, found.t, 1e-2, "t with ties at their weighted mid-rank")
