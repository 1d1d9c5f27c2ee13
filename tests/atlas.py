"""A project of its own in a temporary folder, with a small synthetic population, for tests from delivery to release."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from pipelines.dagster.job import Refreshed, refresh
from pipelines.landing.fetch.fetching import fetch
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.project.project import Project
from pipelines.stages import load_project
from pipelines.terminal.cli import app
from tests.patience import PATIENCE_SECONDS

DESCRIBED = "Sex as recorded by the source.", "Sex as the source recorded it."
"""Before and after a change of the contract of core.respondents that brings a release and makes no table anew."""

DESCRIPTION = "select comment from duckdb_columns() where table_name = 'respondents' and column_name = 'sex'"

PARTS = ("study.yaml", "dagster.yaml", "workspace.yaml", "data_contracts", "sql")


@dataclass(frozen=True)
class OptionalPart:
    """What a study need not have: keys of study.yaml, or of one of its sections, and what only they use (patterns of files)."""

    keys: tuple[str, ...]
    files: tuple[str, ...] = ()


OPTIONAL_PARTS: dict[str, OptionalPart] = {
    "evidence": OptionalPart(
        keys=("evidence",),
        files=(
            "data_contracts/evidence",
            "data_contracts/report/claims.odcs.yaml",
            "data_contracts/report/evidence*.odcs.yaml",
            "data_contracts/report/published_numbers.odcs.yaml",
            "sql/checks/evidence*.sql",
            "sql/checks/published_numbers__*.sql",
            "sql/report/claims.sql",
            "sql/report/evidence*.sql",
            "sql/report/published_numbers.sql",
        ),
    ),
    "sequences": OptionalPart(
        keys=("sequence_symmetry",),
        files=(
            "data_contracts/*/*dispensings*",
            "data_contracts/report/*sequence_*.odcs.yaml",
            "sql/checks/sequence_*.sql",
            "sql/core/dispensings*",
            "sql/queries/*sequence_*.sql",
            "sql/report/*sequence_*.sql",
            "sql/synthetic/*dispensings.sql",
        ),
    ),
    "diary": OptionalPart(
        keys=("diary",),
        files=(
            "data_contracts/*/*diary*",
            "sql/checks/*diary*.sql",
            "sql/core/*diary*",
            "sql/queries/*diary*.sql",
            "sql/synthetic/*diary.sql",
        ),
    ),
    "cells": OptionalPart(keys=(), files=("data_contracts/core/cells.odcs.yaml",)),
    "further exposures": OptionalPart(
        keys=(
            "populations.adults_65_plus",
            "exposures.magnesium_intake_mg",
            "exposures.is_in_lowest_magnesium_quartile",
            "exposures.serum_calcium_mg_dl",
            "exposures.serum_potassium_mmol_l",
            "exposures.sitting_minutes_per_day",
            "exposures.is_pregnant",
        ),
    ),
}
"""Left out of the projects of tests unless they ask for them: a table more costs time in every refresh."""


class Atlas:
    """The project in `folder` and what a user does with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(project=folder)

    @property
    def project(self) -> Project:
        """Loaded anew, as every command does."""
        return load_project(self.settings)

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    def refresh(self, **arguments: Any) -> Refreshed:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", str(self.folder / ".dagster"))
            patch.chdir(REPOSITORY)
            return refresh(self.project, **arguments)

    def refresh_in_a_terminal(self) -> subprocess.CompletedProcess[str]:
        """The command itself, in a process of its own, and what it printed."""
        environment = {
            **os.environ,
            "CRAMP_ATLAS_PROJECT": str(self.folder),
            "DAGSTER_HOME": str(self.folder / ".dagster"),
            "COLUMNS": "500",
        }
        command = [str(Path(sys.executable).with_name("cramp-atlas")), "refresh"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)

    def refresh_as_typed(self) -> subprocess.CompletedProcess[str]:
        """The command itself, in this process, and what it printed. An error that nobody foresaw is raised."""
        environment = {"CRAMP_ATLAS_PROJECT": str(self.folder), "DAGSTER_HOME": str(self.folder / ".dagster")}
        ended = CliRunner().invoke(app, ["refresh"], env=environment)
        if ended.exception and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return subprocess.CompletedProcess(["cramp-atlas", "refresh"], ended.exit_code, ended.stdout, ended.stderr)

    def query(self, sql: str, database: str = "epi.duckdb") -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse / database), read_only=True) as connection:
            return connection.sql(sql).fetchall()

    def edit(self, file: str, before: str, after: str) -> None:
        """Change one place of a file of the project; the text must be there exactly once."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {file}"
        path.write_text(text.replace(before, after), encoding="utf-8")

    def fetch_nhanes(self, base_url: str) -> None:
        source = self.project.sources["nhanes"]
        files = [table.file for wave in source.waves.values() for table in wave.tables.values()]
        fetch(files, base_url, self.settings.landing_folder / "nhanes")

    def sidecars(self) -> set[Path]:
        """Every recipe that was ever made."""
        return {path.relative_to(self.warehouse) for path in (self.warehouse / "store").glob("*/*/*/*/*.json")}

    def copy(self, folder: Path) -> "Atlas":
        """The same project and warehouse in another folder. What is in the store is immutable and shared by hard links."""
        shutil.copytree(
            self.folder, folder, symlinks=True, copy_function=_link_or_copy, ignore=shutil.ignore_patterns(".dagster")
        )
        return Atlas(folder)


def make_atlas(folder: Path, keeping: Collection[str] = ()) -> Atlas:
    """A copy of this repository's study, contracts and SQL, with a synthetic survey of 3,000 among 60,000.

    Of OPTIONAL_PARTS it has those that are named in `keeping`.
    """
    folder.mkdir(parents=True)
    for part in PARTS:
        copy = shutil.copytree if (REPOSITORY / part).is_dir() else shutil.copy
        copy(REPOSITORY / part, folder / part)
    path = folder / "data_contracts" / "sources" / "synthetic_survey.yaml"
    source = yaml.safe_load(path.read_text(encoding="utf-8"))
    source["generator"]["population"] |= {"people": 60_000, "strata": 10, "psus_per_stratum": 8}
    source["generator"]["sample"]["people"] = 3_000
    for wave in source["waves"].values():
        wave["tables"]["synthetic_survey_respondents"].pop("rows")
    path.write_text(yaml.safe_dump(source, sort_keys=False), encoding="utf-8")
    for name in OPTIONAL_PARTS.keys() - set(keeping):
        leave_out(folder, OPTIONAL_PARTS[name])
    return Atlas(folder)


def leave_out(folder: Path, part: OptionalPart) -> None:
    """Remove an optional part from a project; what is not there is left out already."""
    study = folder / "study.yaml"
    text = study.read_text(encoding="utf-8")
    for key in part.keys:
        section, _, name = key.rpartition(".")
        if section:
            text = re.sub(rf"(?m)^  {name}:.*\n(?:   +.*\n)*", "", text)
        else:
            # the comment above a key belongs to it, as do the indented lines below
            text = re.sub(rf"(?m)^(?:#.*\n)*{key}:.*\n(?:[ \t]+.*\n|\n(?=[ \t]))*\n?", "", text)
    study.write_text(text, encoding="utf-8")
    for pattern in part.files:
        for path in sorted(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def add_part(atlas: Atlas, name: str) -> None:
    """Give a project that was made without it an optional part; of the others it has none."""
    shutil.copy(REPOSITORY / "study.yaml", atlas.folder / "study.yaml")
    for other in OPTIONAL_PARTS.keys() - {name}:
        leave_out(atlas.folder, OPTIONAL_PARTS[other])
    for pattern in OPTIONAL_PARTS[name].files:
        for path in sorted(REPOSITORY.glob(pattern)):
            target = atlas.folder / path.relative_to(REPOSITORY)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)


def _link_or_copy(source: str, target: str) -> str:
    # not what landed: another link to a file looks to a night like somebody who writes it
    if "/warehouse/" in source and "/landing/" not in source and source.endswith((".parquet", ".duckdb")):
        os.link(source, target)
        return target
    return str(shutil.copy2(source, target))
