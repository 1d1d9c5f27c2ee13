"""Direct standardisation: the prevalence that a group would have with the age structure (or other) of a standard population.

Not here: rates of counts over person-time (rates.py), and the standard populations themselves.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipelines.statistics.design import Cells, FloatArray, IntArray, index_levels
from pipelines.statistics.errors import InvalidArgument, UnknownStandardCell
from pipelines.statistics.intervals import Interval, korn_graubard, require_level
from pipelines.statistics.presentation import NO_KNOWN_OUTCOME, STANDARD_LEVEL, Presentation, judge_presentation, with_reason
from pipelines.statistics.prevalence import ESTIMATE_SCHEMA, Prevalence, prevalence
from pipelines.statistics.replicate import Replicates
from pipelines.statistics.replicate_weights import NOBODY_IN_A_REPLICATE, ReplicateWeights
from pipelines.statistics.variance import design_degrees_freedom, joint_covariance, sampling_frame, taylor_covariance

METHOD = "korn_graubard"
STANDARDISED_SCHEMA: dict[str, Any] = ESTIMATE_SCHEMA | {"empty_standard_cells": pl.List(pl.String)}
EMPTY_STANDARD_CELLS = "nobody in some cells of the standard, whose weights the others took"


@dataclass(frozen=True, eq=False)
class Standardised:
    """`table`: one row per level of `by`, sorted; columns *by and those of STANDARDISED_SCHEMA, where n_... are sums over the
    standard cells and `empty_standard_cells` names the cells without a known outcome (the weights of the others were scaled
    up).

    `covariance` (rows, rows) belongs to the rows of `table`; NaN where a row has nobody with a known outcome or, under `average`,
    lonely strata only. `joint_covariance`: that of all rows together, from which their differences are made (see Prevalence).
    `n_ungrouped`: respondents of the domain with one of `by` or the standardised column NULL.
    """

    table: pl.DataFrame
    covariance: FloatArray
    by: tuple[str, ...]
    n_ungrouped: int
    joint_covariance: FloatArray


def standardise(
    cells: Cells,
    outcome: str,
    *,
    column: str,
    standard: Mapping[Any, float],
    by: Sequence[str] = (),
    domain: pl.Expr | None = None,
    confidence_level: float = 0.95,
    replicates: Replicates | ReplicateWeights | None = None,
) -> Standardised:
    """Prevalence in each combination of `by`, standardised over the levels of the key `column` to the weights of `standard`.

    p = sum a_k p_k with a_k the weights of the standard scaled to 1, variance a' V a with V the design covariance of the p_k
    (the same as svystandardize of R's survey package). Interval: age-adjusted Korn-Graubard of the NCHS macro, n_effective =
    n / deff with deff = se^2 / sum a_k^2 p_k (1 - p_k) / n_k; the verdict is NCHS's, at 95 %. Degrees of freedom: PSUs minus
    strata with respondents of the row. Cells of the standard without known outcomes give their weight to the others
    and are named.

    Raises UnknownStandardCell where analysed people have a level that the standard lacks, InvalidArgument for weights that
    are not finite and above 0, and what prevalence() raises.
    """
    require_level(confidence_level)
    if not standard or not all(np.isfinite(weight) and weight > 0 for weight in standard.values()):
        raise InvalidArgument(f"The standard of {column} needs weights that are finite and above 0.", names=[column])
    if column in by:
        raise InvalidArgument(f"{column} cannot be standardised and compared at once; take it out of `by`.", names=[column])
    replicates = replicates or cells.design.replicates
    parts = prevalence(cells, outcome, by=[*by, column], domain=domain, replicates=replicates)
    if unknown := [str(value) for value in parts.table[column].unique(maintain_order=True) if value not in standard]:
        raise UnknownStandardCell(
            f"The standard has no weight for {column} = {', '.join(unknown)}. "
            "Give it one, or limit the domain to the population that the standard describes.",
            names=unknown,
        )
    groups, group = index_levels(parts.table, by, np.ones(parts.table.height, dtype=np.bool_))
    n_groups = groups.height if by else 1
    share = _shares(parts, group, n_groups, standard, column)
    if cells.design.depends_on_domain and replicates is None:
        covariance, joint = _covariances(cells, outcome, parts, share, domain)
    else:
        without = parts.table["n_respondents"].to_numpy() == 0
        unknown = np.isnan(np.diag(parts.covariance)) & ~without
        known = ~(without | unknown)
        covariance = joint = share @ np.where(np.outer(known, known), parts.covariance, 0.0) @ share.T
        is_unknown = share[:, unknown].any(axis=1)
        covariance[is_unknown, :] = covariance[:, is_unknown] = np.nan
    degrees_freedom, missing_share = _whole_groups(cells, outcome, by, column, domain, n_groups)
    rows = []
    for i in range(n_groups):
        table = parts.table.filter(pl.Series(group == i))
        present = set(table.filter(pl.col("n_respondents") > 0)[column])
        empty = [str(value) for value in standard if value not in present]
        estimate = (share[i, group == i], float(covariance[i, i]), int(degrees_freedom[i]), float(missing_share[i]))
        rows.append(_row(table, *estimate, empty, confidence_level))
    is_empty = ~share.any(axis=1)
    for of_rows in (covariance, joint):
        of_rows[is_empty, :] = of_rows[:, is_empty] = np.nan
    estimates = pl.DataFrame(rows, schema=STANDARDISED_SCHEMA, orient="row")
    table = pl.concat([groups, estimates], how="horizontal") if by else estimates
    return Standardised(table, covariance, tuple(by), parts.n_ungrouped, joint)


def _covariances(
    cells: Cells, outcome: str, parts: Prevalence, share: FloatArray, domain: pl.Expr | None
) -> tuple[FloatArray, FloatArray]:
    """Covariance of the groups (groups, groups) by the influence of each cell on its own group: each apart, and all together.

    It is that of the parts, but for designs in which what a stratum adds depends on who is analysed: all parts of the group are.
    """
    case, is_known = cells.outcome(outcome)
    _, part = index_levels(cells.table, parts.by, cells.members(domain) & cells.known(parts.by))
    part = np.where(is_known, part, -1)
    inside = part >= 0
    n_parts = parts.table.height
    weight = np.bincount(part[inside], cells.w[inside], n_parts)
    proportion = parts.table["prevalence"].fill_null(0.0).to_numpy()
    per_weight = share.sum(axis=0) / np.where(weight > 0, weight, 1.0)  # a part has a share of one group only
    influence = np.where(inside, (case - proportion[part]) * per_weight[part], 0.0)
    group_of_part = share.argmax(axis=0)
    frame, group = sampling_frame(cells), np.where(inside, group_of_part[part], -1)
    covariance = taylor_covariance(cells, frame, influence, group, len(share))
    return covariance, joint_covariance(cells, frame, influence, group, covariance)


def _shares(parts: Prevalence, group: IntArray, n_groups: int, standard: Mapping[Any, float], column: str) -> FloatArray:
    """Weight of each part in each group, shape (groups, parts): 0 outside the group and for parts without known outcomes."""
    weights = np.array([standard[value] for value in parts.table[column]], dtype=np.float64)
    weights[parts.table["n_respondents"].to_numpy() == 0] = 0.0
    share = np.zeros((n_groups, parts.table.height))
    share[group, np.arange(parts.table.height)] = weights
    total = share.sum(axis=1, keepdims=True)
    share /= np.where(total > 0, total, 1.0)
    return share


def _whole_groups(
    cells: Cells, outcome: str, by: Sequence[str], column: str, domain: pl.Expr | None, n_groups: int
) -> tuple[IntArray, FloatArray]:
    """Of each group over all standard cells: degrees of freedom, and the weight of those without a known outcome."""
    grouped, is_known = cells.members(domain) & cells.known([*by, column]), cells.outcome(outcome)[1]
    _, level = index_levels(cells.table, by, grouped)
    weight_of_known, weight = (np.bincount(level[where], cells.w[where], n_groups) for where in (grouped & is_known, grouped))
    analysed = np.where(is_known, level, -1)
    return design_degrees_freedom(cells, sampling_frame(cells), analysed, n_groups), 1 - weight_of_known / weight


def _row(
    table: pl.DataFrame,
    share: FloatArray,
    variance: float,
    degrees_freedom: int,
    missing_share: float,
    empty: list[str],
    confidence_level: float,
) -> tuple[Any, ...]:
    """The estimate of a group from the rows of its standard cells, their shares of it (cells,) and its variance."""
    n_k = table["n_respondents"].to_numpy().astype(np.float64)
    n, n_cases, n_missing = (int(table[name].sum()) for name in ("n_respondents", "n_cases", "n_missing"))
    if n == 0:
        nothing = (None, None, None, None, confidence_level, METHOD, None, None, None)
        return (n, n_cases, n_missing, *nothing, "suppress", NO_KNOWN_OUTCOME, missing_share, empty)
    p_k = table["prevalence"].fill_null(0.0).to_numpy()
    p = float(n_cases == n) if n_cases in (0, n) else float(share @ p_k)
    se = float(np.sqrt(np.maximum(variance, 0.0)))
    simple = float(np.sum(share**2 * p_k * (1 - p_k) / np.maximum(n_k, 1.0)))
    design_effect = se**2 / simple if simple > 0 else None
    n_effective = n / design_effect if design_effect else float(n)
    if math.isnan(se) and degrees_freedom > 0:
        interval, verdict = Interval(None, None), Presentation("suppress", NOBODY_IN_A_REPLICATE)
    else:
        interval = korn_graubard(p, n, n_effective, degrees_freedom, confidence_level)
        verdict = with_reason(_verdict(p, n, n_effective, degrees_freedom), interval.reason)
    verdict = with_reason(verdict, EMPTY_STANDARD_CELLS if empty else None)
    spread = (None, None, None) if math.isnan(se) else (se, design_effect, n_effective)  # then there are no degrees of freedom
    estimate = (p, spread[0], interval.lower, interval.upper, confidence_level, METHOD, degrees_freedom, *spread[1:])
    return (n, n_cases, n_missing, *estimate, verdict.status, verdict.reason, missing_share, empty)


def _verdict(p: float, n: int, n_effective: float, degrees_freedom: int) -> Presentation:
    interval = korn_graubard(p, n, n_effective, degrees_freedom, STANDARD_LEVEL)
    if interval.lower is None or interval.upper is None:
        return Presentation("suppress", interval.reason)
    return judge_presentation(
        proportion=p,
        n_respondents=n,
        n_effective=n_effective,
        lower=interval.lower,
        upper=interval.upper,
        degrees_freedom=degrees_freedom,
    )
