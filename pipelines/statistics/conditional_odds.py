"""Exact inference on the odds ratio of one or several 2x2 tables, given all margins.

Given the margins, the exposed cases (their sum over the tables) follow an exponential family: P(s) is proportional to
exp(log_weight(s) + s log OR), the noncentral hypergeometric distribution and its convolutions.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import scipy

from pipelines.statistics.design import FloatArray, IntArray

_WIDEST_LOG_ODDS = 700.0  # exp() of more is not a double
_AS_LIKELY = 1 + 1e-7  # R's fisher.test: outcomes this much more probable than the observed count as equally probable


@dataclass(frozen=True, eq=False)
class ConditionalFamily:
    """`support` (m,): consecutive possible numbers of exposed cases; `log_weight` (m,): their log probability at an odds ratio
    of 1, up to a constant."""

    support: IntArray
    log_weight: FloatArray

    def probabilities(self, log_odds_ratio: float) -> FloatArray:
        """P(s) for every s of the support, shape (m,)."""
        log = self.log_weight + (self.support - self.support[0]) * log_odds_ratio
        odds = np.exp(log - log.max())
        probabilities: FloatArray = odds / odds.sum()
        return probabilities

    def maximum_likelihood(self, observed: int) -> float:
        """Log odds ratio at which the mean is the observed number; minus or plus infinity at the ends of the support."""
        if observed in (self.support[0], self.support[-1]):
            return -np.inf if observed == self.support[0] else np.inf
        return _root(lambda log: float(self.probabilities(log) @ self.support) - observed)

    def limits(self, observed: int, tail: float, *, mid_p: bool) -> tuple[float, float]:
        """Log odds ratios at which the observed number or more, and the observed or fewer, has the probability `tail`.

        With `mid_p` the observed number itself counts half. Infinite at the ends of the support.
        """
        own = 0.5 if mid_p else 1.0
        lower, upper = -np.inf, np.inf
        if observed > self.support[0]:
            lower = _root(lambda log: self._at_least(observed, own, log) - tail)
        if observed < self.support[-1]:
            upper = _root(lambda log: self._at_most(observed, own, log) - tail)
        return lower, upper

    def median_unbiased(self, observed: int) -> float | None:
        """Log odds ratio at which the mid-p probabilities of both sides are one half; None at the ends of the support."""
        if observed in (self.support[0], self.support[-1]):
            return None
        return _root(lambda log: self._at_least(observed, 0.5, log) - 0.5)

    def two_sided_p(self, observed: int) -> float:
        """Of an odds ratio of 1: the probability of all numbers that are no more likely than the observed (Fisher's test)."""
        probabilities = self.probabilities(0.0)
        return min(1.0, float(probabilities[probabilities <= probabilities[observed - self.support[0]] * _AS_LIKELY].sum()))

    def mid_p_value(self, observed: int) -> float:
        """Of an odds ratio of 1: twice the smaller one-sided mid-p."""
        return min(1.0, 2 * min(self._at_least(observed, 0.5, 0.0), self._at_most(observed, 0.5, 0.0)))

    def _at_least(self, observed: int, own: float, log_odds_ratio: float) -> float:
        """P(s > observed) + own P(s = observed)."""
        i, probabilities = observed - int(self.support[0]), self.probabilities(log_odds_ratio)
        return float(probabilities[i + 1 :].sum() + own * probabilities[i])

    def _at_most(self, observed: int, own: float, log_odds_ratio: float) -> float:
        i, probabilities = observed - int(self.support[0]), self.probabilities(log_odds_ratio)
        return float(probabilities[:i].sum() + own * probabilities[i])


def conditional_family(tables: Iterable[tuple[int, int, int, int]]) -> ConditionalFamily:
    """The family of the sum of exposed cases over tables of (exposed cases, exposed noncases, unexposed cases, unexposed
    noncases)."""
    first, log_weight = 0, np.zeros(1)
    for a, b, c, d in tables:
        lowest, own = _hypergeometric(a, b, c, d)
        first, log_weight = first + lowest, _convolved(log_weight, own)
    return ConditionalFamily(np.arange(first, first + len(log_weight)), log_weight)


def _hypergeometric(a: int, b: int, c: int, d: int) -> tuple[int, FloatArray]:
    """Lowest possible number of exposed cases and the log weights from there, by the ratios of neighbours."""
    cases, noncases, exposed = a + c, b + d, a + b
    s = np.arange(max(0, exposed - noncases), min(exposed, cases) + 1, dtype=np.float64)
    before = s[:-1]
    ratio = (cases - before) * (exposed - before) / ((before + 1) * (noncases - exposed + before + 1))
    log_weight = np.concatenate([[0.0], np.cumsum(np.log(ratio))])
    return int(s[0]), log_weight - log_weight.max()


def _convolved(one: FloatArray, other: FloatArray) -> FloatArray:
    long, short = (one, other) if len(one) >= len(other) else (other, one)
    total = np.full(len(one) + len(other) - 1, -np.inf)
    for i, weight in enumerate(short):
        total[i : i + len(long)] = np.logaddexp(total[i : i + len(long)], long + weight)
    highest: FloatArray = total - total.max()
    return highest


def _root(falls_or_rises: Callable[[float], float]) -> float:
    """The root of a monotone function of the log odds ratio."""
    width = 1.0
    while falls_or_rises(-width) * falls_or_rises(width) > 0 and width < _WIDEST_LOG_ODDS:
        width *= 2
    return float(scipy.optimize.brentq(falls_or_rises, -width, width, xtol=1e-14, rtol=1e-15))
