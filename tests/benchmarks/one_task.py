"""Peak memory of one task alone: `python -m tests.benchmarks.one_task TASK PARQUET` prints megabytes."""

import sys
from pathlib import Path

from tests.benchmarks.memory import peak_megabytes
from tests.benchmarks.tasks import TASKS, connect, relation


def peak_memory(task: str, path: Path) -> float:
    """Largest resident size of this process in MB, Python and its packages included, after the task."""
    with connect() as con:
        TASKS[task].run(con, relation(path))
    return peak_megabytes()


if __name__ == "__main__":
    print(peak_memory(sys.argv[1], Path(sys.argv[2])))  # noqa: T201
