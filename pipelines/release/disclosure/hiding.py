"""What hiding a unit does to its row: numbers become NULL, and the row says that disclosure control did it, never which rule."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import polars as pl

from pipelines.release.disclosure.model import FOUR_CELLS, ODDS_RATIOS, TRENDS, Row, Unit, UnitName
from pipelines.report.verdicts import EVERYBODY_OR_NOBODY, FEWER_TERMS, NOT_SHOWN, OUTSIDE

HIDDEN = "disclosure control: a count is too small, or would give a small one away"
"""The same for every hidden row: it must not tell small counts from those that go to protect them."""

MISSING_HIDDEN = "n_missing: disclosure control"
CELLS_HIDDEN = "the four cells: disclosure control"
DEGREES_HIDDEN = "degrees_freedom: disclosure control"

NOT_ESTIMATED = "the model gives no estimate; why is kept back by disclosure control"
"""In place of what the estimator says, which may name a group in which everybody gave one answer."""

LEFT_OUT = "some respondents tell nothing about it; why is kept back by disclosure control"

BEYOND = f"people of the population are {OUTSIDE}"
"""Of a restricted source neither their number nor their ages are told."""

TOO_MANY_TERMS = f"the model has more coefficients than its design has {FEWER_TERMS}"
"""Of a restricted source neither number is told: the degrees of freedom may be its respondents less one."""

KEPT = frozenset(
    {"source", "wave", "population", "outcome", "age_band", "sex", "exposure", "exposure_level", "reference_level", "model"}
    | {"standard_population", "variable", "adjusted_for", "confidence_level", "degrees_freedom_rule", "weight", "is_synthetic"}
    | {"presentation", "presentation_reason", "is_suppressed", "n_missing"}
)
"""Columns that stay in a hidden row: keys, and what is said of a row beside its numbers. Any other column goes."""

KNOWN_NUMBERS = frozenset(
    {"n_respondents", "n_cases", "n_missing", *FOUR_CELLS, "degrees_freedom", "n_levels", "p_value_family_size"}
)
"""Whole numbers that the model follows, or that count no people. Any other whole number is hidden in every row."""

BANDS = ("report.prevalence_by_age_band", "report.prevalence_by_age_band_and_sex")
STANDARDISED = "report.prevalence_age_standardised"

Rows = Mapping[tuple[str, UnitName], set[int]]


def with_hidden(
    tables: Mapping[str, pl.DataFrame], units: Sequence[Unit], hidden: Iterable[int], equal_weights: Collection[str] = ()
) -> dict[str, pl.DataFrame]:
    """The tables without the numbers of the hidden units, and without the estimates that are made of them.

    Rows with one of `equal_weights`, in which all weigh the same, are formulas of counts like rows without weights.
    """
    unweighted = {None, *equal_weights}
    rows: dict[tuple[str, UnitName], set[int]] = {}
    for number in hidden:
        unit = units[number]
        rows.setdefault((unit.table, unit.name), set()).add(unit.row)
        if unit.name == "cells" and (
            unit.is_small or _is_made_of_its_cells(tables[unit.table].row(unit.row, named=True), unweighted)
        ):
            rows.setdefault((unit.table, "answers"), set()).add(unit.row)
    for name in (STANDARDISED, TRENDS):
        rows.setdefault((name, "answers"), set()).update(_made_of_hidden_bands(tables, rows, name, unweighted))
    return {name: _without(_without_reasons(name, table), name, rows) for name, table in tables.items()}


def _is_made_of_its_cells(row: Row, unweighted: Collection[str | None]) -> bool:
    """A crude odds ratio without weights is a formula of its four cells."""
    return row["weight"] in unweighted and (row["model"] == "crude" or not row["adjusted_for"])


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


def _without_reasons(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Rows that have counts and no odds ratio do not say what was wrong with the model, nor others what it left out."""
    reason = pl.col("presentation_reason").cast(pl.String)
    if name == STANDARDISED:
        is_counted = reason.str.contains(OUTSIDE, literal=True)
        return table.with_columns(presentation_reason=pl.when(is_counted).then(pl.lit(BEYOND)).otherwise(reason))
    if name not in (ODDS_RATIOS, TRENDS):
        return table
    counted = "exposed_cases" if name == ODDS_RATIOS else "n_respondents"
    has_failed = pl.col("odds_ratio").is_null() & pl.col(counted).is_not_null()
    told = (
        pl.when(has_failed)
        .then(pl.lit(NOT_ESTIMATED))
        .when(reason.str.contains(EVERYBODY_OR_NOBODY, literal=True))
        .then(pl.lit(LEFT_OUT))
        .when(reason.str.contains(FEWER_TERMS, literal=True))
        .then(pl.lit(TOO_MANY_TERMS))
        .otherwise(reason)
    )
    return table.with_columns(presentation_reason=told)


def _without(table: pl.DataFrame, name: str, rows: Rows) -> pl.DataFrame:
    row = pl.int_range(pl.len())
    units: tuple[UnitName, ...] = ("answers", "missing", "cells")
    is_hidden, is_missing_hidden, are_cells_hidden = (row.is_in(sorted(rows.get((name, unit), set()))) for unit in units)
    # respondents less one, of all levels together: no unit has that count
    are_degrees_hidden = (
        pl.col("weight").is_null() & pl.col("degrees_freedom").is_not_null()
        if name == ODDS_RATIOS and {"weight", "degrees_freedom"} <= set(table.columns)
        else pl.lit(False)
    )
    unknown = [column for column in table.columns if table.schema[column].is_integer() and column not in KNOWN_NUMBERS]
    parts = (
        ([column for column in table.columns if column not in KEPT], is_hidden),
        # the share of those without an answer tells how many have one, where all weigh the same
        (["n_missing", "missing_weight_share"], is_missing_hidden),
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
    return table.with_columns(
        *(expression.alias(column) for column, expression in numbers.items()),
        presentation=pl.when(is_hidden).then(pl.lit(NOT_SHOWN)).otherwise(pl.col("presentation")),
        presentation_reason=pl.when(is_changed).then(reasons).otherwise(pl.col("presentation_reason")),
        is_suppressed=pl.col("is_suppressed") | is_changed,
    )
