"""E-values: how strong would an unmeasured confounder have to be? (VanderWeele and Ding 2017)"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from pipelines.statistics.errors import InvalidArgument

Measure = Literal["risk_ratio", "odds_ratio"]


@dataclass(frozen=True)
class EValue:
    """Least risk ratio that a confounder needs with both exposure and outcome to explain away the estimate, and the limit
    nearer to 1.

    `limit` is 1 where the interval already holds 1.
    """

    point: float
    limit: float


def e_value(estimate: float, lower: float, upper: float, *, measure: Measure, is_rare: bool = False) -> EValue:
    """E-value of a ratio and of the limit of its interval that is nearer to 1: RR + sqrt(RR (RR - 1)), with 1/RR for RR below
    1.

    `measure`: prevalence ratios are risk ratios. An odds ratio stands for a risk ratio where the outcome is rare (below about
    15 % of the followed), otherwise its square root does. Raises InvalidArgument unless 0 <= lower <= estimate <= upper.
    """
    if measure not in get_args(Measure):
        raise InvalidArgument(f"measure must be one of {', '.join(get_args(Measure))}, not {measure!r}.")
    if not 0 <= lower <= estimate <= upper:
        raise InvalidArgument(f"e_value needs 0 <= lower <= estimate <= upper; it has {lower}, {estimate}, {upper}.")
    point, low, high = (math.sqrt(x) if measure == "odds_ratio" and not is_rare else x for x in (estimate, lower, upper))
    limit = 1.0 if low <= 1 <= high else _e_value(low if point > 1 else high)
    return EValue(_e_value(point), limit)


def _e_value(risk_ratio: float) -> float:
    away_from_1 = risk_ratio if risk_ratio >= 1 else (1 / risk_ratio if risk_ratio > 0 else math.inf)
    return away_from_1 + math.sqrt(away_from_1 * (away_from_1 - 1))
