"""Tail of a weighted sum of chi-squared variables over an independent chi-squared variable, by the saddlepoint approximation."""

import math

import numpy as np
import numpy.typing as npt
import scipy

from pipelines.statistics.errors import InvalidArgument

_NEAR_THE_MEAN = 1e-4  # of the saddlepoint: nearer, the approximation divides by 0


def weighted_f_tail(statistic: float, weights: npt.ArrayLike, degrees_freedom: float) -> float:
    """P(sum of weights chi2(1) / (chi2(df) / df) > statistic): Lugannani and Rice's formula in the form of Kuonen 1999.

    `weights` (k,) above 0, the eigenvalues of a Rao-Scott test. Its relative error is some percent and does not grow in
    the tail. Near the mean, where it breaks down, Satterthwaite's F. The same as pFsum() of R's survey package, which cuts
    `degrees_freedom` to a whole number. Raises InvalidArgument for weights or degrees of freedom not above 0.
    """
    a = np.asarray(weights, dtype=np.float64)
    if not (a > 0).all() or not a.size or degrees_freedom <= 0:
        raise InvalidArgument("A mixture of chi-squared variables needs weights and degrees of freedom above 0.")
    if statistic <= 0:
        return 1.0
    largest = float(a.max())
    own, denominator = a / largest, statistic / largest / degrees_freedom

    def slope(z: float) -> float:
        """Derivative of the cumulant generating function of sum of own chi2(1) - denominator chi2(df)."""
        return float((own / (1 - 2 * z * own)).sum()) - degrees_freedom * denominator / (1 + 2 * z * denominator)

    # so near its end that the largest weight alone outweighs the denominator, however many its degrees of freedom
    highest = (1 - min(1e-5, 0.5 / degrees_freedom)) / 2
    z = float(scipy.optimize.brentq(slope, -0.99999 / (2 * denominator), highest, xtol=1e-15, rtol=1e-14))
    if abs(z) < _NEAR_THE_MEAN:
        return _satterthwaite(statistic, a, degrees_freedom)
    cumulant = -float(np.log1p(-2 * z * own).sum()) / 2 - degrees_freedom * math.log1p(2 * z * denominator) / 2
    curvature = 2 * float((own**2 / (1 - 2 * z * own) ** 2).sum())
    curvature += 2 * degrees_freedom * denominator**2 / (1 + 2 * z * denominator) ** 2
    if cumulant >= 0:  # by rounding
        return _satterthwaite(statistic, a, degrees_freedom)
    w, v = math.copysign(math.sqrt(-2 * cumulant), z), z * math.sqrt(curvature)
    return float(scipy.special.ndtr(-(w + math.log(v / w) / w)))


def _satterthwaite(statistic: float, weights: npt.NDArray[np.float64], degrees_freedom: float) -> float:
    numerator = float(weights.sum() ** 2 / (weights**2).sum())
    return float(scipy.special.fdtrc(numerator, degrees_freedom, statistic / float(weights.sum())))
