"""Dispensings of any number of people as Parquet, their sequence ratios, and the bare scan of the same columns.

`python -m tests.benchmarks.dispensings scan|estimate PARQUET` prints the peak of its memory in megabytes.
"""

import sys
from pathlib import Path

import duckdb

from pipelines.making.engine import bind_select, engine
from pipelines.project.project import Project
from pipelines.report.events import Events
from pipelines.report.sequences import sequence_ratios
from pipelines.stages import load_project
from tests.benchmarks.memory import peak_megabytes

SOURCE, WAVE, TABLE = "synthetic_dispensings", "2015-2019", "core.dispensings"

CODES = ("C03CA01", "C03AA03", "C03DA01", "R03AC13", "C10AA01", "C08CA01", "R03BB04", "M09AA01", "A10BA02", "N02BE01")
"""What is dispensed: a class of study.yaml each, and the last two of none, which most dispensings are."""


def write_dispensings(path: Path, n_people: int, n_dispensings: int) -> None:
    """Random days of five years; the same numbers write the same values."""
    codes = ", ".join(f"'{code}'" for code in CODES)
    with duckdb.connect() as connection:
        connection.execute("set threads = 1; select setseed(0.2026)")
        connection.execute(
            f"""
            copy (
              select
                '{SOURCE}' as source,
                '{WAVE}' as wave,
                cast(cast(floor(random() * {n_people}) as integer) as varchar) as person_id,
                date '2015-01-01' + cast(floor(1826 * random()) as integer) as event_date,
                list_value({codes})[1 + cast(floor({len(CODES)} * pow(random(), 0.5)) as integer)] as atc_code,
                cast(40 + floor(50 * random()) as integer) as age_years,
                case when random() < 0.5 then 'female' else 'male' end as sex
              from range({n_dispensings})
            ) to '{path}' (format parquet, compression zstd)
            """
        )


def scan_dispensings(path: Path) -> None:
    """What is compared with: every value of the same columns, looked at once."""
    project = load_project()
    with engine(project.settings) as connection:
        connection.sql(
            f"select max(person_id), max(event_date), max(atc_code), max(age_years), max(sex) from read_parquet('{path}')"
        ).fetchall()


def estimate_dispensings(path: Path) -> None:
    """The rows of report.sequence_ratios, by the settings of study.yaml."""
    project = load_project()
    with engine(project.settings) as connection:
        bind_select(connection, TABLE, f"select * from read_parquet('{path}')")
        assert sequence_ratios(_events(project, connection)).height > 0


def _events(project: Project, connection: duckdb.DuckDBPyConnection) -> Events:
    settings = project.study.sequence_symmetry
    assert settings is not None
    classes = project.drug_classes[settings.drug_classes]
    return Events(connection, TABLE, project.study, project.sources[SOURCE], [WAVE], classes)


WAYS = {"scan": scan_dispensings, "estimate": estimate_dispensings}


if __name__ == "__main__":
    WAYS[sys.argv[1]](Path(sys.argv[2]))
    print(peak_megabytes())  # noqa: T201
