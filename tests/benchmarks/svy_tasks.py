"""The same tasks by the svy package: `python -m tests.benchmarks.svy_tasks TASK PARQUET` prints the seconds it took."""

import importlib
import sys
import time
from typing import Any

import polars as pl

from tests.benchmarks.tasks import TASKS


def run(task: str, path: str) -> float:
    """Seconds from reading the file to the estimate."""
    svy: Any = importlib.import_module("svy")
    start = time.perf_counter()
    columns = list(TASKS[task].columns)
    complete = pl.read_parquet(path, columns=columns).drop_nulls()
    complete = complete.with_columns(pl.exclude("weight", "bmi").cast(pl.Int64))
    sample = svy.Sample(complete, svy.Design(stratum="stratum", psu="psu", wgt="weight"))
    if task == "prevalence":
        sample.estimation.prop("y", by="age_band", ci_method="korn-graubard")
    else:
        numbers = ["bmi"] if task == "continuous" else []
        terms = ["takes_drug", "age_years", "sex", svy.Cat("race"), *numbers]
        sample.glm.fit(y="y", x=terms, family="binomial")
    return time.perf_counter() - start


if __name__ == "__main__":
    print(run(sys.argv[1], sys.argv[2]))  # noqa: T201
