"""One estimate from several completed data sets: Rubin's rules. Making the completed data sets is not done here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.statistics.design import FloatArray
from pipelines.statistics.errors import InvalidArgument
from pipelines.statistics.intervals import require_level, t_quantile


@dataclass(frozen=True)
class PooledEstimate:
    """Limits by t(degrees_freedom). `missing_information`: the share of the information that the missing values took."""

    estimate: float
    se: float
    lower: float
    upper: float
    degrees_freedom: float
    missing_information: float
    n_imputations: int
    confidence_level: float


def pool_imputations(
    estimates: Sequence[float],
    variances: Sequence[float],
    *,
    complete_degrees_freedom: float = math.inf,
    confidence_level: float = 0.95,
) -> PooledEstimate:
    """Pool the estimates, and their squared standard errors, of at least two imputations; ratios on the log scale.

    Variance: within + (1 + 1/m) between (Rubin 1987). Degrees of freedom: Barnard and Rubin 1999, with
    `complete_degrees_freedom` those of the design without missing values; infinite: Rubin's. MIcombine of R's mitools is the
    same but for the finite case, where it has the variance between without (1 + 1/m) in the observed degrees of freedom.
    Raises InvalidArgument.
    """
    require_level(confidence_level)
    values, within_each = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    m = len(values)
    if m < 2 or len(within_each) != m or not np.isfinite(values).all() or not (within_each > 0).all():
        raise InvalidArgument("Pooling needs two or more imputations, each with a finite estimate and a variance above 0.")
    if not complete_degrees_freedom > 0:
        raise InvalidArgument(f"The complete data need degrees of freedom above 0; they have {complete_degrees_freedom}.")
    return pooled(values, within_each, complete_degrees_freedom, confidence_level)


def pooled(
    values: FloatArray, within_each: FloatArray, complete_degrees_freedom: float, confidence_level: float = 0.95
) -> PooledEstimate:
    """The same, of estimates and variances (m,) that were looked through; some variances may be 0, not all."""
    m = len(values)
    estimate, within, between = float(values.mean()), float(within_each.mean()), float(values.var(ddof=1))
    added = (1 + 1 / m) * between
    relative_increase, total = added / within, within + added
    large = (m - 1) * (1 + 1 / relative_increase) ** 2 if between > 0 else math.inf
    degrees_freedom = large
    if math.isfinite(complete_degrees_freedom):
        d = complete_degrees_freedom
        observed = (d + 1) / (d + 3) * d * within / total
        degrees_freedom = 1 / (1 / large + 1 / observed)
    missing = (relative_increase + 2 / (degrees_freedom + 3)) / (relative_increase + 1)
    se = math.sqrt(total)
    margin = t_quantile(degrees_freedom, confidence_level) * se
    return PooledEstimate(estimate, se, estimate - margin, estimate + margin, degrees_freedom, missing, m, confidence_level)
