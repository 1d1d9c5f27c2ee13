"""May this proportion be shown? The NCHS Data Presentation Standards for Proportions.

Parker et al. 2017, Vital and Health Statistics, Series 2, number 175, as in the NCHS macro. Widths are compared unrounded;
the macro rounds them to 0.1 point first. Small counts that identify people (disclosure) are another matter and not judged
here.
"""

from dataclasses import dataclass
from typing import Literal

from pipelines.statistics.intervals import NO_DEGREES_OF_FREEDOM, effective_n, korn_graubard

PresentationStatus = Literal["show", "footnote", "review", "suppress"]

SMALLEST_N = 30  # respondents, and effective respondents before the adjustment for degrees of freedom
WIDEST_INTERVAL = 0.30  # this width and more is suppressed
NARROW_INTERVAL = 0.05  # this width and less is reliable, whatever the proportion
WIDEST_RELATIVE_INTERVAL = 1.30  # width / proportion: more is suppressed
FEWEST_DEGREES_OF_FREEDOM = 8  # fewer need a statistician's review
STANDARD_LEVEL = 0.95  # of the Korn-Graubard interval that the standards judge

TOO_FEW = f"fewer than {SMALLEST_N} respondents or effective respondents"
TOO_WIDE = f"interval at least {WIDEST_INTERVAL * 100:.0f} percentage points wide"
TOO_WIDE_FOR_ITS_SIZE = f"interval wider than {WIDEST_RELATIVE_INTERVAL * 100:.0f} % of the proportion"
ZERO_OR_ONE = "proportion of 0 or 1"
FEW_DEGREES_OF_FREEDOM = f"fewer than {FEWEST_DEGREES_OF_FREEDOM} degrees of freedom"
UNRELIABLE_COMPLEMENT = "the complement of this proportion may be unreliable"
NO_KNOWN_OUTCOME = "nobody with a known outcome"


@dataclass(frozen=True)
class Presentation:
    """The verdict, and why; no reason for `show`."""

    status: PresentationStatus
    reason: str | None = None


def nchs_presentation(
    *, proportion: float, standard_error: float, n_respondents: int, degrees_freedom: float | None = None
) -> Presentation:
    """Judge a proportion by its 95 % Korn-Graubard interval; `degrees_freedom` None: a survey without a design."""
    if n_respondents == 0:
        return Presentation("suppress", NO_KNOWN_OUTCOME)
    n_effective = effective_n(proportion, standard_error, n_respondents)
    interval = korn_graubard(proportion, n_respondents, n_effective, degrees_freedom, STANDARD_LEVEL)
    if interval.lower is None or interval.upper is None:
        return Presentation("suppress", NO_DEGREES_OF_FREEDOM)
    return judge_presentation(
        proportion=proportion,
        n_respondents=n_respondents,
        n_effective=n_effective,
        lower=interval.lower,
        upper=interval.upper,
        degrees_freedom=degrees_freedom,
    )


def judge_presentation(
    *, proportion: float, n_respondents: int, n_effective: float, lower: float, upper: float, degrees_freedom: float | None
) -> Presentation:
    """The rules themselves, on the limits of the 95 % Korn-Graubard interval. All reasons for the verdict are given."""
    width = upper - lower
    is_narrow = width <= NARROW_INTERVAL
    suppressed = {
        TOO_FEW: min(n_respondents, n_effective) < SMALLEST_N,
        TOO_WIDE: width >= WIDEST_INTERVAL,
        TOO_WIDE_FOR_ITS_SIZE: not is_narrow and proportion > 0 and width / proportion > WIDEST_RELATIVE_INTERVAL,
    }
    reviewed = {
        ZERO_OR_ONE: proportion in (0, 1),
        FEW_DEGREES_OF_FREEDOM: degrees_freedom is not None and degrees_freedom < FEWEST_DEGREES_OF_FREEDOM,
    }
    footnoted = {
        UNRELIABLE_COMPLEMENT: not is_narrow and proportion < 1 and width / (1 - proportion) > WIDEST_RELATIVE_INTERVAL,
    }
    verdicts: tuple[tuple[PresentationStatus, dict[str, bool]], ...] = (
        ("suppress", suppressed),
        ("review", reviewed),
        ("footnote", footnoted),
    )
    for status, rules in verdicts:
        if reasons := [reason for reason, holds in rules.items() if holds]:
            return Presentation(status, "; ".join(reasons))
    return Presentation("show")


def with_reason(verdict: Presentation, reason: str | None) -> Presentation:
    """The verdict with one reason more, unless it has it already."""
    if reason is None or reason in (verdict.reason or ""):
        return verdict
    return Presentation(verdict.status, "; ".join(filter(None, (verdict.reason, reason))))
