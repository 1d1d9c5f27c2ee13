"""What was measured, kept: one table for each benchmark, with machine, versions and commit on every row."""

import csv
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from time import gmtime, strftime

FOLDER = Path(__file__).parent
LIBRARIES = ("duckdb", "polars", "pyarrow", "great-expectations", "dagster")


def append_results(benchmark: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows to the table of a benchmark, `<benchmark>.csv`."""
    path = FOLDER / f"{benchmark}.csv"
    common = circumstances()
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow([*common, *rows[0]])
        writer.writerows([*common.values(), *row.values()] for row in rows)


def circumstances() -> dict[str, str]:
    """When, at which commit, on which machine, how busy it was, and with which versions."""
    commit = ["git", "-C", str(FOLDER), "describe", "--always", "--dirty", "--exclude=*"]
    return {
        "at": strftime("%Y-%m-%d %H:%M", gmtime()),
        "commit": subprocess.run(commit, check=True, capture_output=True, text=True).stdout.strip(),
        "machine": f"{os.cpu_count()} x {platform.machine()} {platform.system()}",
        "load": f"{os.getloadavg()[0]:.1f}",
        "versions": " ".join([f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in LIBRARIES)]),
    }
