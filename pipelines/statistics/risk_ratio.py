"""Risk ratio of one 2x2 table without a survey design."""

import math
from dataclasses import dataclass

from pipelines.statistics.intervals import require_level, t_quantile
from pipelines.statistics.two_by_two import require_counts

NO_RISK = "a group is empty, or nobody in one is a case: no risk ratio with an interval"


@dataclass(frozen=True)
class RiskRatio:
    """A risk ratio with limits; None with a `reason` where the table gives none."""

    estimate: float | None
    lower: float | None
    upper: float | None
    confidence_level: float
    reason: str | None = None


def risk_ratio(
    *,
    exposed_cases: int,
    exposed_noncases: int,
    unexposed_cases: int,
    unexposed_noncases: int,
    confidence_level: float = 0.95,
) -> RiskRatio:
    """Risk of the exposed over the risk of the unexposed, with the interval of its log (Katz et al. 1978).

    Raises InvalidArgument for counts that are not whole or below 0.
    """
    require_level(confidence_level)
    require_counts((exposed_cases, exposed_noncases, unexposed_cases, unexposed_noncases))
    if 0 in (exposed_cases, unexposed_cases):
        return RiskRatio(None, None, None, confidence_level, NO_RISK)
    exposed, unexposed = exposed_cases + exposed_noncases, unexposed_cases + unexposed_noncases
    estimate = (exposed_cases / exposed) / (unexposed_cases / unexposed)
    variance = 1 / exposed_cases - 1 / exposed + 1 / unexposed_cases - 1 / unexposed
    margin = t_quantile(math.inf, confidence_level) * math.sqrt(variance)
    return RiskRatio(estimate, estimate * math.exp(-margin), estimate * math.exp(margin), confidence_level)
