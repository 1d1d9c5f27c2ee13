"""Confidence intervals for a proportion from a complex sample. Proportions are 0-1.

Every interval takes the proportion, its design-based standard error, the number of respondents and the design degrees of
freedom. `effective n` is p (1 - p) / se^2: the simple random sample that would give the same standard error.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import scipy

from pipelines.statistics.errors import InvalidArgument

IntervalMethod = Literal["korn_graubard", "logit", "wilson", "beta", "wald", "arcsine", "likelihood"]

NO_DEGREES_OF_FREEDOM = "no degrees of freedom: the members lie in as many strata as PSUs"
UNDEFINED_AT_0_OR_1 = "no interval by this method at a proportion of 0 or 1"


@dataclass(frozen=True)
class Interval:
    """Limits of an interval; None with a reason where the method has none."""

    lower: float | None
    upper: float | None
    reason: str | None = None


def proportion_interval(
    method: IntervalMethod,
    *,
    proportion: float,
    standard_error: float,
    n_respondents: int,
    degrees_freedom: float | None,
    confidence_level: float = 0.95,
) -> Interval:
    """The interval of a proportion by one of the methods below. `degrees_freedom` None: no design, so normal quantiles.

    korn_graubard: see korn_graubard(). beta: the same without the cap at n (R's svyciprop "beta"). logit: logit(p) +- t se /
    (p (1 - p)), transformed back (R's "xlogit"). wilson: the score interval with the effective n for n and t for z (R survey
    4.5). arcsine: arcsin(sqrt(p)) +- t se / (2 sqrt(p (1 - p))), transformed back and kept within 0-1 (R's "asin"). likelihood:
    where the log-likelihood of a sample of the effective n, over its dispersion n / (n - 1), has fallen by t^2 / 2 (R's
    "likelihood": Lumley and Scott 2014). wald: p +- t se, which may leave 0-1 and covers badly for rare outcomes. Raises
    InvalidArgument for an unknown method or a level outside 0-1.
    """
    require_level(confidence_level)
    if method not in get_args(IntervalMethod):
        raise InvalidArgument(f"Interval method {method!r} is unknown; choose one of {', '.join(get_args(IntervalMethod))}.")
    if degrees_freedom is not None and degrees_freedom <= 0:
        return Interval(None, None, NO_DEGREES_OF_FREEDOM)
    n_effective = effective_n(proportion, standard_error, n_respondents)
    if method == "korn_graubard":
        return korn_graubard(proportion, n_respondents, n_effective, degrees_freedom, confidence_level)
    if method == "beta":
        size = n_effective * _t_ratio_squared(proportion, n_respondents, degrees_freedom, confidence_level)
        return _beta_limits(proportion, size, confidence_level)
    quantile = _quantile(degrees_freedom, confidence_level)
    if method == "wilson":
        return _wilson(proportion, n_effective, quantile)
    if proportion in (0, 1):
        return Interval(None, None, UNDEFINED_AT_0_OR_1)
    if method == "wald":
        return Interval(proportion - quantile * standard_error, proportion + quantile * standard_error)
    if method == "likelihood":
        return _likelihood_limits(proportion, n_effective * (n_respondents - 1) / n_respondents, quantile)
    if method == "arcsine":
        angle, margin = (
            math.asin(math.sqrt(proportion)),
            quantile * standard_error / (2 * math.sqrt(proportion * (1 - proportion))),
        )
        return Interval(math.sin(max(0.0, angle - margin)) ** 2, math.sin(min(math.pi / 2, angle + margin)) ** 2)
    centre, margin = float(scipy.special.logit(proportion)), quantile * standard_error / (proportion * (1 - proportion))
    return Interval(float(scipy.special.expit(centre - margin)), float(scipy.special.expit(centre + margin)))


def korn_graubard(
    proportion: float, n_respondents: int, n_effective: float, degrees_freedom: float | None, confidence_level: float = 0.95
) -> Interval:
    """The Clopper-Pearson interval at the effective n, df-adjusted and capped at n: what NCHS publishes.

    n* = min(n, n_effective (t(n - 1) / t(df))^2), and n at a proportion of 0 or 1. `degrees_freedom` None: no df adjustment.
    Korn and Graubard 1998, as in the NCHS macro for the Data Presentation Standards for Proportions.
    """
    require_level(confidence_level)
    if degrees_freedom is not None and degrees_freedom <= 0:
        return Interval(None, None, NO_DEGREES_OF_FREEDOM)
    adjusted = n_effective * _t_ratio_squared(proportion, n_respondents, degrees_freedom, confidence_level)
    return _beta_limits(proportion, min(float(n_respondents), adjusted), confidence_level)


def effective_n(proportion: float, standard_error: float, n_respondents: int) -> float:
    """p (1 - p) / se^2; the number of respondents where that is undefined (p of 0 or 1, or a standard error of 0)."""
    if proportion in (0, 1) or standard_error == 0:
        return float(n_respondents)
    return proportion * (1 - proportion) / standard_error**2


def t_quantile(degrees_freedom: float, confidence_level: float) -> float:
    """Two-sided quantile of Student's t; of the normal where the degrees of freedom are infinite."""
    return _quantile(None if math.isinf(degrees_freedom) else degrees_freedom, confidence_level)


def _quantile(degrees_freedom: float | None, confidence_level: float) -> float:
    probability = 0.5 + confidence_level / 2
    return float(
        scipy.special.ndtri(probability) if degrees_freedom is None else scipy.special.stdtrit(degrees_freedom, probability)
    )


def _t_ratio_squared(proportion: float, n_respondents: int, degrees_freedom: float | None, confidence_level: float) -> float:
    if degrees_freedom is None or proportion in (0, 1):
        return 1.0
    return (_quantile(n_respondents - 1, confidence_level) / _quantile(degrees_freedom, confidence_level)) ** 2


def _beta_limits(proportion: float, size: float, confidence_level: float) -> Interval:
    tail, cases = (1 - confidence_level) / 2, proportion * size
    lower = 0.0 if proportion == 0 else float(scipy.special.betaincinv(cases, size - cases + 1, tail))
    upper = 1.0 if proportion == 1 else float(scipy.special.betaincinv(cases + 1, size - cases, 1 - tail))
    return Interval(lower, upper)


def _wilson(proportion: float, n_effective: float, quantile: float) -> Interval:
    square = quantile**2
    centre = (proportion + square / (2 * n_effective)) / (1 + square / n_effective)
    spread = proportion * (1 - proportion) / n_effective + square / (4 * n_effective**2)
    margin = quantile * math.sqrt(spread) / (1 + square / n_effective)
    return Interval(max(0.0, centre - margin), min(1.0, centre + margin))


def _likelihood_limits(proportion: float, size: float, quantile: float) -> Interval:
    def excess(log_odds: float) -> float:
        divergence = scipy.special.rel_entr(proportion, scipy.special.expit(log_odds))
        divergence += scipy.special.rel_entr(1 - proportion, scipy.special.expit(-log_odds))
        return float(2 * size * divergence - quantile**2)

    # So far from the centre the fall is certain: it is p (distance) + log((1 - p) / (1 - q)) on the lower side.
    centre, fall = float(scipy.special.logit(proportion)), quantile**2 / (2 * size)
    lowest = centre - (fall - math.log1p(-proportion)) / proportion
    highest = centre + (fall - math.log(proportion)) / (1 - proportion)
    lower, upper = (scipy.optimize.brentq(excess, centre, end, xtol=1e-14, rtol=1e-14) for end in (lowest, highest))
    return Interval(float(scipy.special.expit(lower)), float(scipy.special.expit(upper)))


def require_level(confidence_level: float) -> None:
    """Raise InvalidArgument unless the level lies between 0 and 1."""
    if not 0 < confidence_level < 1:
        raise InvalidArgument(f"A confidence level lies between 0 and 1 (0.95, not 95); it is {confidence_level}.")
