"""What hiding a unit does to its row: numbers become NULL, and the row says that disclosure control did it, never which rule."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import polars as pl

from pipelines.project.respondents import FOUR_CELLS
from pipelines.release.disclosure.families import with_public_families
from pipelines.release.disclosure.model import ODDS_RATIOS, TRENDS, Row, Unit, UnitName
from pipelines.release.disclosure.register import columns_of, unknown_columns
from pipelines.release.disclosure.sampling import Sampling, with_public_spread
from pipelines.release.disclosure.words import with_told_reasons
from pipelines.report.verdicts import IN_ONE_CELL, NOT_SHOWN

HIDDEN = "disclosure control: a count is too small, or would give a small one away"
"""The same for every hidden row: it must not tell small counts from those that go to protect them."""

MISSING_HIDDEN = "n_missing: disclosure control"
CELLS_HIDDEN = "the four cells: disclosure control"
DEGREES_HIDDEN = "degrees_freedom: disclosure control, and intervals and p-values as with fewer"

BANDS = ("report.prevalence_by_age_band", "report.prevalence_by_age_band_and_sex")
STANDARDISED = "report.prevalence_age_standardised"

Rows = Mapping[tuple[str, UnitName], set[int]]


def with_hidden(
    tables: Mapping[str, pl.DataFrame],
    units: Sequence[Unit],
    hidden: Iterable[int],
    sampling: Sampling | None = None,
    kept_back: Collection[int] = (),
) -> dict[str, pl.DataFrame]:
    """The tables without the numbers of the hidden units, and without the estimates that are made of them.

    `kept_back`: those of the hidden units that an earlier release would give away; nothing of their rows is shown anew, be it an
    estimate, which moves with each person. Rows with one of the equal weights of `sampling` are formulas of counts like rows
    without weights.
    """
    sampling = sampling or Sampling()
    unweighted = {None, *sampling.equal_weights}
    rows: dict[tuple[str, UnitName], set[int]] = {}
    for number in hidden:
        unit = units[number]
        rows.setdefault((unit.table, unit.name), set()).add(unit.row)
        if unit.name == "cells" and (unit.is_small or _tells_its_cells(tables[unit.table].row(unit.row, named=True), unweighted)):
            rows.setdefault((unit.table, "answers"), set()).add(unit.row)
    for unit in (units[number] for number in kept_back):
        rows.setdefault((unit.table, "answers"), set()).add(unit.row)
    for name in (STANDARDISED, TRENDS):
        rows.setdefault((name, "answers"), set()).update(_made_of_hidden_bands(tables, rows, name, unweighted))
    public = {}
    for name, table in tables.items():
        told = with_public_spread(name, with_told_reasons(name, table), sampling)
        public[name] = _without(told, name, rows, _without_degrees(table, name, sampling))
    return public


def _tells_its_cells(row: Row, unweighted: Collection[str | None]) -> bool:
    """A crude odds ratio without weights is a formula of its four cells, and a reason may say that one of them is small."""
    is_formula = row["weight"] in unweighted and (row["model"] == "crude" or not row["adjusted_for"])
    return is_formula or IN_ONE_CELL in (row["presentation_reason"] or "")


def _made_of_hidden_bands(
    tables: Mapping[str, pl.DataFrame], rows: Rows, name: str, unweighted: Collection[str | None]
) -> list[int]:
    """Rows without weights, whose estimates are formulas of counts by age, where some of the outcome are hidden."""
    gone = {tables[bands]["outcome"][row] for bands in BANDS for row in rows.get((bands, "answers"), ())}
    if name not in tables:
        return []
    return [
        number
        for number, row in enumerate(tables[name].iter_rows(named=True))
        if row["weight"] in unweighted and row["outcome"] in gone
    ]


def _without(table: pl.DataFrame, name: str, rows: Rows, without_degrees: Sequence[int]) -> pl.DataFrame:
    row = pl.int_range(pl.len())
    units: tuple[UnitName, ...] = ("answers", "missing", "cells")
    is_hidden, is_missing_hidden, are_cells_hidden = (row.is_in(sorted(rows.get((name, unit), set()))) for unit in units)
    are_degrees_hidden = row.is_in(without_degrees)
    unknown = unknown_columns(name, table.columns)
    stays = columns_of(name, "setting", "missing", "verdict") - {"missing_weight_share"}
    parts = (
        ([column for column in table.columns if column not in stays], is_hidden),
        # the share of those without an answer tells how many have one, where all weigh the same
        (["missing_weight_share"], is_hidden | is_missing_hidden),
        (["n_missing"], is_missing_hidden),
        (list(FOUR_CELLS), are_cells_hidden),
        (["degrees_freedom"], are_degrees_hidden),
        (unknown, pl.lit(True)),
    )
    numbers: dict[str, pl.Expr] = {}
    for columns, condition in parts:
        numbers |= {
            column: pl.when(~condition).then(numbers.get(column, pl.col(column))) for column in columns if column in table.columns
        }
    reasons = pl.concat_str(
        pl.when(is_hidden).then(pl.lit(HIDDEN)).otherwise(pl.col("presentation_reason")),
        pl.when(are_cells_hidden & ~is_hidden).then(pl.lit(CELLS_HIDDEN)),
        pl.when(are_degrees_hidden & ~is_hidden).then(pl.lit(DEGREES_HIDDEN)),
        pl.when(is_missing_hidden).then(pl.lit(MISSING_HIDDEN)),
        *(pl.lit(f"{column}: not known to disclosure control") for column in unknown),
        separator="; ",
        ignore_nulls=True,
    )
    is_changed = is_hidden | is_missing_hidden | are_cells_hidden | are_degrees_hidden | pl.lit(bool(unknown))
    if name == ODDS_RATIOS:
        table = with_public_families(table, is_hidden)
    return table.with_columns(
        *(expression.alias(column) for column, expression in numbers.items()),
        presentation=pl.when(is_hidden).then(pl.lit(NOT_SHOWN)).otherwise(pl.col("presentation")),
        presentation_reason=pl.when(is_changed).then(reasons).otherwise(pl.col("presentation_reason")),
        is_suppressed=pl.col("is_suppressed") | is_changed,
    )


def _without_degrees(table: pl.DataFrame, name: str, sampling: Sampling) -> list[int]:
    """Rows whose degrees of freedom are a number of people, other than the respondents that stand beside them."""
    if not {"weight", "degrees_freedom"} <= set(table.columns):
        return []
    return [
        number
        for number, row in enumerate(table.iter_rows(named=True))
        if row["degrees_freedom"] is not None
        and sampling.are_units_people(row)
        and (row["weight"] is not None or name in (ODDS_RATIOS, TRENDS))
    ]
