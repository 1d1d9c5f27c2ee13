"""Sequence symmetry analysis: does a marker follow a first prescription more often than it precedes it?

Only people with both events inform it, so that what does not change within a person cancels. It is a signal, not an effect.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from pipelines.statistics.design import FloatArray, IntArray
from pipelines.statistics.errors import EmptyDomain, InvalidArgument
from pipelines.statistics.intervals import require_level, t_quantile
from pipelines.statistics.matched import pair_odds_ratio

RatioMethod = Literal["clopper_pearson", "jeffreys", "wald"]


@dataclass(frozen=True)
class SequenceSymmetry:
    """`crude_ratio` (index first / marker first) with a short window is the primary result; the others are secondary.

    `null_ratio`: the ratio that the trends of both events over time alone would give; `adjusted_ratio` = crude / null. Madsen
    2025 argues against the adjusted ratio. Ratios may be 0 or infinite, or None where nobody counts; limits are of `method`,
    None where it has none. `p_value`: exact, of a crude ratio of 1. Events on one day (and within the gap) count for neither.
    """

    crude_ratio: float | None
    crude_lower: float | None
    crude_upper: float | None
    p_value: float
    null_ratio: float
    adjusted_ratio: float | None
    adjusted_lower: float | None
    adjusted_upper: float | None
    n_index_first: int
    n_marker_first: int
    window_days: int
    gap_days: int
    method: RatioMethod
    confidence_level: float


def sequence_symmetry(
    index_day: npt.ArrayLike,
    marker_day: npt.ArrayLike,
    *,
    n_days: int,
    window_days: int,
    gap_days: int = 0,
    method: RatioMethod = "clopper_pearson",
    confidence_level: float = 0.95,
) -> SequenceSymmetry:
    """Sequence ratios of two first events, aligned by person: days 0 to n_days - 1 of observation, NaN = never.

    Counted are people whose events are more than `gap_days` and at most `window_days` apart (Hallas 1996). Null ratio by
    Tsiropoulos 2009: from the daily numbers of everybody's events, in O(days). Limits are those of the share of index first, as
    odds: Clopper-Pearson, Jeffreys, or Wald on the log. Raises InvalidArgument, EmptyDomain (no pair of events within any
    window).
    """
    require_level(confidence_level)
    if method not in get_args(RatioMethod):
        raise InvalidArgument(f"method must be one of {', '.join(get_args(RatioMethod))}, not {method!r}.")
    if not 0 <= gap_days < window_days:
        raise InvalidArgument(
            f"The window must be longer than the gap, and neither below 0; they are {window_days} and {gap_days}."
        )
    index, marker = _days(index_day, n_days), _days(marker_day, n_days)
    if len(index) != len(marker):
        raise InvalidArgument(f"index_day and marker_day are of {len(index)} and {len(marker)} people; they must be the same.")
    both = ~np.isnan(index) & ~np.isnan(marker)
    after = (marker - index)[both]
    counted = after[(np.abs(after) > gap_days) & (np.abs(after) <= window_days)]
    n_index_first, n_marker_first = int((counted > 0).sum()), int((counted < 0).sum())
    null = _null_ratio(_per_day(index, n_days), _per_day(marker, n_days), window_days, gap_days)
    crude = n_index_first / n_marker_first if n_marker_first else (math.inf if n_index_first else None)
    lower, upper = _limits(n_index_first, n_marker_first, method, confidence_level)
    return SequenceSymmetry(
        crude_ratio=crude,
        crude_lower=lower,
        crude_upper=upper,
        p_value=pair_odds_ratio(n_index_first, n_marker_first).p_value,
        null_ratio=null,
        adjusted_ratio=_over(crude, null),
        adjusted_lower=_over(lower, null),
        adjusted_upper=_over(upper, null),
        n_index_first=n_index_first,
        n_marker_first=n_marker_first,
        window_days=window_days,
        gap_days=gap_days,
        method=method,
        confidence_level=confidence_level,
    )


def _days(values: npt.ArrayLike, n_days: int) -> FloatArray:
    days = np.asarray(values, dtype=np.float64)
    known = days[~np.isnan(days)]
    if days.ndim != 1 or (known != np.floor(known)).any() or (known < 0).any() or (known >= n_days).any():
        raise InvalidArgument(f"Days are whole, from 0 to {n_days - 1} (n_days - 1); NaN where a person never has the event.")
    return days


def _per_day(days: FloatArray, n_days: int) -> IntArray:
    return np.bincount(days[~np.isnan(days)].astype(np.int64), minlength=n_days).astype(np.int64)


def _null_ratio(index: IntArray, marker: IntArray, window: int, gap: int) -> float:
    """Odds that a marker in reach of an index event follows it, were markers drawn from their daily numbers."""
    n_days = len(marker)
    before_day = np.concatenate([[0], np.cumsum(marker)])  # markers before day t, for t = 0 ... n_days
    day = np.arange(n_days)

    def between(first: IntArray, past: IntArray) -> IntArray:
        counts: IntArray = before_day[np.clip(past, 0, n_days)] - before_day[np.clip(first, 0, n_days)]
        return counts

    following = int(index @ between(day + gap + 1, day + window + 1))
    preceding = int(index @ between(day - window, day - gap))
    if following + preceding == 0:
        raise EmptyDomain("No marker of anybody lies within the window of anybody's index event: there is no null ratio.")
    return following / preceding if preceding else math.inf


def _limits(
    n_index_first: int, n_marker_first: int, method: RatioMethod, confidence_level: float
) -> tuple[float | None, float | None]:
    if n_index_first + n_marker_first == 0:
        return None, None
    if method == "wald":
        if 0 in (n_index_first, n_marker_first):
            return None, None
        margin = t_quantile(math.inf, confidence_level) * math.sqrt(1 / n_index_first + 1 / n_marker_first)
        ratio = n_index_first / n_marker_first
        return ratio * math.exp(-margin), ratio * math.exp(margin)
    if method == "clopper_pearson":
        exact = pair_odds_ratio(n_index_first, n_marker_first, confidence_level=confidence_level)
        return exact.lower, exact.upper
    shape = (n_index_first + 0.5, n_marker_first + 0.5)
    tail = (1 - confidence_level) / 2
    lower, upper = (float(special.betaincinv(*shape, level)) for level in (tail, 1 - tail))
    return lower / (1 - lower), upper / (1 - upper)


def _over(value: float | None, null: float) -> float | None:
    if value is None or null == 0 or (math.isinf(value) and math.isinf(null)):
        return None
    return value / null
