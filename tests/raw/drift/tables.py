"""A good pair of small tables, for tests that change one thing in one of them."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

from pipelines.project.study import DriftThresholds
from pipelines.raw.drift.compare import Finding, Side, compare
from pipelines.raw.drift.counting import Variable

ROWS = 1_000

VARIABLES = (
    Variable("id", "INTEGER", left_out="an identifier"),
    Variable("snores", "INTEGER", ("1", "2", "9"), ("9",), is_coded=True),
    Variable("hours", "INTEGER", ("77", "99"), ("77", "99")),
    Variable("takes_statin", "BOOLEAN"),
    Variable("sex", "VARCHAR", ("m", "f"), is_coded=True),
    Variable("weight_kg", "DOUBLE"),
    Variable("children", "INTEGER"),
)
TYPES = {variable.name: variable.type for variable in VARIABLES}


def answers(rows: int = ROWS) -> pl.DataFrame:
    """Answers in fixed shares: of a hundred rows one has no snoring answer (9) and ten have no weight."""
    return pl.DataFrame({"id": range(rows)}).select(
        pl.col("id").cast(pl.Int32),
        snores=pl.when(pl.col("id") % 100 == 0).then(9).otherwise(1 + pl.col("id") % 2).cast(pl.Int32),
        hours=pl.when(pl.col("id") % 100 == 1).then(77).otherwise(pl.col("id") % 50).cast(pl.Int32),
        takes_statin=pl.col("id") % 5 == 0,
        sex=pl.when(pl.col("id") % 2 == 0).then(pl.lit("m")).otherwise(pl.lit("f")),
        weight_kg=pl.when(pl.col("id") % 10 != 0).then(50 + pl.col("id") % 97 / 2),
        children=(pl.col("id") % 4).cast(pl.Int32),
    )


def side(path: Path, frame: pl.DataFrame, delivered: Mapping[str, str] | None = None) -> Side:
    frame.write_parquet(path)
    types = {name: str(kind) for name, kind in frame.schema.items()} if delivered is None else delivered
    return Side(path, frame.height, types)


def findings(
    folder: Path,
    before: pl.DataFrame,
    after: pl.DataFrame,
    variables: tuple[Variable, ...] = VARIABLES,
    **thresholds: float,
) -> list[Finding]:
    with duckdb.connect(":memory:") as connection:
        sides = side(folder / "before.parquet", before), side(folder / "after.parquet", after)
        return compare(connection, *sides, variables, DriftThresholds(**thresholds))


def beyond(found: list[Finding]) -> list[tuple[str | None, str]]:
    return [(finding.column, finding.kind) for finding in found if finding.is_beyond]
