"""Keeping the warehouse small: old releases, objects that nothing needs any more, and what killed processes left."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.machine.files import TEMPORARY, sync_folder
from pipelines.machine.lock import warehouse_lock
from pipelines.project.project import Project
from pipelines.release.disclosure.ledger import LEDGERS
from pipelines.release.kept import BUILDING, current_release, held_release, manifest_problems, manifests, releases_folder
from pipelines.store import Place
from pipelines.store.sweep import Swept, sweep

REMOVING = ".removing-"
"""How the names of releases begin that are being removed: readers of `releases/` never meet half of one."""


@dataclass(frozen=True)
class Pruned:
    """Ids of the releases removed, what became of the store, leftovers removed, and all bytes that this gave back."""

    releases: list[str]
    swept: Swept
    leftovers: list[Path]
    n_bytes: int


def prune(project: Project, *, dry_run: bool = False, now: datetime | None = None) -> Pruned:
    """Remove what retention in study.yaml does not keep.

    Never the release that readers see or that a rollback holds, nor an object that an accepted file or a kept release needs;
    nothing of the store while a manifest cannot be read, because nobody knows what its release needs.
    """
    with warehouse_lock(project.settings.warehouse_folder):
        known = manifests(project)
        kept = _kept(project, known)
        old = [str(manifest["release_id"]) for manifest in known if manifest["release_id"] not in kept]
        leftovers = _leftovers(project)
        n_bytes = sum(map(_size, [*leftovers, *(releases_folder(project) / release_id for release_id in old)]))
        if not dry_run:
            for path in leftovers:
                _remove(path)
            for release_id in old:
                _remove_release(releases_folder(project), release_id)
        entries = [
            entry
            for manifest in known
            if manifest["release_id"] in kept
            for entry in [*manifest["objects"], *manifest.get("rests_on", [])]
        ]
        named = [(Place.parse(entry["place"]), str(entry["recipe"])) for entry in entries]
        contents = {str(entry["content"]) for entry in entries}
        grace = timedelta(days=project.study.retention.grace_days)
        if manifest_problems(project):
            return Pruned(old, Swept(0, 0, [], 0), leftovers, n_bytes)
        swept = sweep(project.store, named, now or datetime.now(UTC), grace, contents=contents, dry_run=dry_run)
        return Pruned(old, swept, leftovers, n_bytes + swept.n_bytes)


def _kept(project: Project, known: list[dict[str, Any]]) -> set[str | None]:
    newest = known[-project.study.retention.releases :]
    return {*(str(manifest["release_id"]) for manifest in newest), current_release(project), held_release(project)}


def _leftovers(project: Project) -> list[Path]:
    """What a killed process left: files half written, releases half built or half removed, links, and what DuckDB spilled."""
    warehouse, releases = project.settings.warehouse_folder, releases_folder(project)
    folders = (project.store.root, releases, warehouse / LEDGERS)
    half_made = [path for folder in folders for path in folder.rglob(f"{TEMPORARY}*")]
    half_built = [*releases.glob(f"{BUILDING}*"), *releases.glob(f"{REMOVING}*")]
    inside = [path for path in half_made if not any(folder in path.parents for folder in half_built)]
    return sorted([*inside, *half_built, *warehouse.glob(".*.fresh"), *(warehouse / "spill").glob("*")])


def _size(path: Path) -> int:
    files = [path] if path.is_file() and not path.is_symlink() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_release(releases: Path, release_id: str) -> None:
    """In one step for who lists the releases; a kill in between leaves a folder that the next pruning removes."""
    removing = releases / f"{REMOVING}{release_id}"
    (releases / release_id).rename(removing)
    sync_folder(releases)
    shutil.rmtree(removing)
