"""`python -m tests.benchmarks [statistics|contracts|harmonising|events|asking|page|publishing|taking_in] [millions ...]`.

Estimators by a scan, contracts by hand SQL, harmonising, publishing and taking in by a copy of the same files, the page by its
cells.
"""

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from tests.atlas import Atlas, make_atlas
from tests.benchmarks.answers import answers_contract, write_answers
from tests.benchmarks.asking import MOST_SCANS, ask_prevalence, scan_respondents, write_release
from tests.benchmarks.contract_tasks import WAYS, by_contract, by_hand
from tests.benchmarks.dispensings import estimate_dispensings, scan_dispensings, write_dispensings
from tests.benchmarks.harmonising import MOST_COPIES, copy_people, harmonise_people, write_people
from tests.benchmarks.page import SECONDS_A_CELL, write_large_page
from tests.benchmarks.publishing import copy_seconds, enlarge
from tests.benchmarks.respondents import write_respondents
from tests.benchmarks.taking_in import copy_to_parquet, write_delivery
from tests.benchmarks.tasks import TASKS, Task, connect, relation, scan

MILLIONS = {
    "statistics": (1, 10),
    "contracts": (1, 10),
    "harmonising": (1, 10),
    "events": (20,),
    "asking": (10,),
    "page": (),
    "publishing": (1, 10),
    "taking_in": (1, 5),
}
NOT_UNLESS_NAMED = {"publishing", "taking_in"}
"""Needs several gigabytes of disk."""
CONTRACT_ROUNDS = 5
HARMONISING_ROUNDS = 3
ASKING_ROUNDS = 9
EVENTS_ROUNDS, DISPENSINGS_A_PERSON = 3, 20
ROUNDS = {"prevalence": 15, "categorical": 11, "continuous": 5}
MOST_MEMORY_MB = 400
SVY_UP_TO = 1_000_000  # respondents: above, svy needs several GB

console = Console(width=130)


def main(arguments: list[str]) -> None:
    """Generate, time and print; nothing is kept."""
    wanted = [argument for argument in arguments if argument in MILLIONS] or sorted(MILLIONS.keys() - NOT_UNLESS_NAMED)
    millions = [float(argument) for argument in arguments if argument not in MILLIONS]
    if "statistics" in wanted:
        time_statistics(millions or list(MILLIONS["statistics"]))
    if "contracts" in wanted:
        time_contracts(millions or list(MILLIONS["contracts"]))
    if "harmonising" in wanted:
        time_harmonising(millions or list(MILLIONS["harmonising"]))
    if "events" in wanted:
        time_events(millions or list(MILLIONS["events"]))
    if "asking" in wanted:
        time_asking(millions or list(MILLIONS["asking"]))
    if "page" in wanted:
        time_page()
    if "publishing" in wanted:
        time_publishing(millions or list(MILLIONS["publishing"]))
    if "taking_in" in wanted:
        time_taking_in(millions or list(MILLIONS["taking_in"]))


def time_taking_in(millions: list[float]) -> None:
    """A delivery of so many answers, by DuckDB's own copy of the same file to Parquet. Memory of all processes at once."""
    table = Table("records", "file", "MB", "copy s", "take in s", "take in / copy", "own MB", "reader MB", "both MB")
    for number in millions:
        for suffix in (".csv", ".parquet"):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                path = write_delivery(folder, int(number * 1_000_000), suffix)
                copying, _ = timed(partial(copy_to_parquet, path, folder / "copied.parquet"))
                command = [sys.executable, "-m", "tests.benchmarks.taking_in", str(folder), str(path)]
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                seconds, *megabytes = map(float, said.split())
                times = [f"{copying:.1f}", f"{seconds:.1f}", f"{seconds / copying:.1f}", *(f"{size:,.0f}" for size in megabytes)]
                table.add_row(f"{int(number * 1_000_000):,}", suffix, f"{path.stat().st_size / 1e6:,.0f}", *times)
    console.print(table)
    console.print("copy: by DuckDB, zstd, 2 threads. Target of memory: 2,147 MB, whatever the number of records.")


def time_harmonising(millions: list[float]) -> None:
    table = Table("respondents", "raw MB", "copy s", "harmonise s", "harmonise / copy", "of CPU", "target")
    with tempfile.TemporaryDirectory() as folder:
        for n in (int(number * 1_000_000) for number in millions):
            path = Path(folder) / f"people_{n}.parquet"
            console.print(f"writing {n:,} respondents")
            write_people(path, n)
            harmonise_people(path)  # not counted
            pairs = [
                (timed(partial(harmonise_people, path)), timed(partial(copy_people, path))) for _ in range(HARMONISING_ROUNDS)
            ]
            ours, copy = (list(zip(*times, strict=True)) for times in zip(*pairs, strict=True))
            size, seconds = f"{path.stat().st_size / 1e6:,.0f}", [f"{min(copy[0]):.2f}", f"{min(ours[0]):.2f}"]
            table.add_row(f"{n:,}", size, *seconds, ratios(ours[0], copy[0]), ratios(ours[1], copy[1]), f"{MOST_COPIES:g}")
    console.print(table)


def time_events(millions: list[float]) -> None:
    """Sequence ratios of dispensings, twenty a person, by a scan of the same columns; memory in a process of its own."""
    table = Table("dispensings", "people", "scan s", "estimate s", "estimate / scan", "of CPU", "peak MB")
    with tempfile.TemporaryDirectory() as folder:
        for n in (int(number * 1_000_000) for number in millions):
            path = Path(folder) / f"dispensings_{n}.parquet"
            console.print(f"writing {n:,} dispensings")
            write_dispensings(path, n // DISPENSINGS_A_PERSON, n)
            scan_dispensings(path)  # not counted
            pairs = [
                (timed(partial(estimate_dispensings, path)), timed(partial(scan_dispensings, path))) for _ in range(EVENTS_ROUNDS)
            ]
            ours, scans = (list(zip(*times, strict=True)) for times in zip(*pairs, strict=True))
            seconds = [f"{min(scans[0]):.2f}", f"{min(ours[0]):.2f}"]
            peak = in_process("dispensings", "estimate", path)
            people = f"{n // DISPENSINGS_A_PERSON:,}"
            table.add_row(f"{n:,}", people, *seconds, ratios(ours[0], scans[0]), ratios(ours[1], scans[1]), f"{peak:,.0f}")
    console.print(table)


def time_asking(millions: list[float]) -> None:
    """A question in SQL from its text to its rows, by a scan of the columns that it reads."""
    table = Table("respondents", "are a", "scan ms", "ask ms", "ask / scan", "of CPU", "target")
    with tempfile.TemporaryDirectory() as name:
        for n in (int(number * 1_000_000) for number in millions):
            for is_view in (False, True):
                console.print(f"writing {n:,} respondents")
                path = write_release(Path(name), n, is_view=is_view)
                with duckdb.connect(str(path), read_only=True) as connection:
                    run = [partial(scan_respondents, connection), partial(ask_prevalence, connection)]
                    for one in run:  # not counted
                        one()
                    rounds = [[timed(one) for one in run] for _ in range(ASKING_ROUNDS)]
                scans, asks = (list(zip(*times, strict=True)) for times in zip(*rounds, strict=True))
                times = [f"{min(scans[0]) * 1000:.0f}", f"{min(asks[0]) * 1000:.0f}", ratios(asks[0], scans[0])]
                kind = "view" if is_view else "table"
                table.add_row(f"{n:,}", kind, *times, ratios(asks[1], scans[1]), f"{MOST_SCANS:g}")
    console.print(table)


def time_page() -> None:
    """The page of a large study with its Word and CSV files, on a small synthetic project told under many names."""
    with tempfile.TemporaryDirectory() as name:
        atlas = make_atlas(Path(name) / "project")
        if not atlas.refresh().success:
            raise RuntimeError("the project could not be refreshed")
        folder = Path(name) / "page"
        folder.mkdir()
        seconds, cpu, cells, size = write_large_page(atlas.project, folder)
    table = Table("cells", "s", "CPU s", "ms a cell", "of CPU", "target", "page MB")
    times = [f"{seconds:.1f}", f"{cpu:.1f}", f"{1000 * seconds / cells:.2f}", f"{1000 * cpu / cells:.2f}"]
    table.add_row(f"{cells:,}", *times, f"{1000 * SECONDS_A_CELL:g}", f"{size / 1e6:.1f}")
    console.print(table)


def time_publishing(millions: list[float]) -> None:
    """A release of so many respondents and as many delivered records, by copying their Parquet files once."""
    table = Table("respondents", "Parquet MB", "copy s", "publish s", "publish / copy", "release MB", "written MB", "peak MB")
    for number in millions:
        with tempfile.TemporaryDirectory() as folder:
            atlas = make_atlas(Path(folder) / "project")
            if not atlas.refresh().success:
                raise RuntimeError("the project could not be refreshed")
            objects = enlarge(atlas, int(number * 1_000_000))
            table.add_row(f"{int(number * 1_000_000):,}", *_publishing_cells(atlas, objects))
    console.print(table)
    console.print("copy: read, write and fsync. release: the size of its files. written: what its process gave to the disk.")


def _publishing_cells(atlas: Atlas, objects: list[Path]) -> list[str]:
    n_bytes = sum(path.stat().st_size for path in objects)
    copying = copy_seconds(objects, atlas.folder / "copied")
    command = [sys.executable, "-m", "tests.benchmarks.publishing", str(atlas.folder)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, size, written, peak = map(float, said.split())
    cells = [f"{n_bytes / 1e6:,.0f}", f"{copying:.1f}", f"{seconds:.1f}", f"{seconds / copying:.1f}"]
    return [*cells, f"{size / 1e6:,.0f}", f"{written / 1e6:,.0f}", f"{peak:,.0f}"]


def time_contracts(millions: list[float]) -> None:
    """Twenty-five rules judged by Great Expectations and by hand-written SQL, in turn; memory in processes of their own."""
    table = Table("rows", "hand SQL s", "contract s", "contract / hand", "of CPU", "target", "peak MB", "of hand SQL")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contract = answers_contract(folder)
        for n in (int(number * 1_000_000) for number in millions):
            path = folder / f"answers_{n}.parquet"
            console.print(f"writing {n:,} answers")
            write_answers(path, n, contract)
            table.add_row(f"{n:,}", *_contract_cells(path, folder))
    console.print(table)
    console.print("contract / hand: of the fastest runs (median of the rounds). Target of memory: 2,147 MB.")


def _contract_cells(path: Path, folder: Path) -> list[str]:
    if by_contract(path, folder) != by_hand(path, folder):  # not counted
        raise AssertionError("the contract and the hand SQL count differently")
    pairs = [(timed(lambda: by_contract(path, folder)), timed(lambda: by_hand(path, folder))) for _ in range(CONTRACT_ROUNDS)]
    ours, hand = (list(zip(*times, strict=True)) for times in zip(*pairs, strict=True))
    peaks = [in_process("contract_tasks", way, path, folder) for way in WAYS]
    times = [f"{min(hand[0]):.2f}", f"{min(ours[0]):.2f}"]
    return [*times, ratios(ours[0], hand[0]), ratios(ours[1], hand[1]), "1.5", *(f"{peak:,.0f}" for peak in peaks)]


def time_statistics(millions: list[float]) -> None:
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


def in_process(module: str, task: str, *paths: Path) -> float:
    """The number that a module prints, run in a process of its own."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", task, *map(str, paths)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
