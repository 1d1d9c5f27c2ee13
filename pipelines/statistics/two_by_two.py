"""Odds ratio of one 2x2 table without a survey design, by named methods, and the chi-squared test of the table."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import scipy

from pipelines.statistics.conditional_odds import conditional_family
from pipelines.statistics.effect import two_sided_p
from pipelines.statistics.errors import InvalidArgument
from pipelines.statistics.intervals import require_level, t_quantile

OddsRatioMethod = Literal["wald", "haldane_anscombe", "exact", "mid_p"]

EMPTY_CELL = "a cell is 0: no Wald interval; use exact or mid_p"
EMPTY_MARGIN = "a margin is 0: the table says nothing about the odds ratio"


@dataclass(frozen=True)
class OddsRatio:
    """An odds ratio with limits and two-sided p-value by `method`; None with a `reason` where the table gives none.

    `estimate` may be 0 or infinite, and a limit of the exact methods too.
    """

    method: OddsRatioMethod
    estimate: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    confidence_level: float
    reason: str | None = None


def odds_ratio(
    *,
    exposed_cases: int,
    exposed_noncases: int,
    unexposed_cases: int,
    unexposed_noncases: int,
    method: OddsRatioMethod = "exact",
    confidence_level: float = 0.95,
) -> OddsRatio:
    """Odds ratio of a 2x2 table of counts.

    wald: ad / bc with the interval of its log by the normal distribution. haldane_anscombe: the same after adding 1/2 to every
    cell, whatever they hold: another estimate, so always label it. exact: conditional maximum likelihood with the
    central exact interval (Cornfield 1956) and Fisher's two-sided p (the sum of tables no more likely); the interval and this p
    may disagree near the level. mid_p: the median-unbiased estimate, None at the end of its range, with the mid-p interval
    and twice the one-sided mid-p. Raises InvalidArgument for counts that are not whole or below 0.
    """
    require_level(confidence_level)
    if method not in get_args(OddsRatioMethod):
        raise InvalidArgument(f"method must be one of {', '.join(get_args(OddsRatioMethod))}, not {method!r}.")
    counts: tuple[float, ...] = (exposed_cases, exposed_noncases, unexposed_cases, unexposed_noncases)
    require_counts(counts)
    a, b, c, d = counts
    if 0 in (a + b, c + d, a + c, b + d):
        return OddsRatio(method, None, None, None, None, confidence_level, EMPTY_MARGIN)
    if method in ("exact", "mid_p"):
        return exact_odds_ratio([(int(a), int(b), int(c), int(d))], mid_p=method == "mid_p", confidence_level=confidence_level)
    if method == "haldane_anscombe":
        a, b, c, d = a + 0.5, b + 0.5, c + 0.5, d + 0.5
    elif 0 in counts:
        return OddsRatio(method, math.inf if b * c == 0 else 0.0, None, None, None, confidence_level, EMPTY_CELL)
    log, se = math.log(a) + math.log(d) - math.log(b) - math.log(c), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    margin = t_quantile(math.inf, confidence_level) * se
    limits = (math.exp(log - margin), math.exp(log + margin))
    return OddsRatio(method, a * d / (b * c), *limits, two_sided_p(log / se, math.inf), confidence_level)


def exact_odds_ratio(tables: list[tuple[int, int, int, int]], *, mid_p: bool, confidence_level: float) -> OddsRatio:
    """The common odds ratio, given all margins, of tables in the order exposed cases and noncases, unexposed cases and noncases.

    One table: see odds_ratio(). Several: the exact conditional analysis of strata (Gart 1970).
    """
    family, observed = conditional_family(tables), sum(table[0] for table in tables)
    method: OddsRatioMethod = "mid_p" if mid_p else "exact"
    if len(family.support) == 1:
        return OddsRatio(method, None, None, None, None, confidence_level, EMPTY_MARGIN)
    lower, upper = family.limits(observed, (1 - confidence_level) / 2, mid_p=mid_p)
    log = family.median_unbiased(observed) if mid_p else family.maximum_likelihood(observed)
    p_value = family.mid_p_value(observed) if mid_p else family.two_sided_p(observed)
    estimate = None if log is None else math.exp(log)
    return OddsRatio(method, estimate, math.exp(lower), math.exp(upper), p_value, confidence_level)


def chi_squared_p(
    *,
    exposed_cases: int,
    exposed_noncases: int,
    unexposed_cases: int,
    unexposed_noncases: int,
    continuity_correction: bool = False,
) -> float | None:
    """Pearson's chi-squared p-value (1 df), or Yates's with the correction (never past 0); None where a margin is 0."""
    a, b, c, d = counts = (exposed_cases, exposed_noncases, unexposed_cases, unexposed_noncases)
    require_counts(counts)
    n, margins = a + b + c + d, (a + b, c + d, a + c, b + d)
    if 0 in margins:
        return None
    deviation = abs(a * d - b * c) / n
    if continuity_correction:
        deviation -= min(0.5, deviation)
    statistic = deviation**2 * n * n / math.prod(margins) * n
    return float(scipy.special.chdtrc(1, statistic))


def require_counts(counts: tuple[float, ...]) -> None:
    """Raise InvalidArgument unless every count is whole and not below 0."""
    if any(count < 0 or count != math.floor(count) for count in counts):
        raise InvalidArgument("The cells of a 2x2 table are whole counts, not below 0. Weighted tables need regression().")
