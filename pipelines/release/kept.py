"""The releases that are kept: their folders and manifests, which of them is current, and the hold on it."""

import json
import os
from pathlib import Path
from typing import Any

from pipelines.machine.errors import CrampAtlasError, WrongUsage
from pipelines.machine.files import sync_folder
from pipelines.project.project import Project

DATABASES = {"epi.duckdb": ("raw", "core", "report", "meta"), "epi_public.duckdb": ("report", "meta")}
"""File of a release -> the schemas that it holds."""


BUILDING = ".building-"
"""How the names of releases begin that are not whole yet."""


def releases_folder(project: Project) -> Path:
    return project.settings.warehouse_folder / "releases"


def manifests(project: Project) -> list[dict[str, Any]]:
    """The manifests of all releases, oldest first; raises CrampAtlasError that names one that cannot be read."""
    found = []
    for path in releases_folder(project).glob("[!.]*/manifest.json"):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise CrampAtlasError(
                f"{path} cannot be read: restore that release from a backup, or move its folder away"
            ) from error
    return sorted(found, key=lambda manifest: (manifest["published_at"], manifest["release_id"]))


def manifest_of(project: Project, release_id: str | None = None) -> dict[str, Any]:
    """The manifest of a release that is kept, without an id of the one that readers see; raises WrongUsage or CrampAtlasError."""
    known = {str(manifest["release_id"]): manifest for manifest in manifests(project)}
    wanted = release_id or current_release(project)
    if wanted is None:
        raise CrampAtlasError("nothing is published yet: run cramp-atlas refresh")
    if wanted not in known:
        raise WrongUsage(f"there is no release {wanted}; there are: {', '.join(known) or 'none yet'}")
    return known[wanted]


def current_release(project: Project) -> str | None:
    """The id of the release that readers see."""
    link = project.settings.warehouse_folder / "current"
    return link.resolve().name if link.is_symlink() and link.exists() else None


def hold_file(project: Project) -> Path:
    """Stands while a rollback holds: nights go on, but readers stay with the release they were rolled back to."""
    return releases_folder(project) / "hold.json"


def held_release(project: Project) -> str | None:
    """The release that a rollback holds readers at; None where none does, or where somebody has taken that release away."""
    path = hold_file(project)
    held = str(json.loads(path.read_text(encoding="utf-8"))["release_id"]) if path.exists() else None
    return held if held and (releases_folder(project) / held / "manifest.json").exists() else None


def point_to(project: Project, release_id: str) -> None:
    """Let readers see this release: one atomic swap of a symlink."""
    warehouse = project.settings.warehouse_folder
    _swap_link(warehouse / "current", Path("releases") / release_id)
    for name in DATABASES:
        _swap_link(warehouse / name, Path("current") / name)
    sync_folder(warehouse)


def _swap_link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f".{link.name}.fresh")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    os.replace(fresh, link)
