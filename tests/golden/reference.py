"""Reading the reference values and comparing with them. R wrote `data/out_*.csv`; data/README.md says how."""

import math
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.statistics import Cells, Design, collapse

DATA = Path(__file__).parent / "data"
NHANES_DESIGN = Design(stratum="stratum", psu="psu", weight="wt")
ELEMENT_DESIGNS = {
    "iid": Design(stratum=None, psu=None, weight=None),
    "stratified_elements": Design(stratum="stratum", psu=None, weight="wt"),
    "clusters_no_strata": Design(stratum=None, psu="cluster", weight="wt"),
}


def reference(name: str) -> list[dict[str, Any]]:
    """Rows of a file; empty fields are None."""
    frame = pl.read_csv(DATA / f"{name}.csv", infer_schema_length=None, null_values=[""])
    return frame.with_columns(pl.col(pl.String).replace({"TRUE": "true", "FALSE": "false"})).to_dicts()


def is_true(value: Any) -> bool:
    """R's TRUE and FALSE, however polars read them."""
    return value is True or value == "true"


def cells_of(relation: str, design: Design, keys: dict[str, str]) -> Cells:
    """Cells of `nhanes_like` (with `cluster`: PSUs numbered across strata) or `lonely`, as read from DATA."""
    return collapse(_connection(), relation, design, keys)


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set perfect_ht_threshold = 20")
    con.execute(f"create table nhanes_like as select *, stratum * 10 + psu as cluster from read_csv('{DATA}/in_nhanes_like.csv')")
    con.execute(f"create table lonely as from read_csv('{DATA}/in_lonely.csv')")
    return con


def assert_close(found: float | None, expected: float | str | None, tolerance: float, what: str) -> None:
    """Relative difference within the tolerance; a reference of 0 asks for the same absolutely."""
    if isinstance(expected, str):
        expected = float(expected)
    if expected is None or found is None or math.isinf(expected):
        assert found == expected, f"{what}: {found} instead of {expected}"
        return
    difference = abs(found - expected)
    scale = abs(expected) if expected else 1.0
    assert difference <= tolerance * scale, (
        f"{what}: {found!r} instead of {expected!r}, relative difference {difference / scale:.1e}"
    )
