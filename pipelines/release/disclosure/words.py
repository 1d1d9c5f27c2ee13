"""Reasons that may be told of a restricted source: those of the study and of rules, and none that quotes people or names them."""

import re

import polars as pl

from pipelines.release.disclosure.model import ODDS_RATIOS, TRENDS
from pipelines.report.scales import DIFFERENT_SCALES
from pipelines.report.verdicts import EVERYBODY_OR_NOBODY, FEWER_TERMS, OUTSIDE
from pipelines.statistics.presentation import TOO_WIDE, TOO_WIDE_FOR_ITS_SIZE, ZERO_OR_ONE

NOT_ESTIMATED = "the model gives no estimate; why is kept back by disclosure control"
"""In place of what the estimator says, which may name a group in which everybody gave one answer."""

LEFT_OUT = "some respondents tell nothing about it; why is kept back by disclosure control"

BEYOND = f"people of the population are {OUTSIDE}"
"""Of a restricted source neither their number nor their ages are told."""

TOO_MANY_TERMS = f"the model has more coefficients than its design has {FEWER_TERMS}"
"""Of a restricted source neither number is told: the degrees of freedom may be its respondents less one."""

KEPT_BACK = "why is kept back by disclosure control"
"""In place of any other reason with a number in it."""

OF_RULES = (TOO_WIDE, TOO_WIDE_FOR_ITS_SIZE, ZERO_OR_ONE, DIFFERENT_SCALES)
"""Words with numbers that are thresholds."""

FEWER = re.compile(r"fewer than \d+ ")
"""Begins the other words of rules; what follows is not the number of anybody."""

OF_THE_STUDY = ("no accepted delivery of ", " comparable between ", "the population has ages of ")
"""Begin, or are part of, reasons whose numbers are names of waves, ages of populations and what an analyst wrote."""


def with_told_reasons(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Rows that say nothing of single groups and quote no number of people, nor why a model gave nothing."""
    if "presentation_reason" not in table.columns:
        return table
    reason = pl.col("presentation_reason").cast(pl.String)
    told = reason.map_elements(_told, return_dtype=pl.String)
    if name in (ODDS_RATIOS, TRENDS):
        counted = "exposed_cases" if name == ODDS_RATIOS else "n_respondents"
        has_failed = pl.col("odds_ratio").is_null() & pl.col(counted).is_not_null()
        told = pl.when(has_failed).then(pl.lit(NOT_ESTIMATED)).otherwise(told)
    return table.with_columns(presentation_reason=told)


def _told(reason: str) -> str:
    if OUTSIDE in reason:
        return BEYOND
    if EVERYBODY_OR_NOBODY in reason:
        return LEFT_OUT
    if FEWER_TERMS in reason:
        return TOO_MANY_TERMS
    if any(words in reason for words in OF_THE_STUDY):
        return reason
    rest = FEWER.sub("", reason)
    for words in OF_RULES:
        rest = rest.replace(words, "")
    return KEPT_BACK if any(character.isdigit() for character in rest) else reason
