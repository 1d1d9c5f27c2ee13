"""Taking in a delivery of millions of records: `python -m tests.benchmarks.taking_in FOLDER FILE` reads, conforms and judges it.

Prints seconds, and in MB the largest resident size of this process, of the process that reads the file, and of both at once.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import duckdb
import pyarrow.parquet as pq

from pipelines.machine.quoting import literal
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.raw.take_in import take_in
from tests.benchmarks.answers import WAVE, answers_contract, write_answers

SOURCE = "bulk"
EVERY_SECONDS = 0.05


def write_delivery(folder: Path, n: int, suffix: str) -> Path:
    """So many answers, of which some break rules, as a provider would send them: Parquet, or text of separated fields."""
    path = folder / "landing" / SOURCE / f"answers{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet = path.with_suffix(".parquet")
    write_answers(parquet, n, answers_contract(folder / "contracts"))
    if suffix != ".parquet":
        with duckdb.connect(":memory:", config={"temp_directory": str(folder)}) as connection:
            records = f"from read_parquet({literal(str(parquet))})"
            connection.execute(f"copy ({records}) to {literal(str(path))} (header, delimiter ',')")
        parquet.unlink()
    return path


def project_of(folder: Path, file: Path) -> Project:
    """A project of one source whose only delivery is this file. Rules that would reject it as a whole only warn."""
    project = Project.read(Settings(project=REPOSITORY, warehouse=folder / "warehouse", landing=folder / "landing"))
    contract = answers_contract(folder / "contracts")
    rules = tuple(replace(rule, severity="set_aside" if rule.bad_rows else "warn") for rule in contract.rules)
    contract = replace(contract, rules=rules, max_share_set_aside=0.5)
    source = Source.model_validate(
        {
            "source": SOURCE,
            "title": "Answers of a bulk delivery",
            "design": "cohort",
            "classification": "synthetic",
            "citation": "none",
            "terms_of_use": "none",
            "waves": {WAVE: {"tables": {"answers": {"file": file.name}}}},
        }
    )
    return replace(project, sources={SOURCE: source}, contracts={"raw.answers": contract}, checks={})


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Peaks in MB of this process, of its children, and of all at once, while something runs."""
    peaks = {"own": 0.0, "reader": 0.0, "both": 0.0}
    ended = Event()

    def watch() -> None:
        while not ended.wait(EVERY_SECONDS):
            own, reader = _resident("self"), sum(map(_resident, _children()))
            for name, size in (("own", own), ("reader", reader), ("both", own + reader)):
                peaks[name] = max(peaks[name], size)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _children() -> list[str]:
    return [pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]


def _resident(process: str) -> float:
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":" in line)
        return int(status["VmRSS"].split()[0]) / 1_000
    except (OSError, KeyError):
        return 0.0


def copy_to_parquet(path: Path, target: Path) -> None:
    """What DuckDB needs to write the same records once, without a look at any."""
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.execute(f"copy (from {literal(str(path))}) to {literal(str(target))} (format parquet, compression zstd)")


def main(folder: Path, file: Path) -> None:
    """Take in the file as a night does."""
    project = project_of(folder, file)
    start = time.perf_counter()
    with watched() as peaks:
        delivery = take_in(project, SOURCE, WAVE)
    seconds = time.perf_counter() - start
    [sidecar] = delivery.candidates.values() if delivery.candidates else [None]
    if sidecar is None or sidecar.content is None:
        raise RuntimeError("; ".join([*delivery.problems, *delivery.postponed]))
    with pq.ParquetFile(project.store.path(next(iter(delivery.candidates)), sidecar.content)) as written:
        if written.metadata.num_rows != sidecar.rows:
            raise RuntimeError("the object has not the rows that its sidecar says")
    print(f"{seconds:.1f} {peaks['own']:.0f} {peaks['reader']:.0f} {peaks['both']:.0f}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
