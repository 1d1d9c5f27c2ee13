"""Counted tables, rates, sequences, pooled estimates: what is degenerate is a value with a reason, the impossible is refused."""

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import (
    EmptyDomain,
    InvalidArgument,
    RankDeficient,
    SeparatedOutcome,
    StatsError,
    active_comparator_ratio,
    adjust_p_values,
    binomial_interval,
    chi_squared_p,
    clustered_rate,
    cochran_armitage,
    exact_common_odds_ratio,
    firth_logistic,
    homogeneity,
    mantel_haenszel,
    mcnemar_p,
    null_ratio,
    odds_ratio,
    order_model,
    pool_imputations,
    sequence_ratio,
    sequence_symmetry,
    standardised_rate,
    weighted_f_tail,
)
from pipelines.statistics.mantel_haenszel import NO_DISCORDANCE
from pipelines.statistics.two_by_two import EMPTY_CELL, EMPTY_MARGIN

METHODS = ("wald", "haldane_anscombe", "exact", "mid_p")


def table(a: float, b: float, c: float, d: float) -> dict[str, float]:
    return {"exposed_cases": a, "exposed_noncases": b, "unexposed_cases": c, "unexposed_noncases": d}


@pytest.mark.parametrize("method", METHODS)
def test_a_table_with_an_empty_margin_has_no_odds_ratio_and_says_why(method: str) -> None:
    found = odds_ratio(**table(0, 0, 3, 4), method=method)  # type: ignore[arg-type]
    assert (found.estimate, found.lower, found.upper, found.p_value, found.reason) == (None, None, None, None, EMPTY_MARGIN)
    assert chi_squared_p(**table(0, 0, 3, 4)) is None  # type: ignore[arg-type]


def test_an_empty_cell_gives_an_infinite_or_zero_odds_ratio_with_one_exact_limit() -> None:
    wald = odds_ratio(**table(3, 0, 2, 5), method="wald")  # type: ignore[arg-type]
    assert (wald.estimate, wald.lower, wald.reason) == (math.inf, None, EMPTY_CELL)
    exact = odds_ratio(**table(0, 4, 2, 5), method="exact")  # type: ignore[arg-type]
    assert (exact.estimate, exact.lower) == (0.0, 0.0)
    assert exact.upper is not None
    assert math.isfinite(exact.upper)
    mid = odds_ratio(**table(3, 0, 2, 5), method="mid_p")  # type: ignore[arg-type]
    assert (mid.estimate, mid.upper) == (None, math.inf)


def test_strata_without_information_change_nothing() -> None:
    with_empty = {"exposed_cases": [12, 0, 1], "exposed_noncases": [5, 0, 0], "unexposed_cases": [9, 4, 0]}
    with_empty |= {"unexposed_noncases": [20, 7, 0]}
    alone = {name: values[:1] for name, values in with_empty.items()}
    assert mantel_haenszel(**with_empty) == mantel_haenszel(**alone)  # type: ignore[arg-type]
    assert exact_common_odds_ratio(**with_empty) == exact_common_odds_ratio(**alone)  # type: ignore[arg-type]
    assert homogeneity(**with_empty).degrees_freedom == 0
    assert homogeneity(**with_empty).breslow_day is None


def test_a_common_odds_ratio_of_infinity_has_no_interval_and_says_why() -> None:
    found = mantel_haenszel(**table(3, 0, 2, 5))
    assert (found.odds_ratio, found.lower, found.reason) == (math.inf, None, NO_DISCORDANCE)
    assert 0 < found.p_value < 1


def test_pairs_that_agree_have_no_mcnemar_test() -> None:
    assert mcnemar_p(0, 0) is None
    assert mcnemar_p(3, 3, continuity_correction=True) == 1.0


def test_a_sequence_counts_each_side_of_the_index_within_the_window_and_beyond_the_gap() -> None:
    # Days apart: 5, -5, 40, 1 (in the gap), 0 (same day), one person without a marker
    index, marker = [10, 10, 10, 10, 10, 10], [15, 5, 50, 11, 10, math.nan]
    found = sequence_symmetry(index, marker, n_days=60, window_days=30, gap_days=2)
    assert (found.n_index_first, found.n_marker_first, found.crude_ratio, found.p_value) == (1, 1, 1.0, 1.0)
    # Markers after day 10: days 11, 15 and 50. Before it: day 5. The null-effect ratio has no gap.
    assert found.null_ratio == 3.0
    assert sequence_symmetry(index, marker, n_days=60, window_days=30, null_window_days=39).null_ratio == 2.0
    wide = sequence_symmetry(index, marker, n_days=60, window_days=59)
    assert (wide.n_index_first, wide.n_marker_first) == (3, 1)
    next_days = sequence_symmetry([10, 10, 10], [11, 11, 9], n_days=60, window_days=30)
    assert (next_days.n_index_first, next_days.n_marker_first) == (2, 1)


def test_a_sequence_seen_one_way_only_has_an_infinite_ratio() -> None:
    found = sequence_symmetry([1, 1], [3, 4], n_days=10, window_days=5, method="wald")
    none_in_reach = sequence_symmetry([1], [8], n_days=9, window_days=3, null_window_days=3)
    assert (none_in_reach.crude_ratio, none_in_reach.null_ratio, none_in_reach.adjusted_ratio) == (None, None, None)
    assert (found.crude_ratio, found.crude_lower, found.null_ratio, found.adjusted_ratio) == (math.inf, None, math.inf, None)
    exact = sequence_symmetry([1, 1], [3, 4], n_days=10, window_days=5)
    assert exact.crude_lower is not None
    assert exact.crude_upper == math.inf


def test_an_adjusted_p_value_belongs_to_its_test_and_not_to_its_rank() -> None:
    # By hand, Holm: 0.01 * 3, then max(0.02 * 2, 0.03), then max(0.04, 0.04)
    assert adjust_p_values([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04], rel=1e-12)
    assert adjust_p_values([]).shape == (0,)


def test_equal_imputations_leave_the_variance_within() -> None:
    found = pool_imputations([0.5, 0.5], [0.04, 0.04], complete_degrees_freedom=10)
    assert found.se == pytest.approx(0.2)
    # (d + 1) / (d + 3) d, as nothing is missing
    assert found.degrees_freedom == pytest.approx(11 / 13 * 10)


def test_no_events_have_a_rate_of_zero_with_an_upper_limit() -> None:
    found = standardised_rate([0, 0], [100, 200], [1, 1])
    assert (found.rate, found.lower) == (0.0, 0.0)
    # Fay and Feuer at no events: w times the 97.5 % quantile of gamma(1), w = 1/2 / 100
    assert found.upper == pytest.approx(-math.log(0.025) / 200, rel=1e-12)


def test_penalised_regression_gives_equal_people_one_pattern() -> None:
    x, y = np.array([0.0, 1.0] * 20), np.array([0, 1, 0, 0] * 10)
    assert firth_logistic(y, x).n_members == 40
    assert firth_logistic(pl.Series(y.tolist()), x).coefficients == pytest.approx(firth_logistic(y, x[:, None]).coefficients)


REFUSED: dict[str, tuple[type[StatsError], Callable[[], object]]] = {
    "a count below 0": (InvalidArgument, lambda: odds_ratio(**table(-1, 1, 1, 1))),  # type: ignore[arg-type]
    "a weighted table": (InvalidArgument, lambda: odds_ratio(**table(1.5, 1, 1, 1))),  # type: ignore[arg-type]
    "an unknown method": (InvalidArgument, lambda: odds_ratio(**table(1, 1, 1, 1), method="woolf")),  # type: ignore[arg-type]
    "a level in percent": (
        InvalidArgument,
        lambda: odds_ratio(**table(1, 1, 1, 1), confidence_level=95),  # type: ignore[arg-type]
    ),
    "strata of unequal number": (
        InvalidArgument,
        lambda: mantel_haenszel(exposed_cases=[1, 2], exposed_noncases=[1], unexposed_cases=[1], unexposed_noncases=[1]),
    ),
    "no informative stratum": (EmptyDomain, lambda: mantel_haenszel(**table(0, 0, 1, 1))),
    "more cases than respondents": (InvalidArgument, lambda: binomial_interval(3, 2)),
    "an interval of nobody": (EmptyDomain, lambda: binomial_interval(0, 0)),
    "an unknown interval": (InvalidArgument, lambda: binomial_interval(1, 2, method="wald")),  # type: ignore[arg-type]
    "pairs below 0": (InvalidArgument, lambda: mcnemar_p(-1, 2)),
    "a trend of unequal lengths": (InvalidArgument, lambda: cochran_armitage([1], [2, 3], [0, 1])),
    "a trend with too many cases": (InvalidArgument, lambda: cochran_armitage([3, 1], [2, 3], [0, 1])),
    "a trend over one score": (EmptyDomain, lambda: cochran_armitage([1, 1], [2, 3], [1, 1])),
    "a trend without cases": (EmptyDomain, lambda: cochran_armitage([0, 0], [2, 3], [0, 1])),
    "a p-value above 1": (InvalidArgument, lambda: adjust_p_values([0.5, 1.1])),
    "a missing p-value": (InvalidArgument, lambda: adjust_p_values([0.5, math.nan])),
    "an unknown adjustment": (InvalidArgument, lambda: adjust_p_values([0.5], method="fdr")),  # type: ignore[arg-type]
    "one imputation": (InvalidArgument, lambda: pool_imputations([1.0], [1.0])),
    "imputations without variance": (InvalidArgument, lambda: pool_imputations([1.0, 2.0], [0.0, 1.0])),
    "no complete degrees of freedom": (
        InvalidArgument,
        lambda: pool_imputations([1.0, 2.0], [1.0, 1.0], complete_degrees_freedom=0),
    ),
    "a gap as long as the window": (
        InvalidArgument,
        lambda: sequence_symmetry([1], [2], n_days=9, window_days=3, gap_days=3),
    ),
    "a day outside the observation": (InvalidArgument, lambda: sequence_symmetry([1], [9], n_days=9, window_days=3)),
    "sequences of different people": (InvalidArgument, lambda: sequence_symmetry([1, 2], [3], n_days=9, window_days=3)),
    "an unknown limit of a sequence": (
        InvalidArgument,
        lambda: sequence_symmetry([1], [2], n_days=9, window_days=3, method="exact"),  # type: ignore[arg-type]
    ),
    "a null-effect ratio of unknown events": (
        InvalidArgument,
        lambda: sequence_symmetry([1], [2], n_days=9, window_days=3, null_events="pairs"),  # type: ignore[arg-type]
    ),
    "a null-effect ratio without a window": (
        InvalidArgument,
        lambda: sequence_symmetry([1], [2], n_days=9, window_days=3, null_window_days=0),
    ),
    "daily numbers of other days": (InvalidArgument, lambda: null_ratio([1, 0], [1])),
    "fewer pairs than none": (InvalidArgument, lambda: sequence_ratio(-1, 2)),
    "a comparator with fewer pairs than none": (InvalidArgument, lambda: active_comparator_ratio(1, 2, -1, 2)),
    "an order that is always the same": (EmptyDomain, lambda: order_model([1, 2], [0, 0], [[0.0], [1.0]], names=["age"])),
    "an order that an answer tells": (SeparatedOutcome, lambda: order_model([3, 0], [0, 2], [[0.0], [1.0]], names=["sex"])),
    "an order by what all have alike": (RankDeficient, lambda: order_model([3, 1], [1, 2], [[1.0], [1.0]], names=["sex"])),
    "an order by a name without a column": (InvalidArgument, lambda: order_model([3], [1], [[1.0]], names=["age", "sex"])),
    "rates of people without days": (InvalidArgument, lambda: clustered_rate([1], [0])),
    "rates of different people": (InvalidArgument, lambda: clustered_rate([1, 2], [3])),
    "rates of unequal cells": (InvalidArgument, lambda: standardised_rate([1], [2, 3], [1, 1])),
    "a rate over nobody": (InvalidArgument, lambda: standardised_rate([1], [0], [1])),
    "a mixture of nothing": (InvalidArgument, lambda: weighted_f_tail(1.0, [], 5)),
    "an outcome of three values": (InvalidArgument, lambda: firth_logistic([0, 1, 2], [1.0, 2.0, 3.0])),
    "unequal lengths of x": (InvalidArgument, lambda: firth_logistic([0, 1], [1.0, 2.0, 3.0])),
    "nobody to fit": (EmptyDomain, lambda: firth_logistic([], np.empty((0, 1)))),
    "a constant column": (RankDeficient, lambda: firth_logistic([0, 1, 1], [1.0, 1.0, 1.0])),
    "an unknown term": (InvalidArgument, lambda: firth_logistic([0, 1, 1], [1.0, 2.0, 3.0]).term("y")),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_impossible_input_is_refused(what: str) -> None:
    error, call = REFUSED[what]
    with pytest.raises(error):
        call()
