"""The same estimates by other programs, side by side: `python -m tests.benchmarks.peers [MILLIONS]`, or `make bench-peers N=1`.

Prevalence by age band and an adjusted odds ratio, of the same complete respondents in one run: by this project, by svy, by R's
survey package and by statsmodels (points alone: it knows no strata and PSUs). Numbers must agree to 1e-9. Of R and statsmodels
reading the file is not counted; of this project and svy it is. Each runs in a process of its own.
`python -m tests.benchmarks.peers child PROGRAM TASK PARQUET` is one of them.
"""

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from rich.console import Console
from rich.table import Table

from pipelines.machine.quoting import literal
from tests.benchmarks.respondents import write_respondents
from tests.benchmarks.results import append_results
from tests.benchmarks.tasks import CATEGORICAL, DESIGN, MODEL_COLUMNS, connect, relation

AGREEMENT = 1e-9
COLUMNS = {"prevalence": ("stratum", "psu", "weight", "y", "age_band"), "odds ratio": MODEL_COLUMNS}
TARGETS = {
    ("prevalence", "svy"): 50,
    ("prevalence", "R survey"): 200,
    ("odds ratio", "svy"): 15,
}
"""How many times longer a program takes, at least."""

TERMS = ("takes_drug", "age_years", "sex")

Numbers = dict[str, float]

console = Console(width=130)


def by_us(task: str, path: str) -> Callable[[], Numbers]:
    from pipelines.statistics import collapse, fit_regression, prevalence

    def run() -> Numbers:
        with connect() as con:
            source = relation(Path(path))
            if task == "prevalence":
                cells = collapse(con, source, DESIGN, {"age_band": "age_band", "y": "y"})
                found = prevalence(cells, "y", by=["age_band"]).table.select("age_band", "prevalence", "prevalence_se")
                return _of_bands(found.rows())
            model = fit_regression(con, source, DESIGN, "y", CATEGORICAL)
            errors = model.covariance.diagonal() ** 0.5
            named = zip(model.names, model.coefficients.tolist(), errors.tolist(), strict=True)
            return _of_terms({name.partition("=")[0]: (value, error) for name, value, error in named})

    return run


def by_svy(task: str, path: str) -> Callable[[], Numbers]:
    svy: Any = importlib.import_module("svy")

    def run() -> Numbers:
        people = pl.read_parquet(path).with_columns(pl.exclude("weight").cast(pl.Int64))
        sample = svy.Sample(people, svy.Design(stratum="stratum", psu="psu", wgt="weight"))
        if task == "prevalence":
            found = sample.estimation.prop("y", by="age_band", ci_method="korn-graubard")
            return _of_bands([(*row["by_level"], row["est"], row["se"]) for row in found.to_dicts() if row["y_level"] == 1])
        model = sample.glm.fit(y="y", x=[*TERMS, svy.Cat("race")], family="binomial", tol=1e-14)
        return _of_terms({row.term: (row.est, row.se) for row in model.coefs})

    return run


def by_statsmodels(task: str, path: str) -> Callable[[], Numbers]:
    models: Any = importlib.import_module("statsmodels.api")
    people = pl.read_parquet(path).cast(pl.Float64)

    def run() -> Numbers:
        if task == "prevalence":
            weighted: Any = importlib.import_module("statsmodels.stats.weightstats").DescrStatsW
            numbers = {}
            for (band,), of_band in people.partition_by("age_band", as_dict=True).items():
                numbers[f"p{band:.0f}"] = weighted(of_band["y"].to_numpy(), weights=of_band["weight"].to_numpy()).mean
            return numbers
        races = [(pl.col("race") == race).cast(pl.Float64).alias(f"race_{race}") for race in (2, 3, 4)]
        terms = people.select(pl.lit(1.0).alias("constant"), *TERMS, *races)
        weight = people["weight"].to_numpy()
        model = models.GLM(people["y"].to_numpy(), terms.to_numpy(), models.families.Binomial(), freq_weights=weight)
        fitted = model.fit(tol=1e-14)
        return dict(zip(TERMS, fitted.params[1:4].tolist(), strict=True))

    return run


PROGRAMS = {"ours": by_us, "svy": by_svy, "statsmodels": by_statsmodels}
MODULES = {"svy": "svy", "statsmodels": "statsmodels"}


def _of_bands(rows: list[tuple[Any, float, float]]) -> Numbers:
    return {f"{kind}{int(band)}": value for band, share, error in rows for kind, value in (("p", share), ("se", error))}


def _of_terms(terms: dict[str, tuple[float, float]]) -> Numbers:
    return {f"{prefix}{name}": value for name in TERMS for prefix, value in zip(("", "se_"), terms[name], strict=True)}


def child(program: str, task: str, path: str) -> None:
    run = PROGRAMS[program](task, path)
    rounds = []
    for _ in range(5 if program == "ours" else 1):
        clock, processors = time.perf_counter(), time.process_time()
        numbers = run()
        rounds.append((time.perf_counter() - clock, time.process_time() - processors))
    seconds, cpu = min(rounds)
    print(json.dumps({"seconds": seconds, "cpu": cpu} | numbers))  # noqa: T201


def found_by(program: str, task: str, folder: Path) -> Numbers | None:
    """Seconds, processor seconds, and the numbers of a program; None where it is not installed."""
    if program == "R survey":
        if not shutil.which("Rscript"):
            return None
        command = ["Rscript", str(Path(__file__).with_name("peers.R")), task, str(folder / "people.csv")]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return {name: float(value) for name, value in (line.split() for line in said.splitlines() if line.strip())}
    if program in MODULES and importlib.util.find_spec(MODULES[program]) is None:
        return None
    command = [sys.executable, "-m", "tests.benchmarks.peers", "child", program, task, str(folder / "people.parquet")]
    answer = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    if answer.returncode:
        raise RuntimeError(f"{program}: {answer.stderr[-2000:]}")
    found: Numbers = json.loads(answer.stdout.splitlines()[-1])
    return found


def write_people(folder: Path, n: int, columns: tuple[str, ...]) -> None:
    """The complete respondents in the columns of a task, as Parquet and as CSV."""
    everybody, people = folder / "everybody.parquet", folder / "people.parquet"
    if not everybody.exists():
        write_respondents(everybody, n)
    with duckdb.connect(":memory:") as con:
        known = " and ".join(f"{name} is not null" for name in columns)
        source = f"select {', '.join(columns)} from {relation(everybody)} where {known}"
        con.execute(f"copy ({source}) to {literal(str(people))} (format parquet, compression zstd)")
        con.execute(f"copy (from {relation(people)}) to {literal(str(folder / 'people.csv'))} (header)")


def furthest(ours: Numbers, theirs: Numbers) -> float:
    """The largest difference between numbers that both have, in relation to ours."""
    shared = (ours.keys() & theirs.keys()) - {"seconds", "cpu"}
    return max(abs(ours[name] - theirs[name]) / abs(ours[name]) for name in shared)


def main(millions: float) -> None:
    table = Table("respondents", "task", "program", "s", "CPU s", "theirs / ours", "of CPU", "target", "largest difference")
    n, rows, apart = int(millions * 1_000_000), [], []
    with tempfile.TemporaryDirectory() as name:
        for task, columns in COLUMNS.items():
            write_people(Path(name), n, columns)
            ours: Numbers | None = None
            for program in ("ours", "svy", "R survey", "statsmodels"):
                found = found_by(program, task, Path(name))
                if found is None:
                    console.print(f"{program} is not installed: left out")
                    continue
                ours = ours or found
                difference = furthest(ours, found)
                if difference > AGREEMENT:
                    apart.append(f"{task}: {program} differs by {difference:.1e}")
                ratio = found["seconds"] / ours["seconds"], found["cpu"] / ours["cpu"]
                target = TARGETS.get((task, program))
                numbers = [f"{found['seconds']:.2f}", f"{found['cpu']:.2f}", f"{ratio[0]:.0f}", f"{ratio[1]:.0f}"]
                table.add_row(f"{n:,}", task, program, *numbers, str(target or ""), f"{difference:.1e}")
                row = {"millions": millions, "task": task, "program": program, "seconds": round(found["seconds"], 3)}
                row |= {"cpu_seconds": round(found["cpu"], 3), "times_ours": round(ratio[0], 1)}
                rows.append(row | {"times_ours_of_cpu": round(ratio[1], 1), "largest_difference": f"{difference:.1e}"})
    append_results("peers", rows)
    console.print(table)
    if apart:
        raise SystemExit("; ".join(apart))


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:5])
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 1)
