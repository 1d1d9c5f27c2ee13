"""Adjusted p-values of a family from its public rows alone."""

import polars as pl

from pipelines.report.families import FAMILY, with_adjusted_p_values

OF_FAMILY = ("p_value_adjusted", "p_value_family", "p_value_family_size")


def with_public_families(table: pl.DataFrame, is_hidden: pl.Expr) -> pl.DataFrame:
    """Rows of report.odds_ratios with p-values adjusted by those that are shown; `is_hidden`: the rows that were hidden.

    A hidden row counts as a test with a p-value of 1, whatever it had, and whether it had one: it takes up a place in the family
    and no more. So nothing of it is in the numbers of the others. By every method of adjust_p_values the adjusted p-values are
    those of the whole family or larger; in a family of which nothing is hidden they are the same.
    """
    methods = table["multiple_testing"].drop_nulls().unique().to_list() if "multiple_testing" in table.columns else []
    if len(methods) != 1 or not {"p_value", *OF_FAMILY, *FAMILY} <= set(table.columns):
        return table
    placed = table.drop(OF_FAMILY).with_columns(
        p_value=pl.when(is_hidden).then(1.0).otherwise(pl.col("p_value")), number=pl.int_range(pl.len())
    )
    adjusted = with_adjusted_p_values(placed, methods[0]).sort("number")
    if not set(OF_FAMILY) <= set(adjusted.columns):
        return table
    is_told = table["p_value"].is_not_null() & ~table.select(is_hidden).to_series()
    return table.with_columns(
        adjusted[name].zip_with(is_told, pl.Series([None], dtype=adjusted.schema[name])).cast(table.schema[name])
        for name in OF_FAMILY
    )
