"""Ratios that were printed, and those that printed counts give: whether they agree, and whether a standard error follows."""

import math

from pipelines.statistics.presentation import STANDARD_LEVEL
from pipelines.statistics.risk_ratio import risk_ratio
from pipelines.statistics.two_by_two import odds_ratio

NO_COUNTS, NOTHING_PRINTED, ADJUSTED = "no counts", "no number printed", "adjusted in print"
AGREES, DIFFERS = "agrees", "differs"
"""What comes of counting printed counts again."""

Counts = tuple[int, int, int, int]
Ratio = tuple[float | None, float | None, float | None]


def ratio_of_counts(measure: str, counts: Counts) -> Ratio | None:
    """Odds or risk ratio with its 95 % interval (Woolf, Katz) of exposed cases and noncases, unexposed cases and noncases.

    None for another measure; None in its places where a cell of 0 leaves no ratio or no interval.
    """
    names = ("exposed_cases", "exposed_noncases", "unexposed_cases", "unexposed_noncases")
    cells = dict(zip(names, counts, strict=True))
    if measure == "odds ratio":
        odds = odds_ratio(**cells, method="wald", confidence_level=STANDARD_LEVEL)
        return odds.estimate, odds.lower, odds.upper
    if measure == "risk ratio":
        risk = risk_ratio(**cells, confidence_level=STANDARD_LEVEL)
        return risk.estimate, risk.lower, risk.upper
    return None


def has_symmetric_interval(printed: str, lower: str, upper: str) -> bool:
    """Whether some ratio that rounds to what was printed is the geometric mean of limits that round to the printed ones."""
    (low, high), (lowest, lower_end), (upper_end, highest) = (_rounded_from(text) for text in (printed, lower, upper))
    return math.sqrt(max(lowest, 0.0) * upper_end) <= high and low <= math.sqrt(lower_end * highest)


def same_digits(value: float, printed: str) -> bool:
    """Whether a value rounds to what was printed, to as many digits as were printed."""
    return abs(value - float(printed)) <= _half(printed) + 1e-9


def _rounded_from(printed: str) -> tuple[float, float]:
    return float(printed) - _half(printed), float(printed) + _half(printed)


def _half(printed: str) -> float:
    """Half of the last digit printed."""
    return 0.5 * float(10 ** -len(printed.partition(".")[2]))
