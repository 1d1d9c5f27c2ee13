"""Dispensings in memory, for estimators without a warehouse."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl

from pipelines.project.drug_classes import DrugClass
from pipelines.project.events import DiarySettings, SequenceSymmetrySettings
from pipelines.project.project import Project
from pipelines.report.events import Events

INDEX, MARKER, OTHER = "C03CA01", "M09AA01", "C08CA01"
CLASSES = {
    "index": DrugClass("Index", ("C03C",)),
    "marker": DrugClass("Marker", ("M09AA",)),
    "other": DrugClass("Other", ("C08C",)),
}

SEQUENCES: dict[str, Any] = {
    "events": "core.dispensings",
    "drug_classes": "made_up",
    "marker": "marker",
    "index": {"index": {"active_comparator": "other"}, "other": {"role": "negative_control"}},
    "windows_days": [30, 365],
    "run_in_days": 0,
}
DIARY: dict[str, Any] = {
    "events": "core.cramp_diary",
    "label": "Cramps",
    "count": "cramps",
    "severity": "severity",
    "trigger": "trigger",
}


@contextmanager
def dispensed(project: Project, rows: pl.DataFrame, **settings: Any) -> Iterator[Events]:
    """Events of `person_id`, `event_date`, `atc_code` and, where given, `age_years`, `sex`, in one wave."""
    asked = SequenceSymmetrySettings.model_validate({**SEQUENCES, **settings})
    study = project.study.model_copy(update={"sequence_symmetry": asked})
    with _bound(rows, "dispensings") as connection:
        source = project.sources["synthetic_dispensings"]
        yield Events(connection, "core.dispensings", study, source, ["2015-2019"], CLASSES)


@contextmanager
def noted(project: Project, rows: pl.DataFrame, **settings: Any) -> Iterator[Events]:
    """Days of a diary: `person_id`, `event_date`, `cramps`, `severity`, `trigger`, in one wave."""
    study = project.study.model_copy(update={"diary": DiarySettings.model_validate({**DIARY, **settings})})
    with _bound(rows.with_columns(wave=pl.lit("2024")), "cramp_diary") as connection:
        yield Events(connection, "core.cramp_diary", study, project.sources["synthetic_diary"], ["2024"])


@contextmanager
def _bound(rows: pl.DataFrame, table: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        wave = rows if "wave" in rows.columns else rows.with_columns(wave=pl.lit("2015-2019"))
        connection.register("rows", wave.to_arrow())
        connection.execute(f"create schema core; create view core.{table} as from rows")
        yield connection


def only(frame: pl.DataFrame, **key: Any) -> Mapping[str, Any]:
    """The one row of a key."""
    rows = frame.filter(**key).to_dicts()
    assert len(rows) == 1, f"{len(rows)} rows of {key}"
    return rows[0]
