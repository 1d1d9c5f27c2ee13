"""The small sources of tests/cases, added to a project and taken from delivery to report without Dagster."""

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
    """Add one of the small surveys, with more keys in its source's file; returns its name."""
    return add_case(atlas, f"statistics/{case}", **declared)


def add_case(atlas: Atlas, folder: str, **declared: Any) -> str:
    """Put the files of a folder of tests/cases and its deliveries, a wave each, where they belong; returns the source's name."""
    case, contracts = CASES.parent / folder, atlas.folder / "data_contracts"
    [file] = [path for path in case.glob("*.yaml") if not path.name.endswith(".odcs.yaml")]
    [contract], [select] = case.glob("*.odcs.yaml"), case.glob("*.sql")
    source = yaml.safe_load(file.read_text(encoding="utf-8")) | declared
    name = str(source["source"])
    (contracts / "sources" / f"{name}.yaml").write_text(yaml.safe_dump(source, sort_keys=False), encoding="utf-8")
    shutil.copy(contract, contracts / "raw")
    shutil.copy(select, atlas.folder / "sql" / "core" / "respondents" / f"{name}.sql")
    for delivered, (number, wave) in zip(sorted(case.glob("*.csv")), sorted(source["waves"].items()), strict=True):
        assert len(source["waves"]) == 1 or delivered.stem.endswith(f"_{number}"), f"{delivered.name} is not named for {number}"
        [table] = wave["tables"].values()
        landed = atlas.settings.landing_folder / name / table["file"]
        landed.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(delivered, landed)
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
