"""What hiding a unit does to its row: numbers become NULL, and the row says that disclosure control did it, never which rule."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from pipelines.disclosure.model import FOUR_CELLS, TRENDS, Unit, UnitName
from pipelines.estimates.prevalence import ALL_AGES, NOT_SHOWN

HIDDEN = "disclosure control: a count is too small, or would give a small one away"
"""The same for every hidden row: it must not tell small counts from those that go to protect them."""

MISSING_HIDDEN = "n_missing: disclosure control"
CELLS_HIDDEN = "the four cells: disclosure control"

MISSING = ("n_missing", "missing_weight_share")

KEPT = frozenset(
    {"source", "wave", "population", "outcome", "age_band", "sex", "exposure", "exposure_level", "reference_level", "model"}
    | {"standard_population", "variable", "adjusted_for", "confidence_level", "degrees_freedom_rule", "weight", "is_synthetic"}
    | {"presentation", "presentation_reason", "is_suppressed", *MISSING}
)
"""Columns that stay in a hidden row: keys, and what is said of a row beside its numbers. Any other column goes."""

BANDS = ("report.prevalence_by_age_band", "report.prevalence_by_age_band_and_sex")
STANDARDISED = "report.prevalence_age_standardised"


def with_hidden(tables: Mapping[str, pl.DataFrame], units: Sequence[Unit], hidden: Iterable[int]) -> dict[str, pl.DataFrame]:
    """The tables without the numbers of the hidden units, and without the estimates that are made of them."""
    rows: dict[tuple[str, UnitName], set[int]] = {}
    for number in hidden:
        unit = units[number]
        rows.setdefault((unit.table, unit.name), set()).add(unit.row)
        if unit.name == "cells" and (unit.is_small or _is_made_of_its_cells(tables[unit.table], unit.row)):
            rows.setdefault((unit.table, "answers"), set()).add(unit.row)
    for name in (STANDARDISED, TRENDS):
        rows.setdefault((name, "answers"), set()).update(_made_of_hidden_bands(tables, rows, name))
    return {
        name: _without(table, *(rows.get((name, part), set()) for part in ("answers", "missing", "cells")))
        for name, table in tables.items()
    }


def _is_made_of_its_cells(table: pl.DataFrame, row: int) -> bool:
    """A crude odds ratio without weights is a formula of its four cells; where it failed, the reason may tell of them."""
    found = table.row(row, named=True)
    return found["odds_ratio"] is None or (found["weight"] is None and (found["model"] == "crude" or not found["adjusted_for"]))


def _made_of_hidden_bands(
    tables: Mapping[str, pl.DataFrame], rows: Mapping[tuple[str, UnitName], set[int]], name: str
) -> list[int]:
    """Rows without weights, whose estimates are formulas of counts by age of which some are hidden."""
    gone = {
        tables[bands].row(row, named=True)["outcome"]
        for bands in BANDS
        for row in rows.get((bands, "answers"), ())
        if tables[bands].row(row, named=True)["age_band"] != ALL_AGES
    }
    if name not in tables:
        return []
    return [
        number
        for number, row in enumerate(tables[name].iter_rows(named=True))
        if row["weight"] is None and row["outcome"] in gone
    ]


def _without(table: pl.DataFrame, answers: set[int], missing: set[int], cells: set[int]) -> pl.DataFrame:
    row = pl.int_range(pl.len())
    is_hidden, is_missing_hidden, are_cells_hidden = (row.is_in(sorted(rows)) for rows in (answers, missing, cells))
    parts = (
        ([name for name in table.columns if name not in KEPT], is_hidden),
        ([name for name in MISSING if name in table.columns], is_missing_hidden),
        ([name for name in FOUR_CELLS if name in table.columns], are_cells_hidden),
    )
    numbers: dict[str, pl.Expr] = {}
    for names, condition in parts:
        numbers |= {name: pl.when(~condition).then(numbers.get(name, pl.col(name))) for name in names}
    reasons = pl.concat_str(
        pl.when(is_hidden).then(pl.lit(HIDDEN)).otherwise(pl.col("presentation_reason")),
        pl.when(are_cells_hidden & ~is_hidden).then(pl.lit(CELLS_HIDDEN)),
        pl.when(is_missing_hidden).then(pl.lit(MISSING_HIDDEN)),
        separator="; ",
        ignore_nulls=True,
    )
    return table.with_columns(
        *(expression.alias(name) for name, expression in numbers.items()),
        presentation=pl.when(is_hidden).then(pl.lit(NOT_SHOWN)).otherwise(pl.col("presentation")),
        presentation_reason=pl.when(is_hidden | is_missing_hidden | are_cells_hidden)
        .then(reasons)
        .otherwise(pl.col("presentation_reason")),
        is_suppressed=pl.col("is_suppressed") | is_hidden | is_missing_hidden | are_cells_hidden,
    )
