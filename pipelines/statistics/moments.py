"""A number of many people added up: its mean and squares in a cell, in place of a cell for each value.

Values are added as parts `z = (x - middle) / reach` of the half of their range, from -1 to 1, each times the person's weight in
billionths and in whole units. Such sums do not hang on the order of adding, are no larger than the sum of the weights, and keep
their digits where values lie far from 0 (Chan, Golub and LeVeque 1983 on shifted data).
"""

from dataclasses import dataclass

import duckdb
import polars as pl

from pipelines.statistics.design import SQUARES_WITHIN

FIRST, SECOND, UNITS = "first_moment", "second_moment", "units_of_number"
"""Columns of sums: of z and of its square, each times the weight, and of the weight, of people whose value is known."""

BILLION = 1e9


@dataclass(frozen=True)
class Scale:
    """The middle of the range of a number, and half its width."""

    middle: float
    reach: float

    def parts(self, units: str, x: str) -> tuple[str, str]:
        """SQL of what a person adds to FIRST and to SECOND; `units`: SQL of their weight in billionths, `x`: of their value."""
        z = f"((cast({x} as double) - cast('{self.middle!r}' as double)) / cast('{self.reach!r}' as double))"
        return f"cast({units} * {z} as bigint)", f"cast({units} * ({z} * {z}) as bigint)"


@dataclass(frozen=True)
class Measured:
    """A number that is added up: the name of its column, and on which scale."""

    name: str
    scale: Scale


def scale_of(con: duckdb.DuckDBPyConnection, relation: str, number: str) -> Scale | None:
    """The scale of a number (SQL of a numeric column) of a relation; None where a value is not finite."""
    x = f"cast({number} as double)"
    counted = f"min({x}), max({x}), count(*) filter (where not isfinite({x}))"
    [(low, high, n_not_finite)] = con.sql(f"select {counted} from {relation}").fetchall()
    if n_not_finite:
        return None
    if low is None:
        return Scale(0.0, 1.0)
    middle = low / 2 + high / 2
    reach = max(high - middle, middle - low)
    return Scale(middle, reach or 1.0)


def with_means(table: pl.DataFrame, measured: Measured) -> pl.DataFrame:
    """Cells with the mean of the number in the place of whether it is known, and SQUARES_WITHIN in that of the sums."""
    scale, units = measured.scale, pl.col(UNITS).cast(pl.Float64)
    first, second = (pl.col(name).cast(pl.Float64) for name in (FIRST, SECOND))
    is_known = pl.col(measured.name).is_not_null() & (units > 0)
    squares = (second - first * first / units).clip(lower_bound=0.0) * (scale.reach * scale.reach / BILLION)
    return table.with_columns(
        pl.when(is_known).then(scale.middle + scale.reach * (first / units)).alias(measured.name),
        pl.when(is_known).then(squares).otherwise(0.0).alias(SQUARES_WITHIN),
    ).drop(FIRST, SECOND, UNITS)
