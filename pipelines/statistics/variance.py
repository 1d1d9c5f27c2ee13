"""Taylor (ultimate cluster) covariance of linearised statistics, and design degrees of freedom.

A statistic enters as its influence per unit of weight. Replicate methods can stand beside this module: they need the same
Frame.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.statistics.design import (
    MANY_CELLS,
    N_POPULATION,
    N_SAMPLED,
    STRATUM,
    SUM_SQUARED_WEIGHTS,
    BoolArray,
    Cells,
    FloatArray,
    IntArray,
    LonelyOption,
    index_levels,
)
from pipelines.statistics.errors import LonelyPsu, UnsupportedDesign
from pipelines.statistics.replicate_weights import degrees_freedom_of_replicates

_NAMED_STRATA = 10  # strata that an error names before it says "and others"


@dataclass(frozen=True, eq=False)
class Frame:
    """The sampled units, those without a single analysed member too.

    `unit` (cells,): the PSU of each cell; for an element design its stratum. `unit_stratum` (units,): the stratum of each
    unit. `cell_stratum` (cells,). `n_sampled` (strata,): PSUs, or for an element design people, sampled in each stratum.
    `unsampled` (strata,): the finite population correction 1 - n_sampled / population, 1 without one.
    """

    unit: IntArray
    unit_stratum: IntArray
    cell_stratum: IntArray
    n_sampled: FloatArray
    unsampled: FloatArray
    stratum_names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PatternInfluence:
    """Influence on k statistics of one group, which cells of a pattern share but for a factor.

    `of_pattern` (patterns, k); of each cell its `pattern` and the `factor`, 0 outside the domain (cells,).
    """

    of_pattern: FloatArray
    pattern: IntArray
    factor: FloatArray

    def of_cells(self) -> FloatArray:
        """The influence of each cell, shape (cells, k)."""
        return self.of_pattern[self.pattern] * self.factor[:, None]

    def totals(self, unit: IntArray, weights: FloatArray) -> FloatArray:
        """Weighted sums per unit, shape (units, k), by way of those per unit and pattern."""
        n_units, n_patterns = int(unit.max(initial=-1)) + 1, len(self.of_pattern)
        if len(unit) < MANY_CELLS or n_units * n_patterns > 4 * len(unit):
            return _sums(unit, weights[:, None] * self.of_cells(), n_units)
        place = unit * n_patterns + np.maximum(self.pattern, 0)
        sums = np.bincount(place, weights * self.factor, n_units * n_patterns).reshape(n_units, n_patterns)
        return (sums @ self.of_pattern).astype(np.float64)


def sampling_frame(cells: Cells) -> Frame:
    """The frame of all rows, those of weight 0 too: a PSU whose weights are all 0 was sampled, so it counts in its stratum."""
    table, everyone = cells.table, np.ones(cells.table.height, dtype=np.bool_)
    strata, cell_stratum = index_levels(table, [STRATUM] if cells.design.stratum else [], everyone)
    names = tuple(str(name) for name in strata[STRATUM]) if cells.design.stratum else ("all",)
    if cells.design.samples_elements:
        n_elements = np.bincount(cell_stratum, table[N_SAMPLED].to_numpy(), len(names)).astype(np.float64)
        unsampled = _unsampled(cells, cell_stratum, n_elements, names)
        return Frame(cell_stratum, np.arange(len(names)), cell_stratum, n_elements, unsampled, names)
    psus, unit = index_levels(table, list(cells.design.cell_columns), everyone)
    unit_stratum = np.zeros(psus.height, dtype=np.int64)
    unit_stratum[unit] = cell_stratum
    n_psus = np.bincount(unit_stratum, minlength=len(names)).astype(np.float64)
    return Frame(unit, unit_stratum, cell_stratum, n_psus, _unsampled(cells, cell_stratum, n_psus, names), names)


def _unsampled(cells: Cells, cell_stratum: IntArray, n_sampled: FloatArray, names: tuple[str, ...]) -> FloatArray:
    if cells.design.population is None:
        return np.ones(len(n_sampled))
    population = np.zeros(len(n_sampled))
    population[cell_stratum] = cells.table[N_POPULATION].cast(pl.Float64).to_numpy()
    if too_small := [names[i] for i in np.flatnonzero(population < n_sampled)]:
        raise UnsupportedDesign(
            f"{cells.design.population} is less than the units sampled in strata {', '.join(too_small[:_NAMED_STRATA])}. "
            "It counts the units of the first stage in the population (not a share, nor people where PSUs were sampled).",
            names=too_small,
        )
    unsampled: FloatArray = 1 - n_sampled / population
    return unsampled


def design_degrees_freedom(cells: Cells, frame: Frame, group: IntArray, n_groups: int) -> IntArray:
    """PSUs (element design: people) minus strata, of those that hold members of each group; shape (n_groups,).

    `group` (cells,): the group of each analysed cell, -1 outside. As `degf` in R's survey package and in the NHANES
    tutorials. Of replicate weights: their rank less one.
    """
    if cells.design.replicates is not None:
        return degrees_freedom_of_replicates(cells, cells.design.replicates, group, n_groups)
    inside = group >= 0
    strata = _count_distinct(group[inside], frame.cell_stratum[inside], n_groups)
    if cells.design.samples_elements:
        return np.bincount(group[inside], cells.n[inside], n_groups).astype(np.int64) - strata
    return _count_distinct(group[inside], frame.unit[inside], n_groups) - strata


def taylor_covariance(
    cells: Cells, frame: Frame, influence: FloatArray | PatternInfluence, group: IntArray, n_groups: int = 1
) -> FloatArray:
    """Covariance (k, k) of k statistics: sum over strata of n_h / (n_h - 1) times the scatter of unit totals about their
    mean.

    `influence`: what one unit of weight in a cell adds to each statistic, 0 outside its domain; (cells, k), or a
    PatternInfluence, where all statistics belong to the only group, (cells,) where each group has one statistic, to which its
    cells alone add. `group` (cells,): the group of each analysed cell, -1 outside. Means are over all sampled units, members or
    not (Binder 1983; Woodruff 1971).
    Units are with replacement, or with the design's finite population correction of the first stage.

    NaN belongs to a group whose strata are all lonely where the design says `average`: there is nothing to take the mean of, and
    it has no degrees of freedom. It is the answer to everything where one unit was sampled in all, of more than one: nothing is
    known of how units differ. Raises LonelyPsu where a stratum of one sampled unit holds members and the design says `fail`;
    without strata a single unit is no such stratum, but leaves no degrees of freedom. Raises UnsupportedDesign for replicate
    weights, which say nothing of strata and PSUs.
    """
    if cells.design.replicates is not None:
        raise UnsupportedDesign("This estimate has no variance by replicate weights, and strata and PSUs are not known.")
    present = np.zeros((len(frame.n_sampled), n_groups), dtype=np.bool_)
    present[frame.cell_stratum[group >= 0], group[group >= 0]] = True
    is_lonely = (frame.n_sampled == 1) & (frame.unsampled > 0)
    if cells.design.lonely == "fail" and cells.design.stratum:
        _refuse_lonely(frame, is_lonely & present.any(axis=1))
    if isinstance(influence, PatternInfluence) and cells.design.samples_elements:
        influence = influence.of_cells()
    if frame.n_sampled.sum() == 1 and is_lonely.all():
        n_statistics = _totals(frame.unit, cells.w, influence, group, n_groups).shape[1]
        return np.full((n_statistics, n_statistics), np.nan)
    lonely = is_lonely[:, None] & np.ones(n_groups, dtype=np.bool_)
    if cells.design.adjust_domain_lonely:
        lonely = lonely | (_psus_with_members(frame, group, n_groups) == 1) & (frame.unsampled > 0)[:, None]
    if cells.design.samples_elements and not isinstance(influence, PatternInfluence):
        result = _element_covariance(cells, frame, influence, group, n_groups, is_lonely)
    else:
        result = _cluster_covariance(frame, _totals(frame.unit, cells.w, influence, group, n_groups), lonely, cells.design.lonely)
    if cells.design.lonely == "average":
        root = np.sqrt(_inflation(present, lonely))
        result = result * np.outer(root, root)
    return result


def joint_covariance(cells: Cells, frame: Frame, influence: FloatArray, group: IntArray, of_groups: FloatArray) -> FloatArray:
    """Covariance (k, k) of the groups' statistics where all groups are analysed together, as for a difference of two of them.

    `of_groups` is the answer of taylor_covariance() to the same influence and group: the same, but where what a stratum adds
    depends on who is analysed (svyby with its covariances, then svycontrast, of R's survey package).
    """
    if not cells.design.depends_on_domain:
        return of_groups
    apart = np.zeros((len(group), len(of_groups)))
    inside = np.flatnonzero(group >= 0)
    apart[inside, group[inside]] = influence[inside]
    return taylor_covariance(cells, frame, apart, np.where(group >= 0, 0, -1))


def _cluster_covariance(frame: Frame, totals: FloatArray, lonely: BoolArray, option: LonelyOption) -> FloatArray:
    """`totals` (units, k). `lonely` (strata, groups): per group, as the groups' columns may have other members."""
    means = _sums(frame.unit_stratum, totals, len(frame.n_sampled)) / frame.n_sampled[:, None]
    deviations = totals - means[frame.unit_stratum]
    if lonely.any():
        apart = totals - totals.mean(axis=0) if option == "adjust" else 0.0
        deviations = np.where(lonely[frame.unit_stratum], apart, deviations)
    scaled: FloatArray = (deviations * _scale(frame)[frame.unit_stratum][:, None]).T @ deviations
    return scaled


def _element_covariance(
    cells: Cells, frame: Frame, influence: FloatArray, group: IntArray, n_groups: int, is_lonely: BoolArray
) -> FloatArray:
    totals = _totals(frame.cell_stratum, cells.w, influence, group, n_groups)
    scale = np.where(is_lonely, 0.0, _scale(frame))
    squared = cells.table[SUM_SQUARED_WEIGHTS].to_numpy() * scale[frame.cell_stratum]
    if influence.ndim == 1:
        inside = group >= 0
        squares: FloatArray = np.diag(np.bincount(group[inside], (squared * influence**2)[inside], n_groups)).astype(np.float64)
    else:
        squares = influence.T @ (squared[:, None] * influence)
    result: FloatArray = squares - (totals * (scale / frame.n_sampled)[:, None]).T @ totals
    if cells.design.lonely == "adjust":
        deviations = totals[is_lonely] - totals.sum(axis=0) / frame.n_sampled.sum()
        result = result + (deviations * frame.unsampled[is_lonely][:, None]).T @ deviations
    return result


def _scale(frame: Frame) -> FloatArray:
    """n / (n - 1) times the finite population correction; n / (n - 1) is 1 for a lonely unit."""
    scale: FloatArray = frame.unsampled * frame.n_sampled / np.maximum(frame.n_sampled - 1, 1)
    return scale


def _psus_with_members(frame: Frame, group: IntArray, n_groups: int) -> IntArray:
    """How many PSUs of each stratum hold members of each group, shape (strata, groups)."""
    pairs = np.unique(np.column_stack([frame.unit, group])[group >= 0], axis=0)
    counts = np.zeros((len(frame.n_sampled), n_groups), dtype=np.int64)
    np.add.at(counts, (frame.unit_stratum[pairs[:, 0]], pairs[:, 1]), 1)
    return counts


def _inflation(present: BoolArray, lonely: BoolArray) -> FloatArray:
    """How much more all strata of each group would add than those that are not lonely, shape (groups,); NaN where all are."""
    n_strata, n_lonely = present.sum(axis=0), (present & lonely).sum(axis=0)
    factor: FloatArray = np.where((n_strata == n_lonely) & (n_strata > 0), np.nan, n_strata / np.maximum(n_strata - n_lonely, 1))
    return factor


def _refuse_lonely(frame: Frame, strata: BoolArray) -> None:
    if names := [frame.stratum_names[i] for i in np.flatnonzero(strata)]:
        others = ", and others" if len(names) > _NAMED_STRATA else ""
        raise LonelyPsu(
            f"{len(names)} strata have one sampled unit, so no variance within: {', '.join(names[:_NAMED_STRATA])}{others}. "
            "Join each to a neighbouring stratum, or say lonely_psu: certainty, adjust or average in the source's file.",
            names=names,
        )


def _totals(
    unit: IntArray, weights: FloatArray, influence: FloatArray | PatternInfluence, group: IntArray, n_groups: int
) -> FloatArray:
    """Weighted sums of the influences per unit, shape (units, k)."""
    if isinstance(influence, PatternInfluence):
        return influence.totals(unit, weights)
    n_units = int(unit.max(initial=-1)) + 1
    if influence.ndim == 2:
        return _sums(unit, weights[:, None] * influence, n_units)
    inside = group >= 0
    place = unit[inside] * n_groups + group[inside]
    sums: FloatArray = np.bincount(place, (weights * influence)[inside], n_units * n_groups).astype(np.float64)
    return sums.reshape(n_units, n_groups)


def _sums(unit: IntArray, values: FloatArray, n_units: int) -> FloatArray:
    return np.column_stack([np.bincount(unit, column, n_units) for column in values.T])


def _count_distinct(group: IntArray, unit: IntArray, n_groups: int) -> IntArray:
    stride = int(unit.max(initial=0)) + 1
    return np.bincount(np.unique(group * stride + unit) // stride, minlength=n_groups).astype(np.int64)
