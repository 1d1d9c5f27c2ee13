"""What makes an odds ratio or a mean shown, marked for review, or not shown, and how the report writes it."""

from typing import Any

from pipelines.statistics.presentation import FEW_DEGREES_OF_FREEDOM, FEWEST_DEGREES_OF_FREEDOM

SPARSE_CELL = 5
"""Respondents in the smallest of the four cells under which an odds ratio is marked for review: sparse data bias pushes it
away from 1 (Greenland, Mansournia & Altman 2016, BMJ 352:i1981)."""

IN_ONE_CELL = "in one of the four cells"
"""End of the reason of odds ratios with a sparse cell; disclosure control looks for it."""

OUTSIDE = "outside the ages of the standard"
"""Part of the reason of rows whose people a standard population does not cover; disclosure control looks for it."""

FEWER_TERMS = "degrees of freedom: use fewer terms"
"""End of the reason of odds ratios whose model has too many coefficients; disclosure control looks for it."""

EVERYBODY_OR_NOBODY = "everybody or nobody has the outcome"
"""Said of a level of an adjuster whose people tell nothing about the odds ratio."""

Row = dict[str, Any]


def verdict_on_cells(four: Row, degrees_freedom: int | None) -> Row:
    """Whether an odds ratio is to be looked at, with all reasons. `degrees_freedom` None: its method uses none."""
    shown: Row = {"presentation": "show", "presentation_reason": None}
    counted = [n for n in four.values() if n is not None]  # of a number there are the cases and the noncases alone
    is_sparse = min(counted) < SPARSE_CELL
    has_few = degrees_freedom is not None and degrees_freedom < FEWEST_DEGREES_OF_FREEDOM
    where = IN_ONE_CELL if len(counted) == len(four) else "with, or without, the outcome"
    verdict = with_note(shown, f"fewer than {SPARSE_CELL} respondents {where}" if is_sparse else None)
    return with_note(verdict, FEW_DEGREES_OF_FREEDOM if has_few else None)


def not_shown(reason: str) -> Row:
    return {"presentation": "suppress", "presentation_reason": reason}


def as_text(level: Any) -> str:
    """A level as the report writes it: booleans as true and false."""
    return str(level).lower() if isinstance(level, bool) else str(level)


def with_note(verdict: Row, note: str | None) -> Row:
    """The verdict with a note that calls for a look."""
    if note is None:
        return verdict
    reasons = [reason for reason in (verdict["presentation_reason"], note) if reason]
    return {"presentation": "review", "presentation_reason": "; ".join(reasons)}


NOT_SHOWN = "suppress"
