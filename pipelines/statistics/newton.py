"""Newton's method for concave log-likelihoods, shared by the regressions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.statistics.design import FloatArray
from pipelines.statistics.errors import NotConverged

MOST_ITERATIONS = 60
_MOST_HALVINGS = 40
# A step below this size, relative to the coefficients, is the last one: convergence is quadratic, so its square is the error.
_SMALL_STEP = 1e-8
_ROUNDING = 1e-10  # a step may lower the log-likelihood by this much, relatively, through rounding alone

LogLikelihood = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]


@dataclass(frozen=True, eq=False)
class Fit:
    """The maximum: coefficients (k,), information (k, k) and log-likelihood there, and the Newton steps made."""

    coefficients: FloatArray
    information: FloatArray
    log_likelihood: float
    iterations: int


def maximise(log_likelihood: LogLikelihood, start: FloatArray) -> Fit:
    """Newton steps with halving from `start` (k,). `log_likelihood` returns value, score (k,) and information (k, k).

    Raises NotConverged where the information is singular or the steps do not settle.
    """
    at = start
    value, score, information = log_likelihood(at)
    for iteration in range(1, MOST_ITERATIONS + 1):
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            raise NotConverged(f"The information matrix became singular in step {iteration}; merge sparse levels.") from None
        is_last = bool(np.max(np.abs(step)) < _SMALL_STEP * max(1.0, float(np.max(np.abs(at)))))
        for _ in range(_MOST_HALVINGS):
            next_value, next_score, next_information = log_likelihood(at + step)
            if is_last or next_value >= value - _ROUNDING * (1.0 + abs(value)):
                break
            step = step / 2
        at, value, score, information = at + step, next_value, next_score, next_information
        if is_last and np.isfinite(value):
            return Fit(at, information, value, iteration)
    raise NotConverged(f"The regression did not settle within {MOST_ITERATIONS} steps; merge sparse levels or drop a term.")
