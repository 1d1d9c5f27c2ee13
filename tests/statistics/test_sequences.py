"""Sequence ratios, their comparison, the model of the order and rates over person-days against base R (sequences.R)."""

import math

import polars as pl
import pytest
from scipy import stats

from pipelines.statistics import (
    ClusteredRate,
    SequenceRatio,
    active_comparator_ratio,
    clustered_rate,
    null_ratio,
    order_model,
    sequence_ratio,
    sequence_symmetry,
)
from tests.golden.reference import DATA, assert_close

TOLERANCE = 1e-12
GLM = 1e-8
"""R's standard errors are those of the step before the last."""


@pytest.mark.parametrize(
    ("pairs", "lower", "upper"),
    [
        ((1235, 682), 1.64925869731606, 1.98827468423224),
        ((174, 49), 2.5897727944799, 4.86905490939964),
        ((9, 4), 0.735187581034977, 6.885997710779),
    ],
)
def test_the_score_interval_of_a_sequence_ratio_equals_r(pairs: tuple[int, int], lower: float, upper: float) -> None:
    found = sequence_ratio(*pairs, method="miettinen_nurminen")
    assert_close(found.crude_lower, lower, TOLERANCE, "lower")
    assert_close(found.crude_upper, upper, TOLERANCE, "upper")
    swapped = sequence_ratio(*reversed(pairs), method="miettinen_nurminen")
    assert_close(swapped.crude_lower, 1 / upper, TOLERANCE, "the other way round")


@pytest.mark.parametrize(
    ("counts", "ratio", "lower", "upper", "p_value"),
    [
        ((174, 49, 120, 80), 2.36734693877551, 1.548959266685, 3.61785299767239, 5.92346120075001e-05),
        ((9, 4, 5, 8), 3.6, 0.719019385777852, 17.9843709189423, 0.122822648101393),
    ],
)
def test_the_ratio_to_an_active_comparator_equals_r(
    counts: tuple[int, int, int, int], ratio: float, lower: float, upper: float, p_value: float
) -> None:
    found = active_comparator_ratio(*counts)
    for value, expected in ((found.ratio, ratio), (found.lower, lower), (found.upper, upper), (found.p_value, p_value)):
        assert_close(value, expected, 1e-11, str(counts))


def test_a_comparator_that_is_seen_one_way_only_leaves_one_limit() -> None:
    above, below = active_comparator_ratio(5, 0, 5, 8), active_comparator_ratio(0, 5, 8, 5)
    assert (above.ratio, above.upper, below.ratio, below.lower) == (math.inf, math.inf, 0.0, 0.0)
    assert above.lower > 1 > below.upper
    assert_close(above.lower, 1 / below.upper, 1e-11, "the other way round")
    assert active_comparator_ratio(3, 0, 5, 0).ratio is None
    assert active_comparator_ratio(0, 0, 5, 1).ratio is None


@pytest.mark.parametrize(("method", "least", "most"), [("miettinen_nurminen", 0.94, 0.96), ("jeffreys", 0.94, 0.96)])
def test_intervals_hold_their_level_and_the_exact_one_more(method: str, least: float, most: float) -> None:
    """Exact: the probability of each number of index first among 5 to 50 pairs, over true ratios of 1/2, 1 and 2."""
    assert least < coverage(method) < most
    assert coverage("clopper_pearson") > 0.965


def coverage(method: str) -> float:
    held = []
    for true_ratio in (0.5, 1.0, 2.0):
        for n_pairs in range(5, 51):
            likely = stats.binom.pmf(range(n_pairs + 1), n_pairs, true_ratio / (1 + true_ratio))
            found = [sequence_ratio(n, n_pairs - n, method=method) for n in range(n_pairs + 1)]  # type: ignore[arg-type]
            held.append(sum(p for p, one in zip(likely, found, strict=True) if holds(one, true_ratio)))
    return float(sum(held) / len(held))


def holds(found: SequenceRatio, true_ratio: float) -> bool:
    assert found.crude_lower is not None
    assert found.crude_upper is not None
    return found.crude_lower <= true_ratio <= found.crude_upper


def test_the_null_effect_ratio_has_a_window_of_its_own() -> None:
    # a marker in reach after the index on day 10, another far after it
    index, marker = [10.0, 10.0, 40.0], [12.0, 60.0, 39.0]
    short = sequence_symmetry(index, marker, n_days=100, window_days=5, null_window_days=25)
    wide = sequence_symmetry(index, marker, n_days=100, window_days=99, null_window_days=25)
    assert short.null_ratio == wide.null_ratio == null_ratio(*per_day(index, marker), window_days=25)
    # within 25 days: of both on day 10, 12 follows; of day 40, 60 follows and 39 precedes
    assert short.null_ratio == 3.0
    assert null_ratio(*per_day(index, marker), window_days=None) == 7 / 2


def per_day(index: list[float], marker: list[float]) -> tuple[list[int], list[int]]:
    return [index.count(day) for day in range(100)], [marker.count(day) for day in range(100)]


def test_the_model_of_the_order_equals_glm() -> None:
    pairs = (
        pl.read_csv(DATA / "in_ssa.csv")
        .with_columns(after=pl.col("marker_day") - pl.col("index_day"))
        .filter((pl.col("after") != 0) & (pl.col("after").abs() <= 365))
        .with_columns(age=(pl.col("person") % 60 + 20) / 10, female=pl.col("person") % 2)
        .group_by("age", "female")
        .agg(index_first=(pl.col("after") > 0).sum(), marker_first=(pl.col("after") < 0).sum())
    )
    x = pairs.select("age", "female").to_numpy()
    found = order_model(pairs["index_first"], pairs["marker_first"], x, names=["age", "female"])
    assert (found.n_index_first, found.n_marker_first) == (328, 235)
    for effect, estimate, lower, upper in (
        (found.ratio, 1.39686711648539, 1.18116974076737, 1.65195371484081),
        (found.terms["age"], 0.983887776005199, 0.89400883942866, 1.08280266713146),
        (found.terms["female"], 1.21010399191986, 0.865028842074377, 1.69283566054146),
    ):
        assert_close(effect.estimate, estimate, TOLERANCE, "estimate")
        assert_close(effect.lower, lower, GLM, "lower")
        assert_close(effect.upper, upper, GLM, "upper")
    assert_close(found.p_value, 0.51450952299726, TOLERANCE, "p-value")
    assert_close(found.log_likelihood, -381.860830054117, TOLERANCE, "log-likelihood")


def test_a_rate_over_days_of_people_equals_r() -> None:
    found = clustered_rate([0, 3, 1, 7, 0, 2], [28, 30, 14, 29, 21, 30])
    for value, expected in (
        (found.rate, 0.0855263157894737),
        (found.se, 0.0394316891899463),
        (found.lower, 0.02614515598247),
        (found.upper, 0.279774605185956),
    ):
        assert_close(value, expected, TOLERANCE, "rate")


def test_rates_of_nobody_with_an_event_and_of_one_person() -> None:
    none = clustered_rate([0, 0], [100, 52])
    assert (none.rate, none.lower, none.method) == (0.0, 0.0, "exact_poisson")
    assert_close(none.upper, 0.0242689437770654, TOLERANCE, "poisson.test")
    assert clustered_rate([4], [28]) == ClusteredRate(1 / 7, None, None, None, 4, 1, "linearised_log_t", 0.95)
