"""Stratified 2x2 tables without a survey design: one odds ratio for all strata, its test, and tests that it is one."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from pipelines.statistics.design import FloatArray
from pipelines.statistics.errors import EmptyDomain, InvalidArgument
from pipelines.statistics.intervals import require_level, t_quantile
from pipelines.statistics.two_by_two import OddsRatio, exact_odds_ratio, require_counts

NO_DISCORDANCE = "no stratum has both exposed cases and unexposed noncases, or both of the others: no interval"


@dataclass(frozen=True)
class MantelHaenszel:
    """The Mantel-Haenszel odds ratio, its Robins-Breslow-Greenland interval, and the Cochran-Mantel-Haenszel test (1 df).

    `se` is that of the log odds ratio. The odds ratio may be 0 or infinite; then it has no interval, and a `reason`.
    `n_informative_strata`: strata with no margin of 0.
    """

    odds_ratio: float | None
    se: float | None
    lower: float | None
    upper: float | None
    chi_squared: float
    p_value: float
    chi_squared_corrected: float
    p_value_corrected: float
    n_informative_strata: int
    confidence_level: float
    reason: str | None = None


@dataclass(frozen=True)
class Homogeneity:
    """Tests that the odds ratio is the same in all strata, chi-squared on `degrees_freedom` (informative strata - 1).

    `breslow_day`, and `tarone` with his correction, which is the one to report; `woolf` is None where a cell is 0. All are None
    with a `reason` where the common odds ratio is 0 or infinite or fewer than two strata inform.
    """

    breslow_day: float | None
    breslow_day_p: float | None
    tarone: float | None
    tarone_p: float | None
    woolf: float | None
    woolf_p: float | None
    degrees_freedom: int
    reason: str | None = None


def mantel_haenszel(
    *,
    exposed_cases: npt.ArrayLike,
    exposed_noncases: npt.ArrayLike,
    unexposed_cases: npt.ArrayLike,
    unexposed_noncases: npt.ArrayLike,
    confidence_level: float = 0.95,
) -> MantelHaenszel:
    """Common odds ratio of strata; each argument has one count per stratum, shape (strata,).

    Mantel and Haenszel 1959; variance of Robins, Breslow and Greenland 1986, right for few large and for many sparse
    strata; the corrected test takes 1/2 off the deviation where that is at least 1/2 (as R's mantelhaen.test).
    Raises InvalidArgument (counts), EmptyDomain (no informative stratum).
    """
    require_level(confidence_level)
    tables = _tables(exposed_cases, exposed_noncases, unexposed_cases, unexposed_noncases)
    tables = tables[_is_informative(tables)]
    a, b, c, d = tables.T
    n = tables.sum(axis=1)
    r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
    cases, exposed = a + c, a + b
    expected = exposed * cases / n
    variance = exposed * (c + d) * cases * (b + d) / (n**2 * (n - 1))
    deviation = abs(float((a - expected).sum()))
    corrected = deviation - (0.5 if deviation >= 0.5 else 0.0)
    chi_squared, chi_squared_corrected = deviation**2 / float(variance.sum()), corrected**2 / float(variance.sum())
    tests = (chi_squared, _p(chi_squared, 1), chi_squared_corrected, _p(chi_squared_corrected, 1))
    total_r, total_s = float(r.sum()), float(s.sum())
    if total_r == 0 or total_s == 0:
        estimate = None if total_r == total_s else (math.inf if total_r else 0.0)
        return MantelHaenszel(estimate, None, None, None, *tests, len(tables), confidence_level, NO_DISCORDANCE)
    log_variance = (
        float((p * r).sum()) / (2 * total_r**2)
        + float((p * s + q * r).sum()) / (2 * total_r * total_s)
        + float((q * s).sum()) / (2 * total_s**2)
    )
    estimate, se = total_r / total_s, math.sqrt(log_variance)
    factor = math.exp(t_quantile(math.inf, confidence_level) * se)
    return MantelHaenszel(estimate, se, estimate / factor, estimate * factor, *tests, len(tables), confidence_level)


def exact_common_odds_ratio(
    *,
    exposed_cases: npt.ArrayLike,
    exposed_noncases: npt.ArrayLike,
    unexposed_cases: npt.ArrayLike,
    unexposed_noncases: npt.ArrayLike,
    mid_p: bool = False,
    confidence_level: float = 0.95,
) -> OddsRatio:
    """Common odds ratio of strata given all margins: conditional maximum likelihood, exact interval and two-sided p.

    With `mid_p` the median-unbiased estimate and the mid-p interval and p. Raises InvalidArgument, EmptyDomain.
    """
    require_level(confidence_level)
    tables = _tables(exposed_cases, exposed_noncases, unexposed_cases, unexposed_noncases)
    informative = [tuple(map(int, row)) for row in tables[_is_informative(tables)]]
    return exact_odds_ratio(informative, mid_p=mid_p, confidence_level=confidence_level)  # type: ignore[arg-type]


def homogeneity(
    *,
    exposed_cases: npt.ArrayLike,
    exposed_noncases: npt.ArrayLike,
    unexposed_cases: npt.ArrayLike,
    unexposed_noncases: npt.ArrayLike,
) -> Homogeneity:
    """Breslow-Day test (1980) at the Mantel-Haenszel odds ratio, Tarone's correction (1985), and Woolf's test (1955).

    Each argument has one count per stratum. Strata with a margin of 0 say nothing and are left out. Raises InvalidArgument,
    EmptyDomain.
    """
    tables = _tables(exposed_cases, exposed_noncases, unexposed_cases, unexposed_noncases)
    tables = tables[_is_informative(tables)]
    a, b, c, d = tables.T
    n = tables.sum(axis=1)
    over, under = float((a * d / n).sum()), float((b * c / n).sum())
    degrees_freedom = len(tables) - 1
    if over == 0 or under == 0 or degrees_freedom == 0:
        reason = "one informative stratum: nothing to compare" if degrees_freedom == 0 else NO_DISCORDANCE
        return Homogeneity(None, None, None, None, None, None, degrees_freedom, reason)
    expected = _expected_exposed_cases(over / under, a + b, c + d, a + c)
    variance = 1 / (1 / expected + 1 / (a + b - expected) + 1 / (a + c - expected) + 1 / (d - a + expected))
    breslow_day = float(((a - expected) ** 2 / variance).sum())
    tarone = breslow_day - float((a - expected).sum()) ** 2 / float(variance.sum())
    woolf = None
    if (tables > 0).all():
        log, precision = np.log(a * d / (b * c)), 1 / (1 / tables).sum(axis=1)
        woolf = float((precision * (log - (precision @ log) / precision.sum()) ** 2).sum())
    return Homogeneity(
        breslow_day=breslow_day,
        breslow_day_p=_p(breslow_day, degrees_freedom),
        tarone=tarone,
        tarone_p=_p(tarone, degrees_freedom),
        woolf=woolf,
        woolf_p=None if woolf is None else _p(woolf, degrees_freedom),
        degrees_freedom=degrees_freedom,
    )


def _expected_exposed_cases(odds_ratio: float, exposed: FloatArray, unexposed: FloatArray, cases: FloatArray) -> FloatArray:
    """Exposed cases of each table with these margins and exactly this odds ratio: the root in range of a quadratic, in the form
    that loses no digits near an odds ratio of 1."""
    linear = unexposed - cases + odds_ratio * (exposed + cases)
    constant = -odds_ratio * exposed * cases
    expected: FloatArray = -2 * constant / (linear + np.sqrt(linear**2 - 4 * (1 - odds_ratio) * constant))
    return expected


def _tables(*counts: npt.ArrayLike) -> FloatArray:
    columns = [np.atleast_1d(np.asarray(count, dtype=np.float64)) for count in counts]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise InvalidArgument("The four cells need one count for each stratum, equally many.")
    tables = np.column_stack(columns)
    require_counts(tuple(tables.ravel()))
    return tables


def _is_informative(tables: FloatArray) -> npt.NDArray[np.bool_]:
    a, b, c, d = tables.T
    informative: npt.NDArray[np.bool_] = (a + b > 0) & (c + d > 0) & (a + c > 0) & (b + d > 0)
    if not informative.any():
        raise EmptyDomain("No stratum has exposed and unexposed people, cases and noncases.")
    return informative


def _p(statistic: float, degrees_freedom: int) -> float:
    return float(scipy.special.chdtrc(degrees_freedom, max(statistic, 0.0)))
