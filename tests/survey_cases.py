"""The small surveys of tests/cases/statistics, added to a project and taken from delivery to report without Dagster."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipelines.core.harmonise import build_core
from pipelines.project.project import Project
from pipelines.raw.take_in import take_in
from pipelines.report.estimators import ESTIMATORS
from pipelines.report.make import build_report
from pipelines.store import Place
from tests.atlas import Atlas

CASES = Path(__file__).parent / "cases" / "statistics"


def add_survey(atlas: Atlas, case: str, **declared: Any) -> str:
    """Put a survey's four files and its delivery where they belong, with more keys in its source's file; returns its name."""
    folder = CASES / case
    source = yaml.safe_load((folder / "source.yaml").read_text(encoding="utf-8")) | declared
    name = str(source["source"])
    contracts = atlas.folder / "data_contracts"
    (contracts / "sources" / f"{name}.yaml").write_text(yaml.safe_dump(source, sort_keys=False), encoding="utf-8")
    shutil.copy(folder / f"{name}_people.odcs.yaml", contracts / "raw")
    shutil.copy(folder / "select.sql", atlas.folder / "sql" / "core" / "respondents" / f"{name}.sql")
    for wave in source["waves"]:
        [delivered] = [file for file in folder.glob("people_*.csv") if file.stem.split("_")[1] == wave]
        landing = atlas.settings.landing_folder / name / wave
        landing.mkdir(parents=True, exist_ok=True)
        shutil.copy(delivered, landing / "people.csv")
    return name


def harmonise(atlas: Atlas, name: str, project: Project | None = None) -> list[str]:
    """Take the survey in and harmonise it; returns every problem. The project is loaded unless it is given."""
    project = project or atlas.project
    problems = []
    for wave in project.sources[name].study_waves:
        problems += take_in(project, name, wave).problems
        problems += build_core(project, Place("core", "respondents", name, wave)).sidecar.problems
    return problems


def report(atlas: Atlas, name: str, table: str, project: Project | None = None) -> pl.DataFrame:
    """The rows of the survey in a report table."""
    project = project or atlas.project
    assert f"report.{table}" in ESTIMATORS
    place = Place("report", table, name, "all")
    sidecar = build_report(project, place).sidecar
    assert sidecar.problems == []
    assert sidecar.content
    return pl.read_parquet(project.store.path(place, sidecar.content))


def respondents(atlas: Atlas, name: str, wave: str) -> pl.DataFrame:
    """What was harmonised of one wave."""
    project = atlas.project
    place = Place("core", "respondents", name, wave)
    sidecar = project.store.accepted(place)
    assert sidecar
    assert sidecar.content
    return pl.read_parquet(project.store.path(place, sidecar.content))
