"""Matched sets and E-values: degenerate data as values, and every refusal. Reference values are in tests/golden."""

import math
from itertools import combinations

import numpy as np
import pytest

from pipelines.statistics import (
    EmptyDomain,
    InvalidArgument,
    RankDeficient,
    SeparatedOutcome,
    conditional_logistic,
    e_value,
    pair_odds_ratio,
)


def pairs(case_only: int, control_only: int) -> tuple[list[int], list[int], list[int]]:
    """is_case, exposure and set of discordant pairs."""
    exposed = [1, 0] * case_only + [0, 1] * control_only
    return [1, 0] * (case_only + control_only), exposed, [i // 2 for i in range(len(exposed))]


def test_conditional_regression_of_pairs_is_the_ratio_of_discordant_pairs() -> None:
    found = conditional_logistic(*pairs(12, 5)).term("x0")
    assert found.estimate == pytest.approx(12 / 5, rel=1e-13)
    assert found.se == pytest.approx(math.sqrt(1 / 12 + 1 / 5), rel=1e-13)


def test_the_likelihood_is_that_of_all_choices_of_cases() -> None:
    generator = np.random.default_rng(1)
    x, is_case = generator.normal(size=(12, 2)), np.array([1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0])
    sets = np.repeat(["first", "second"], [5, 7])
    fit = conditional_logistic(is_case, x, sets)
    expected = 0.0
    for name in ("first", "second"):
        eta, case = x[sets == name] @ fit.coefficients, is_case[sets == name] == 1
        choices = [sum(eta[list(chosen)]) for chosen in combinations(range(len(eta)), int(case.sum()))]
        expected += eta[case].sum() - math.log(sum(math.exp(choice) for choice in choices))
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-13)


def test_sets_without_a_case_or_a_control_are_counted_and_change_nothing() -> None:
    is_case, x, sets = pairs(12, 5)
    fit = conditional_logistic([*is_case, 1, 1, 0], [*x, 0, 1, 1], [*sets, 98, 98, 99])
    assert (fit.n_sets, fit.n_uninformative_sets, fit.n_members, fit.n_cases) == (17, 2, 34, 17)
    assert fit.coefficients == pytest.approx(conditional_logistic(is_case, x, sets).coefficients, rel=1e-14)


def test_order_of_members_and_sets_does_not_matter() -> None:
    generator = np.random.default_rng(2)
    is_case, x, sets = np.tile([1, 0, 0], 20), generator.normal(size=(60, 2)), np.repeat(np.arange(20), 3)
    order = generator.permutation(60)
    first, second = conditional_logistic(is_case, x, sets), conditional_logistic(is_case[order], x[order], sets[order])
    assert first.coefficients == pytest.approx(second.coefficients, rel=1e-12)


def test_perfectly_predicted_cases_are_separated() -> None:
    with pytest.raises(SeparatedOutcome, match="exposure"):
        conditional_logistic(*pairs(9, 0), names=["exposure"])


def test_columns_that_do_not_vary_within_sets_are_named() -> None:
    is_case, x, sets = np.tile([1, 0, 0], 20), np.random.default_rng(3).normal(size=60), np.repeat(np.arange(20), 3)
    with pytest.raises(RankDeficient) as raised:
        conditional_logistic(is_case, np.column_stack([x, sets / 10]), sets, names=["exposure", "matched_on"])
    assert raised.value.names == ("matched_on",)


def test_no_informative_set_is_empty() -> None:
    for is_case, x, sets in (([1, 0], [1.0, 2.0], [1, 2]), ([], [], [])):
        with pytest.raises(EmptyDomain):
            conditional_logistic(is_case, x, sets)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"is_case": [1, 0, 2, 0]}, "boolean or 0/1"),
        ({"x": [1.0, math.nan, 0.0, 1.0]}, "1 members have a value of x that is missing"),
        ({"set_id": [1, 1, 2]}, "4, 4 and 3 members"),
        ({"names": ["a", "b"]}, "1 columns but 2 names"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    good: dict[str, object] = {"is_case": [1, 0, 1, 0], "x": [1.0, 0.0, 0.0, 1.0], "set_id": [1, 1, 2, 2]}
    with pytest.raises(InvalidArgument, match=message):
        conditional_logistic(**(good | changes))  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="no term z"):
        conditional_logistic(*pairs(3, 2)).term("z")


def test_pairs_that_all_point_one_way_have_a_one_sided_interval() -> None:
    # 5 of 5: the lower limit of p is 0.025^(1/5), and 1 of 32 sequences is as extreme on each side
    found, turned = pair_odds_ratio(5, 0), pair_odds_ratio(0, 5)
    p = 0.025 ** (1 / 5)
    assert (found.odds_ratio, found.upper, turned.odds_ratio, turned.lower) == (math.inf, math.inf, 0.0, 0.0)
    assert found.lower == pytest.approx(p / (1 - p), rel=1e-13)
    assert turned.upper == pytest.approx((1 - p) / p, rel=1e-13)
    assert found.p_value == turned.p_value == pytest.approx(2 / 32, rel=1e-14)


def test_no_discordant_pair_is_no_estimate_and_no_evidence() -> None:
    found = pair_odds_ratio(0, 0)
    assert (found.odds_ratio, found.lower, found.upper, found.p_value) == (None, 0.0, math.inf, 1.0)


def test_equal_numbers_of_discordant_pairs_have_a_p_value_of_1() -> None:
    assert pair_odds_ratio(7, 7).p_value == 1.0


@pytest.mark.parametrize(("case_only", "control_only", "level"), [(-1, 2, 0.95), (1, -2, 0.95), (1.5, 2, 0.95), (1, 2, 95)])
def test_counts_and_levels_that_cannot_be_are_refused(case_only: float, control_only: int, level: float) -> None:
    with pytest.raises(InvalidArgument):
        pair_odds_ratio(case_only, control_only, confidence_level=level)  # type: ignore[arg-type]


def test_e_values_of_no_or_infinite_association() -> None:
    assert e_value(1.0, 0.8, 1.2, measure="risk_ratio").point == 1.0
    assert e_value(1.0, 0.8, 1.2, measure="risk_ratio").limit == 1.0
    assert e_value(math.inf, 2.0, math.inf, measure="odds_ratio", is_rare=True).point == math.inf
    # RR 2 and its inverse: 2 + sqrt(2)
    for ratio in (2.0, 0.5):
        assert e_value(ratio, ratio, ratio, measure="risk_ratio").limit == pytest.approx(2 + math.sqrt(2), rel=1e-15)


@pytest.mark.parametrize("ratio", [(2.0, 3.0, 4.0), (-1.0, -2.0, 1.0), (math.nan, 1.0, 2.0)])
def test_e_values_need_a_ratio_inside_its_interval(ratio: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidArgument):
        e_value(*ratio, measure="risk_ratio")
    with pytest.raises(InvalidArgument, match="measure must be one of"):
        e_value(1.0, 1.0, 1.0, measure="hazard")  # type: ignore[arg-type]
