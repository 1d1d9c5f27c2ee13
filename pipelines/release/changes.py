"""What changed: every number of a report table that differs between two releases, and which ingredient of its making differs.

It is read from what the releases hold, their report tables as Parquet and their manifests, and from nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import scipy

from pipelines.contracts.model import Contract
from pipelines.release.graph import Graph, differing

SOURCE = "source"

NOTHING_DIFFERS = "no recorded ingredient: the same making gave other numbers"
NOT_KNOWN = "not known: the earlier release does not say how it was made"

CHANGED, ADDED, VANISHED = "changed", "added", "vanished"

SCHEMA = {
    "table_name": pl.String,
    SOURCE: pl.String,
    "row_key": pl.String,
    "change": pl.String,
    "column_name": pl.String,
    "before": pl.Float64,
    "after": pl.Float64,
    "difference": pl.Float64,
    "difference_in_se": pl.Float64,
}
"""The columns of `table_changes`, in order."""

OF_ROW = [SOURCE, "row_key", "occurrence"]

SAME_RELATIVE = 1e-12
"""Numbers this near to each other, as a share of the larger one, are one number: sums in another order differ by less."""

SAME_IN_SE = 1e-9
"""So are those this near in standard errors, where one is known: a number near zero has no share to speak of."""


@dataclass(frozen=True)
class Side:
    """One of two releases: its folder and its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

    def tables(self) -> list[str]:
        return [f"report.{path.stem}" for path in self.folder.glob("report/*.parquet")]

    def rows(self, table: str) -> pl.DataFrame:
        """The rows of a report table; none where the release does not have it. Raises OSError or PolarsError for a lost file."""
        name = f"report/{table.removeprefix('report.')}.parquet"
        is_there = (self.folder / name).exists() or name in self.manifest.get("files", {})
        return pl.read_parquet(self.folder / name) if is_there else pl.DataFrame()


def changes(before: Side | None, after: Side, contracts: Mapping[str, Contract]) -> pl.DataFrame:
    """One row per number that differs and per row that is new or gone, with `ingredient` and `compared_with`.

    Without a release before it, a release has no changes.
    """
    empty = pl.DataFrame(schema={**SCHEMA, "ingredient": pl.String, "compared_with": pl.String})
    if before is None:
        return empty
    graphs = Graph.of(before.manifest), Graph.of(after.manifest)
    parts = [empty]
    for table in sorted({*before.tables(), *after.tables()}):
        key = contracts[table].key if table in contracts else []
        found = table_changes(table, key, before.rows(table), after.rows(table))
        ingredients = {source: _ingredient(graphs, table, source) for source in found[SOURCE].unique()}
        parts.append(
            found.with_columns(
                pl.col(SOURCE).map_elements(ingredients.get, return_dtype=pl.String, skip_nulls=False).alias("ingredient"),
                pl.lit(before.manifest["release_id"]).alias("compared_with"),
            )
        )
    return pl.concat(parts)


SIZE = pl.col("difference_in_se").abs()


def by_table(changes: pl.DataFrame) -> pl.DataFrame:
    """By table, source and ingredient: numbers `changed`, rows `added` and `vanished`, and the `furthest` in standard errors."""
    return changes.group_by("table_name", SOURCE, "ingredient", maintain_order=True).agg(
        *((pl.col("change") == change).sum().alias(change) for change in (CHANGED, ADDED, VANISHED)),
        SIZE.max().alias("furthest"),
    )


def furthest_first(changes: pl.DataFrame) -> pl.DataFrame:
    """The changes, the largest in standard errors first; rows that are new or gone come last."""
    return changes.sort(SIZE, descending=True, nulls_last=True, maintain_order=True)


def _ingredient(graphs: tuple[Graph | None, Graph | None], table: str, source: str | None) -> str:
    before, after = graphs
    if before is None or after is None:
        return NOT_KNOWN
    places = {*before.places(table, source), *after.places(table, source)}
    return "; ".join(differing(before, after, sorted(places))) or NOTHING_DIFFERS


def table_changes(table: str, key: Sequence[str], before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The changes of one table (columns: SCHEMA), in the order of row keys and columns.

    `key` names a row; where the table has none, all columns of text do. Rows of the same key are told apart by their order.
    What is suppressed in the later release is not told from the earlier one either. What differs by less than SAME_RELATIVE or
    SAME_IN_SE is the noise of adding in another order, and no change; a count is exact.
    `difference_in_se` is in standard errors of the earlier number: of `<column>_se` where there is one; otherwise, for a
    ratio with limits, of its logarithm.
    """
    if before.equals(after):
        return pl.DataFrame(schema=SCHEMA)
    key = key or [name for name, kind in (before if before.width else after).schema.items() if kind == pl.String]
    one, other = _keyed(before, key), _keyed(after, key)
    gone = _whole_rows(table, one.join(other, on=OF_ROW, how="anti", nulls_equal=True), VANISHED)
    new = _whole_rows(table, other.join(one, on=OF_ROW, how="anti", nulls_equal=True), ADDED)
    numbers = [name for name, kind in before.schema.items() if kind.is_numeric() and name not in key]
    later = other.select(*OF_ROW, *(pl.col(name).alias(_after(name)) for name in after.columns))
    both = one.join(later, on=OF_ROW, nulls_equal=True)
    moved = [
        _moved(table, name, both.filter(pl.col(name).ne_missing(pl.col(_after(name)))))
        for name in numbers
        if name in after.columns and after.schema[name].is_numeric()
    ]
    positions = {name: position for position, name in enumerate(numbers)}
    position = pl.col("column_name").replace_strict(positions, default=-1, return_dtype=pl.Int64)
    found = pl.concat([gone, new, *moved]).sort(*OF_ROW, position, maintain_order=True)
    return found.select(list(SCHEMA))


def _after(name: str) -> str:
    return f"{name} (after)"


def _keyed(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The rows with `row_key` (`wave=2024, outcome=...`, without what is NULL) and `occurrence` among rows of the same key."""
    named = [pl.lit(f"{name}=") + pl.col(name).cast(pl.String) for name in key if name in frame.columns and name != SOURCE]
    text = pl.concat_str(named, separator=", ", ignore_nulls=True) if named else pl.lit("")
    source = pl.col(SOURCE).cast(pl.String) if SOURCE in frame.columns else pl.lit(None, dtype=pl.String)
    keyed = frame.with_columns(source.alias(SOURCE), text.alias("row_key"))
    if not frame.width:
        return pl.DataFrame(schema={SOURCE: pl.String, "row_key": pl.String, "occurrence": pl.Int64})
    same = [pl.col(SOURCE), pl.col("row_key")]
    return keyed.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over(same).alias("occurrence"))


def _whole_rows(table: str, rows: pl.DataFrame, change: str) -> pl.DataFrame:
    nothing = [pl.lit(None, dtype=SCHEMA[name]).alias(name) for name in ("column_name", *list(SCHEMA)[5:])]
    return rows.select(
        pl.lit(table).alias("table_name"), SOURCE, "row_key", pl.lit(change).alias("change"), *nothing, "occurrence"
    )


def _moved(table: str, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    if _after("is_suppressed") in rows.columns:
        told = pl.col(_after("is_suppressed")).not_().fill_null(True)
        rows = rows.with_columns(pl.when(told).then(pl.col(name)).alias(name))
    before, after = pl.col(name).cast(pl.Float64), pl.col(_after(name)).cast(pl.Float64)
    is_exact = rows.schema[name].is_integer()
    moved = rows.select(
        pl.lit(table).alias("table_name"),
        SOURCE,
        "row_key",
        pl.lit(CHANGED).alias("change"),
        pl.lit(name).alias("column_name"),
        before.alias("before"),
        after.alias("after"),
        (after - before).alias("difference"),
        _in_standard_errors(name, rows),
        "occurrence",
    )
    return moved if is_exact else moved.filter(~_is_noise())


def _is_noise() -> pl.Expr:
    """Whether a difference is told of, but below what is a change; a number that is hidden now is not told of."""
    larger = pl.max_horizontal(pl.col("before").abs(), pl.col("after").abs())
    is_near = pl.col("difference").abs() <= SAME_RELATIVE * larger
    return (is_near | (pl.col("difference_in_se").abs() <= SAME_IN_SE)).fill_null(False)


def _in_standard_errors(name: str, rows: pl.DataFrame) -> pl.Series:
    """The difference in standard errors of the earlier number; null where its standard error is not known or is 0."""
    before, after = (rows[column].cast(pl.Float64) for column in (name, _after(name)))
    se, limits = f"{name}_se", [f"{name}_lower", f"{name}_upper"]
    if se in rows.columns:
        moved, error = after - before, rows[se]
    elif {*limits, "confidence_level"} <= set(rows.columns):
        lower, upper = (_log(rows[limit]) for limit in limits)
        moved, error = _log(after) - _log(before), (upper - lower) / (2 * _quantile(rows))
    else:
        moved, error = before, pl.Series([None] * rows.height, dtype=pl.Float64)
    frame = pl.DataFrame({"moved": moved, "error": error}, schema={"moved": pl.Float64, "error": pl.Float64})
    known = pl.col("moved").is_finite() & pl.col("error").is_finite() & (pl.col("error") > 0)
    return frame.select(pl.when(known).then(pl.col("moved") / pl.col("error")).alias("difference_in_se")).to_series()


def _log(values: pl.Series) -> pl.Series:
    """Logarithms; null for what has none."""
    return pl.select(pl.when(values > 0).then(values.log())).to_series()


def _quantile(rows: pl.DataFrame) -> pl.Series:
    """Half of the width of an interval in standard errors: by t where degrees of freedom are known, otherwise by z."""
    above = 0.5 + rows["confidence_level"].to_numpy() / 2
    degrees = rows["degrees_freedom"].cast(pl.Float64) if "degrees_freedom" in rows.columns else pl.Series([None] * rows.height)
    return pl.Series(scipy.special.stdtrit(degrees.fill_null(np.inf).cast(pl.Float64).to_numpy(), above), dtype=pl.Float64)
