"""Rows of report.trends: does an outcome rise or fall with age?"""

from typing import Any

import polars as pl

from pipelines.project.respondents import AGE_BAND
from pipelines.report.estimation import Estimation
from pipelines.report.respondents import Scope, in_population
from pipelines.report.verdicts import not_shown
from pipelines.statistics import Cells, StatsError, pool_effects, rao_scott_test, trend
from pipelines.statistics.presentation import FEWEST_DEGREES_OF_FREEDOM

MIN_BANDS = 3
"""Age bands under which there is a difference, but no trend."""

Row = dict[str, Any]


def trends(estimation: Estimation) -> pl.DataFrame:
    """Linear trend of each outcome over the age bands of each population that spans three or more.

    `odds_ratio` is per band, by design-based logistic regression on the band's number; `association_p_value` tests, by Rao and
    Scott's second-order correction, whether the bands differ in any way. A case-control source gives no row: age was matched on.
    """
    if estimation.source.design == "case_control":
        return pl.DataFrame()
    rows = [
        row
        for scope in estimation.scopes()
        for population in sorted(estimation.study.populations)
        for outcome in sorted(estimation.study.outcomes)
        if (row := _row(estimation, scope, population, outcome))
    ]
    return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()


def _row(estimation: Estimation, scope: Scope, population: str, outcome: str) -> Row | None:
    variables = {outcome, AGE_BAND, *estimation.population_variables(population)}
    weight = estimation.weight(variables)
    key = estimation.key(scope, population, outcome, weight) | {
        "variable": AGE_BAND,
        "confidence_level": estimation.study.confidence_level,
        **estimation.rules(variables),
    }
    refusal = estimation.refusal(scope, variables, population)
    if refusal:
        return key | not_shown(refusal)
    keys = (*estimation.study.outcomes, AGE_BAND)
    completions = [each.cells(scope, weight, keys, population) for each in estimation.completions(variables)]
    cells = completions[0]
    domain = pl.col(in_population(population))
    analysed = cells.table.filter(domain, pl.col("n") > 0).drop_nulls([outcome, AGE_BAND])
    n_bands = analysed[AGE_BAND].n_unique()
    if n_bands < MIN_BANDS:
        return None
    scores = {band: float(number) for number, band in enumerate(estimation.age_bands)}
    key |= {"n_levels": n_bands, "n_respondents": int(analysed["n"].sum())}
    try:
        confidence_level = estimation.study.confidence_level
        effects = [
            trend(each, outcome, AGE_BAND, scores, confidence_level=confidence_level, domain=domain) for each in completions
        ]
        effect = pool_effects(effects)
    except StatsError as error:
        return key | not_shown(str(error))
    association, untested = (None, NOT_POOLED) if len(completions) > 1 else _association(cells, outcome, domain)
    few = effect.degrees_freedom < FEWEST_DEGREES_OF_FREEDOM
    return key | {
        "odds_ratio": effect.estimate,
        "odds_ratio_lower": effect.lower,
        "odds_ratio_upper": effect.upper,
        "p_value": effect.p_value,
        "association_p_value": association,
        "degrees_freedom": int(effect.degrees_freedom),
        "method": "design-based logistic regression on the number of the band, complete cases",
        "presentation": "review" if few else "show",
        "presentation_reason": "; ".join(
            [*([f"fewer than {FEWEST_DEGREES_OF_FREEDOM} degrees of freedom"] if few else []), *([untested] if untested else [])]
        )
        or None,
    }


NOT_POOLED = "no test of association: none is pooled over imputations"
"""Of a row about imputed values."""


def _association(cells: Cells, outcome: str, domain: pl.Expr) -> tuple[float | None, str | None]:
    """The p-value of any association with the bands, or why there is none."""
    try:
        return rao_scott_test(cells, AGE_BAND, outcome, domain=domain).p_value, None
    except StatsError as error:
        return None, f"no test of association: {error}"
