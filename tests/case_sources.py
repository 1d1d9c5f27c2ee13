"""The small sources in tests/cases: added to a project as docs/add-a-survey.md says, and estimated without a night."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipelines.core.harmonise import build_core
from pipelines.making.build import Built
from pipelines.project.project import Project
from pipelines.raw.take_in import take_in
from pipelines.report.make import build_report
from pipelines.store import Place
from tests.atlas import Atlas

CASES = Path(__file__).parent / "cases"


def add_case(atlas: Atlas, folder: str) -> str:
    """Add the source of a folder of tests/cases to a project, with its delivery; returns its name."""
    case = CASES / folder
    [declared] = [path for path in case.glob("*.yaml") if not path.name.endswith(".odcs.yaml")]
    [contract] = case.glob("*.odcs.yaml")
    [select] = case.glob("*.sql")
    source = yaml.safe_load(declared.read_text(encoding="utf-8"))
    name = str(source["source"])
    shutil.copy(declared, atlas.folder / "data_contracts" / "sources" / f"{name}.yaml")
    shutil.copy(contract, atlas.folder / "data_contracts" / "raw" / contract.name)
    shutil.copy(select, atlas.folder / "sql" / "core" / "respondents" / f"{name}.sql")
    deliveries = sorted(case.glob("*.csv"))
    for delivered, (_, wave) in zip(deliveries, sorted(source["waves"].items()), strict=True):
        [table] = wave["tables"].values()
        landed = atlas.warehouse / "landing" / name / table["file"]
        landed.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(delivered, landed)
    return name


def harmonised(project: Project, source: str) -> None:
    """Take in the deliveries of a source and harmonise them; nothing may be rejected."""
    for wave in project.sources[source].waves:
        assert take_in(project, source, wave).problems == []
        built = build_core(project, Place("core", "respondents", source, wave))
        assert built.sidecar.verdict == "accepted", built.sidecar.problems


def estimated(project: Project, table: str, source: str) -> Built:
    """The rows of a source in a report table, made now."""
    [place] = [place for place in project.places(table) if place.source == source]
    return build_report(project, place)


def rows_of(project: Project, table: str, source: str) -> list[dict[str, Any]]:
    """The rows of a source in a report table, which must have been accepted."""
    built = estimated(project, table, source)
    assert built.sidecar.verdict == "accepted", built.sidecar.problems
    [place] = [place for place in project.places(table) if place.source == source]
    return pl.read_parquet(project.store.path(place, str(built.sidecar.content))).to_dicts()
