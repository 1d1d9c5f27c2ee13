"""One reader of the live warehouse: `python -m tests.soak.reader DATABASE SECONDS_A_SESSION PAUSE`, until its input is closed.

Prints one JSON list an answer: session, moment, milliseconds, the answer; or session, moment, null, the error. It imports
nothing of the pipeline.
"""

import json
import select
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

MARKS = """
select release_id, title, description from meta.releases, meta.sources, meta.columns
where is_this_release and source = 'nhanes' and table_name = 'meta.sources' and column_name = 'title'
"""

REPORTED = """
select count(*) as n,
  sum(hash(p.wave, p.population, p.age_band, p.prevalence, p.prevalence_upper, o.exposure, o.odds_ratio_upper)) as checksum
from {prevalence} as p left join {odds_ratios} as o using (source, outcome)
"""

TRENDS = "select count(*), sum(hash(t)) from {trends} as t"

TABLES = {name: f"report.{name}" for name in ("prevalence_by_age_band", "odds_ratios", "trends")}


def reported(tables: dict[str, str]) -> str:
    return REPORTED.format(prevalence=tables["prevalence_by_age_band"], odds_ratios=tables["odds_ratios"])


def ask(connection: duckdb.DuckDBPyConnection) -> list[Any]:
    """One query over five tables, then two more within the same connection: all must be of one release."""
    joined = f"select * from ({MARKS}), ({reported(TABLES)})"
    return [
        *_only(connection, joined),
        *_only(connection, "select release_id from meta.releases where is_this_release"),
        *_only(connection, TRENDS.format(**TABLES)),
    ]


def truth(release: Path) -> list[Any]:
    """The same answer from the Parquet files of a release, with its marks from the database that is not asked."""
    files = {name: f"read_parquet('{release}/report/{name}.parquet')" for name in TABLES}
    with duckdb.connect(str(release / "epi_public.duckdb"), read_only=True) as connection:
        marks = _only(connection, MARKS)
        rows = _only(connection, reported(files))
        return [*marks, *rows, release.name, *_only(connection, TRENDS.format(**files))]


def _only(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    [row] = connection.execute(query).fetchall()
    return list(row)


def main(database: str, session_seconds: float, pause: float) -> None:
    session, connection, opened = 0, None, 0.0
    while not select.select([sys.stdin], [], [], pause)[0]:
        started = time.time()
        try:
            if connection is None:
                session, opened = session + 1, started
                connection = duckdb.connect(database, read_only=True, config={"threads": 1})
            answer: Any = ask(connection)
            milliseconds: float | None = 1000 * (time.time() - started)
        except Exception as error:  # every error is an answer that must not be
            answer, milliseconds = f"{type(error).__name__}: {error}", None
        print(json.dumps([session, started, milliseconds, answer]), flush=True)  # noqa: T201 - read by the soak
        if connection is not None and time.time() - opened >= session_seconds:
            connection.close()
            connection = None


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
