"""One wave of the synthetic survey, of any size, through its select and the vocabulary into a core object."""

import tempfile
from functools import cache
from pathlib import Path

import duckdb

from pipelines.contracts.model import Contract
from pipelines.core.harmonise import completed, this_wave, typed
from pipelines.making.engine import bind_frame, bind_select
from pipelines.making.ordering import in_order
from pipelines.project.decoding import decoded
from pipelines.project.project import Project
from pipelines.stages import load_project
from pipelines.store import Place, Store

SOURCE, WAVE, PEOPLE = "synthetic_survey", "2024", "synthetic_survey_respondents"

MOST_COPIES = 3.0
"""What harmonising may cost, in copies of the raw object to Parquet."""

THREADS = 2


def write_people(path: Path, n: int) -> None:
    """n respondents as the raw table has them: numbered, with random answers among those that the codebook lists."""
    contract = _project().contracts[f"raw.{PEOPLE}"]
    columns = ", ".join(f"{_random(contract, name, kind)} as {name}" for name, kind in contract.column_types().items())
    with duckdb.connect() as connection:
        connection.execute("select setseed(0.2026)")
        connection.execute(f"copy (select {columns} from range({n})) to '{path}' (format parquet, compression zstd)")


@cache
def _project() -> Project:
    return load_project()


def _random(contract: Contract, name: str, kind: str) -> str:
    listed = contract.codebook.received(name) if contract.codebook else []
    if listed:
        return f"cast(list_value({', '.join(map(repr, listed))})[1 + cast(floor(random() * {len(listed)}) as integer)] as {kind})"
    if name == "respondent":
        return "range + 1"
    return f"cast(random() * 60 + 16 as {kind})" if kind != "DOUBLE" else "round(random() * 40000, 4)"


def copy_people(path: Path) -> None:
    """What is compared with: the raw object copied to Parquet."""
    with tempfile.TemporaryDirectory() as folder, _engine() as connection:
        connection.execute(f"copy (from '{path}') to '{folder}/copy.parquet' (format parquet, compression zstd)")


def harmonise_people(path: Path) -> None:
    """The core object of the wave, written to a store."""
    project = _project()
    source, table = project.sources[SOURCE], project.study.respondents
    select, contract, bands = project.selects[f"{table}/{SOURCE}"], project.contracts[table], project.study.age_bands.frame()
    with tempfile.TemporaryDirectory() as folder, _engine() as connection:
        bind_select(connection, f"raw.{PEOPLE}", f"select * from read_parquet('{path}')")
        bind_select(connection, f"decoded.{PEOPLE}", decoded(project.contracts[f"raw.{PEOPLE}"]))
        bind_frame(connection, "meta", "this_wave", this_wave(source, WAVE))
        sql = completed(connection, select, project.vocabularies[table], contract, source, bands)
        place, schema = Place("core", table.partition(".")[2], SOURCE, WAVE), contract.arrow_schema()
        in_order(connection, sql, lambda rows: Store(Path(folder)).write(place, typed(select, rows, schema)))


def _engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": THREADS})
    connection.execute("set perfect_ht_threshold = 20")
    return connection
