"""Firth's penalised logistic regression, for sparse tables without a survey design.

Its estimates are finite under separation. Weighted samples have no accepted variance for it: regression() is theirs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy

from pipelines.statistics.design import FloatArray
from pipelines.statistics.effect import Effect, profile_effect
from pipelines.statistics.errors import EmptyDomain, InvalidArgument, NotConverged
from pipelines.statistics.intervals import require_level
from pipelines.statistics.model_matrix import INTERCEPT, centred_and_scaled, require_full_rank

MOST_ITERATIONS = 500
_MOST_HALVINGS = 40
_LONGEST_STEP = 2.0  # of a coefficient of a column scaled to root mean square 1
_SETTLED = 1e-13
_MOST_WIDENINGS = 60


@dataclass(frozen=True, eq=False)
class FirthLogistic:
    """Log odds ratios in the order of `names`, "(intercept)" first, their covariance (k, k) by the inverse information at the
    estimate, and the penalised log-likelihood."""

    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    penalised_log_likelihood: float
    n_members: int
    n_cases: int
    _penalised: "_Penalised"
    _unscale: FloatArray
    _scaled_coefficients: FloatArray

    def term(self, name: str, confidence_level: float = 0.95) -> Effect:
        """The odds ratio of one column, with the profile penalised-likelihood interval and test (chi-squared, 1 df).

        The limits are the values whose profile lies chi-squared / 2 under the maximum, all other coefficients refitted (Heinze
        and Schemper 2002); `se` is not what they are made of. Raises InvalidArgument for a name the model does not have.
        """
        require_level(confidence_level)
        if name not in self.names:
            raise InvalidArgument(f"The model has no term {name}; it has {', '.join(self.names)}.", names=[name])
        i = self.names.index(name)
        unit = float(self._unscale[i, i])  # of the raw coefficient, in that of the scaled column
        x = self._penalised.x
        if i == 0:  # the intercept is where the raw columns, not the centred ones, are 0
            x = x.copy()
            x[:, 1:] -= self._unscale[0, 1:]
        coefficients = self._scaled_coefficients.copy()
        coefficients[i] = self.coefficients[i] / unit
        profile = _Profile(replace(self._penalised, x=x), i, coefficients, self.penalised_log_likelihood)
        se = math.sqrt(self.covariance[i, i])
        allowed = float(scipy.special.chdtri(1, 1 - confidence_level))
        lower, upper = (unit * profile.limit(coefficients[i], direction * se / unit, allowed) for direction in (-1, 1))
        return profile_effect(
            float(self.coefficients[i]),
            se,
            (lower, upper),
            float(scipy.special.chdtrc(1, max(0.0, profile.drop(0.0)))),
            confidence_level,
        )


def firth_logistic(is_case: npt.ArrayLike, x: npt.ArrayLike, *, names: Sequence[str] | None = None) -> FirthLogistic:
    """Logistic regression penalised by Jeffreys' prior (Firth 1993; Heinze and Schemper 2002).

    `is_case` (members,) boolean or 0/1; `x` (members,) or (members, k), complete, without an intercept: it is added. Maximises
    the log-likelihood + log det(information) / 2. Without `names` columns are called x0, x1, ... Members with equal x are
    summed, so the cost is that of the distinct patterns. Raises InvalidArgument, EmptyDomain, RankDeficient, NotConverged.
    """
    case, columns = np.asarray(is_case), np.asarray(x, dtype=np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    labels = (INTERCEPT, *(names if names is not None else (f"x{i}" for i in range(columns.shape[1]))))
    if len(case) != len(columns) or len(labels) != columns.shape[1] + 1:
        raise InvalidArgument(
            f"There are {len(case)} members, {len(columns)} rows and {columns.shape[1]} columns of x, {len(labels) - 1} names."
        )
    if not len(case):
        raise EmptyDomain("There is nobody to analyse.")
    if not np.isin(case, (0, 1)).all() or not np.isfinite(columns).all():
        raise InvalidArgument("is_case must be boolean or 0/1, and x complete and finite. Leave others out and count them.")
    patterns, of_member = np.unique(columns, axis=0, return_inverse=True)
    scaled, unscale = centred_and_scaled(np.column_stack([np.ones(len(patterns)), patterns]))
    require_full_rank(scaled, labels)
    n_members = np.bincount(of_member.ravel()).astype(np.float64)
    n_cases = np.bincount(of_member.ravel(), case).astype(np.float64)
    penalised = _Penalised(scaled, n_members, n_cases)
    coefficients = penalised.maximise(np.zeros(len(labels)), np.ones(len(labels), dtype=np.bool_))
    value, _, information = penalised.at(coefficients)
    return FirthLogistic(
        names=labels,
        coefficients=unscale @ coefficients,
        covariance=unscale @ np.linalg.inv(information) @ unscale.T,
        penalised_log_likelihood=value,
        n_members=len(case),
        n_cases=int(n_cases.sum()),
        _penalised=penalised,
        _unscale=unscale,
        _scaled_coefficients=coefficients,
    )


@dataclass(frozen=True, eq=False)
class _Penalised:
    """The penalised log-likelihood on patterns: x (patterns, k) of columns of about unit size, and members and cases of each."""

    x: FloatArray
    n_members: FloatArray
    n_cases: FloatArray

    def at(self, coefficients: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Value, modified score (k,) and information (k, k)."""
        predictor = self.x @ coefficients
        mean = scipy.special.expit(predictor)
        weight = self.n_members * mean * scipy.special.expit(-predictor)
        information = (self.x * weight[:, None]).T @ self.x
        sign, log_determinant = np.linalg.slogdet(information)
        if sign <= 0:
            return -math.inf, np.zeros(len(coefficients)), information
        value = float(self.n_cases @ predictor - self.n_members @ np.logaddexp(0, predictor)) + float(log_determinant) / 2
        leverage = weight * np.einsum("ij,ij->i", self.x, np.linalg.solve(information, self.x.T).T)
        return value, self.x.T @ (self.n_cases - self.n_members * mean + leverage * (0.5 - mean)), information

    def maximise(self, start: FloatArray, is_free: npt.NDArray[np.bool_]) -> FloatArray:
        """The free coefficients that maximise the value, from `start`; the others stay. Raises NotConverged."""
        at = start
        value, score, information = self.at(at)
        for _ in range(MOST_ITERATIONS):
            step = np.zeros(len(at))
            step[is_free] = np.linalg.solve(information[np.ix_(is_free, is_free)], score[is_free])
            step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
            is_last = bool(np.abs(step).max() <= _SETTLED * max(1.0, float(np.abs(at).max())))
            for _ in range(_MOST_HALVINGS):
                result = self.at(at + step)
                if is_last or result[0] >= value - 1e-12 * (1 + abs(value)):
                    break
                step = step / 2
            at, (value, score, information) = at + step, result
            if is_last:
                return at
        raise NotConverged(f"Firth's regression did not settle within {MOST_ITERATIONS} steps; merge sparse levels.")


class _Profile:
    """Twice the drop of the penalised log-likelihood when one coefficient, of a column of about unit size, is held at a value and
    the others refitted."""

    def __init__(self, penalised: "_Penalised", i: int, coefficients: FloatArray, top: float) -> None:
        self._penalised, self._i, self._top = penalised, i, top
        self._last = coefficients
        self._is_free = np.arange(len(coefficients)) != i

    def drop(self, held_at: float) -> float:
        start = self._last.copy()
        start[self._i] = held_at
        self._last = self._penalised.maximise(start, self._is_free) if self._is_free.any() else start
        return 2 * (self._top - self._penalised.at(self._last)[0])

    def limit(self, estimate: float, stride: float, allowed: float) -> float:
        """The value on the side of `stride` where the drop is as allowed."""
        inside, outside = estimate, estimate + 2 * stride
        for _ in range(_MOST_WIDENINGS):
            if self.drop(outside) >= allowed:
                return float(scipy.optimize.brentq(lambda at: self.drop(at) - allowed, inside, outside, xtol=1e-12, rtol=1e-14))
            inside, outside = outside, outside + 2 * stride
        raise NotConverged("The penalised likelihood does not fall enough to bound the odds ratio; merge sparse levels.")
