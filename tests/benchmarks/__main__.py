"""`python -m tests.benchmarks [millions of respondents ...]`: ratios of the estimators to a bare scan, and to svy."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.respondents import write_respondents
from tests.benchmarks.tasks import TASKS, Task, connect, relation, scan

MILLIONS = (1, 10)
ROUNDS = {"prevalence": 15, "categorical": 11, "continuous": 5}
MOST_MEMORY_MB = 400
SVY_UP_TO = 1_000_000  # respondents: above, svy needs several GB

console = Console(width=130)


def main(millions: list[float]) -> None:
    """Generate, time and print; nothing is kept."""
    has_svy = importlib.util.find_spec("svy") is not None
    if not has_svy:
        console.print("svy is not installed: no comparison with it (pip install svy).")
    table = Table("respondents", "task", "scan ms", "task ms", "task / scan", "of CPU", "target", "peak MB", "svy / task")
    with tempfile.TemporaryDirectory() as folder:
        for n in (int(number * 1_000_000) for number in millions):
            path = Path(folder) / f"respondents_{n}.parquet"
            console.print(f"writing {n:,} respondents")
            write_respondents(path, n)
            for task in TASKS.values():
                table.add_row(f"{n:,}", task.name, *measured(task, path, n, has_svy=has_svy))
    console.print(table)
    console.print(f"task / scan: of the fastest runs (median of the rounds). Target of memory: {MOST_MEMORY_MB} MB.")


def measured(task: Task, path: Path, n: int, *, has_svy: bool) -> list[str]:
    """The cells of a task's row."""
    with connect() as con:
        scanning = [timed(lambda: scan(con, relation(path), task.columns))]  # the first of each is not counted
        running = [timed(lambda: task.run(con, relation(path)))]
        for _ in range(ROUNDS[task.name]):
            scanning.append(timed(lambda: scan(con, relation(path), task.columns)))
            running.append(timed(lambda: task.run(con, relation(path))))
    scan_times, task_times = list(zip(*scanning[1:], strict=True)), list(zip(*running[1:], strict=True))
    wall, cpu = (ratios(ours, bare) for ours, bare in zip(task_times, scan_times, strict=True))
    megabytes = in_process("one_task", task.name, path)
    svy_ratio = f"{in_process('svy_tasks', task.name, path) / min(task_times[0]):.0f}" if has_svy and n <= SVY_UP_TO else "-"
    times = [f"{min(scan_times[0]) * 1000:.0f}", f"{min(task_times[0]) * 1000:.0f}"]
    return [*times, wall, cpu, f"{task.most_scans:g}", f"{megabytes:.0f}", svy_ratio]


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processors."""
    clock, processors = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - clock, time.process_time() - processors


def ratios(ours: tuple[float, ...], bare: tuple[float, ...]) -> str:
    """Of the fastest runs, and in parentheses the median of the rounds."""
    median = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    return f"{min(ours) / min(bare):.2f} ({median:.2f})"


def in_process(module: str, task: str, path: Path) -> float:
    """The number that a module prints, run in a process of its own."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", task, str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main([float(argument) for argument in sys.argv[1:]] or list(MILLIONS))
