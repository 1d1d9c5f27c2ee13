"""A release of millions of respondents: `python -m tests.benchmarks.publishing PROJECT` publishes what is accepted.

Prints seconds, bytes of the release, bytes that the process gave to the disk, and peak memory in MB.
"""

import os
import resource
import sys
import time
from pathlib import Path

import duckdb

from pipelines.contracts.model import Contract
from pipelines.core.plan import plan_core
from pipelines.machine.quoting import identifier
from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.release.publish import publish
from pipelines.report.plan import plan_report
from pipelines.stages import load_project
from pipelines.store import Place, Sidecar
from tests.atlas import Atlas

SOURCE = "synthetic_survey"
RAW = Place("raw", "synthetic_survey_respondents", SOURCE, "2024")
CORE = Place("core", "respondents", SOURCE, "2024")
SEED = 0.2026
IO = Path("/proc/self/io")


def enlarge(atlas: Atlas, n: int) -> list[Path]:
    """Accept n records and n respondents in place of the few that there are; returns their Parquet files.

    The report tables stay those of the few: only their sidecars say that they were made of the many.
    """
    project = atlas.project
    raw = project.store.accepted(RAW)
    core = project.store.accepted(CORE)
    assert raw is not None
    assert core is not None
    _accept(project, RAW, raw, _many(project, RAW, raw, n))
    wanted = plan_core(project, CORE)
    core_now = core.model_copy(update={"recipe": wanted.recipe, "inputs": _named(wanted.inputs)})
    _accept(project, CORE, core_now, _many(project, CORE, core, n))
    for table in project.report_tables:
        place = Place.parse(f"{table} {SOURCE} all")
        report = project.store.accepted(place)
        assert report is not None
        plan = plan_report(project, place)
        _accept(project, place, report.model_copy(update={"recipe": plan.recipe, "inputs": _named(plan.inputs)}), report.content)
    accepted = [(place, project.store.accepted(place)) for place in (RAW, CORE)]
    return [project.store.path(place, sidecar.content) for place, sidecar in accepted if sidecar and sidecar.content]


def _named(inputs: object) -> dict[str, str]:
    assert isinstance(inputs, dict)
    return {str(place): content for place, content in inputs.items()}


def _accept(project: Project, place: Place, sidecar: Sidecar, content: str | None) -> None:
    project.store.record(place, sidecar.model_copy(update={"content": content}))
    acceptance = project.store.acceptance(place.source, place.wave)
    tables = acceptance.tables | {place.name: sidecar.recipe}
    project.store.set_acceptance(place.source, place.wave, acceptance.model_copy(update={"tables": tables}))


def _many(project: Project, place: Place, sidecar: Sidecar, n: int) -> str:
    """An object of n rows: those of the object in random order, with numbers that differ, so that they do not compress away."""
    assert sidecar.content is not None
    path = project.store.path(place, sidecar.content)
    columns = ", ".join(_column(project.contracts[place.name], name) for name in project.contracts[place.name].column_types())
    with duckdb.connect(config={"memory_limit": "4GB"}) as connection:
        connection.execute("select setseed(?)", [SEED])
        connection.execute(f"create table few as select *, row_number() over () - 1 as position from read_parquet('{path}')")
        [(height,)] = connection.sql("select count(*) from few").fetchall()
        connection.execute(f"create view drawn as select range as number, hash(range) % {height} as position from range({n})")
        rows = connection.sql(f"select {columns} from drawn join few using (position)").to_arrow_reader(100_000)
        schema = project.contracts[place.name].arrow_schema()
        import pyarrow as pa

        cast = pa.RecordBatchReader.from_batches(
            schema, (pa.Table.from_batches([batch]).cast(schema).combine_chunks().to_batches()[0] for batch in rows)
        )
        return project.store.write(place, cast)[0]


def _column(contract: Contract, name: str) -> str:
    kind = contract.column_types()[name]
    if name in {"respondent_id", "id"}:
        return f"cast(number as {kind}) as {identifier(name)}"
    is_number = kind == "DOUBLE"
    return f"{identifier(name)} * (1 + random() / 10) as {identifier(name)}" if is_number else identifier(name)


def copy_seconds(paths: list[Path], target: Path) -> float:
    """How long it takes to read the files, and to write and sync a copy."""
    started = time.perf_counter()
    for path in paths:
        with path.open("rb") as source, target.open("wb") as copied:
            while chunk := source.read(2**20):
                copied.write(chunk)
            copied.flush()
            os.fsync(copied.fileno())
    seconds = time.perf_counter() - started
    target.unlink()
    return seconds


def main(folder: Path) -> None:
    project = load_project(Settings(project=folder))
    started = time.perf_counter()
    published = publish(project)
    seconds = time.perf_counter() - started
    release = folder / "warehouse" / "releases" / published.release_id
    size = sum(path.stat().st_size for path in release.rglob("*") if path.is_file())
    written = dict(line.split(": ") for line in IO.read_text().splitlines())["write_bytes"] if IO.exists() else "nan"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1_000_000 if sys.platform == "darwin" else 1_000)
    print(seconds, size, written, peak)  # noqa: T201 - read by the benchmark


if __name__ == "__main__":
    main(Path(sys.argv[1]))
