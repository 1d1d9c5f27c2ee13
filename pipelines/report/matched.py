"""Matched odds ratios of a case-control source."""

import math
from typing import Any

import numpy as np
import polars as pl

from pipelines.machine.quoting import identifier, literal
from pipelines.report.estimation import Estimation, Scope
from pipelines.statistics import StatsError, conditional_logistic, e_value, pair_odds_ratio

FEW_DISCORDANT_PAIRS = 5
"""Discordant pairs in the smaller direction under which a matched odds ratio is marked for review (sparse data bias)."""

Row = dict[str, Any]


def matched_rows(estimation: Estimation, scope: Scope, exposure: str) -> list[Row]:
    """The matched odds ratio of one binary exposure, for each population whose members make whole matched sets.

    Matching on an exposure makes its odds ratio meaningless, so no row is given for it.
    """
    source = estimation.source
    if exposure in source.matched_on or not isinstance(estimation.study.exposures[exposure].reference, bool):
        return []
    rows = []
    for population in estimation.study.odds_ratios.populations:
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
    people = _people(estimation, scope, exposure, population)
    sets = people.group_by("wave", "matched_set").agg(
        n=pl.len(),
        n_cases=pl.col("is_case").sum(),
        n_unknown=pl.col("is_exposed").is_null().sum(),
    )
    whole = sets.filter(pl.col("n_unknown") == 0, pl.col("n_cases") > 0, pl.col("n_cases") < pl.col("n"))
    analysed = people.join(whole, on=["wave", "matched_set"], how="semi").sort("wave", "matched_set", "is_case", "is_exposed")
    counts = {
        "exposed_cases": _count(analysed, True, True),
        "exposed_noncases": _count(analysed, True, False),
        "unexposed_cases": _count(analysed, False, True),
        "unexposed_noncases": _count(analysed, False, False),
        "n_missing": people.height - analysed.height,
    }
    are_pairs = not whole.is_empty() and whole["n"].max() == 2
    try:
        return counts | (_pairs(estimation, analysed) if are_pairs else _sets(estimation, analysed, exposure))
    except StatsError as error:
        return counts | {"presentation": "suppress", "presentation_reason": str(error)}


def _people(estimation: Estimation, scope: Scope, exposure: str, population: str) -> pl.DataFrame:
    waves = ", ".join(literal(wave) for wave in scope.waves)
    estimation.columns_read.update({"wave", "matched_set", "is_case", exposure}, estimation.population_variables(population))
    return estimation.connection.sql(
        f"select wave, matched_set, is_case, {identifier(exposure)} as is_exposed from {estimation.respondents} "
        f"where wave in ({waves}) and ({estimation.study.populations[population].where}) order by all"
    ).pl()


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
        "p_value": odds.p_value,
        "method": "conditional logistic regression of 1:1 pairs (ratio of discordant pairs), exact interval and McNemar test",
        "e_value": _e_value(odds.odds_ratio, odds.lower, odds.upper),
        "presentation": "review" if few else "show",
        "presentation_reason": reason,
    }


def _sets(estimation: Estimation, analysed: pl.DataFrame, exposure: str) -> Row:
    """Matched sets of any size: conditional logistic regression with the exact conditional likelihood."""
    numbered = analysed.with_columns(set=pl.struct("wave", "matched_set").rank("dense"))
    fit = conditional_logistic(
        numbered["is_case"].to_numpy(),
        numbered["is_exposed"].cast(pl.Float64).to_numpy()[:, np.newaxis],
        numbered["set"].to_numpy(),
        names=[exposure],
    )
    effect = fit.term(exposure, estimation.study.confidence_level)
    return {
        "odds_ratio": effect.estimate,
        "odds_ratio_lower": effect.lower,
        "odds_ratio_upper": effect.upper,
        "p_value": effect.p_value,
        "method": "conditional logistic regression of matched sets, Wald interval",
        "e_value": _e_value(effect.estimate, effect.lower, effect.upper),
        "presentation": "show",
        "presentation_reason": None,
    }


def _e_value(estimate: float, lower: float, upper: float) -> float:
    """Cases of a case-control study are sampled on the outcome: the odds ratio is read as a rate ratio, without correction."""
    return e_value(estimate, lower, upper, measure="odds_ratio", is_rare=True).point
