"""`ask.prevalence` of a release of many respondents beside the bare scan of the columns that it reads."""

from dataclasses import replace
from pathlib import Path

import duckdb

from pipelines.machine.quoting import literal
from pipelines.release.macros.distributions import t_quantiles
from pipelines.release.macros.writing import write_macros
from pipelines.stages import load_project
from tests.release.macros.asked import source

MOST_SCANS = 3.0
"""Target, as a multiple of the scan."""

QUESTION = "from ask.prevalence('has_cramps', by := 'age_band', condition := 'age_years >= 20', source := 'survey')"

SCANNED = """
  max(source), max(wave), max(age_band), sum(stratum), sum(psu), sum(interview_weight), sum(has_cramps::int), sum(age_years)"""

PEOPLE = """
  select 'survey' as source, '2001' as wave, i::varchar as respondent_id, 1 + hash(i) % 15 as stratum, 1 + hash(i + 1) % 2 as psu,
    exp(8 + 3 * (hash(i + 2) % 1000003) / 1000003.0) as interview_weight, (hash(i + 3) % 86)::integer as age_years,
    (hash(i + 3) % 86 // 10) || '0s' as age_band, hash(i + 4) % 10 < 3 as has_cramps
  from range({n}) as people(i)
"""


def write_release(folder: Path, n_respondents: int, *, is_view: bool) -> Path:
    """A database with so many respondents, as a table or as a view over a Parquet file, and the macros."""
    project = replace(load_project(), sources={"survey": source("survey", "survey")})
    types = project.contracts["core.respondents"].column_types()
    made = ("source", "wave", "respondent_id", "stratum", "psu", "interview_weight", "age_years", "age_band", "has_cramps")
    columns = ", ".join(f"{name if name in made else 'null'}::{kind} as {name}" for name, kind in types.items())
    select = f"select {columns} from ({PEOPLE.format(n=n_respondents)})"
    path = folder / f"{'view' if is_view else 'table'}_{n_respondents}.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema core; create schema meta")
        if is_view:
            parquet = literal(str(path.with_suffix(".parquet")))
            connection.execute(f"copy ({select}) to {parquet} (compression zstd)")
            connection.execute(f"create view core.respondents as from read_parquet({parquet})")
        else:
            connection.execute(f"create table core.respondents as {select}")
        connection.register("quantiles", t_quantiles(project.study.confidence_level).to_arrow())
        connection.execute("create table meta.t_quantiles as select * from quantiles")
        write_macros(connection, project)
    return path


def scan_respondents(connection: duckdb.DuckDBPyConnection) -> None:
    """Read the columns of the question and do next to nothing with them."""
    connection.execute(f"select {SCANNED} from core.respondents").fetchall()


def ask_prevalence(connection: duckdb.DuckDBPyConnection) -> None:
    """The question, from its text to its rows."""
    connection.execute(QUESTION).fetchall()
