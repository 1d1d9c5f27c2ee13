"""Two estimated proportions of one sample compared: their difference, ratio or odds ratio, with their covariance.

Takes the rows of prevalence() or of standardise(); compares two of them, and does not test many at once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
import polars as pl

from pipelines.statistics.design import FloatArray
from pipelines.statistics.effect import two_sided_p
from pipelines.statistics.errors import InvalidArgument
from pipelines.statistics.intervals import require_level, t_quantile

ContrastMeasure = Literal["difference", "ratio", "odds_ratio"]

NO_ESTIMATE = "one of the two has no estimate"
NO_DEGREES_OF_FREEDOM = "one of the two has no degrees of freedom"
UNDEFINED_RATIO = "no ratio has an interval where a proportion is 0 (odds ratio: 0 or 1)"
NO_ERROR = "one of the two has no standard error"
NO_VARIANCE = "the standard error is 0"


class EstimatedProportions(Protocol):
    """What prevalence() and standardise() return: `table` has a row per level, `joint_covariance` (rows, rows) belongs to it."""

    @property
    def table(self) -> pl.DataFrame: ...
    @property
    def joint_covariance(self) -> FloatArray: ...
    @property
    def by(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Contrast:
    """`estimate` of a level against a reference; `se` is that of the difference, or of the *log* of a ratio or odds ratio.

    Limits and the two-sided p-value (of a difference of 0, a ratio of 1) are by t(degrees_freedom). None with a `reason` where
    the sample gives none; the estimate itself is kept where it exists.
    """

    measure: ContrastMeasure
    estimate: float | None
    se: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    degrees_freedom: int | None
    confidence_level: float
    reason: str | None = None


def compare(
    estimates: EstimatedProportions,
    level: Mapping[str, object],
    reference: Mapping[str, object],
    *,
    measure: ContrastMeasure = "difference",
    confidence_level: float = 0.95,
) -> Contrast:
    """Compare the row `level` with the row `reference`, both given by all columns of `by`: {"sex": "F"} with {"sex": "M"}.

    Delta method (as svycontrast of R's survey package, all rows together being analysed): a difference on its own scale, ratios
    on the log scale. Degrees of freedom: the smaller of the two rows', which no union of the two undercuts. Raises
    InvalidArgument for a measure, level or row that does not exist.
    """
    require_level(confidence_level)
    if measure not in get_args(ContrastMeasure):
        raise InvalidArgument(f"measure must be one of {', '.join(get_args(ContrastMeasure))}, not {measure!r}.")
    at = [_row_number(estimates, level), _row_number(estimates, reference)]
    p, p0 = estimates.table["prevalence"].gather(at).to_list()
    degrees = estimates.table["degrees_freedom"].gather(at).to_list()
    if p is None or p0 is None:
        return Contrast(measure, None, None, None, None, None, None, confidence_level, NO_ESTIMATE)
    degrees_freedom, estimate = min(degrees), _estimate(measure, p, p0)
    gradient = _gradient(measure, p, p0)
    reason = UNDEFINED_RATIO if gradient is None else NO_DEGREES_OF_FREEDOM if degrees_freedom <= 0 else None
    if gradient is None or reason:
        return Contrast(measure, estimate, None, None, None, None, degrees_freedom, confidence_level, reason)
    variance = float(gradient @ estimates.joint_covariance[np.ix_(at, at)] @ gradient)
    if math.isnan(variance):
        return Contrast(measure, estimate, None, None, None, None, degrees_freedom, confidence_level, NO_ERROR)
    se = math.sqrt(max(0.0, variance))
    centre = p - p0 if measure == "difference" else _log_ratio(measure, p, p0)
    margin = t_quantile(degrees_freedom, confidence_level) * se
    lower, upper = centre - margin, centre + margin
    if measure != "difference":
        lower, upper = math.exp(lower), math.exp(upper)
    p_value = two_sided_p(centre / se, degrees_freedom) if se > 0 else None
    reason = None if se > 0 else NO_VARIANCE
    return Contrast(measure, estimate, se, lower, upper, p_value, degrees_freedom, confidence_level, reason)


def _row_number(estimates: EstimatedProportions, level: Mapping[str, object]) -> int:
    if set(level) != set(estimates.by):
        raise InvalidArgument(
            f"A row is named by a value for each of: {', '.join(estimates.by) or 'nothing, as there is one row'}.",
            names=list(level),
        )
    matches = [estimates.table[column].eq_missing(pl.Series([value])).to_numpy() for column, value in level.items()]
    found = np.flatnonzero(np.logical_and.reduce(matches)) if matches else np.array([0])
    if len(found) != 1:
        wanted = ", ".join(f"{column}={value}" for column, value in level.items())
        raise InvalidArgument(f"There is no row {wanted} among the estimates. Check spelling and type.", names=list(level))
    return int(found[0])


def _estimate(measure: ContrastMeasure, p: float, p0: float) -> float | None:
    if measure == "difference":
        return p - p0
    over, under = (p, p0) if measure == "ratio" else (p * (1 - p0), p0 * (1 - p))
    if under == 0:
        return math.inf if over > 0 else None
    return over / under


def _gradient(measure: ContrastMeasure, p: float, p0: float) -> FloatArray | None:
    """Of the difference, or of the log of the ratio, in (p, p0); None where that log is not finite."""
    if measure == "difference":
        return np.array([1.0, -1.0])
    per_unit = (p, p0) if measure == "ratio" else (p * (1 - p), p0 * (1 - p0))
    return None if 0 in per_unit else np.array([1 / per_unit[0], -1 / per_unit[1]])


def _log_ratio(measure: ContrastMeasure, p: float, p0: float) -> float:
    log_odds_of_not = math.log1p(-p0) - math.log1p(-p) if measure == "odds_ratio" else 0.0
    return math.log(p) - math.log(p0) + log_odds_of_not
