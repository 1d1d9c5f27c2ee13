"""Rates of counts over person-time or population, without a survey design: standardised directly, or by person."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from pipelines.statistics.errors import InvalidArgument
from pipelines.statistics.intervals import require_level, t_quantile

_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True)
class StandardisedRate:
    """Rates per unit of the denominator (1 = everybody once); the interval is that of the standardised rate."""

    crude_rate: float
    rate: float
    lower: float
    upper: float
    n_events: int
    confidence_level: float


def standardised_rate(
    n_events: Sequence[int], denominators: Sequence[float], standard: Sequence[float], *, confidence_level: float = 0.95
) -> StandardisedRate:
    """Rate standardised directly over cells (one entry each), with the gamma interval of Fay and Feuer 1997.

    `denominators`: people or person-time of each cell; `standard`: weights, scaled here to 1. With d the rate, v its Poisson
    variance and w the largest weight / denominator, the limits are gamma quantiles of shape d^2 / v, scale v / d, and shape
    (d + w)^2 / (v + w^2), scale (v + w^2) / (d + w). Raises InvalidArgument for counts below 0, denominators or
    weights not above 0, or lengths that differ.
    """
    require_level(confidence_level)
    if not len(n_events) == len(denominators) == len(standard) or not len(n_events):
        raise InvalidArgument(
            "Rates need a count, a denominator and a weight for each cell; "
            f"there are {len(n_events)}, {len(denominators)} and {len(standard)}."
        )
    events, people, weights = (np.asarray(values, dtype=np.float64) for values in (n_events, denominators, standard))
    if (events < 0).any() or not (people > 0).all() or not (weights > 0).all() or (events != np.floor(events)).any():
        raise InvalidArgument("Counts of events are whole and not below 0; denominators and standard weights are above 0.")
    per_event = weights / weights.sum() / people
    rate, variance, largest = float(per_event @ events), float(per_event**2 @ events), float(per_event.max())
    tail = (1 - confidence_level) / 2
    return StandardisedRate(
        crude_rate=float(events.sum() / people.sum()),
        rate=rate,
        lower=_gamma_quantile(tail, rate, variance) if rate > 0 else 0.0,
        upper=_gamma_quantile(1 - tail, rate + largest, variance + largest**2),
        n_events=int(events.sum()),
        confidence_level=confidence_level,
    )


def _gamma_quantile(probability: float, mean: float, variance: float) -> float:
    return float(scipy.special.gammaincinv(mean**2 / variance, probability) * variance / mean)


@dataclass(frozen=True)
class ClusteredRate:
    """Events per unit of the denominator, with an interval that allows for people who differ: None where none can be known.

    `method`: `linearised_log_t`, or `exact_poisson` where nobody had an event and only an upper limit can be known.
    """

    rate: float
    se: float | None
    lower: float | None
    upper: float | None
    n_events: int
    n_people: int
    method: str
    confidence_level: float


def clustered_rate(n_events: Sequence[int], denominators: Sequence[float], *, confidence_level: float = 0.95) -> ClusteredRate:
    """The rate of events over person-time, one entry a person: a ratio of sums, its variance between people.

    With r the rate, d the sum of denominators and e the events of a person less r times their own, the variance is
    n / (n - 1) * sum of e^2 / d^2: the ratio estimator with people as primary sampling units, which needs no model of how the
    days of one person hang together. The interval is that of log r by t of n - 1 degrees of freedom. Where nobody has an
    event the upper limit is the exact Poisson one, -log(alpha / 2) / d, which people who differ would make longer. Of one
    person there is no interval. Raises InvalidArgument for counts below 0, denominators not above 0, or lengths that differ.
    """
    require_level(confidence_level)
    if len(n_events) != len(denominators) or not len(n_events):
        raise InvalidArgument(
            f"Rates need a count and a denominator of each person; there are {len(n_events)} and {len(denominators)}."
        )
    events, time = (np.asarray(values, dtype=np.float64) for values in (n_events, denominators))
    if (events < 0).any() or not (time > 0).all() or (events != np.floor(events)).any():
        raise InvalidArgument("Counts of events are whole and not below 0; denominators are above 0.")
    n_people, rate = len(events), float(events.sum() / time.sum())
    se = lower = upper = None
    method = "linearised_log_t"
    if rate == 0:
        tail = (1 - confidence_level) / 2
        method, lower, upper = "exact_poisson", 0.0, float(-math.log(tail) / time.sum())
    elif n_people > 1:
        variance = n_people / (n_people - 1) * float(((events - rate * time) ** 2).sum()) / float(time.sum()) ** 2
        se = math.sqrt(variance)
        margin = t_quantile(n_people - 1, confidence_level) * se / rate
        lower, upper = rate * math.exp(-margin), rate * math.exp(margin) if margin < _LARGEST_EXPONENT else math.inf
    return ClusteredRate(rate, se, lower, upper, int(events.sum()), n_people, method, confidence_level)
