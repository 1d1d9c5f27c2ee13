"""Matched odds ratios of a case-control source."""

import math
from typing import Any

import numpy as np
import polars as pl

from pipelines.project.respondents import FOUR_CELLS
from pipelines.report.estimation import Estimation
from pipelines.report.matched_sets import in_each_direction, in_whole_sets, people_of, tables_of_informative_sets
from pipelines.report.respondents import Scope
from pipelines.statistics import StatsError, conditional_logistic, e_value, exact_common_odds_ratio, pair_odds_ratio

FEW_DISCORDANT_PAIRS = 5
"""Discordant pairs, or informative sets, in the smaller direction under which a matched odds ratio is marked for review (sparse
data bias). Sets from here on have NULL exact limits: release/disclosure/pairs.py rests on that."""

Row = dict[str, Any]


def matched_rows(estimation: Estimation, scope: Scope, exposure: str) -> list[Row]:
    """The matched odds ratio of one binary exposure, for each population whose members make whole matched sets.

    Matching on an exposure makes its odds ratio meaningless, so no row is given for it.
    """
    source = estimation.source
    if exposure in (*source.matched_on, source.case_definition) or not isinstance(
        estimation.study.exposures[exposure].reference, bool
    ):
        return []
    rows = []
    for population in estimation.study.odds_ratios.populations:
        if population not in estimation.study.populations_of(exposure):
            continue
        key = {
            "wave": scope.wave,
            "population": population,
            "outcome": source.case_definition,
            "exposure": exposure,
            "exposure_level": "true",
            "reference_level": "false",
            "model": "matched",
            "adjusted_for": ", ".join(source.matched_on) or None,
            "confidence_level": estimation.study.confidence_level,
        }
        refusal = estimation.refusal(scope, {exposure}, population)
        if refusal:
            rows.append(key | {"presentation": "suppress", "presentation_reason": refusal})
        else:
            rows.append(key | _estimate(estimation, scope, exposure, population))
    return rows


def _estimate(estimation: Estimation, scope: Scope, exposure: str, population: str) -> Row:
    """The odds ratio from the whole sets of the population: with a case and a control, and nobody of unknown status.

    The likelihood of a set goes by its number of cases, which is not known where a status is not. Of a whole set, who has no
    known exposure is left out, and the others stay; a pair needs both.
    """
    people = people_of(estimation, scope, exposure, population)
    analysed, are_pairs = in_whole_sets(people)
    counts = {
        "exposed_cases": _count(analysed, True, True),
        "exposed_noncases": _count(analysed, True, False),
        "unexposed_cases": _count(analysed, False, True),
        "unexposed_noncases": _count(analysed, False, False),
        "n_missing": people.height - analysed.height,
    }
    try:
        return counts | (_pairs(estimation, analysed) if are_pairs else _sets(estimation, analysed, exposure))
    except StatsError as error:
        return counts | {"presentation": "suppress", "presentation_reason": str(error)}


def _count(analysed: pl.DataFrame, is_exposed: bool, is_case: bool) -> int:
    return analysed.filter(pl.col("is_exposed") == is_exposed, pl.col("is_case") == is_case).height


def _pairs(estimation: Estimation, analysed: pl.DataFrame) -> Row:
    """1:1 pairs and one binary exposure: conditional logistic regression is the ratio of the discordant pairs."""
    pairs = analysed.group_by("wave", "matched_set").agg(
        case=pl.col("is_exposed").filter(pl.col("is_case")).first(),
        control=pl.col("is_exposed").filter(~pl.col("is_case")).first(),
    )
    case_only = pairs.filter(pl.col("case"), ~pl.col("control")).height
    control_only = pairs.filter(~pl.col("case"), pl.col("control")).height
    odds = pair_odds_ratio(case_only, control_only, confidence_level=estimation.study.confidence_level)
    if odds.odds_ratio is None or not 0 < odds.odds_ratio < math.inf:
        return {"presentation": "suppress", "presentation_reason": "there are no discordant pairs in one direction"}
    few = min(case_only, control_only) < FEW_DISCORDANT_PAIRS
    reason = f"fewer than {FEW_DISCORDANT_PAIRS} discordant pairs in one direction" if few else None
    return {
        "odds_ratio": odds.odds_ratio,
        "odds_ratio_lower": odds.lower,
        "odds_ratio_upper": odds.upper,
        "odds_ratio_exact_lower": odds.lower,
        "odds_ratio_exact_upper": odds.upper,
        "p_value": odds.p_value,
        "method": "conditional logistic regression of 1:1 pairs (ratio of discordant pairs), exact interval and McNemar test",
        **_e_values(odds.odds_ratio, odds.lower, odds.upper),
        "presentation": "review" if few else "show",
        "presentation_reason": reason,
    }


def _sets(estimation: Estimation, analysed: pl.DataFrame, exposure: str) -> Row:
    """Matched sets of any size: conditional logistic regression with the exact conditional likelihood.

    Where few sets speak for one direction the Wald interval is not to be trusted, and the exact conditional one stands beside it.
    """
    tables = tables_of_informative_sets(analysed)
    a, b, c, d = (tables[cell].to_numpy() for cell in FOUR_CELLS)
    in_one_direction = min(in_each_direction(tables))
    if in_one_direction == 0:
        return {"presentation": "suppress", "presentation_reason": "there are no informative matched sets in one direction"}
    numbered = analysed.with_columns(set=pl.struct("wave", "matched_set").rank("dense"))
    fit = conditional_logistic(
        numbered["is_case"].to_numpy(),
        numbered["is_exposed"].cast(pl.Float64).to_numpy()[:, np.newaxis],
        numbered["set"].to_numpy(),
        names=[exposure],
    )
    effect = fit.term(exposure, estimation.study.confidence_level)
    row: Row = {
        "odds_ratio": effect.estimate,
        "odds_ratio_lower": effect.lower,
        "odds_ratio_upper": effect.upper,
        "p_value": effect.p_value,
        "method": "conditional logistic regression of matched sets, Wald interval",
        **_e_values(effect.estimate, effect.lower, effect.upper),
        "presentation": "show",
        "presentation_reason": None,
    }
    if in_one_direction >= FEW_DISCORDANT_PAIRS:
        return row
    exact = exact_common_odds_ratio(
        exposed_cases=a,
        exposed_noncases=b,
        unexposed_cases=c,
        unexposed_noncases=d,
        confidence_level=estimation.study.confidence_level,
    )
    return row | {
        "odds_ratio_exact_lower": exact.lower,
        "odds_ratio_exact_upper": exact.upper,
        "presentation": "review",
        "presentation_reason": f"fewer than {FEW_DISCORDANT_PAIRS} informative matched sets in one direction",
    }


def _e_values(estimate: float, lower: float, upper: float) -> Row:
    """Cases of a case-control study are sampled on the outcome: the odds ratio is read as a rate ratio, without correction."""
    found = e_value(estimate, lower, upper, measure="odds_ratio", is_rare=True)
    return {"e_value": found.point, "e_value_limit": found.limit}
