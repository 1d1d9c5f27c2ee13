"""One 2x2 table through every estimator that can take it: theory says how their answers agree."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.statistics import (
    Categorical,
    Cells,
    Design,
    chi_squared_p,
    cochran_armitage,
    compare,
    conditional_logistic,
    exact_common_odds_ratio,
    firth_logistic,
    mantel_haenszel,
    mcnemar_p,
    odds_ratio,
    pair_odds_ratio,
    prevalence,
    rao_scott_test,
    regression,
    standardise,
)
from tests.statistics.samples import SCHEMA, collapse_frame, complete_sample

quick = settings(max_examples=20, deadline=None)
NO_DESIGN = Design(stratum=None, psu=None, weight=None)
CELLS = ("exposed_cases", "exposed_noncases", "unexposed_cases", "unexposed_noncases")
tables: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(dict.fromkeys(CELLS, st.integers(1, 60)))


def people_of(table: dict[str, Any]) -> pl.DataFrame:
    """One row a person: x is "b" for the exposed, y is 1 for cases."""
    kinds = {"exposed_cases": ("b", 1), "exposed_noncases": ("b", 0), "unexposed_cases": ("a", 1), "unexposed_noncases": ("a", 0)}
    return pl.DataFrame(
        [{"x": x, "y": y} for cell, (x, y) in kinds.items() for _ in range(table[cell])], schema={"x": pl.String, "y": pl.Int64}
    )


def counted(table: dict[str, Any]) -> Cells:
    return collapse_frame(people_of(table), NO_DESIGN)


@quick
@given(tables)
def test_wald_equals_logistic_regression_of_a_simple_random_sample(table: dict[str, Any]) -> None:
    # The saturated sandwich variance is 1/a + 1/b + 1/c + 1/d times n / (n - 1), which Taylor variance has and Wald has not.
    n = sum(table.values())
    fitted, wald = regression(counted(table), "y", [Categorical("x", "a")]).term("x", "b"), odds_ratio(**table, method="wald")
    assert fitted.estimate == pytest.approx(wald.estimate, rel=1e-10)
    variance = sum(1 / count for count in table.values())
    assert fitted.se == pytest.approx(math.sqrt(variance * n / (n - 1)), rel=1e-9)


@quick
@given(tables)
def test_one_stratum_of_mantel_haenszel_is_the_table(table: dict[str, Any]) -> None:
    # The Robins-Breslow-Greenland variance of one stratum is Wald's; the test is Pearson's times (n - 1) / n.
    n = sum(table.values())
    common, wald = mantel_haenszel(**table), odds_ratio(**table, method="wald")
    assert (common.odds_ratio, common.lower, common.upper) == pytest.approx((wald.estimate, wald.lower, wald.upper), rel=1e-12)
    two_groups = cochran_armitage(
        [table["exposed_cases"], table["unexposed_cases"]],
        [table["exposed_cases"] + table["exposed_noncases"], table["unexposed_cases"] + table["unexposed_noncases"]],
        [1, 0],
    )
    assert common.chi_squared == pytest.approx(two_groups.chi_squared * (n - 1) / n, rel=1e-10, abs=1e-12)
    assert two_groups.p_value == pytest.approx(chi_squared_p(**table), rel=1e-8)


@quick
@given(tables)
def test_the_exact_analysis_of_one_stratum_is_that_of_the_table(table: dict[str, Any]) -> None:
    assert exact_common_odds_ratio(**table) == odds_ratio(**table, method="exact")
    assert exact_common_odds_ratio(**table, mid_p=True) == odds_ratio(**table, method="mid_p")


@quick
@given(tables)
def test_mid_p_intervals_lie_inside_exact_ones(table: dict[str, Any]) -> None:
    exact, mid = odds_ratio(**table, method="exact"), odds_ratio(**table, method="mid_p")
    assert exact.lower is not None
    assert exact.upper is not None
    assert mid.lower is not None
    assert mid.upper is not None
    assert exact.lower <= mid.lower <= mid.upper <= exact.upper


@quick
@given(tables)
def test_exchanging_the_exposed_and_the_unexposed_inverts_the_odds_ratio(table: dict[str, Any]) -> None:
    exchanged = ("unexposed_cases", "unexposed_noncases", "exposed_cases", "exposed_noncases")
    turned: dict[str, Any] = {cell: table[other] for cell, other in zip(CELLS, exchanged, strict=True)}
    for method in ("wald", "haldane_anscombe", "exact"):
        one, other = odds_ratio(**table, method=method), odds_ratio(**turned, method=method)
        assert one.estimate is not None
        assert one.upper is not None
        assert other.estimate == pytest.approx(1 / one.estimate, rel=1e-8)
        assert other.lower == pytest.approx(1 / one.upper, rel=1e-8)


@quick
@given(tables)
def test_the_penalty_of_firth_adds_one_half_to_every_cell(table: dict[str, Any]) -> None:
    # Of a saturated model (Firth 1993): the estimate is Haldane's and Anscombe's, whose label it may not take.
    people = people_of(table)
    fitted = firth_logistic(people["y"], people["x"] == "b", names=["x"])
    half = odds_ratio(**table, method="haldane_anscombe")
    assert math.exp(fitted.coefficients[1]) == pytest.approx(half.estimate, rel=1e-9)


@quick
@given(tables)
def test_the_rao_scott_test_of_a_simple_random_sample_is_pearsons(table: dict[str, Any]) -> None:
    # Design effects are n / (n - 1), by Taylor variance.
    n = sum(table.values())
    found = rao_scott_test(counted(table), "x", "y")
    assert found.design_effects == pytest.approx([n / (n - 1)], rel=1e-10)
    margins = cochran_armitage(
        [table["exposed_cases"], table["unexposed_cases"]],
        [table["exposed_cases"] + table["exposed_noncases"], table["unexposed_cases"] + table["unexposed_noncases"]],
        [1, 0],
    )
    assert found.chi_squared == pytest.approx(margins.chi_squared, rel=1e-9, abs=1e-12)


@st.composite
def surveys(draw: st.DrawFn) -> Cells:
    """The complete sample and up to 30 rows more, of a stratified cluster sample."""
    row = st.tuples(
        st.integers(1, 2),
        st.integers(1, 3),
        st.integers(1, 500).map(lambda tenths: tenths / 10),
        st.sampled_from([0, 1, None]),
        st.sampled_from(["a", "bb"]),
    )
    more = pl.DataFrame(draw(st.lists(row, max_size=30)), schema=SCHEMA, orient="row")
    return collapse_frame(pl.concat([complete_sample().filter(pl.col("x") != "ccc"), more]))


@quick
@given(surveys())
def test_two_prevalences_compared_equal_the_crude_regression_of_any_design(cells: Cells) -> None:
    # Both are the same function of two weighted proportions: delta method and sandwich agree.
    both = prevalence(cells, "y", by=["x"])
    for measure, family in (("odds_ratio", "logistic"), ("ratio", "poisson")):
        contrast = compare(both, {"x": "bb"}, {"x": "a"}, measure=measure)  # type: ignore[arg-type]
        fitted = regression(cells, "y", [Categorical("x", "a")], family=family).term("x", "bb")  # type: ignore[arg-type]
        found: tuple[Any, ...] = (contrast.estimate, contrast.se, contrast.lower, contrast.upper)
        assert found == pytest.approx((fitted.estimate, fitted.se, fitted.lower, fitted.upper), rel=1e-8)
        assert contrast.p_value == pytest.approx(fitted.p_value, rel=1e-6)


@quick
@given(surveys())
def test_standardising_to_the_samples_own_structure_changes_no_prevalence(cells: Cells) -> None:
    table = cells.table.filter(pl.col("y").is_not_null())
    own = dict(table.group_by("x").agg(pl.col("w").sum()).iter_rows())
    crude = prevalence(cells, "y").table.row(0, named=True)
    standardised = standardise(cells, "y", column="x", standard=own).table.row(0, named=True)
    assert standardised["prevalence"] == pytest.approx(crude["prevalence"], rel=1e-12)
    for column in ("n_respondents", "n_cases", "n_missing", "degrees_freedom"):
        assert standardised[column] == crude[column]
    assert standardised["missing_weight_share"] == pytest.approx(crude["missing_weight_share"], rel=1e-12)


@quick
@given(st.integers(1, 25), st.integers(1, 25), st.integers(0, 5), st.integers(0, 5))
def test_matched_pairs_have_the_odds_ratio_of_their_discordant_pairs(b: int, c: int, both: int, neither: int) -> None:
    # Conditional likelihood: b / c with variance 1 / b + 1 / c. As strata of two: Mantel-Haenszel is b / c, its test McNemar's,
    # and the exact analysis given all margins the binomial one of the discordant pairs.
    exposure = [(1, 0)] * b + [(0, 1)] * c + [(1, 1)] * both + [(0, 0)] * neither
    members = [(pair, is_case, x) for pair, xs in enumerate(exposure) for is_case, x in zip((1, 0), xs, strict=True)]
    pair_id, is_case, x = (np.array(column) for column in zip(*members, strict=True))
    fitted = conditional_logistic(is_case, x, pair_id)
    assert math.exp(fitted.coefficients[0]) == pytest.approx(b / c, rel=1e-9)
    assert fitted.covariance[0, 0] == pytest.approx(1 / b + 1 / c, rel=1e-9)
    case_x, control_x = (np.array(side) for side in zip(*exposure, strict=True))
    strata: dict[str, Any] = {
        "exposed_cases": case_x,
        "exposed_noncases": control_x,
        "unexposed_cases": 1 - case_x,
        "unexposed_noncases": 1 - control_x,
    }
    common, exact, pairs = mantel_haenszel(**strata), exact_common_odds_ratio(**strata), pair_odds_ratio(b, c)
    assert common.odds_ratio == pytest.approx(b / c, rel=1e-12)
    assert common.p_value == pytest.approx(mcnemar_p(b, c), rel=1e-9)
    assert (exact.lower, exact.upper) == pytest.approx((pairs.lower, pairs.upper), rel=1e-9)
    assert exact.p_value == pytest.approx(pairs.p_value, rel=1e-9)
