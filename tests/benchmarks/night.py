"""Nights of a survey of millions, by stage: `python -m tests.benchmarks.night MILLIONS [WAVES]`, or `make bench-night N=10`.

A first night, one without news, and one after another confidence level, each in a process of its own as `cramp-atlas refresh` is;
beside them, in the same run, one DuckDB copy of the same delivery to Parquet, which all ratios are taken against, and a bare scan
of the columns that the report tables use. `python -m tests.benchmarks.night child PROJECT` is one night.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
from rich.console import Console
from rich.table import Table

from tests.atlas import Atlas
from tests.benchmarks.big_survey import SOURCE, big_survey, delivered, write_wave
from tests.benchmarks.results import append_results
from tests.benchmarks.taking_in import copy_to_parquet, watched

STAGES = {
    "taking in": "pipelines.dagster.assets.raw.take_in",
    "drift": "pipelines.dagster.assets.raw.note_drift",
    "core": "pipelines.dagster.assets.built.build_core",
    "cells": "pipelines.dagster.assets.built.build_cells",
    "report": "pipelines.dagster.assets.built.build_report",
    "publish": "pipelines.dagster.assets.release.publish",
    "prune": "pipelines.dagster.assets.release.prune",
}
"""Stage -> the function that does its work."""

IMPORTS = "import pipelines.dagster.graph, pipelines.dagster.job, pipelines.stages, pipelines.terminal.cli"
"""What every night has to import before it can compare a recipe."""

OTHER_LEVEL = "confidence_level: 0.95", "confidence_level: 0.9"
ROUNDS = 3
COPY, WHOLE, REST = "copy", "whole", "rest"

console = Console(width=130)


@dataclass
class Night:
    """Stage -> seconds by the clock and of the processors, and the largest memory of all processes at once in MB."""

    stages: dict[str, tuple[float, float]] = field(default_factory=dict)
    peak_mb: float = 0.0


def used() -> float:
    """Seconds of the processors that this process and those that it waited for have had."""
    return sum(
        found.ru_utime + found.ru_stime for found in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


@contextmanager
def timing(stages: dict[str, list[float]], name: str) -> Iterator[None]:
    """Add what passes in here to a stage."""
    clock, processors = time.perf_counter(), used()
    try:
        yield
    finally:
        before = stages.setdefault(name, [0.0, 0.0])
        stages[name] = [before[0] + time.perf_counter() - clock, before[1] + used() - processors]


def _timed(run: Callable[..., Any], stages: dict[str, list[float]], name: str) -> Callable[..., Any]:
    @wraps(run)
    def timed(*arguments: Any, **named: Any) -> Any:
        with timing(stages, name):
            return run(*arguments, **named)

    return timed


def one_night(project: Path) -> None:
    """Refresh the project as typed, and print the seconds of each stage."""
    import pipelines.dagster.graph  # noqa: F401 - patched below

    stages: dict[str, list[float]] = {}
    with watched() as peaks, ExitStack() as patched:
        for name, function in STAGES.items():
            module, _, attribute = function.rpartition(".")
            patched.enter_context(patch(function, _timed(getattr(sys.modules[module], attribute), stages, name)))
        ended = Atlas(project).refresh_as_typed()
    if ended.returncode:
        raise RuntimeError(ended.stdout)
    # the start of the interpreter and all imports included
    stages[WHOLE] = [time.time() - float(os.environ["STARTED"]), used()]
    print(json.dumps({"stages": stages, "peak_mb": peaks["both"]}))  # noqa: T201


def in_a_process(project: Path) -> Night:
    command = [sys.executable, "-m", "tests.benchmarks.night", "child", str(project)]
    environment = os.environ | {"STARTED": str(time.time())}
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    found = json.loads(said.splitlines()[-1])
    stages = {name: (wall, cpu) for name, (wall, cpu) in found["stages"].items()}
    known = [stages[name] for name in stages if name != WHOLE]
    whole = stages.pop(WHOLE)
    stages[REST] = whole[0] - sum(wall for wall, _ in known), whole[1] - sum(cpu for _, cpu in known)
    return Night(stages | {WHOLE: whole}, found["peak_mb"])


def measured(run: Callable[[], object]) -> tuple[float, float]:
    clock, processors = time.perf_counter(), used()
    run()
    return time.perf_counter() - clock, used() - processors


def copied(atlas: Atlas, folder: Path) -> tuple[float, float]:
    """One copy of every delivered file, the fastest of some rounds."""
    target = folder / "copied.parquet"
    files = [delivered(atlas, wave) for wave in atlas.project.sources[SOURCE].waves]

    def copy_all() -> None:
        for file in files:
            copy_to_parquet(file, target)

    found = min(measured(copy_all) for _ in range(ROUNDS))
    target.unlink()
    return found


def scanned(atlas: Atlas) -> tuple[float, float]:
    """One bare scan of the columns of the respondents that the report tables use, the fastest of some rounds."""
    project = atlas.project
    tables = [place for table in project.report_tables for place in project.places(table)]
    columns = {name for place in tables if (made := project.store.accepted(place)) for name in made.columns_read}
    accepted = {place: project.store.accepted(place) for place in project.places(project.study.respondents)}
    paths = [str(project.store.path(place, made.content)) for place, made in accepted.items() if made and made.content]
    scan = f"select {', '.join(f'max({name})' for name in sorted(columns))} from read_parquet({paths})"
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        return min(measured(lambda: connection.execute(scan).fetchall()) for _ in range(ROUNDS))


def nights(millions: float, n_waves: int, folder: Path) -> dict[str, Night]:
    """What was measured -> its stages."""
    n = int(millions * 1_000_000)
    console.print(f"writing {n:,} respondents in {n_waves} waves")
    atlas = big_survey(folder / "project", n, n_waves)
    files = [delivered(atlas, wave) for wave in atlas.project.sources[SOURCE].waves]
    console.print(f"delivered: {sum(file.stat().st_size for file in files) / 1e6:,.0f} MB")
    found = {COPY: Night({WHOLE: copied(atlas, folder)})}
    found["first night"] = in_a_process(atlas.folder)
    found["scan of the columns used"] = Night({WHOLE: scanned(atlas)})
    found["imports"] = Night({WHOLE: measured(partial(subprocess.run, [sys.executable, "-c", IMPORTS], check=True))})
    found["no news"] = in_a_process(atlas.folder)
    atlas.edit("study.yaml", *OTHER_LEVEL)
    found["other level"] = in_a_process(atlas.folder)
    if n_waves > 1:
        write_wave(files[-1], n // n_waves, n_waves)
        found["one changed wave"] = in_a_process(atlas.folder)
    return found


def as_rows(found: dict[str, Night]) -> Iterator[dict[str, Any]]:
    """One row a stage, with its ratios to the copy."""
    copy_wall, copy_cpu = found[COPY].stages[WHOLE]
    for name, night in found.items():
        for stage, (wall, cpu) in night.stages.items():
            yield {
                "night": name,
                "stage": stage,
                "seconds": round(wall, 2),
                "cpu_seconds": round(cpu, 2),
                "copies": round(wall / copy_wall, 2),
                "copies_of_cpu": round(cpu / copy_cpu, 2),
                "peak_mb": round(night.peak_mb) if stage == WHOLE and night.peak_mb else None,
            }


def main(millions: float, n_waves: int) -> None:
    """Measure, keep and print."""
    with tempfile.TemporaryDirectory(prefix="night-") as folder:
        rows = list(as_rows(nights(millions, n_waves, Path(folder))))
    append_results("night", [{"millions": millions, "waves": n_waves} | row for row in rows])
    table = Table("night", "stage", "s", "CPU s", "of a copy", "of CPU", "peak MB")
    for row in rows:
        cells = [f"{value:,}" if isinstance(value, int | float) else value or "" for value in row.values()]
        table.add_row(*cells, end_section=row["stage"] == WHOLE)
    console.print(table)
    console.print("copy: DuckDB, zstd, 2 threads, the fastest of three. peak: all processes at once.")


if __name__ == "__main__":
    if sys.argv[1] == "child":
        one_night(Path(sys.argv[2]))
    else:
        main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
