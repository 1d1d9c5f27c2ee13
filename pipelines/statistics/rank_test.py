"""Do two groups differ in the size of an ordered or numeric key? The design-based Wilcoxon test."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.statistics.design import BoolArray, Cells, FloatArray, IntArray
from pipelines.statistics.effect import two_sided_p
from pipelines.statistics.errors import EmptyDomain, InvalidArgument, NoDegreesOfFreedom
from pipelines.statistics.variance import design_degrees_freedom, sampling_frame, taylor_covariance


@dataclass(frozen=True)
class RankTest:
    """`difference` of the mean relative ranks (0-1) of members with and without the group key; t = difference / se."""

    difference: float
    se: float
    t: float
    degrees_freedom: int
    p_value: float
    n_respondents: int


def rank_test(cells: Cells, value: str, group: str, *, domain: pl.Expr | None = None) -> RankTest:
    """Design-based Wilcoxon test of the ordered key `value` between the two groups of the boolean or 0/1 key `group`.

    Ranks estimate the population's distribution (sum of weights below, half of those tied), and their means are compared
    (Lumley and Scott 2013). The same as svyranktest of R's survey package but for tied values, whose rank there
    depends on the order of rows. Degrees of freedom: design - 1. Raises InvalidArgument, InvalidOutcome, EmptyDomain,
    NoDegreesOfFreedom, LonelyPsu.
    """
    cells.require_keys([value, group])
    analysed = cells.members(domain) & cells.known([value, group])
    return compare_scores(cells, _relative_ranks(cells, value, analysed), group, analysed)


def compare_scores(cells: Cells, score: FloatArray, group: str, analysed: BoolArray) -> RankTest:
    """t test of the weighted means of `score` (cells,) in the two groups of the analysed cells."""
    inside, _ = cells.outcome(group)
    members = [analysed & (inside == side) for side in (0, 1)]
    if not all(side.any() for side in members):
        raise EmptyDomain(f"One of the two groups of {group} is empty among the analysed.", names=[group])
    frame, everyone = sampling_frame(cells), np.where(analysed, 0, -1)
    degrees_freedom = int(design_degrees_freedom(cells, frame, everyone, 1)[0]) - 1
    if degrees_freedom <= 0:
        raise NoDegreesOfFreedom("The rank test needs two PSUs more than strata among the analysed. Widen the population.")
    weight = [float(cells.w[side].sum()) for side in members]
    mean = [float(cells.w[side] @ score[side]) / total for side, total in zip(members, weight, strict=True)]
    influence = np.zeros(len(score))
    for sign, side, total, centre in zip((-1, 1), members, weight, mean, strict=True):
        influence[side] = sign * (score[side] - centre) / total
    se = float(np.sqrt(taylor_covariance(cells, frame, influence[:, None], everyone)[0, 0]))
    difference = mean[1] - mean[0]
    if se == 0:
        raise NoDegreesOfFreedom(f"The ranks do not vary within the groups of {group}: no standard error.", names=[group])
    p_value = two_sided_p(difference / se, degrees_freedom)
    return RankTest(difference, se, difference / se, degrees_freedom, p_value, int(cells.n[analysed].sum()))


def _relative_ranks(cells: Cells, value: str, analysed: BoolArray) -> FloatArray:
    column = cells.table[value]
    if column.dtype.is_float() and not column.filter(pl.Series(analysed)).is_finite().all():
        raise InvalidArgument(f"{value} holds numbers that are not finite. A missing value must be NULL.", names=[value])
    number: IntArray = column.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    weight = np.bincount(number[analysed], cells.w[analysed], int(number.max()) + 1)
    ranks: FloatArray = (np.cumsum(weight) - weight / 2)[number] / weight.sum()
    return ranks
