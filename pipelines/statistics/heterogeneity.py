"""The variance tau² between the true effects of studies, its interval, and the share I² that it makes of what is seen.

Effects (k,) with within-study variances (k,) and a design matrix (k, p): a column of ones pools, further columns are covariates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import scipy

from pipelines.statistics.design import FloatArray
from pipelines.statistics.errors import InvalidArgument

TauMethod = Literal["restricted_likelihood", "dersimonian_laird", "paule_mandel", "equal_effect"]

# tau² is looked for between 0 and a bound above it, on this many steps even in its logarithm; a likelihood may have two hills.
_GRID_STEPS = 200
_SMALLEST_TAU_SQUARED = 1e-10  # relative to the typical variance within studies
_RELATIVE_TOLERANCE = 4 * np.finfo(float).eps


@dataclass(frozen=True, eq=False)
class WeightedFit:
    """Weighted least squares: coefficients (p,), their covariance (p, p) and residuals (k,)."""

    coefficients: FloatArray
    covariance: FloatArray
    residuals: FloatArray


@dataclass(frozen=True)
class Heterogeneity:
    """How far the true effects lie apart. Shares are 0-1.

    `tau_squared_lower`, `tau_squared_upper`: Q-profile interval (Viechtbauer 2007); both None where it is empty, where
    the studies agree more closely than their standard errors let expect. `i_squared` and its limits follow from tau² and its
    limits. `q`, `q_p`: Cochran's Q on `degrees_freedom`, against chi-squared. `h_squared`: 1 / (1 - I²).
    """

    tau_squared: float
    tau_squared_lower: float | None
    tau_squared_upper: float | None
    i_squared: float
    i_squared_lower: float | None
    i_squared_upper: float | None
    h_squared: float
    q: float
    degrees_freedom: int
    q_p: float


def heterogeneity(effects: FloatArray, within: FloatArray, method: TauMethod, confidence_level: float) -> Heterogeneity:
    """Of two or more studies. I² is tau² / (tau² + typical variance within) (Higgins and Thompson 2002).

    For one equal effect it is (Q - df) / Q, which is the same with the tau² of DerSimonian and Laird.
    """
    ones, k = np.ones((len(effects), 1)), len(effects)
    typical, q = typical_variance(within), q_statistic(effects, ones, 1 / within)
    tau_squared = estimate_tau_squared(effects, within, ones, method)
    excess = max(0.0, (q - (k - 1)) * typical / (k - 1)) if method == "equal_effect" else tau_squared
    lower, upper = q_profile(effects, within, confidence_level)
    h_squared = q / (k - 1) if method == "equal_effect" else tau_squared / typical + 1

    def share(value: float | None) -> float | None:
        return None if value is None else value / (value + typical)

    return Heterogeneity(
        tau_squared=tau_squared,
        tau_squared_lower=lower,
        tau_squared_upper=upper,
        i_squared=excess / (excess + typical),
        i_squared_lower=share(lower),
        i_squared_upper=share(upper),
        h_squared=h_squared,
        q=q,
        degrees_freedom=k - 1,
        q_p=float(scipy.special.chdtrc(k - 1, q)),
    )


def estimate_tau_squared(effects: FloatArray, within: FloatArray, design: FloatArray, method: TauMethod) -> float:
    """Never below 0. Needs more studies than columns of the design, which must be of full rank."""
    degrees_freedom = len(effects) - design.shape[1]
    if method == "equal_effect":
        return 0.0
    if method == "dersimonian_laird":
        projection = _projection(design, 1 / within)
        excess = q_statistic(effects, design, 1 / within) - degrees_freedom
        return float(max(0.0, excess / float(np.trace(projection))))
    if method == "paule_mandel":
        return _root_above(
            lambda tau: q_statistic(effects, design, 1 / (within + tau)) - degrees_freedom, typical_variance(within)
        )
    return _restricted_maximum(effects, within, design)


def q_profile(effects: FloatArray, within: FloatArray, confidence_level: float) -> tuple[float | None, float | None]:
    """Limits of tau²: where Q, with tau² in its weights, equals the quantiles of chi-squared (k - 1). 0 where Q starts below."""
    k, ones, typical = len(effects), np.ones((len(effects), 1)), typical_variance(within)
    tail = (1 - confidence_level) / 2
    high, low = float(scipy.special.chdtri(k - 1, tail)), float(scipy.special.chdtri(k - 1, 1 - tail))
    if q_statistic(effects, ones, 1 / within) < low:
        return None, None
    lower, upper = (
        _root_above(lambda tau, target=target: q_statistic(effects, ones, 1 / (within + tau)) - target, typical)  # type: ignore[misc]
        for target in (high, low)
    )
    return lower, upper


def q_statistic(effects: FloatArray, design: FloatArray, weights: FloatArray) -> float:
    """Weighted sum of squared residuals."""
    residuals = weighted_fit(effects, design, weights).residuals
    return float((weights * residuals**2).sum())


def typical_variance(within: FloatArray) -> float:
    """The typical variance within studies of Higgins and Thompson 2002, which makes I² from tau²."""
    weights = 1 / within
    return float((len(within) - 1) / (weights.sum() - (weights**2).sum() / weights.sum()))


def weighted_fit(effects: FloatArray, design: FloatArray, weights: FloatArray) -> WeightedFit:
    """Regression of effects (k,) on a design (k, p) with weights (k,), each the inverse of a variance."""
    covariance: FloatArray = np.linalg.inv(design.T @ (weights[:, None] * design)).astype(np.float64)
    coefficients = covariance @ (design.T @ (weights * effects))
    return WeightedFit(coefficients, covariance, effects - design @ coefficients)


def require_method(method: str) -> None:
    """Raises InvalidArgument unless `method` is one of those known."""
    if method not in get_args(TauMethod):
        raise InvalidArgument(f"tau_method must be one of {', '.join(get_args(TauMethod))}, not {method!r}.")


def _projection(design: FloatArray, weights: FloatArray) -> FloatArray:
    """P = W - W X (X' W X)^-1 X' W, (k, k): what is left of the weights after the fit."""
    weighted = weights[:, None] * design
    projection: FloatArray = np.diag(weights) - weighted @ np.linalg.inv(design.T @ weighted) @ weighted.T
    return projection


def _restricted_maximum(effects: FloatArray, within: FloatArray, design: FloatArray) -> float:
    """Where the restricted likelihood is highest: the best of 0 and of every place where its slope turns from up to down."""

    def slope(tau: float) -> float:
        projection = _projection(design, 1 / (within + tau))
        explained = projection @ effects
        return float((explained**2).sum()) - float(np.trace(projection))

    def log_likelihood(tau: float) -> float:
        weights = 1 / (within + tau)
        information = design.T @ (weights[:, None] * design)
        distance = q_statistic(effects, design, weights)
        return 0.5 * (float(np.log(weights).sum()) - float(np.linalg.slogdet(information)[1]) - distance)

    typical = float(within.mean())
    top = typical
    while slope(top) > 0 or top < 4 * float(np.ptp(effects)) ** 2:
        top *= 4
    smallest = _SMALLEST_TAU_SQUARED * float(within.min())
    grid = [0.0, *np.geomspace(smallest, top, _GRID_STEPS)]
    slopes = [slope(tau) for tau in grid]
    peaks = [_root(slope, grid[i], grid[i + 1], smallest) for i in range(_GRID_STEPS) if slopes[i] > 0 >= slopes[i + 1]]
    return max([0.0, *peaks], key=log_likelihood)


def _root_above(falling: Callable[[float], float], scale: float) -> float:
    """The place where a falling function is 0, or 0 where it starts at or below 0."""
    if falling(0.0) <= 0:
        return 0.0
    top = scale
    while falling(top) > 0:
        top *= 4
    return _root(falling, 0.0, top, scale * _SMALLEST_TAU_SQUARED)


def _root(function: Callable[[float], float], low: float, high: float, scale: float) -> float:
    return float(scipy.optimize.brentq(function, low, high, xtol=scale * 1e-6, rtol=_RELATIVE_TOLERANCE))
