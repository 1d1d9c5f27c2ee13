"""How a variable enters a model: as an adjuster by groups or as a number in a declared form, as an exposure in steps."""

from collections.abc import Sequence

import polars as pl

from pipelines.project.study import Adjustment, Exposure, Study
from pipelines.statistics import Cells, Numeric


def described(study: Study, adjusters: Sequence[str]) -> str | None:
    """The adjusters as the report names them, numbers with their form."""
    return ", ".join(_described(name, study.adjustment[name]) for name in adjusters) or None


def as_numbers(cells: Cells, study: Study, adjusters: Sequence[str]) -> tuple[Cells, list[Numeric]]:
    """The cells with the columns that the declared forms need, and a term for each column; adjusters by groups are left out.

    `linear`: x. `quadratic`: x and its square. `spline`: the restricted cubic (natural) spline, linear beyond the outermost of
    its knots, by truncated powers (Harrell 2015, section 2.4.5): as many columns as knots, less one.
    """
    columns = {name: expression for name in adjusters for name, expression in _columns(name, study.adjustment[name]).items()}
    return Cells(cells.table.with_columns(**columns), cells.design), [
        Numeric(column)
        for name in adjusters
        if study.adjustment[name].form
        for column in (name, *_columns(name, study.adjustment[name]))
    ]


def in_steps(cells: Cells, name: str, exposure: Exposure) -> Cells:
    """The cells with a number counted in steps of `per` units, so that its coefficient is that of a step."""
    return Cells(cells.table.with_columns(pl.col(name).cast(pl.Float64) / exposure.per), cells.design)


def _described(name: str, adjustment: Adjustment) -> str:
    if adjustment.form == "quadratic":
        return f"{name} (with its square)"
    if adjustment.form == "spline":
        knots = " ".join(f"{knot:g}" for knot in adjustment.knots)
        return f"{name} (restricted cubic spline with knots {knots})"
    return f"{name} (linear)" if adjustment.form else name


def _columns(name: str, adjustment: Adjustment) -> dict[str, pl.Expr]:
    """The columns beside the variable itself."""
    x = pl.col(name).cast(pl.Float64)
    if adjustment.form == "quadratic":
        return {f"{name} squared": x**2}
    if adjustment.form == "spline":
        return {f"{name} spline {j}": _spline(x, adjustment.knots, j) for j in range(1, len(adjustment.knots) - 1)}
    return {}


def _spline(x: pl.Expr, knots: Sequence[float], j: int) -> pl.Expr:
    first, knot, before_last, last = knots[0], knots[j - 1], knots[-2], knots[-1]
    width = last - before_last
    return (
        _cube(x, knot) - _cube(x, before_last) * ((last - knot) / width) + _cube(x, last) * ((before_last - knot) / width)
    ) / (last - first) ** 2


def _cube(x: pl.Expr, knot: float) -> pl.Expr:
    return (x - knot).clip(lower_bound=0.0) ** 3
