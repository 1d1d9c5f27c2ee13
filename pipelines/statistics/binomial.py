"""Intervals for a proportion counted without a survey design. Those of designs are in intervals.py."""

import math
from typing import Literal, get_args

import scipy

from pipelines.statistics.errors import EmptyDomain, InvalidArgument
from pipelines.statistics.intervals import Interval, require_level, t_quantile

BinomialMethod = Literal["wilson", "wilson_continuity", "clopper_pearson", "jeffreys"]


def binomial_interval(
    n_cases: int, n_respondents: int, *, method: BinomialMethod = "wilson", confidence_level: float = 0.95
) -> Interval:
    """Interval of n_cases / n_respondents.

    wilson: the score interval (1927). wilson_continuity: the same with the continuity correction of R's prop.test, 1/2 but at
    most |cases - n / 2|, so none at a proportion of 1/2. clopper_pearson: exact, never under its level. jeffreys: the
    equal-tailed interval of the beta(1/2, 1/2) prior, whose limits are not moved to 0 or 1. Raises InvalidArgument,
    EmptyDomain.
    """
    require_level(confidence_level)
    if method not in get_args(BinomialMethod):
        raise InvalidArgument(f"method must be one of {', '.join(get_args(BinomialMethod))}, not {method!r}.")
    if n_respondents == 0:
        raise EmptyDomain("Nobody was counted: a proportion of 0 respondents does not exist.")
    if not 0 <= n_cases <= n_respondents or n_cases != int(n_cases) or n_respondents != int(n_respondents):
        raise InvalidArgument(f"Cases are whole, from 0 to all {n_respondents} respondents; they are {n_cases}.")
    x, n, tail = n_cases, n_respondents, (1 - confidence_level) / 2
    if method == "jeffreys":
        lower, upper = scipy.special.betaincinv(x + 0.5, n - x + 0.5, (tail, 1 - tail))
        return Interval(float(lower), float(upper))
    if method == "clopper_pearson":
        lower = float(scipy.special.betaincinv(x, n - x + 1, tail)) if x else 0.0
        return Interval(lower, float(scipy.special.betaincinv(x + 1, n - x, 1 - tail)) if x < n else 1.0)
    correction = min(0.5, abs(x - n / 2)) if method == "wilson_continuity" else 0.0
    quantile = t_quantile(math.inf, confidence_level)
    return Interval(_score_limit(x - correction, n, -quantile), _score_limit(x + correction, n, quantile))


def _score_limit(cases: float, n: int, quantile: float) -> float:
    if (quantile < 0 and cases <= 0) or (quantile > 0 and cases >= n):
        return 0.0 if quantile < 0 else 1.0
    p, shift = cases / n, quantile**2 / (2 * n)
    return (p + shift + quantile * math.sqrt(p * (1 - p) / n + shift / (2 * n))) / (1 + 2 * shift)
