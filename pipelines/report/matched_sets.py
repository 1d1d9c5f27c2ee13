"""The people of a matched case-control source, and the sets among them that say something about an exposure."""

import numpy as np
import polars as pl

from pipelines.machine.quoting import identifier, literal
from pipelines.making.design import unless_blank
from pipelines.project.respondents import FOUR_CELLS
from pipelines.report.estimation import Estimation
from pipelines.report.respondents import Scope


def fewest_speaking(estimation: Estimation, scope: Scope, exposure: str, population: str) -> int | None:
    """The fewest informative sets, or people who could have been other ones in one direction, that a matched odds ratio rests on.

    None for pairs, whose counts follow from their odds ratio and cells.
    """
    analysed, are_pairs = in_whole_sets(people_of(estimation, scope, exposure, population))
    if are_pairs:
        return None
    tables = tables_of_informative_sets(analysed)
    return min(tables.height, *in_each_direction(tables))


def people_of(estimation: Estimation, scope: Scope, exposure: str, population: str) -> pl.DataFrame:
    """The members of a population: `wave`, `matched_set`, `is_case` and `is_exposed`, in an order that does not change."""
    waves = ", ".join(literal(wave) for wave in scope.waves)
    estimation.columns_read.update({"wave", "matched_set", "is_case", exposure}, estimation.population_variables(population))
    return estimation.connection.sql(
        f"select wave, {unless_blank('matched_set')} as matched_set, is_case, {identifier(exposure)} as is_exposed "
        f"from {estimation.respondents} "
        f"where wave in ({waves}) and ({estimation.study.populations[population].where}) order by all"
    ).pl()


def in_whole_sets(people: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Those of the people whose sets are whole and whose exposure is known, and whether all sets are pairs."""
    of_set = ["wave", "matched_set"]
    sets = (
        people.drop_nulls("matched_set")
        .group_by(of_set)
        .agg(
            n=pl.len(),
            n_cases=pl.col("is_case").sum(),
            is_status_known=pl.col("is_case").is_not_null().all(),
            is_exposure_known=pl.col("is_exposed").is_not_null().all(),
        )
    )
    whole = sets.filter("is_status_known", pl.col("n_cases") > 0, pl.col("n_cases") < pl.col("n"))
    are_pairs = not whole.is_empty() and whole["n"].max() == 2
    if are_pairs:
        whole = whole.filter("is_exposure_known")
    analysed = people.join(whole, on=of_set, how="semi").drop_nulls("is_exposed").sort(*of_set, "is_case", "is_exposed")
    return analysed, are_pairs


def tables_of_informative_sets(analysed: pl.DataFrame) -> pl.DataFrame:
    """FOUR_CELLS of each set in which both the status and the exposure vary."""
    exposed, case = pl.col("is_exposed"), pl.col("is_case")
    kinds = (exposed & case, exposed & ~case, ~exposed & case, ~exposed & ~case)
    counted = analysed.group_by("wave", "matched_set", maintain_order=True).agg(
        kind.sum().cast(pl.Int64).alias(cell) for cell, kind in zip(FOUR_CELLS, kinds, strict=True)
    )
    a, b, c, d = (pl.col(cell) for cell in FOUR_CELLS)
    return counted.filter(a + b > 0, c + d > 0, a + c > 0, b + d > 0)


def in_each_direction(tables: pl.DataFrame) -> tuple[int, int]:
    """How many of the exposed cases could have been fewer, and more, with the same margins in every set."""
    a, b, c, d = (tables[cell].to_numpy() for cell in FOUR_CELLS)
    return int(np.minimum(a, d).sum()), int(np.minimum(b, c).sum())
