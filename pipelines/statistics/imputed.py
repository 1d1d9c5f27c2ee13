"""Rows of several completed data sets as one, by Rubin's rules: what the estimators give for each of them, pooled.

Degrees of freedom are those of Barnard and Rubin (1999), with those of the design for complete data. Counts of people are those
of the first data set: they add up, which means over the data sets would not.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from pipelines.statistics.effect import Effect, effect, two_sided_p
from pipelines.statistics.errors import NoDegreesOfFreedom
from pipelines.statistics.imputation import PooledEstimate, pool_imputations
from pipelines.statistics.imputation import pooled as pooled_of
from pipelines.statistics.intervals import effective_n, korn_graubard
from pipelines.statistics.means import MeanComparison, MeanOfGroup
from pipelines.statistics.presentation import STANDARD_LEVEL, Presentation, judge_presentation

NOT_IN_EVERY_IMPUTATION = "not in every imputation is there an estimate with a standard error"


def pool_effects(effects: Sequence[Effect]) -> Effect:
    """Log ratios pooled; of a single one, itself."""
    if len(effects) == 1:
        return effects[0]
    degrees_freedom = min(one.degrees_freedom for one in effects)
    pooled = pool_imputations(
        [one.log_estimate for one in effects],
        [one.se**2 for one in effects],
        complete_degrees_freedom=degrees_freedom,
    )
    return effect(pooled.estimate, pooled.se, pooled.degrees_freedom, effects[0].confidence_level)


def pool_means(comparisons: Sequence[MeanComparison]) -> MeanComparison:
    """Means, their difference and its test pooled; degrees of freedom are rounded down after the test. Standard deviations are
    the roots of mean variances. Of a single comparison, itself."""
    first = comparisons[0]
    if len(comparisons) == 1:
        return first
    complete = min(one.degrees_freedom for one in comparisons)
    difference = _pooled([one.difference for one in comparisons], [one.difference_se for one in comparisons], complete)
    if difference is None:
        raise NoDegreesOfFreedom(f"No difference of means: {NOT_IN_EVERY_IMPUTATION}.")
    return replace(
        first,
        group=_pool_groups([one.group for one in comparisons], complete),
        others=_pool_groups([one.others for one in comparisons], complete),
        difference=difference.estimate,
        difference_se=difference.se,
        degrees_freedom=math.floor(difference.degrees_freedom),
        p_value=two_sided_p(difference.estimate / difference.se, difference.degrees_freedom),
    )


def _pool_groups(groups: Sequence[MeanOfGroup], complete: float) -> MeanOfGroup:
    pooled = _pooled([one.mean for one in groups], [one.se for one in groups], complete)
    if pooled is None:
        raise NoDegreesOfFreedom(f"No mean of a group: {NOT_IN_EVERY_IMPUTATION}.")
    spreads = [one.standard_deviation**2 for one in groups if one.standard_deviation is not None]
    spread = math.sqrt(sum(spreads) / len(groups)) if len(spreads) == len(groups) else None
    return replace(groups[0], mean=pooled.estimate, se=pooled.se, standard_deviation=spread)


def pool_prevalences(tables: Sequence[pl.DataFrame], by: Sequence[str], confidence_level: float) -> pl.DataFrame:
    """Rows of prevalence() or standardise() pooled, in the order of the first table; of a single table, itself.

    Estimate and error are pooled on the scale of the proportion; interval and verdict are Korn and Graubard's and the NCHS's of
    the pooled error, with the fewest respondents that a data set has. Degrees of freedom are rounded down after the interval.
    A row that is not in every table, or without an error in one, is not shown.
    """
    if len(tables) == 1:
        return tables[0]
    keyed = [{tuple(row[name] for name in by): row for row in table.iter_rows(named=True)} for table in tables]
    rows = [_pool_rows([rows[key] for rows in keyed if key in rows], len(tables), confidence_level) for key in keyed[0]]
    return pl.DataFrame(rows, schema=tables[0].schema, orient="row")


def _pool_rows(found: Sequence[dict[str, Any]], n_tables: int, confidence_level: float) -> dict[str, Any]:
    first = found[0]
    shown = ("prevalence", "prevalence_se", "prevalence_lower", "prevalence_upper", "design_effect", "n_effective")
    pooled = None
    if len(found) == n_tables and all(row["prevalence_se"] is not None and row["degrees_freedom"] > 0 for row in found):
        complete = min(row["degrees_freedom"] for row in found)
        pooled = _pooled([row["prevalence"] for row in found], [row["prevalence_se"] for row in found], complete)
    if pooled is None:
        alike = {(row["prevalence"], row["prevalence_se"] or None) for row in found}
        if len(found) == n_tables and len(alike) == 1 and alike <= {(None, None), (0.0, None), (1.0, None)}:
            return dict(first)  # nobody at all, or nobody or everybody with the outcome, in all of them
        hidden = dict.fromkeys((*shown, "degrees_freedom"))
        return first | hidden | {"presentation": "suppress", "presentation_reason": NOT_IN_EVERY_IMPUTATION}
    n = min(row["n_respondents"] for row in found)
    n_effective = _effective_n(found, pooled, n)
    interval = korn_graubard(pooled.estimate, n, n_effective, pooled.degrees_freedom, confidence_level)
    verdict = _verdict(pooled, n, n_effective)
    numbers = (pooled.estimate, pooled.se, interval.lower, interval.upper, n / n_effective, n_effective)
    return first | {
        **dict(zip(shown, numbers, strict=True)),
        "degrees_freedom": math.floor(pooled.degrees_freedom),
        "presentation": verdict.status,
        "presentation_reason": verdict.reason,
    }


def _effective_n(found: Sequence[dict[str, Any]], pooled: PooledEstimate, n: int) -> float:
    """Of a standardised row by the mean variance of simple random samples, as its design effects have it."""
    if "empty_standard_cells" not in found[0]:
        return effective_n(pooled.estimate, pooled.se, n)
    simple = [row["prevalence_se"] ** 2 / row["design_effect"] for row in found if row["design_effect"]]
    return n * sum(simple) / len(simple) / pooled.se**2 if len(simple) == len(found) else float(n)


def _verdict(pooled: PooledEstimate, n: int, n_effective: float) -> Presentation:
    interval = korn_graubard(pooled.estimate, n, n_effective, pooled.degrees_freedom, STANDARD_LEVEL)
    if interval.lower is None or interval.upper is None:
        return Presentation("suppress", interval.reason)
    return judge_presentation(
        proportion=pooled.estimate,
        n_respondents=n,
        n_effective=n_effective,
        lower=interval.lower,
        upper=interval.upper,
        degrees_freedom=pooled.degrees_freedom,
    )


def _pooled(estimates: Sequence[float], errors: Sequence[float], complete: float) -> PooledEstimate | None:
    """None where no estimate has an error above 0, or one has none."""
    if complete <= 0 or not all(math.isfinite(error) for error in errors) or not any(errors):
        return None
    return pooled_of(np.asarray(estimates), np.asarray(errors) ** 2, complete)
