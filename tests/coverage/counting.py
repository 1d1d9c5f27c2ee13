"""Which planted values lie in their intervals, and how many may miss by chance."""

import math
from collections.abc import Mapping, Sequence

import polars as pl

from pipelines.making.engine import bind_frame, bind_objects, engine
from pipelines.project.project import Project

NOMINAL = 0.95

STANDARD_ERRORS = 3
"""Monte Carlo standard errors under the nominal coverage at which a count is too low: one count in 740 is by chance."""

VALUE = ["measure", "population", "outcome", "age_band", "exposure", "exposure_level", "model", "planted"]

Estimates = Mapping[str, pl.DataFrame]
"""Report table -> its rows for one delivery."""


def least_covered(n_deliveries: int) -> int:
    """The smallest number of intervals, of as many independent deliveries, that may hold the planted value."""
    return math.ceil(n_deliveries * NOMINAL - STANDARD_ERRORS * math.sqrt(n_deliveries * NOMINAL * (1 - NOMINAL)))


def compared(project: Project, planted_table: str, planted: pl.DataFrame, deliveries: Sequence[Estimates]) -> pl.DataFrame:
    """The rows of report.planted_truth for deliveries that share their planted values; `wave` is the number of the delivery."""
    numbers = [pl.lit(str(number)).alias("wave") for number in range(len(deliveries))]
    frames = {f"raw.{planted_table}": pl.concat(planted.with_columns(number) for number in numbers)}
    for table in deliveries[0]:
        found = [estimates[table].with_columns(number) for number, estimates in zip(numbers, deliveries, strict=True)]
        if found[0].width > 1:
            frames[table] = pl.concat(found, how="diagonal_relaxed")
    select = project.selects["report.planted_truth"]
    with engine(project.settings) as connection:
        for table in select.reads:
            schema, name = table.split(".")
            if table in frames:
                bind_frame(connection, schema, name, frames[table])
            else:
                bind_objects(connection, project.contracts[table], [])
        return connection.sql(select.text).pl()


def by_value(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per planted value: in how many deliveries its interval held it."""
    return (
        rows.group_by(VALUE)
        .agg(
            n_deliveries=pl.len(),
            n_covered=pl.col("is_covered").sum(),
            share_covered=pl.col("is_covered").mean(),
            median_estimate=pl.col("estimate").median(),
        )
        .sort(VALUE)
    )


def by_kind(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per measure and model: the share of all intervals that held their value.

    `monte_carlo_se` is that of the deliveries' shares, because the estimates from one delivery depend on one another.
    `is_enough`: the share is not more than STANDARD_ERRORS of them under the nominal one.
    """
    error = pl.col("is_covered").std() / pl.len().sqrt()
    return (
        rows.group_by("wave", "measure", "model")
        .agg(pl.col("is_covered").mean())
        .group_by("measure", "model")
        .agg(n_deliveries=pl.len(), share_covered=pl.col("is_covered").mean(), monte_carlo_se=error)
        .with_columns(is_enough=pl.col("share_covered") >= NOMINAL - STANDARD_ERRORS * pl.col("monte_carlo_se"))
        .sort("measure", "model")
    )
