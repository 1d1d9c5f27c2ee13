"""Design-based means and totals of groups of one sample, and whether two means differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.statistics.design import BoolArray, Cells, FloatArray, IntArray, index_levels
from pipelines.statistics.effect import two_sided_p
from pipelines.statistics.errors import EmptyDomain, NoDegreesOfFreedom, UnsupportedDesign
from pipelines.statistics.intervals import require_level, t_quantile
from pipelines.statistics.replicate_weights import NOBODY_IN_A_REPLICATE, ReplicateWeights, covariance_of_replicates
from pipelines.statistics.variance import design_degrees_freedom, sampling_frame, taylor_covariance


@dataclass(frozen=True)
class MeanOfGroup:
    """`standard_deviation` estimates that of the group in the population; None of a single respondent.

    `se` is NaN where the design says `average` and all strata of the group are lonely.
    """

    n_respondents: int
    mean: float
    se: float
    standard_deviation: float | None


@dataclass(frozen=True)
class MeanComparison:
    """`difference`: mean of `group` less mean of `others`, with its standard error.

    `p_value`: two-sided, of no difference, by t(degrees_freedom); None where the standard error is 0. `n_missing`: members of
    either group without a value.
    """

    group: MeanOfGroup
    others: MeanOfGroup
    difference: float
    difference_se: float
    degrees_freedom: int
    p_value: float | None
    n_missing: int


def _replicate_covariance(
    cells: Cells, replicates: ReplicateWeights, x: FloatArray, level: IntArray, mean: FloatArray
) -> FloatArray:
    inside = np.flatnonzero(level >= 0)

    def means(weights: FloatArray) -> FloatArray:
        weight, total = (np.bincount(level[inside], w[inside], 2) for w in (weights, weights * x))
        again: FloatArray = np.divide(total, weight, out=np.full(2, np.nan), where=weight > 0)
        return again

    covariance = covariance_of_replicates(cells, replicates, mean, means)
    if np.isnan(covariance).any():
        raise UnsupportedDesign(f"Of one of the two groups no variance is given: {NOBODY_IN_A_REPLICATE}.")
    return covariance


def compare_means(cells: Cells, value: str, group: str, *, domain: pl.Expr | None = None) -> MeanComparison:
    """Compare the mean of `value` between members of the domain at true and at false of the boolean key `group`.

    `value` is a numeric key: there is a cell for each value that occurs, or one with the mean of several. Taylor linearisation
    over the whole frame of PSUs, or by the replicate weights of the design; degrees of freedom: PSUs minus strata with members
    who have a value. The t statistic is that of svyttest of R's survey package, which takes one degree of freedom less. The
    standard deviation is the root of svyvar: n / (n - 1) times the weighted mean square about the mean.

    Raises InvalidArgument, InvalidOutcome, EmptyDomain, NoDegreesOfFreedom, LonelyPsu, UnsupportedDesign.
    """
    cells.require_keys([value])
    in_group, is_known = cells.outcome(group)
    member = cells.members(domain) & is_known
    analysed = member & cells.known([value])
    x, squares_within = cells.values(value, analysed)
    level = np.where(analysed, in_group, -1)
    n = np.bincount(level[analysed], cells.n[analysed], 2).astype(np.int64)
    if not n.all():
        raise EmptyDomain(f"There is nobody with a known {value} on one side of {group}.", names=[value, group])
    weight = np.bincount(level[analysed], cells.w[analysed], 2)
    mean = np.bincount(level[analysed], (cells.w * x)[analysed], 2) / weight
    centred = np.where(analysed, x - mean[in_group], 0.0)
    frame = sampling_frame(cells)
    if cells.design.replicates is None:
        covariance = taylor_covariance(cells, frame, centred / weight[in_group], level, 2)
    else:
        covariance = _replicate_covariance(cells, cells.design.replicates, x, level, mean)
    degrees_freedom = int(design_degrees_freedom(cells, frame, np.where(analysed, 0, -1), 1)[0])
    if degrees_freedom <= 0:
        raise NoDegreesOfFreedom(
            "The analysed members lie in as many strata as PSUs. Widen the population.", names=[value, group]
        )
    square = np.bincount(level[analysed], (cells.w * centred**2 + squares_within)[analysed], 2) / weight
    groups = [
        MeanOfGroup(
            n_respondents=int(n[i]),
            mean=float(mean[i]),
            se=float(np.sqrt(np.maximum(covariance[i, i], 0.0))),
            standard_deviation=math.sqrt(float(square[i]) * int(n[i]) / (int(n[i]) - 1)) if n[i] > 1 else None,
        )
        for i in (1, 0)
    ]
    difference = float(mean[1] - mean[0])
    variance = covariance[1, 1] + covariance[0, 0] - 2 * covariance[0, 1]
    if cells.design.depends_on_domain:
        influence = np.where(in_group == 1, 1, -1) * centred / weight[in_group]
        variance = taylor_covariance(cells, frame, influence, np.where(analysed, 0, -1))[0, 0]
    se = float(np.sqrt(np.maximum(variance, 0.0)))
    return MeanComparison(
        group=groups[0],
        others=groups[1],
        difference=difference,
        difference_se=se,
        degrees_freedom=degrees_freedom,
        p_value=two_sided_p(difference / se, degrees_freedom) if se > 0 else None,
        n_missing=int(cells.n[member & ~analysed].sum()),
    )


def means(
    cells: Cells, value: str, *, by: Sequence[str] = (), domain: pl.Expr | None = None, confidence_level: float = 0.95
) -> pl.DataFrame:
    """Mean of the numeric or boolean key `value` for each combination of `by` in the domain, among those who have a value.

    A row has the columns of `by`, n_respondents, n_missing, mean, mean_se, mean_lower, mean_upper (by Student's t) and
    degrees_freedom (PSUs minus strata with people of the row); numbers are NULL where nobody has a value or there are no degrees
    of freedom. Taylor linearisation over the whole frame of PSUs, as svymean of R's survey package.

    Raises InvalidArgument, EmptyDomain, LonelyPsu.
    """
    return _by_group(cells, value, "mean", by, domain, confidence_level, 1)


def totals(
    cells: Cells,
    value: str,
    *,
    by: Sequence[str] = (),
    domain: pl.Expr | None = None,
    confidence_level: float = 0.95,
    n_pooled: int = 1,
) -> pl.DataFrame:
    """The same of totals (total, total_se ...): sums of weight times value, as svytotal.

    `n_pooled`: samples of the population that were pooled, each of which counts for its share.
    """
    return _by_group(cells, value, "total", by, domain, confidence_level, n_pooled)


def _by_group(
    cells: Cells, value: str, name: str, by: Sequence[str], domain: pl.Expr | None, confidence_level: float, n_pooled: int
) -> pl.DataFrame:
    require_level(confidence_level)
    cells.require_keys([value, *by])
    is_known = cells.known([value])
    x, _ = cells.values(value, is_known)
    member = cells.members(domain) & cells.known(list(by)) & (cells.n > 0)
    if not member.any():
        raise EmptyDomain("Nobody of the domain has all that is split by.", names=[value, *by])
    levels, level = index_levels(cells.table, list(by), member)
    n_levels = levels.height if by else 1
    level = np.where(member, level, -1)
    analysed = member & is_known
    group = np.where(analysed, level, -1)

    def per_level(where: BoolArray, values: FloatArray) -> FloatArray:
        return np.bincount(level[where], values[where], n_levels).astype(np.float64)

    n, n_members = per_level(analysed, cells.n.astype(np.float64)), per_level(member, cells.n.astype(np.float64))
    weight, total = per_level(analysed, cells.w), per_level(analysed, cells.w * x)
    estimate = total / np.where(weight > 0, weight, 1.0) if name == "mean" else total / n_pooled
    if name == "mean":
        influence = np.where(analysed, (x - estimate[level]) / np.where(weight > 0, weight, 1.0)[level], 0.0)
    else:
        influence = np.where(analysed, x / n_pooled, 0.0)
    frame = sampling_frame(cells)
    covariance = taylor_covariance(cells, frame, influence, group, n_levels)
    degrees = design_degrees_freedom(cells, frame, group, n_levels)
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    is_there = (n > 0) & (degrees > 0)
    margin = np.array([t_quantile(int(df), confidence_level) if df > 0 else np.nan for df in degrees]) * error
    numbers = {"": estimate, "_se": error, "_lower": estimate - margin, "_upper": estimate + margin}
    table = pl.DataFrame(
        {"n_respondents": n.astype(np.int64), "n_missing": (n_members - n).astype(np.int64)}
        | {f"{name}{end}": pl.Series(values).set(pl.Series(~is_there), None) for end, values in numbers.items()}
        | {"degrees_freedom": degrees.astype(np.int64)}
    )
    return pl.concat([levels, table], how="horizontal") if by else table
