"""A question as it was asked, and what is refused of it before any release is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.machine.errors import WrongUsage
from pipelines.project.respondents import AGE_BAND

Measure = Literal["prevalence", "mean", "total", "odds_ratio", "prevalence_ratio", "prevalence_difference", "trend"]

COMPARISONS = ("odds_ratio", "prevalence_ratio", "prevalence_difference")

Names = str | Sequence[str]
"""Columns: with commas between them, or as a list."""


class Refused(WrongUsage):
    """A question that has no answer; the message says why."""


@dataclass(frozen=True)
class Question:
    """`where` is a condition; `adjust` and `interaction` are of comparisons, `adjust` of a prevalence by one exposure, too."""

    measure: Measure
    outcome: str
    exposure: str | None = None
    by: tuple[str, ...] = ()
    where: str = "true"
    source: str | None = None
    wave: str | None = None
    weight: str | None = None
    adjust: tuple[str, ...] = ()
    interaction: str | None = None
    reference: str | None = None

    def __post_init__(self) -> None:
        named = [self.outcome, *([self.exposure] if self.exposure else []), *self.by]
        twice = [name for name in self.adjusters if name in named or self.adjusters.count(name) > 1]
        if twice:
            raise Refused(f"{twice[0]} is named already: nothing is adjusted for itself, nor twice")
        if self.adjust and self.measure == "prevalence" and len(self.by) != 1:
            raise Refused("an adjusted prevalence is that of the levels of one exposure: name it alone in by")
        if self.interaction and self.by:
            raise Refused("interaction and by split people by one another: keep one of them")

    @property
    def adjusters(self) -> tuple[str, ...]:
        """All that stands in a model beside the exposure."""
        return (*self.adjust, *([self.interaction] if self.interaction else []))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it names beside its condition."""
        exposure = [self.exposure] if self.exposure else []
        ordered = [AGE_BAND] if self.measure == "trend" else []
        return tuple(dict.fromkeys([self.outcome, *exposure, *self.by, *self.adjusters, *ordered]))


def names(given: Names | None) -> tuple[str, ...]:
    """The columns of a list, or of a text with commas, in lower case."""
    listed = given.split(",") if isinstance(given, str) else given or ()
    return tuple(name.strip().lower() for name in listed if name.strip())
