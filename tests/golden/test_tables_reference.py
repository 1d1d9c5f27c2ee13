"""2x2 tables, strata of them and counted proportions against R 4.2.2 (`data/out_2x2.csv`, `out_mh.csv`, `out_binomial.csv`)."""

import math
from fractions import Fraction
from typing import Any

import pytest

from pipelines.statistics import (
    binomial_interval,
    chi_squared_p,
    exact_common_odds_ratio,
    homogeneity,
    mantel_haenszel,
    odds_ratio,
)
from pipelines.statistics.binomial import BinomialMethod
from pipelines.statistics.two_by_two import EMPTY_CELL, OddsRatioMethod
from tests.golden.reference import assert_close, reference

CELLS = {"exposed_cases": "a", "exposed_noncases": "b", "unexposed_cases": "c", "unexposed_noncases": "d"}
# method -> columns of estimate, limits and p-value; R prints no Wald p
TABLE_COLUMNS: dict[OddsRatioMethod, tuple[str, str, str, str | None]] = {
    "wald": ("or_sample", "wald_l", "wald_u", None),
    "haldane_anscombe": ("or_haldane", "haldane_l", "haldane_u", None),
    "exact": ("or_cmle", "exact_l", "exact_u", "p_fisher"),
    "mid_p": ("or_median_unbiased", "midp_l", "midp_u", "p_midp_2xone"),
}
BINOMIAL: dict[BinomialMethod, str] = {
    "wilson": "wilson",
    "wilson_continuity": "wilson_cc",
    "clopper_pearson": "cp",
    "jeffreys": "jeffreys",
}
SETS = [row["set"] for row in reference("out_mh")]


@pytest.mark.parametrize("method", list(TABLE_COLUMNS))
@pytest.mark.parametrize("row", reference("out_2x2"), ids=lambda row: f"{row['a']}-{row['b']}-{row['c']}-{row['d']}")
def test_odds_ratio_of_a_table_equals_r(row: dict[str, Any], method: OddsRatioMethod) -> None:
    found = odds_ratio(**{name: row[column] for name, column in CELLS.items()}, method=method)
    estimate, lower, upper, p_value = TABLE_COLUMNS[method]
    assert_close(found.estimate, row[estimate], 1e-10, "odds ratio")
    if method == "wald" and min(row[column] for column in "abcd") == 0:
        assert math.isnan(float(row[lower])) or math.isnan(float(row[upper]))  # R has no limits either
        assert (found.lower, found.upper, found.reason) == (None, None, EMPTY_CELL)
        return
    assert_close(found.lower, row[lower], 1e-10, "lower")
    assert_close(found.upper, row[upper], 1e-10, "upper")
    if p_value:
        assert_close(found.p_value, row[p_value], 1e-10, "p")
    assert found.method == method


@pytest.mark.parametrize("row", reference("out_2x2"), ids=lambda row: f"{row['a']}-{row['b']}-{row['c']}-{row['d']}")
def test_chi_squared_p_equals_chisq_test(row: dict[str, Any]) -> None:
    cells = {name: row[column] for name, column in CELLS.items()}
    assert_close(chi_squared_p(**cells), row["p_pearson"], 1e-10, "Pearson")
    assert_close(chi_squared_p(**cells, continuity_correction=True), row["p_yates"], 1e-10, "Yates")


def strata(name: str) -> dict[str, Any]:
    rows = [row for row in reference("in_mh") if row["set"] == name]
    return {cell: [row[column] for row in rows] for cell, column in CELLS.items()}


def of_set(name: str) -> dict[str, Any]:
    return next(row for row in reference("out_mh") if row["set"] == name)


@pytest.mark.parametrize("name", SETS)
def test_common_odds_ratio_and_its_test_equal_mantelhaen_test(name: str) -> None:
    found, row = mantel_haenszel(**strata(name)), of_set(name)
    for value, column in (
        (found.odds_ratio, "or_mh"),
        (found.lower, "l"),
        (found.upper, "u"),
        (found.chi_squared, "cmh"),
        (found.p_value, "cmh_p"),
        (found.chi_squared_corrected, "cmh_cc"),
        (found.p_value_corrected, "cmh_cc_p"),
    ):
        assert_close(value, row[column], 1e-12, column)


@pytest.mark.parametrize("name", SETS)
def test_homogeneity_equals_breslow_day_tarone_and_woolf(name: str) -> None:
    found, row = homogeneity(**strata(name)), of_set(name)
    assert found.degrees_freedom == row["bd_df"]
    for value, column in (
        (found.breslow_day, "bd"),
        (found.tarone, "bd_tarone"),
        (found.breslow_day_p, "bd_p"),
        (found.tarone_p, "bdt_p"),
        (found.woolf, "woolf"),
    ):
        assert_close(value, row[column], 1e-12, column)


@pytest.mark.parametrize("name", SETS)
def test_exact_common_odds_ratio_equals_mantelhaen_test(name: str) -> None:
    found, row = exact_common_odds_ratio(**strata(name)), of_set(name)
    assert_close(found.p_value, row["exact_p"], 1e-12, "p")
    # mantelhaen.test looks for these three with uniroot's default tolerance of 1e-4: the next test proves them instead
    for value, column in ((found.estimate, "exact_cmle"), (found.lower, "exact_l"), (found.upper, "exact_u")):
        assert_close(value, row[column], 1e-3, column)


@pytest.mark.parametrize("name", ["synthetic", "sparse"])
def test_exact_common_odds_ratio_solves_its_equations_in_whole_numbers(name: str) -> None:
    # The number of ways to choose s exposed cases in all strata, counted without rounding
    tables, ways, observed = list(zip(*strata(name).values(), strict=True)), {0: 1}, 0
    for a, b, c, d in tables:
        own = {s: math.comb(a + c, s) * math.comb(b + d, a + b - s) for s in range(max(0, a - d), min(a + b, a + c) + 1)}
        sums: dict[int, int] = {}
        for total, n in ways.items():
            for s, m in own.items():
                sums[total + s] = sums.get(total + s, 0) + n * m
        ways, observed = sums, observed + a
    found = exact_common_odds_ratio(**strata(name))
    assert found.estimate is not None
    assert found.lower is not None
    assert found.upper is not None

    def probability(odds: float, wanted: range) -> float:
        terms = {s: n * Fraction(odds) ** s for s, n in ways.items()}
        return float(sum(terms[s] for s in wanted if s in terms) / sum(terms.values()))

    terms = {s: n * Fraction(found.estimate) ** s for s, n in ways.items()}
    assert_close(float(sum(s * term for s, term in terms.items()) / sum(terms.values())), observed, 1e-12, "mean")
    assert_close(probability(found.lower, range(observed, max(ways) + 1)), 0.025, 1e-12, "tail at the lower limit")
    assert_close(probability(found.upper, range(min(ways), observed + 1)), 0.025, 1e-12, "tail at the upper limit")


@pytest.mark.parametrize("method", list(BINOMIAL))
def test_binomial_intervals_equal_r(method: BinomialMethod) -> None:
    for row in reference("out_binomial"):
        found = binomial_interval(row["x"], row["n"], method=method)
        what = f"{method}, {row['x']} of {row['n']}"
        # R's Wilson limits at 0 of 20 and 30 of 30 are 0 and 1 but for rounding
        lower, upper = row[f"{BINOMIAL[method]}_l"], row[f"{BINOMIAL[method]}_u"]
        assert_close(found.lower, 0.0 if method == "wilson" and row["x"] == 0 else lower, 1e-12, f"{what} lower")
        assert_close(found.upper, upper, 1e-12, f"{what} upper")
