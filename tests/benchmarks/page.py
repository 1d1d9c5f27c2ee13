"""The report page of a large study: `python -m tests.benchmarks page` writes it, its Word file and its CSV files.

The rows are those of a small project, told under several names: as many outcomes, exposures and populations as wanted.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.project.project import Project
from pipelines.project.study import Study
from pipelines.release.page.writing import write_page

OUTCOMES, EXPOSURES, POPULATIONS = 9, 11, 4
"""Of the study whose page once took over 20 minutes."""

SECONDS_A_CELL = 0.001
"""What a page may cost."""


def copies(names: list[str], n: int) -> dict[str, str]:
    """n new names -> the name whose rows they tell again."""
    return {f"{names[i % len(names)]}_{i}": names[i % len(names)] for i in range(n)}


def large_study(study: Study, named: dict[str, dict[str, str]]) -> Study:
    """The study under the new names; odds ratios are asked for in every population."""
    parts: dict[str, Any] = {
        f"{kind}s": {
            name: getattr(study, f"{kind}s")[of].model_copy(update={"label": f"{getattr(study, f'{kind}s')[of].label} ({name})"})
            for name, of in names.items()
        }
        for kind, names in named.items()
    }
    asked = study.odds_ratios.model_copy(update={"populations": list(named["population"])})
    return study.model_copy(update=parts | {"odds_ratios": asked})


def large_database(project: Project, small: Path, large: Path, named: dict[str, dict[str, str]]) -> None:
    """The public database with every report row told again under each name."""
    with duckdb.connect(str(large)) as connection:
        connection.execute(f"attach '{small}' as small (read_only)")
        for schema in ("report", "meta"):
            connection.execute(f"create schema {schema}")
        for schema, table in connection.sql(
            "select schema_name, table_name from duckdb_tables() where database_name = 'small'"
        ).fetchall():
            rows = connection.sql(f"from small.{schema}.{table}").pl()
            if schema == "report":
                rows = _told_again(rows, named)
            connection.register("rows", rows.to_arrow())
            connection.execute(f"create table {schema}.{table} as from rows")


def _told_again(rows: pl.DataFrame, named: dict[str, dict[str, str]]) -> pl.DataFrame:
    for kind, names in named.items():
        if kind in rows.columns:
            again = pl.DataFrame({"again": list(names), kind: list(names.values())})
            unnamed = rows.filter(~pl.col(kind).is_in(list(names.values())) | pl.col(kind).is_null())
            told = rows.join(again, on=kind, how="inner").with_columns(pl.col("again").alias(kind)).select(rows.columns)
            rows = pl.concat([unnamed, told])
    return rows


def write_large_page(project: Project, folder: Path) -> tuple[float, float, int, int]:
    """(seconds, CPU seconds, cells, bytes of the page) of the page of the large study, from the public database of `project`."""
    study = project.study
    named = {
        "outcome": copies(list(study.outcomes), OUTCOMES),
        "exposure": copies(list(study.exposures), EXPOSURES),
        "population": copies(["adults_20_plus"], POPULATIONS),
    }
    large = replace(project, study=large_study(study, named))
    release = project.settings.warehouse_folder / "current"
    large_database(project, release / "epi_public.duckdb", folder / "epi_public.duckdb", named)
    manifest = {"release_id": "large", "published_at": "2026-01-01", "compared_with": None}
    started, cpu = time.perf_counter(), time.process_time()
    write_page(large, folder, manifest)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    cells = sum(_cells(path) for path in (folder / "report_tables").iterdir())
    return seconds, cpu, cells, (folder / "report.html").stat().st_size


def _cells(path: Path) -> int:
    table = pl.read_csv(path, infer_schema=False)
    return table.height * table.width
