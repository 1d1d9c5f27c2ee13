"""Families of tests: what is adjusted for being several, and how many they are."""

import polars as pl

from pipelines.statistics import adjust_p_values
from pipelines.statistics.multiplicity import AdjustmentMethod

FAMILY = ["wave", "population", "outcome", "model", "hypotheses"]
"""What tests of one family have in common, within a source."""


def with_adjusted_p_values(frame: pl.DataFrame, method: AdjustmentMethod) -> pl.DataFrame:
    """Adjust within each family: the exposures and levels that one model relates to one outcome in one population.

    `hypotheses` of study.yaml parts the exposures; those without it are one family.
    """
    if "p_value" not in frame.columns:
        return frame
    frame = frame.with_row_index("row")
    families = frame.drop_nulls("p_value").partition_by(FAMILY, maintain_order=True)
    adjusted = [
        family.select(
            "row",
            pl.Series("p_value_adjusted", adjust_p_values(family["p_value"].to_list(), method=method)),
            p_value_family=pl.lit(_members(family)),
            p_value_family_size=pl.lit(family.height, pl.Int64),
        )
        for family in families
    ]
    named = frame.with_columns(multiple_testing=pl.when(pl.col("p_value").is_not_null()).then(pl.lit(method)))
    if not adjusted:
        return named.drop("row")
    return named.join(pl.concat(adjusted), on="row", how="left").drop("row")


def _members(family: pl.DataFrame) -> str:
    """The tests of one family in words: the model and wave that they share, and each comparison."""
    first = family.row(0, named=True)
    comparisons = [f"{row['exposure']} {row['exposure_level']}" for row in family.iter_rows(named=True)]
    return f"{first['model']}, {first['wave']}: {', '.join(sorted(comparisons))}"
