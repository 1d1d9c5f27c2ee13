"""Replicate variance: an estimate is made again under each set of replicate weights, and its scatter is its covariance.

Only factors per PSU: then the weight of a cell in a replicate is its weight times the factor of its PSU. Replicate weights
that differ within a PSU (after calibration, or of a file that ships them row by row) need the rows and are refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl

from pipelines.statistics.design import PSU, STRATUM, Cells, FloatArray
from pipelines.statistics.errors import InvalidArgument, UnsupportedDesign
from pipelines.statistics.replicate_weights import ReplicateWeights, covariance_of_replicates
from pipelines.statistics.variance import Frame, sampling_frame

ReplicateMethod = Literal["brr", "fay", "jk1", "jkn", "bootstrap"]

REPLICATE, FACTOR = "replicate", "factor"


@dataclass(frozen=True, eq=False)
class Replicates:
    """Factors that multiply the weights of each PSU in each replicate, and the method that says how much each one counts.

    `factors`: one row per PSU and replicate; columns `stratum` and `psu` where the design has them (with their values in the
    relation), `replicate`, `factor` (0 and above). The covariance is sum of c_r (t_r - centre)(t_r - centre)', centre the mean
    of the replicates, with `mse` the estimate of the whole sample. c_r: brr 1 / R; fay 1 / (R (1 - rho)^2) with `fay_rho`;
    jk1 (R - 1) / R; jkn (n_h - 1) / n_h of the stratum whose PSU is left out; bootstrap 1 / (R - 1). `scale` replaces c_r
    where a survey documents another. Raises InvalidArgument.
    """

    method: ReplicateMethod
    factors: pl.DataFrame
    fay_rho: float = 0.0
    mse: bool = False
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.method not in get_args(ReplicateMethod):
            raise InvalidArgument(f"method must be one of {', '.join(get_args(ReplicateMethod))}, not {self.method!r}.")
        if absent := [name for name in (REPLICATE, FACTOR) if name not in self.factors.columns]:
            raise InvalidArgument(f"The replicate factors lack the column {', '.join(absent)}.", names=absent)
        if not 0 <= self.fay_rho < 1 or (self.fay_rho > 0) != (self.method == "fay"):
            raise InvalidArgument(f"fay needs a fay_rho between 0 and 1, other methods none; {self.method} has {self.fay_rho}.")
        values = self.factors[FACTOR].cast(pl.Float64)
        if values.null_count() or not values.is_finite().all() or bool((values < 0).any()):
            raise InvalidArgument("Replicate factors are finite and not below 0; NULL is none.", names=[FACTOR])


def jackknife(cells: Cells, *, mse: bool = False) -> Replicates:
    """Leave out one PSU at a time: jkn where the design has strata, jk1 where it has none.

    The other PSUs of the stratum (jk1: of the sample) are weighted up by n / (n - 1). Raises UnsupportedDesign for an element
    design or a stratum with one PSU.
    """
    _require_psus(cells)
    frame = sampling_frame(cells)
    if (frame.n_sampled < 2).any():
        names = [frame.stratum_names[i] for i in np.flatnonzero(frame.n_sampled < 2)]
        raise UnsupportedDesign(f"Strata with one PSU cannot lose it: {', '.join(names)}. Join strata first.", names=names)
    n_psus = frame.n_sampled[frame.unit_stratum]
    same_stratum = frame.unit_stratum[:, None] == frame.unit_stratum[None, :]
    factor = np.where(same_stratum, (n_psus / (n_psus - 1))[None, :], 1.0)
    np.fill_diagonal(factor, 0.0)
    units = _units(cells, frame)
    table = pl.concat(
        [units.with_columns(pl.lit(r).alias(REPLICATE), pl.Series(FACTOR, factor[:, r])) for r in range(len(factor))]
    )
    return Replicates("jk1" if cells.design.stratum is None else "jkn", table, mse=mse)


def replicate_covariance(
    cells: Cells,
    replicates: Replicates | ReplicateWeights,
    estimate: FloatArray,
    estimate_again: Callable[[FloatArray], FloatArray],
) -> FloatArray:
    """Covariance (k, k) of `estimate` (k,). `estimate_again` makes it from other weights of the cells, shape (cells,).

    Raises UnsupportedDesign where factors do not fit the PSUs of the cells, or a replicate has no estimate; of the replicate
    weights of a design, what has none in some replicate is NaN.
    """
    if isinstance(replicates, ReplicateWeights):
        return covariance_of_replicates(cells, replicates, estimate, estimate_again)
    _require_psus(cells)
    frame = sampling_frame(cells)
    factors = _factor_matrix(cells, frame, replicates)
    again = np.array([estimate_again(cells.w * column[frame.unit]) for column in factors.T])
    if n_lost := int((~np.isfinite(again).all(axis=1)).sum()):
        raise UnsupportedDesign(
            f"{n_lost} of {len(again)} replicates have no estimate: somewhere nobody with a known outcome keeps a weight. "
            "Widen the domain, or use Taylor variance."
        )
    deviations = again - (estimate if replicates.mse else again.mean(axis=0))
    covariance: FloatArray = (deviations * _importance(factors, frame, replicates)[:, None]).T @ deviations
    return covariance


def _importance(factors: FloatArray, frame: Frame, replicates: Replicates) -> FloatArray:
    """c_r of each replicate, shape (R,)."""
    n = factors.shape[1]
    if replicates.scale is not None:
        return np.full(n, replicates.scale)
    if replicates.method == "jkn":
        is_out = factors == 0
        if not (is_out.sum(axis=0) == 1).all():
            raise UnsupportedDesign("Every jkn replicate leaves out one PSU, with a factor of 0. Is it another method?")
        n_psus = frame.n_sampled[frame.unit_stratum[is_out.argmax(axis=0)]]
        importance: FloatArray = (n_psus - 1) / n_psus
        return importance
    scale = {"brr": 1 / n, "fay": 1 / (n * (1 - replicates.fay_rho) ** 2), "jk1": (n - 1) / n, "bootstrap": 1 / max(n - 1, 1)}
    return np.full(n, scale[replicates.method])


def _factor_matrix(cells: Cells, frame: Frame, replicates: Replicates) -> FloatArray:
    """Factors (units, R) in the order of the frame's units."""
    columns = list(cells.design.cell_columns)
    if absent := [name for name in columns if name not in replicates.factors.columns]:
        raise UnsupportedDesign(f"The replicate factors lack the design's {', '.join(absent)}.", names=absent)
    units = _units(cells, frame)
    for name in columns:
        if replicates.factors[name].dtype.is_numeric() != units[name].dtype.is_numeric():
            raise UnsupportedDesign(f"{name} has another type in the replicate factors than in the relation.", names=[name])
    typed = replicates.factors.with_columns(pl.col(name).cast(units[name].dtype) for name in columns)
    wide = typed.pivot(on=REPLICATE, index=columns, values=FACTOR, aggregate_function="len", sort_columns=False)
    if wide.select(pl.exclude(columns)).to_numpy().max(initial=0) > 1:
        raise UnsupportedDesign("A PSU has several factors in one replicate: replicate weights by row are not supported.")
    wide = typed.pivot(on=REPLICATE, index=columns, values=FACTOR, aggregate_function="first", sort_columns=False)
    matched = units.join(wide, on=columns, how="left", maintain_order="left").select(pl.exclude(columns))
    if n_missing := int(matched.select(pl.any_horizontal(pl.all().is_null()).sum()).item()):
        raise UnsupportedDesign(f"{n_missing} of {len(units)} PSUs have no factor in some replicate.")
    return matched.to_numpy().astype(np.float64)


def _units(cells: Cells, frame: Frame) -> pl.DataFrame:
    """The PSUs' stratum and psu in the order of the frame's units."""
    first_cell = np.unique(frame.unit, return_index=True)[1]
    return cells.table.select(name for name in (STRATUM, PSU) if name in cells.design.cell_columns)[first_cell]


def _require_psus(cells: Cells) -> None:
    if cells.design.replicates is not None:
        raise UnsupportedDesign("The design has replicate weights already, and its PSUs are not known.")
    if cells.design.population is not None:
        raise UnsupportedDesign("Replicate factors carry their own finite population correction; take population off the design.")
    if cells.design.samples_elements:
        raise UnsupportedDesign("Replicate variance needs PSUs: the design has none, or its replicate weights are per row.")
