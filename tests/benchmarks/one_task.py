"""Peak memory of one task alone: `python -m tests.benchmarks.one_task TASK PARQUET` prints megabytes."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from tests.benchmarks.tasks import TASKS, connect, relation


def peak_memory(task: str, path: Path) -> float:
    """Largest resident size of this process in MB, Python and its packages included, after the task."""
    with connect() as con:
        TASKS[task].run(con, relation(path))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1_000_000 if sys.platform == "darwin" else 1_000)


if __name__ == "__main__":
    print(peak_memory(sys.argv[1], Path(sys.argv[2])))  # noqa: T201
