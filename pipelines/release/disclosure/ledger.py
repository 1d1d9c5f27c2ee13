"""What was ever shown of a restricted source: `warehouse/disclosed/<source>/`, which outlives the releases.

A version is one state of the people of a source and of what a study asks of them. In its folder are the people, counted (for
those who may see microdata), and the rows that any release showed of them. `latest/` has the rows of the release that was written
last. Nothing in here judges.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.files import TEMPORARY, replace_text, sync_file, sync_folder
from pipelines.release.disclosure.atoms import Classification

VERSION = "version.json"
PEOPLE = "people.parquet"
LATEST = "latest"
UNFINISHED = f"{TEMPORARY}version"

Tables = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Version:
    """`digest` names it. `respondents`: of the objects that hold the people. `settings`: what the study asks (name -> JSON)."""

    digest: str
    respondents: str
    settings: Mapping[str, Any]
    names: Classification
    people: pl.DataFrame


@dataclass(frozen=True)
class Shown:
    """A version and the rows (table -> rows) that were shown of it."""

    version: Version
    tables: Tables


@dataclass(frozen=True)
class Ledger:
    """The ledger of one source; the folder need not be there."""

    folder: Path

    def shown(self) -> list[Shown]:
        """Every version of which something was shown, newest first; raises CrampAtlasError where one cannot be read."""
        return [self._read(path) for path in reversed(self._versions())]

    def latest(self) -> dict[str, pl.DataFrame]:
        """The rows of the release that was written last; none before the first."""
        return self._tables(self.folder / LATEST)

    def record(self, version: Version, fresh: Tables, everything: Tables) -> None:
        """Add the rows that are shown of a version (`fresh`) to those shown before; `everything`: all rows of the release.

        Durable before it returns. The release must not be seen before.
        """
        known = next((path for path in self._versions() if self._head(path)["digest"] == version.digest), None)
        if known or any(not rows.is_empty() for rows in fresh.values()):
            self._add(known, version, fresh)
        self._write(self.folder / LATEST, everything, {}, None)

    def _add(self, known: Path | None, version: Version, fresh: Tables) -> None:
        before = self._tables(known) if known else {}
        tables = {name: _united(before.get(name), rows) for name, rows in fresh.items()}
        head = {
            "digest": version.digest,
            "respondents": version.respondents,
            "settings": dict(version.settings),
            "names": asdict(version.names),
        }
        # a new version is there as a whole or not at all
        path = known or self.folder / UNFINISHED
        if known is None:
            shutil.rmtree(path, ignore_errors=True)
        self._write(path, before | tables, {PEOPLE: version.people}, head)
        if known is None:
            path.rename(self.folder / f"{len(self._versions()) + 1:04}")

    def _versions(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*"))

    def _head(self, path: Path) -> dict[str, Any]:
        try:
            found = json.loads((path / VERSION).read_text(encoding="utf-8"))
            if {"digest", "respondents", "settings", "names"} <= set(found):
                return dict(found)
        except (OSError, ValueError, TypeError):
            pass
        raise self._damaged(path / VERSION)

    def _read(self, path: Path) -> Shown:
        head = self._head(path)
        try:
            names = Classification(**{name: tuple(columns) for name, columns in head["names"].items()})
            people = pl.read_parquet(path / PEOPLE)
        except (OSError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
            raise self._damaged(path) from error
        version = Version(head["digest"], head["respondents"], head["settings"], names, people)
        return Shown(version, self._tables(path))

    def _tables(self, path: Path) -> dict[str, pl.DataFrame]:
        try:
            return {file.stem: pl.read_parquet(file) for file in sorted(path.glob("report.*.parquet"))}
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._damaged(path) from error

    def _damaged(self, path: Path) -> CrampAtlasError:
        return CrampAtlasError(f"{path} cannot be read, which tells what earlier releases showed: restore it from a backup")

    def _write(self, path: Path, tables: Tables, more: Tables, head: Mapping[str, Any] | None) -> None:
        path.mkdir(parents=True, exist_ok=True)
        for name, frame in {**{f"{name}.parquet": frame for name, frame in tables.items()}, **more}.items():
            temporary = path / f".{name}"
            frame.write_parquet(temporary)
            sync_file(temporary)
            temporary.replace(path / name)
        sync_folder(path)
        if head is not None:
            replace_text(path / VERSION, json.dumps(head, indent=1))
        sync_folder(self.folder)


def _united(before: pl.DataFrame | None, rows: pl.DataFrame) -> pl.DataFrame:
    if before is None:
        return rows
    return pl.concat([before, rows], how="diagonal_relaxed").unique(maintain_order=True)
