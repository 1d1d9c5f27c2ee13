"""One coefficient on the log scale and what a reader wants of it."""

import math
from dataclasses import dataclass

import scipy

from pipelines.statistics.errors import InvalidArgument
from pipelines.statistics.intervals import require_level, t_quantile


@dataclass(frozen=True)
class Effect:
    """A log odds ratio or log prevalence ratio, its exponential, and the interval and two-sided p-value by t(degrees_freedom).

    The exponentials may be infinite or 0 where the logarithms are not: those of a slope per a large unit.
    """

    log_estimate: float
    log_lower: float
    log_upper: float
    se: float
    estimate: float
    lower: float
    upper: float
    p_value: float
    degrees_freedom: float
    confidence_level: float


def effect(log_estimate: float, se: float, degrees_freedom: float, confidence_level: float = 0.95) -> Effect:
    """Interval and p-value of a log ratio; infinite degrees of freedom mean the normal distribution.

    Raises InvalidArgument where the level is not between 0 and 1, or the standard error or the degrees of freedom are not
    above 0.
    """
    require_level(confidence_level)
    if not (se > 0 and degrees_freedom > 0):
        raise InvalidArgument(f"A test needs a standard error and degrees of freedom above 0; it has {se} and {degrees_freedom}.")
    margin = t_quantile(degrees_freedom, confidence_level) * se
    return Effect(
        log_estimate=log_estimate,
        log_lower=log_estimate - margin,
        log_upper=log_estimate + margin,
        se=se,
        estimate=_exp(log_estimate),
        lower=_exp(log_estimate - margin),
        upper=_exp(log_estimate + margin),
        p_value=two_sided_p(log_estimate / se, degrees_freedom),
        degrees_freedom=degrees_freedom,
        confidence_level=confidence_level,
    )


def profile_effect(
    log_estimate: float, se: float, log_limits: tuple[float, float], p_value: float, confidence_level: float
) -> Effect:
    """A log ratio whose limits and p-value are those of a profile likelihood; `se` is not what they are made of."""
    log_lower, log_upper = log_limits
    return Effect(
        log_estimate=log_estimate,
        log_lower=log_lower,
        log_upper=log_upper,
        se=se,
        estimate=_exp(log_estimate),
        lower=_exp(log_lower),
        upper=_exp(log_upper),
        p_value=p_value,
        degrees_freedom=math.inf,
        confidence_level=confidence_level,
    )


def two_sided_p(statistic: float, degrees_freedom: float) -> float:
    """Two-sided p-value of a t statistic; of a normal one where the degrees of freedom are infinite."""
    if math.isinf(degrees_freedom):
        return float(scipy.special.erfc(abs(statistic) / math.sqrt(2)))
    # The incomplete beta function keeps the tail: 1 - cdf would be 0 for small p-values.
    return float(scipy.special.betainc(degrees_freedom / 2, 0.5, degrees_freedom / (degrees_freedom + statistic**2)))


def _exp(value: float) -> float:
    return math.exp(value) if value < 709 else math.inf
