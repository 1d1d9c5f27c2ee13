"""Mantel-Haenszel odds ratios of an unweighted source, stratified by the adjustment variables."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from pipelines.project.respondents import FOUR_CELLS
from pipelines.statistics import StatsError, mantel_haenszel

Row = dict[str, Any]


def mantel_haenszel_estimates(
    exposed: pl.DataFrame, unexposed: pl.DataFrame, outcome: str, adjusters: Sequence[str], confidence_level: float
) -> Row | str:
    """The common odds ratio over the strata of the adjusters, or why there is none.

    `exposed` and `unexposed` are complete cells (columns `outcome`, the adjusters, `n`); without adjusters all are one stratum.
    """
    parts = [(group, is_case) for group in (exposed, unexposed) for is_case in (True, False)]
    counts = {name: group.filter(pl.col(outcome) == is_case) for name, (group, is_case) in zip(FOUR_CELLS, parts, strict=True)}
    long = pl.concat(group.select(*adjusters, pl.lit(name).alias("cell"), "n") for name, group in counts.items())
    strata = long.group_by(adjusters or [pl.lit(0).alias("stratum")], maintain_order=True).agg(
        pl.col("n").filter(pl.col("cell") == name).sum().alias(name) for name in FOUR_CELLS
    )
    try:
        common = mantel_haenszel(**{name: strata[name].to_numpy() for name in FOUR_CELLS}, confidence_level=confidence_level)
    except StatsError as error:
        return str(error)
    if common.odds_ratio is None or common.lower is None or common.upper is None:
        return common.reason or "the strata give no odds ratio"
    return {
        "odds_ratio": common.odds_ratio,
        "odds_ratio_lower": common.lower,
        "odds_ratio_upper": common.upper,
        "p_value": common.p_value,
        "method": "Mantel-Haenszel, interval of Robins, Breslow and Greenland, complete cases",
    }
