"""Random-effects meta-analysis of independent studies on an additive scale, such as log odds ratios with their variances.

What may be pooled (one design, one question, no overlapping people) is decided by the caller. Everything but the variance between
studies is a closed form and stands here; tau² is found in `heterogeneity.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from pipelines.statistics.design import FloatArray
from pipelines.statistics.errors import InvalidArgument
from pipelines.statistics.heterogeneity import (
    Heterogeneity,
    TauMethod,
    estimate_tau_squared,
    heterogeneity,
    require_method,
    weighted_fit,
)
from pipelines.statistics.intervals import require_level, t_quantile

IntervalChoice = Literal["hartung_knapp_sidik_jonkman", "normal"]
# Below this many studies the test of asymmetry has no residual degree of freedom.
_FEWEST_FOR_ASYMMETRY = 3


@dataclass(frozen=True)
class Limits:
    """An interval on the scale of the estimates."""

    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class MetaAnalysis:
    """The mean of the studies' true effects, and how far these lie apart. None: not defined for so few studies.

    `se`, `normal`: standard error and interval of the usual (Wald) kind. `hksj_se`, `hksj`: those of Hartung, Knapp, Sidik and
    Jonkman, by t(k - 1). `reported`: the one to print, named by `reported_by`; see `meta_analysis`. `prediction`: where the true
    effect of a further study lies, by t(k - 2) (Higgins, Thompson and Spiegelhalter 2009), `prediction_k_minus_1` by t(k - 1),
    `prediction_normal` by normal quantiles and `prediction_hksj` by t(k - 1) with `hksj_se`. `weights` (k,) add up to 1.
    """

    n_studies: int
    tau_method: TauMethod
    estimate: float
    se: float
    normal: Limits
    hksj_se: float | None
    hksj: Limits | None
    reported: Limits
    reported_by: IntervalChoice
    prediction: Limits | None
    prediction_k_minus_1: Limits | None
    prediction_normal: Limits | None
    prediction_hksj: Limits | None
    heterogeneity: Heterogeneity | None
    weights: FloatArray
    confidence_level: float


def meta_analysis(
    estimates: Sequence[float],
    variances: Sequence[float],
    *,
    tau_method: TauMethod = "restricted_likelihood",
    confidence_level: float = 0.95,
) -> MetaAnalysis:
    """Pool estimates (k,) with their squared standard errors (k,), inverse-variance weights 1 / (v + tau²).

    `tau_method`: restricted maximum likelihood, DerSimonian and Laird 1986, Paule and Mandel 1982, or one equal effect (tau² 0,
    then neither an interval by HKSJ nor a prediction interval). HKSJ (Hartung and Knapp 2001, Sidik and Jonkman 2002) scales
    the variance by the weighted residuals and takes t(k - 1); it is reported unless it is narrower than the normal interval,
    which then stands instead: studies that agree by luck, or a tau² of 0, must not make the mean more certain than their
    standard errors do. One study: its own estimate and interval, nothing else. Raises InvalidArgument.
    """
    require_level(confidence_level)
    require_method(tau_method)
    effects, within = _studies(estimates, variances)
    k = len(effects)
    is_equal_effect = tau_method == "equal_effect"
    spread = heterogeneity(effects, within, tau_method, confidence_level) if k > 1 else None
    tau_squared = spread.tau_squared if spread else 0.0
    weights = 1 / (within + tau_squared)
    estimate, se = float(weights @ effects / weights.sum()), float(1 / math.sqrt(weights.sum()))
    normal = _limits(estimate, float(scipy.special.ndtri((1 + confidence_level) / 2)) * se)
    hksj_se = hksj = None
    if k > 1 and not is_equal_effect:
        hksj_se = se * math.sqrt(float(weights @ (effects - estimate) ** 2) / (k - 1))
        hksj = _limits(estimate, t_quantile(k - 1, confidence_level) * hksj_se)
    is_hksj = hksj is not None and hksj.upper - hksj.lower >= normal.upper - normal.lower

    def prediction(quantile: float, mean_se: float | None) -> Limits | None:
        return (
            None if hksj is None or mean_se is None else _limits(estimate, quantile * math.hypot(mean_se, math.sqrt(tau_squared)))
        )

    return MetaAnalysis(
        n_studies=k,
        tau_method=tau_method,
        estimate=estimate,
        se=se,
        normal=normal,
        hksj_se=hksj_se,
        hksj=hksj,
        reported=hksj if is_hksj and hksj is not None else normal,
        reported_by="hartung_knapp_sidik_jonkman" if is_hksj else "normal",
        prediction=prediction(t_quantile(k - 2, confidence_level), se) if k > 2 else None,
        prediction_k_minus_1=prediction(t_quantile(k - 1, confidence_level), se) if k > 1 else None,
        prediction_normal=prediction(float(scipy.special.ndtri((1 + confidence_level) / 2)), se),
        prediction_hksj=prediction(t_quantile(k - 1, confidence_level), hksj_se) if k > 1 else None,
        heterogeneity=spread,
        weights=weights / weights.sum(),
        confidence_level=confidence_level,
    )


def asymmetry_p(
    estimates: Sequence[float], variances: Sequence[float], *, tau_method: TauMethod = "restricted_likelihood"
) -> float | None:
    """P-value of Egger's test: do small studies find other effects? Regression of the estimates on their standard errors.

    A mixed-effects meta-regression with a normal test of the slope (regtest of R's metafor; Sterne and Egger 2005). None with
    fewer than three studies, or with standard errors that are all the same. Raises InvalidArgument.
    """
    require_method(tau_method)
    effects, within = _studies(estimates, variances)
    errors = np.sqrt(within)
    if len(effects) < _FEWEST_FOR_ASYMMETRY or float(np.ptp(errors)) <= 1e-12 * float(errors.max()):
        return None
    design = np.column_stack([np.ones_like(errors), errors])
    fit = weighted_fit(effects, design, 1 / (within + estimate_tau_squared(effects, within, design, tau_method)))
    z = fit.coefficients[1] / math.sqrt(fit.covariance[1, 1])
    return float(2 * scipy.special.ndtr(-abs(z)))


def _limits(estimate: float, margin: float) -> Limits:
    return Limits(estimate - margin, estimate + margin)


def _studies(estimates: Sequence[float], variances: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    effects, within = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if effects.ndim != 1 or effects.shape != within.shape or len(effects) == 0:
        raise InvalidArgument("Pooling needs at least one study, each with an estimate and a variance.")
    if not np.isfinite(effects).all() or not (np.isfinite(within) & (within > 0)).all():
        raise InvalidArgument("Every study needs a finite estimate and a finite variance above 0.")
    return effects, within
