"""Variance by the replicate weights that a survey was published with, in the place of its strata and PSUs.

People whose weights move alike in all replicates are one unit, so that cells stay few; replicate weights that differ from person
to person, as after calibration, make every person a unit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pipelines.statistics.design import Cells, FloatArray, IntArray
from pipelines.statistics.errors import InvalidArgument, UnsupportedDesign

RANK_TOLERANCE = 1e-5
"""Of R's qr() in degf(): a replicate is a combination of those before it where less than this share of its length is left."""

NOBODY_IN_A_REPLICATE = "in some replicate nobody of it keeps a weight, so that its variance is not known"


def importance_of(
    method: str, n: int, *, fay_rho: float | None = None, scale: float | None = None, rscales: Sequence[float] | None = None
) -> FloatArray:
    """c_r of n replicates, shape (n,): the scale times the number of each (`rscales`, 1 where there are none).

    Scales where none is given: brr 1 / n, fay 1 / (n (1 - rho)^2), jk1 (n - 1) / n, jkn 1, bootstrap 1 / (n - 1),
    successive_difference 4 / n; other methods have none. As svrepdesign of R's survey package. Raises InvalidArgument.
    """
    scales = {
        "brr": 1 / n,
        "fay": 1 / (n * (1 - (fay_rho or 0)) ** 2),
        "jk1": (n - 1) / n,
        "jkn": 1.0,
        "bootstrap": 1 / max(n - 1, 1),
        "successive_difference": 4 / n,
    }
    found = scales.get(method) if scale is None else scale
    if found is None:
        raise InvalidArgument(f"Replicate weights of method {method} need a scale.")
    if rscales is not None and len(rscales) != n:
        raise InvalidArgument(f"There are {len(rscales)} rscales for {n} replicates.")
    return found * (np.ones(n) if rscales is None else np.asarray(rscales, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class ReplicateWeights:
    """What multiplies the weights of each unit in each replicate, and how much each replicate counts.

    `factors` (units, R): row u belongs to the cells whose `psu` is u. `importance` (R,): c_r of the covariance, the sum of
    c_r (t_r - centre)(t_r - centre)'; centre is the estimate of the whole sample (`around_estimate`) or the mean of the
    replicates. `degrees_freedom`: what the survey documents; those of an estimate are never more. Raises InvalidArgument.
    """

    factors: FloatArray
    importance: FloatArray
    around_estimate: bool
    degrees_freedom: int | None = None
    _ranks: dict[bytes, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.factors.ndim != 2 or self.factors.shape[1] != len(self.importance) or len(self.importance) < 2:
            raise InvalidArgument("Replicate weights are two or more a person, each with its share of the variance.")
        if not np.isfinite(self.factors).all() or not (np.isfinite(self.importance) & (self.importance >= 0)).all():
            raise InvalidArgument("Replicate weights and their shares of the variance are finite, and no share is below 0.")

    @cached_property
    def n(self) -> int:
        """How many replicates there are."""
        return len(self.importance)

    def rank(self, units: IntArray) -> int:
        """The rank of the replicate weights of some units (their numbers), as R's degf() counts it."""
        present = np.zeros(len(self.factors), dtype=np.bool_)
        present[units] = True
        key = np.packbits(present).tobytes()
        if key not in self._ranks:
            held = self.factors[present]
            self._ranks[key] = _rank(held.T @ held)
        return self._ranks[key]


def _rank(gram: FloatArray) -> int:
    """Of columns whose inner products are given (k, k): each is taken unless those before it leave next to nothing of it."""
    kept = np.zeros((0, len(gram)))
    for j in range(len(gram)):
        left = gram[j] - kept[:, j] @ kept
        if gram[j, j] > 0 and left[j] > RANK_TOLERANCE**2 * gram[j, j]:
            kept = np.vstack([kept, left / np.sqrt(left[j])])
    return len(kept)


def degrees_freedom_of_replicates(cells: Cells, replicates: ReplicateWeights, group: IntArray, n_groups: int) -> IntArray:
    """The rank of the replicate weights of each group less one, and not more than is documented; shape (n_groups,).

    `group` (cells,): the group of each analysed cell, -1 outside. As degf() of a subset of a replicate design in R's survey
    package, but for the documented ones, which it forgets in a subset.
    """
    unit = units_of(cells)
    found = np.array([replicates.rank(np.unique(unit[group == i])) - 1 for i in range(n_groups)], dtype=np.int64)
    found = np.maximum(found, 0)
    return found if replicates.degrees_freedom is None else np.minimum(found, replicates.degrees_freedom)


def units_of(cells: Cells) -> IntArray:
    """The unit of each cell, shape (cells,)."""
    return cells.table["psu"].to_numpy().astype(np.int64)


def covariance_of_replicates(
    cells: Cells, replicates: ReplicateWeights, estimate: FloatArray, estimate_again: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Covariance (k, k) of `estimate` (k,). `estimate_again` makes it from other weights of the cells, shape (cells,).

    What some replicate has no estimate of (NaN), though it counts, has no covariance: NaN.
    """
    unit = units_of(cells)
    counting = np.flatnonzero(replicates.importance > 0)
    if not len(counting):
        raise UnsupportedDesign("No replicate has a share of the variance.")
    again = np.array([estimate_again(cells.w * replicates.factors[unit, r]) for r in counting])
    deviations = again - (estimate if replicates.around_estimate else again.mean(axis=0))
    known = np.isfinite(deviations).all(axis=0)
    usable = np.where(known, deviations, 0.0)
    covariance: FloatArray = (usable * replicates.importance[counting][:, None]).T @ usable
    covariance[~known, :] = covariance[:, ~known] = np.nan
    return covariance
