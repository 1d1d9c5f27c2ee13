"""Sequence symmetry analysis: does a marker follow a first prescription more often than it precedes it?

Only people with both events inform it, so that what does not change within a person cancels. It is a signal, not an effect.
How the order depends on what people are like is in sequence_order.py.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import scipy

from pipelines.statistics.design import FloatArray, IntArray
from pipelines.statistics.effect import two_sided_p
from pipelines.statistics.errors import InvalidArgument
from pipelines.statistics.intervals import require_level, t_quantile
from pipelines.statistics.matched import pair_odds_ratio

RatioMethod = Literal["miettinen_nurminen", "jeffreys", "clopper_pearson", "wald"]

NullEvents = Literal["all_first_events", "first_of_pairs"]
"""Whose days the null-effect ratio is made of: the first events of everybody, or of each counted pair the earlier one."""

NULL_WINDOW_DAYS = 548
"""Days on each side of an event within which the null-effect ratio looks for the other, whatever the window of the pairs:
CohortSymmetry's moving average restriction, one and a half years."""

_WIDEST_LOG_RATIO = 500.0


@dataclass(frozen=True)
class SequenceRatio:
    """`crude_ratio` (index first / marker first) with a short window is the primary result; the adjusted one is secondary.

    `adjusted_ratio` = crude / null. Ratios may be 0 or infinite, or None where nobody counts or the null-effect ratio is 0 or
    not known; limits are of `method`, None where it has none. `p_value`: exact, of a crude ratio of 1.
    """

    crude_ratio: float | None
    crude_lower: float | None
    crude_upper: float | None
    p_value: float
    null_ratio: float | None
    adjusted_ratio: float | None
    adjusted_lower: float | None
    adjusted_upper: float | None
    n_index_first: int
    n_marker_first: int
    method: RatioMethod
    confidence_level: float


@dataclass(frozen=True)
class ComparedRatio:
    """A sequence ratio over that of an active comparator. 0, infinite, or None where one of the two is not known."""

    ratio: float | None
    lower: float
    upper: float
    p_value: float
    confidence_level: float


def sequence_symmetry(
    index_day: npt.ArrayLike,
    marker_day: npt.ArrayLike,
    *,
    n_days: int,
    window_days: int | None,
    gap_days: int = 0,
    null_window_days: int | None = NULL_WINDOW_DAYS,
    null_events: NullEvents = "all_first_events",
    method: RatioMethod = "miettinen_nurminen",
    confidence_level: float = 0.95,
) -> SequenceRatio:
    """Sequence ratios of two first events, aligned by person: days 0 to n_days - 1 of observation, NaN = never.

    Counted are people whose events are more than `gap_days` and at most `window_days` apart (Hallas 1996; None: however far);
    events on one day count for neither. The null-effect ratio has a window of its own (see null_ratio()), and is of
    `null_events`. Raises InvalidArgument.
    """
    if not 0 <= gap_days < (math.inf if window_days is None else window_days):
        raise InvalidArgument(
            f"The window must be longer than the gap, and neither below 0; they are {window_days} and {gap_days}."
        )
    if null_events not in get_args(NullEvents):
        raise InvalidArgument(f"null_events must be one of {', '.join(get_args(NullEvents))}, not {null_events!r}.")
    index, marker = _days(index_day, n_days), _days(marker_day, n_days)
    if len(index) != len(marker):
        raise InvalidArgument(f"index_day and marker_day are of {len(index)} and {len(marker)} people; they must be the same.")
    after = marker - index  # NaN where one of them never happens
    within = (np.abs(after) > gap_days) & (np.abs(after) <= (n_days if window_days is None else window_days))
    if null_events == "first_of_pairs":
        of_index, of_marker = index[within & (after > 0)], marker[within & (after < 0)]
    else:
        of_index, of_marker = index, marker
    return sequence_ratio(
        int((within & (after > 0)).sum()),
        int((within & (after < 0)).sum()),
        null=null_ratio(_per_day(of_index, n_days), _per_day(of_marker, n_days), window_days=null_window_days),
        method=method,
        confidence_level=confidence_level,
    )


def sequence_ratio(
    n_index_first: int,
    n_marker_first: int,
    *,
    null: float | None = None,
    method: RatioMethod = "miettinen_nurminen",
    confidence_level: float = 0.95,
) -> SequenceRatio:
    """The sequence ratio of counted pairs, with its interval, and over a null-effect ratio where one is given.

    miettinen_nurminen: the score interval of a ratio of two counts (1985), the odds of Wilson's. jeffreys, clopper_pearson: of
    the share of index first, as odds. wald: on the log. The adjusted limits are the crude ones over `null`, as if that were
    known. Raises InvalidArgument.
    """
    require_level(confidence_level)
    if method not in get_args(RatioMethod):
        raise InvalidArgument(f"method must be one of {', '.join(get_args(RatioMethod))}, not {method!r}.")
    if min(n_index_first, n_marker_first) < 0:
        raise InvalidArgument(f"Counts of pairs are not below 0; they are {n_index_first} and {n_marker_first}.")
    crude = _odds(n_index_first, n_marker_first)
    lower, upper = _limits(n_index_first, n_marker_first, method, confidence_level)
    return SequenceRatio(
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
        method=method,
        confidence_level=confidence_level,
    )


def null_ratio(
    index_per_day: npt.ArrayLike, marker_per_day: npt.ArrayLike, *, window_days: int | None = NULL_WINDOW_DAYS
) -> float | None:
    """The ratio that the trends of both events over time alone would give (Tsiropoulos 2009), from their daily numbers.

    The odds that a marker within `window_days` of an index event (None: any) follows it, were markers drawn from their daily
    numbers; those on the same day count for neither. With all first events it is that of CohortSymmetry 0.3, with the earlier
    events of the pairs that of 0.1 and 0.2. None where no marker is in reach. O(days). Raises InvalidArgument.
    """
    index, marker = (np.asarray(counts, dtype=np.int64) for counts in (index_per_day, marker_per_day))
    if index.shape != marker.shape or index.ndim != 1 or (index < 0).any() or (marker < 0).any():
        raise InvalidArgument("Both events need a count not below 0 for each of the same days.")
    n_days = len(marker)
    window = n_days if window_days is None else window_days
    if window < 1:
        raise InvalidArgument(f"The window of the null-effect ratio must be at least 1 day; it is {window}.")
    before_day = np.concatenate([[0], np.cumsum(marker)])  # markers before day t, for t = 0 ... n_days
    day = np.arange(n_days)

    def between(first: IntArray, past: IntArray) -> IntArray:
        counts: IntArray = before_day[np.clip(past, 0, n_days)] - before_day[np.clip(first, 0, n_days)]
        return counts

    following = int(index @ between(day + 1, day + window + 1))
    preceding = int(index @ between(day - window, day))
    return _odds(following, preceding)


def active_comparator_ratio(
    n_index_first: int,
    n_marker_first: int,
    n_comparator_first: int,
    n_marker_first_of_comparator: int,
    *,
    confidence_level: float = 0.95,
) -> ComparedRatio:
    """The sequence ratio of a medicine over that of a comparator, which shares what changes over time for its users.

    It is the odds ratio of two shares, with the score interval of Miettinen and Nurminen 1985: in the simulations of Rahbek,
    Hallas and Lund 2025 that covered .951 where the one from two exact intervals covered .979. `p_value`: its score test of 1.
    Raises InvalidArgument.
    """
    require_level(confidence_level)
    counts = (n_index_first, n_marker_first, n_comparator_first, n_marker_first_of_comparator)
    if min(counts) < 0:
        raise InvalidArgument(f"Counts of pairs are not below 0; they are {', '.join(map(str, counts))}.")
    a, b, c, d = counts
    if a + b == 0 or c + d == 0 or a + c == 0 or b + d == 0:
        return ComparedRatio(None, 0.0, math.inf, 1.0, confidence_level)
    quantile = t_quantile(math.inf, confidence_level)
    return ComparedRatio(
        ratio=_odds(a * d, b * c),
        lower=0.0 if a == 0 or d == 0 else math.exp(_root(lambda at: _score(counts, at) - quantile)),
        upper=math.inf if b == 0 or c == 0 else math.exp(_root(lambda at: _score(counts, at) + quantile)),
        p_value=two_sided_p(_score(counts, 0.0), math.inf),
        confidence_level=confidence_level,
    )


def _score(counts: tuple[int, int, int, int], log_ratio: float) -> float:
    """Miettinen and Nurminen's statistic of an odds ratio: the excess of index first over its standard error where it holds."""
    a, b, c, d = counts
    one, other, firsts = a + b, c + d, a + c
    ratio = math.exp(log_ratio)
    # the share of the comparator at which the expected number of index first is the observed one
    square, linear = other * (ratio - 1), one * ratio + other - firsts * (ratio - 1)
    root = math.sqrt(linear**2 + 4 * square * firsts)
    share = 2 * firsts / (linear + root) if linear > 0 else (root - linear) / (2 * square)
    with_ratio = ratio * share / (1 + share * (ratio - 1))
    spread = 1 / (one * with_ratio * (1 - with_ratio)) + 1 / (other * share * (1 - share))
    size = one + other
    return (a - one * with_ratio) * math.sqrt(spread * (size - 1) / size)


def _root(falling: Callable[[float], float]) -> float:
    width = 1.0
    while width < _WIDEST_LOG_RATIO and falling(-width) * falling(width) > 0:
        width *= 2
    return float(scipy.optimize.brentq(falling, -width, width, xtol=1e-14, rtol=1e-15))


def _days(values: npt.ArrayLike, n_days: int) -> FloatArray:
    days = np.asarray(values, dtype=np.float64)
    known = days[~np.isnan(days)]
    if days.ndim != 1 or (known != np.floor(known)).any() or (known < 0).any() or (known >= n_days).any():
        raise InvalidArgument(f"Days are whole, from 0 to {n_days - 1} (n_days - 1); NaN where a person never has the event.")
    return days


def _per_day(days: FloatArray, n_days: int) -> IntArray:
    return np.bincount(days[~np.isnan(days)].astype(np.int64), minlength=n_days).astype(np.int64)


def _odds(over: int, under: int) -> float | None:
    return over / under if under else (math.inf if over else None)


def _limits(
    n_index_first: int, n_marker_first: int, method: RatioMethod, confidence_level: float
) -> tuple[float | None, float | None]:
    x, y = n_index_first, n_marker_first
    if x + y == 0:
        return None, None
    quantile = t_quantile(math.inf, confidence_level)
    if method == "wald":
        if 0 in (x, y):
            return None, None
        margin = quantile * math.sqrt(1 / x + 1 / y)
        return x / y * math.exp(-margin), x / y * math.exp(margin)
    if method == "clopper_pearson":
        exact = pair_odds_ratio(x, y, confidence_level=confidence_level)
        return exact.lower, exact.upper
    if method == "miettinen_nurminen":
        # (x - ratio y)^2 = quantile^2 ratio (x + y), whose roots have the product (x / y)^2
        middle = 2 * x * y + quantile**2 * (x + y)
        root = middle + math.sqrt(middle**2 - 4 * (x * y) ** 2)
        return 2 * x**2 / root, root / (2 * y**2) if y else math.inf
    tail = (1 - confidence_level) / 2
    # the odds of the limits; as complements, so that a limit near 1 loses no digits
    lower, upper = (
        float(scipy.special.betaincinv(x + 0.5, y + 0.5, level) / scipy.special.betaincinv(y + 0.5, x + 0.5, 1 - level))
        for level in (tail, 1 - tail)
    )
    return lower, upper


def _over(value: float | None, null: float | None) -> float | None:
    if value is None or not null or (math.isinf(value) and math.isinf(null)):
        return None
    return value / null
