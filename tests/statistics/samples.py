"""Small relations for the tests of the estimators."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import duckdb
import polars as pl

from pipelines.statistics import Cells, Design, collapse

DESIGN = Design(stratum="stratum", psu="psu", weight="weight")
SCHEMA = {"stratum": pl.Int64, "psu": pl.Int64, "weight": pl.Float64, "y": pl.Int64, "x": pl.String}


def complete_sample() -> pl.DataFrame:
    """2 strata of 3 PSUs that each hold every combination of outcome and of x, with weights that differ."""
    rows = [
        {"stratum": stratum, "psu": psu, "weight": float(1 + (7 * stratum + 5 * psu + 3 * y + len(x)) % 6), "y": y, "x": x}
        for stratum in (1, 2)
        for psu in (1, 2, 3)
        for y in (0, 1)
        for x in ("a", "bb", "ccc")
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def collapse_frame(rows: pl.DataFrame, design: Design = DESIGN, keys: Mapping[str, str] | None = None) -> Cells:
    """Cells of a frame, its columns y and x as keys unless others are given."""
    con = _connection()
    con.register("respondents", rows)
    return collapse(con, "respondents", design, keys if keys is not None else {"y": "y", "x": "x"})


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def rows_of(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """A frame of (stratum, psu, weight, y, x)."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
