"""Design-based prevalence of a binary outcome, by domain, with the covariance that contrasts and standardisation need."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipelines.statistics.design import Cells, FloatArray, IntArray, index_levels
from pipelines.statistics.errors import EmptyDomain
from pipelines.statistics.intervals import Interval, IntervalMethod, effective_n, proportion_interval
from pipelines.statistics.presentation import NO_KNOWN_OUTCOME, Presentation, nchs_presentation, with_reason
from pipelines.statistics.replicate import Replicates, replicate_covariance
from pipelines.statistics.replicate_weights import NOBODY_IN_A_REPLICATE, ReplicateWeights
from pipelines.statistics.variance import design_degrees_freedom, joint_covariance, sampling_frame, taylor_covariance

ESTIMATE_SCHEMA: dict[str, Any] = {
    "n_respondents": pl.Int64,
    "n_cases": pl.Int64,
    "n_missing": pl.Int64,
    "prevalence": pl.Float64,
    "prevalence_se": pl.Float64,
    "prevalence_lower": pl.Float64,
    "prevalence_upper": pl.Float64,
    "confidence_level": pl.Float64,
    "method": pl.String,
    "degrees_freedom": pl.Int64,
    "design_effect": pl.Float64,
    "n_effective": pl.Float64,
    "presentation": pl.String,
    "presentation_reason": pl.String,
    "missing_weight_share": pl.Float64,
}


@dataclass(frozen=True, eq=False)
class Prevalence:
    """`table`: one row per level of `by`, sorted; columns *by and those of ESTIMATE_SCHEMA.

    `covariance` (rows, rows) belongs to the rows of `table`; NaN where a row has nobody with a known outcome (its prevalence
    is NULL) or, under `average`, lonely strata only (its standard error is NULL). `n_ungrouped`: respondents of the domain in no
    row, because one of `by` is NULL. `joint_covariance` is that of all rows together, from which differences of rows are made:
    another one than `covariance` only where what a stratum adds depends on who is analysed.
    """

    table: pl.DataFrame
    covariance: FloatArray
    by: tuple[str, ...]
    n_ungrouped: int
    joint_covariance: FloatArray


@dataclass(frozen=True, eq=False)
class _Counts:
    n_respondents: IntArray
    n_cases: IntArray
    n_missing: IntArray
    weight: FloatArray
    missing_weight_share: FloatArray
    proportion: FloatArray


def prevalence(
    cells: Cells,
    outcome: str,
    *,
    by: Sequence[str] = (),
    domain: pl.Expr | None = None,
    method: IntervalMethod = "korn_graubard",
    confidence_level: float = 0.95,
    replicates: Replicates | ReplicateWeights | None = None,
) -> Prevalence:
    """Prevalence of `outcome` for each combination of `by` that occurs in the domain, among respondents whose outcome is
    known. `missing_weight_share`: the weight of those in the row without a known outcome, over the weight of all in the row.

    `outcome`: a key that is boolean or 0/1, NULL = missing (counted as n_missing). `domain`: a boolean expression over the
    keys. Respondents have a weight above 0. Variance: Taylor linearisation over the whole frame of PSUs, or by `replicates` or
    the replicate weights of the design; degrees of freedom: PSUs minus strata with respondents of the row (replicate weights:
    their rank less one); design_effect: n / n_effective, with n_effective = p (1 - p) / se^2 (n at p of 0 or 1, whose design
    effect is NULL). presentation: the NCHS standard, judged at 95 % whatever `method` and
    `confidence_level` are. A prevalence of 0 or 1 is a value under review; a level without known outcomes is a row of NULLs
    with its reason.

    Raises InvalidArgument, InvalidOutcome, EmptyDomain, LonelyPsu.
    """
    replicates = replicates or cells.design.replicates
    cells.require_keys(by)
    member = cells.members(domain)
    case, is_known = cells.outcome(outcome)
    is_grouped = member & cells.known(by)
    if not is_grouped.any():
        raise EmptyDomain(f"No member of the population has a known {' and '.join(by)}.", names=by)
    levels, level = index_levels(cells.table, by, is_grouped)
    n_levels = levels.height if by else 1
    analysed = np.where(is_known, level, -1)
    frame = sampling_frame(cells)
    counts = _count(cells, case, level, analysed, n_levels)
    influence = _influence(case, analysed, counts)
    if replicates is None:
        covariance = taylor_covariance(cells, frame, influence, analysed, n_levels)
        joint = joint_covariance(cells, frame, influence, analysed, covariance)
    else:
        covariance = _replicate_covariance(cells, replicates, case, analysed, counts)
        joint = covariance
    degrees_freedom = design_degrees_freedom(cells, frame, analysed, n_levels)
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    rows = [_row(counts, i, float(errors[i]), int(degrees_freedom[i]), method, confidence_level) for i in range(n_levels)]
    estimates = pl.DataFrame(rows, schema=ESTIMATE_SCHEMA, orient="row")
    is_empty = counts.n_respondents == 0
    for of_rows in (covariance, joint):
        of_rows[is_empty, :] = of_rows[:, is_empty] = np.nan
    table = pl.concat([levels, estimates], how="horizontal") if by else estimates
    return Prevalence(table, covariance, tuple(by), int(cells.n[member & ~is_grouped].sum()), joint)


def _count(cells: Cells, case: IntArray, level: IntArray, analysed: IntArray, n_levels: int) -> _Counts:
    def per_level(where: IntArray, values: Any) -> FloatArray:
        return np.bincount(where[where >= 0], values[where >= 0], n_levels).astype(np.float64)

    n_respondents, n_cases = per_level(analysed, cells.n).astype(np.int64), per_level(analysed, cells.n * case).astype(np.int64)
    n_missing = per_level(level, cells.n).astype(np.int64) - n_respondents
    weight, weight_of_cases = per_level(analysed, cells.w), per_level(analysed, cells.w * case)
    weight_of_all = per_level(level, cells.w)
    missing_share = np.where(n_missing > 0, 1 - weight / weight_of_all, 0.0)
    proportion = weight_of_cases / np.where(weight > 0, weight, 1.0)
    proportion[(n_cases == n_respondents) & (n_respondents > 0)] = 1.0  # exactly: rounding must not hide that all are cases
    return _Counts(n_respondents, n_cases, n_missing, weight, missing_share, proportion)


def _influence(case: IntArray, analysed: IntArray, counts: _Counts) -> FloatArray:
    """Of each cell on the prevalence of its own row, per unit of weight; shape (cells,)."""
    divisor = np.where(counts.weight > 0, counts.weight, 1.0)
    return np.where(analysed >= 0, (case - counts.proportion[analysed]) / divisor[analysed], 0.0)


def _replicate_covariance(
    cells: Cells, replicates: Replicates | ReplicateWeights, case: IntArray, analysed: IntArray, counts: _Counts
) -> FloatArray:
    cell, n_levels, is_empty = np.flatnonzero(analysed >= 0), len(counts.weight), counts.n_respondents == 0

    def proportions(weights: FloatArray) -> FloatArray:
        weight, cases = (np.bincount(analysed[cell], w[cell], n_levels) for w in (weights, weights * case))
        again: FloatArray = np.divide(cases, weight, out=np.where(is_empty, 0.0, np.nan), where=weight > 0)
        return again

    return replicate_covariance(cells, replicates, counts.proportion, proportions)


def _row(
    counts: _Counts, i: int, standard_error: float, degrees_freedom: int, method: IntervalMethod, confidence_level: float
) -> tuple[Any, ...]:
    n, proportion = int(counts.n_respondents[i]), float(counts.proportion[i])
    missing_weight_share = float(counts.missing_weight_share[i])
    numbers = (n, int(counts.n_cases[i]), int(counts.n_missing[i]))
    if n == 0:
        nothing = (None, None, None, None, confidence_level, method, None, None, None)
        return (*numbers, *nothing, "suppress", NO_KNOWN_OUTCOME, missing_weight_share)
    estimate: dict[str, Any] = {
        "proportion": proportion,
        "standard_error": standard_error,
        "n_respondents": n,
        "degrees_freedom": degrees_freedom,
    }
    if math.isnan(standard_error) and degrees_freedom > 0:
        interval, verdict = Interval(None, None), Presentation("suppress", NOBODY_IN_A_REPLICATE)
    else:
        interval = proportion_interval(method, **estimate, confidence_level=confidence_level)
        verdict = with_reason(nchs_presentation(**estimate), interval.reason)
    if math.isnan(standard_error):  # its degrees of freedom are none, which is the reason, or some replicate has no estimate
        no_error = (None, None, None, confidence_level, method, degrees_freedom, None, None)
        return (*numbers, proportion, *no_error, verdict.status, verdict.reason, missing_weight_share)
    n_effective = effective_n(proportion, standard_error, n)
    design_effect = None if proportion in (0, 1) else n * standard_error**2 / (proportion * (1 - proportion))
    limits = (interval.lower, interval.upper, confidence_level, method)
    return (
        *numbers,
        proportion,
        standard_error,
        *limits,
        degrees_freedom,
        design_effect,
        n_effective,
        verdict.status,
        verdict.reason,
        missing_weight_share,
    )
