"""Shares, means, totals and trends of a question, by the estimators of the night."""

from typing import Any

import polars as pl

from pipelines.ask.question import Refused
from pipelines.ask.released import ASKED, Asked
from pipelines.machine.errors import CrampAtlasError
from pipelines.release.macros.estimating import NOBODY
from pipelines.report.adjusting import described
from pipelines.report.prevalence import without_unreliable
from pipelines.report.respondents import in_population
from pipelines.report.trends import trends
from pipelines.report.verdicts import not_shown, verdict_on_cells
from pipelines.statistics import Cells, EmptyDomain, StatsError, means, prevalence, totals
from pipelines.statistics.intervals import NO_DEGREES_OF_FREEDOM
from pipelines.statistics.margins import METHOD, Margins
from pipelines.statistics.presentation import (
    FEW_DEGREES_OF_FREEDOM,
    FEWEST_DEGREES_OF_FREEDOM,
    NO_KNOWN_OUTCOME,
)

SHARES = ("n_respondents", "n_cases", "n_missing", "prevalence", "prevalence_se", "prevalence_lower", "prevalence_upper")
LAST = ("confidence_level", "method", "degrees_freedom", "presentation", "presentation_reason")
OF_SHARES = (*SHARES, "design_effect", "n_effective")


def shares(asked: Asked) -> pl.DataFrame:
    """Prevalence for each combination of `by` that occurs, as ask.prevalence gives it."""
    question = asked.question
    cells = _cells(asked)
    try:
        table = prevalence(
            cells,
            question.outcome,
            by=list(question.by),
            domain=pl.col(in_population(ASKED)),
            confidence_level=asked.study.confidence_level,
        ).table
    except EmptyDomain as error:
        raise Refused(NOBODY) from error
    rows = without_unreliable(table).drop("missing_weight_share")
    return rows.select(
        *question.by, *OF_SHARES, "confidence_level", "method", "degrees_freedom", "presentation", "presentation_reason"
    )


def moments(asked: Asked) -> pl.DataFrame:
    """Means or totals for each combination of `by` that occurs, as ask.mean and ask.total give them."""
    question, scope = asked.question, asked.estimation.scope
    common: dict[str, Any] = {
        "by": list(question.by),
        "domain": pl.col(in_population(ASKED)),
        "confidence_level": asked.study.confidence_level,
    }
    try:
        if question.measure == "mean":
            table = means(_cells(asked), question.outcome, **common)
        else:
            table = totals(_cells(asked), question.outcome, **common, n_pooled=len(scope.waves))
    except EmptyDomain as error:
        raise Refused(NOBODY) from error
    few = pl.col("degrees_freedom") < FEWEST_DEGREES_OF_FREEDOM
    reason = (
        pl.when(pl.col("n_respondents") == 0)
        .then(pl.lit(NO_KNOWN_OUTCOME))
        .when(pl.col("degrees_freedom") <= 0)
        .then(pl.lit(NO_DEGREES_OF_FREEDOM))
        .when(few)
        .then(pl.lit(FEW_DEGREES_OF_FREEDOM))
    )
    is_hidden = (pl.col("n_respondents") == 0) | (pl.col("degrees_freedom") <= 0)
    return table.with_columns(
        confidence_level=pl.lit(asked.study.confidence_level),
        method=pl.lit("taylor"),
        presentation=pl.when(is_hidden).then(pl.lit("suppress")).when(few).then(pl.lit("review")).otherwise(pl.lit("show")),
        presentation_reason=reason,
    ).select(pl.exclude(LAST), *LAST)


def adjusted_shares(asked: Asked, found: Margins) -> pl.DataFrame:
    """Adjusted prevalences, a row for each level."""
    [name] = found.by
    rows = []
    for row in found.table.to_dicts():
        four = {"cases": row["n_cases"], "noncases": row["n_respondents"] - row["n_cases"]}
        rows.append(row | {"n_missing": found.n_missing} | verdict_on_cells(four, found.degrees_freedom))
    frame = pl.DataFrame(rows, schema_overrides={"presentation_reason": pl.String})
    return frame.select(
        name,
        *SHARES,
        adjusted_for=pl.lit(described(asked.study, asked.question.adjust)),
        confidence_level=pl.lit(asked.study.confidence_level),
        method=pl.lit(METHOD),
        degrees_freedom="degrees_freedom",
        presentation="presentation",
        presentation_reason="presentation_reason",
    )


def trend_rows(asked: Asked) -> pl.DataFrame:
    """The linear trend over the age bands, as report.trends has it, for each combination of `by`."""
    estimated = {row["population"]: row for row in trends(asked.estimation).to_dicts()}
    if not estimated:
        raise Refused("fewer than three age bands have anybody asked about: there is a difference, and no trend")
    columns = ("variable", "n_levels", "n_respondents", "odds_ratio", "odds_ratio_lower", "odds_ratio_upper", "p_value")
    more = ("association_p_value", "confidence_level", "method", "degrees_freedom", "presentation", "presentation_reason")
    rows = []
    for population, levels in asked.parts.items():
        row = estimated.get(population) or not_shown("fewer than three age bands have anybody: there is no trend")
        rows.append(levels | {name: row.get(name) for name in (*columns, *more)})
    kinds: dict[str, Any] = dict.fromkeys(("variable", "method", "presentation", "presentation_reason"), pl.String)
    kinds |= dict.fromkeys(("odds_ratio", "odds_ratio_lower", "odds_ratio_upper", "p_value", "association_p_value"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None)


def _cells(asked: Asked) -> Cells:
    question, estimation = asked.question, asked.estimation
    keys = tuple(dict.fromkeys([question.outcome, *question.by]))
    try:
        return estimation.cells(estimation.scope, estimation.taken, keys, ASKED)
    except StatsError as error:
        raise CrampAtlasError(str(error)) from error
