"""What was ever shown of a restricted source: `warehouse/disclosed/<source>/`, which outlives the releases.

A version is one state of the people of a source and of what a study asks of them. In its folder are the people, counted (for
those who may see microdata), and the rows that any release showed of them. `latest/` has the rows of the release that was written
last, and what the study asked then. Each folder lists its files with their hashes: one that is lost or changed is damage, and is
never taken for nothing that was shown. Nothing in here judges.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.files import replace_text, sha256_of_file, sync_file, sync_folder
from pipelines.release.disclosure.atoms import Classification

LEDGERS = "disclosed"
"""The folder of the warehouse that has a ledger for each restricted source."""

VERSION = "version.json"
PEOPLE = "people"
LATEST = "latest"
FILES = "files"
VERSIONS = "versions"
NUMBERED = "{:04}"
UNFINISHED = ".unfinished"

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
        found = self._versions()
        if len(found) < self._noted():
            raise self._damaged(self.folder / NUMBERED.format(len(found) + 1))
        return [self._read(path) for path in reversed(found)]

    def _noted(self) -> int:
        """How many versions there were when the last release was written."""
        latest = self.folder / LATEST
        return int(self._head(latest).get(VERSIONS, 0)) if (latest / VERSION).exists() else 0

    def is_readable(self) -> bool:
        """Whether all of it is as it was written."""
        try:
            self.shown()
            self.latest()
        except CrampAtlasError:
            return False
        return True

    def latest(self) -> tuple[Mapping[str, Any], dict[str, pl.DataFrame]]:
        """What the study asked in the release that was written last, and its rows; none before the first."""
        if not (self.folder / LATEST / VERSION).exists():  # without it less is shown, never more
            return {}, {}
        return self._head(self.folder / LATEST)["settings"], self._tables(self.folder / LATEST)

    def record(self, version: Version, fresh: Tables, everything: Tables) -> None:
        """Add the rows that are shown of a version (`fresh`) to those shown before; `everything`: all rows of the release.

        Durable before it returns. The release must not be seen before.
        """
        known = next((path for path in self._versions() if self._head(path)["digest"] == version.digest), None)
        if known or any(not rows.is_empty() for rows in fresh.values()):
            self._add(known, version, fresh)
        self._write(self.folder / LATEST, everything, {}, {"settings": dict(version.settings), VERSIONS: len(self._versions())})
        for folder in (self.folder, *self.folder.parents[:2]):  # made on the first time
            sync_folder(folder)

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
            path.rename(self.folder / NUMBERED.format(len(self._versions()) + 1))

    def _versions(self) -> list[Path]:
        """Their folders, oldest first; raises CrampAtlasError where one in between is lost."""
        if self.folder.exists() and not self.folder.is_dir():
            raise self._damaged(self.folder)
        found = sorted(self.folder.glob("[0-9]*"))
        for number, path in enumerate(found, 1):
            if path.name != NUMBERED.format(number):
                raise self._damaged(self.folder / NUMBERED.format(number))
        return found

    def _head(self, path: Path) -> dict[str, Any]:
        """What a folder says of itself, whose files are as they were written."""
        try:
            found = json.loads((path / VERSION).read_text(encoding="utf-8"))
            needed = {FILES, "settings"} if path.name == LATEST else {FILES, "digest", "respondents", "settings", "names"}
            if needed <= set(found) and all(sha256_of_file(path / name) == known for name, known in found[FILES].items()):
                return dict(found)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError, TypeError, AttributeError):
            pass
        raise self._damaged(path)

    def _read(self, path: Path) -> Shown:
        head = self._head(path)
        try:
            names = Classification(**{name: tuple(columns) for name, columns in head["names"].items()})
            people = self._frames(path, head)[PEOPLE]
        except (TypeError, AttributeError) as error:
            raise self._damaged(path) from error
        version = Version(head["digest"], head["respondents"], head["settings"], names, people)
        return Shown(version, self._tables(path))

    def _tables(self, path: Path) -> dict[str, pl.DataFrame]:
        return {name: frame for name, frame in self._frames(path, self._head(path)).items() if name != PEOPLE}

    def _frames(self, path: Path, head: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
        return {file.rsplit(".", 2)[0]: pl.read_parquet(path / file) for file in sorted(head[FILES])}

    def _damaged(self, path: Path) -> CrampAtlasError:
        return CrampAtlasError(f"{path} cannot be read, which tells what earlier releases showed: restore it from a backup")

    def _write(self, path: Path, tables: Tables, more: Tables, head: Mapping[str, Any]) -> None:
        """Files named by their content, and then, in one step, the head that lists them; what it does not list any more goes."""
        path.mkdir(parents=True, exist_ok=True)
        files = {}
        for name, frame in {**tables, **more}.items():
            temporary = path / f".{name}"
            frame.write_parquet(temporary)
            sync_file(temporary)
            known = sha256_of_file(temporary)
            files[f"{name}.{known[:12]}.parquet"] = known
            temporary.replace(path / f"{name}.{known[:12]}.parquet")
        sync_folder(path)
        replace_text(path / VERSION, json.dumps({**head, FILES: files}, indent=1))
        for left in (file for file in path.glob("*.parquet") if file.name not in files):
            left.unlink()


def _united(before: pl.DataFrame | None, rows: pl.DataFrame) -> pl.DataFrame:
    if before is None:
        return rows
    return pl.concat([before, rows], how="diagonal_relaxed").unique(maintain_order=True)
