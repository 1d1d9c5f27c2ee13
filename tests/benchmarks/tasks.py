"""What is timed: each task beside the bare scan of the columns that it reads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.statistics import Categorical, Design, Numeric, collapse, fit_regression, prevalence

MEMORY_LIMIT = "4GB"
DESIGN = Design(stratum="stratum", psu="psu", weight="weight")
CATEGORICAL = (Categorical("takes_drug", 0), Numeric("age_years"), Categorical("sex", 0), Categorical("race", 1))
DESIGN_COLUMNS = ("stratum", "psu", "weight", "y")
MODEL_COLUMNS = (*DESIGN_COLUMNS, "takes_drug", "age_years", "sex", "race")


@dataclass(frozen=True)
class Task:
    """`most_scans`: the target, as a multiple of the scan."""

    name: str
    columns: tuple[str, ...]
    most_scans: float
    run: Callable[[duckdb.DuckDBPyConnection, str], object]


def connect() -> duckdb.DuckDBPyConnection:
    """As pipelines.making.engine connects."""
    con = duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT})
    con.execute("set perfect_ht_threshold = 20")
    return con


def scan(con: duckdb.DuckDBPyConnection, relation: str, columns: tuple[str, ...]) -> None:
    """Read the columns and do next to nothing with them."""
    con.sql(f"select {', '.join(f'sum({name})' for name in columns)} from {relation}").fetchall()


def relation(path: Path) -> str:
    """The Parquet file as a relation."""
    return f"read_parquet('{path}')"


def _prevalence(con: duckdb.DuckDBPyConnection, source: str) -> object:
    cells = collapse(con, source, DESIGN, {"age_band": "age_band", "y": "y"})
    return prevalence(cells, "y", by=["age_band"])


def _categorical(con: duckdb.DuckDBPyConnection, source: str) -> object:
    return fit_regression(con, source, DESIGN, "y", CATEGORICAL)


def _continuous(con: duckdb.DuckDBPyConnection, source: str) -> object:
    return fit_regression(con, source, DESIGN, "y", (*CATEGORICAL, Numeric("bmi")))


TASKS = {
    task.name: task
    for task in (
        Task("prevalence", (*DESIGN_COLUMNS, "age_band"), 1.5, _prevalence),
        Task("categorical", MODEL_COLUMNS, 3.0, _categorical),
        Task("continuous", (*MODEL_COLUMNS, "bmi"), 30.0, _continuous),
    )
}
