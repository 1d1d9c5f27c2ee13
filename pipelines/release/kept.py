"""The releases that are kept: their folders and manifests, which of them is current, and the hold on it."""

import os
from pathlib import Path
from typing import Any

from pipelines.machine.errors import CrampAtlasError, WrongUsage
from pipelines.machine.files import SET_ASIDE, set_aside, sync_folder
from pipelines.machine.sealed import Unsound, read_sealed
from pipelines.project.project import Project

DATABASES = {"epi.duckdb": ("raw", "core", "report", "meta"), "epi_public.duckdb": ("report", "meta")}
"""File of a release -> the schemas that it holds."""


NUMBER = "number"
"""In a manifest: the place of the release among all that were published. Clocks may run backwards."""

HELD_IN_A_MANIFEST = {
    "release_id": str,
    "sequence": int,
    "published_at": str,
    "content_hash": str,
    "objects": list,
    "files": dict,
}
"""What must be in a manifest, and of which kind."""

TO_RESTORE = "restore that release from a backup, or move its folder away"

BUILDING = ".building-"
"""How the names of releases begin that are not whole yet."""


def releases_folder(project: Project) -> Path:
    return project.settings.warehouse_folder / "releases"


def manifests(project: Project) -> list[dict[str, Any]]:
    """The manifests of all releases that can be read, in the order in which they were published, whatever the clock said."""
    found = [manifest for folder in _folders(project) if not isinstance(manifest := _read(folder), str)]
    return sorted(found, key=lambda manifest: (manifest.get(NUMBER, 0), manifest["published_at"], manifest["release_id"]))


def next_number(known: list[dict[str, Any]]) -> int:
    """The place of a new release after these; those of before there were numbers count, too."""
    return 1 + max([len(known), *(int(manifest.get(NUMBER, 0)) for manifest in known)])


def manifest_problems(project: Project) -> list[str]:
    """Releases whose manifest is gone or not what was written, a line each."""
    return [read for folder in _folders(project) if isinstance(read := _read(folder), str)]


def _folders(project: Project) -> list[Path]:
    return sorted(path for path in releases_folder(project).glob("[!.]*") if path.is_dir() and not path.name.endswith(SET_ASIDE))


def _read(folder: Path) -> dict[str, Any] | str:
    """The manifest of a release, or what is wrong with it."""
    try:
        manifest = read_sealed(folder / "manifest.json")
    except Unsound as error:
        return f"{error}: {TO_RESTORE}"
    if manifest is None:
        return f"{folder / 'manifest.json'} is gone: {TO_RESTORE}"
    if not _is_manifest(manifest):
        return f"{folder / 'manifest.json'} cannot be read, as it is no manifest: {TO_RESTORE}"
    if manifest["release_id"] != folder.name:
        return f"{folder / 'manifest.json'} is the manifest of {manifest['release_id']}: {TO_RESTORE}"
    return manifest


def _is_manifest(manifest: dict[str, Any]) -> bool:
    if any(not isinstance(manifest.get(name), kind) for name, kind in HELD_IN_A_MANIFEST.items()):
        return False
    entries = [*manifest["objects"], *manifest.get("rests_on", [])]
    return all(isinstance(entry, dict) and entry.keys() >= {"place", "content", "recipe"} for entry in entries)


def manifest_of(project: Project, release_id: str | None = None) -> dict[str, Any]:
    """The manifest of a release that is kept, without an id of the one that readers see; raises WrongUsage or CrampAtlasError."""
    known = {str(manifest["release_id"]): manifest for manifest in manifests(project)}
    wanted = release_id or current_release(project)
    if wanted is None:
        raise CrampAtlasError("\n".join(current_problems(project)) or "nothing is published yet: run cramp-atlas refresh")
    folder = releases_folder(project) / wanted
    if wanted not in known and folder in _folders(project):
        raise CrampAtlasError(str(_read(folder)))
    if wanted not in known:
        raise WrongUsage(f"there is no release {wanted}; there are: {', '.join(known) or 'none yet'}")
    return known[wanted]


def current_release(project: Project) -> str | None:
    """The id of the release that readers see."""
    link = project.settings.warehouse_folder / "current"
    there = link.is_symlink() and link.exists() and link.resolve().parent == releases_folder(project).resolve()
    return link.resolve().name if there else None


def current_problems(project: Project) -> list[str]:
    """Why readers see none of the releases that there are, or not the databases of the one that they see."""
    if not _folders(project):
        return []
    warehouse = project.settings.warehouse_folder
    wrong = [f"{warehouse.name}/{name} is no link to current/{name}" for name in DATABASES if not _is_link(warehouse, name)]
    problems = [f"{words}: run cramp-atlas publish, which sets aside what is there" for words in wrong]
    if current_release(project):
        return problems
    link = warehouse / "current"
    if link.is_symlink():
        found = "leads to no release" if link.exists() else "leads nowhere"
    else:
        found = "is no link, as after a copy that follows links" if link.exists() else "is gone"
    return [f"readers cannot be led to a release: {link} {found}: run cramp-atlas publish", *problems]


def _is_link(warehouse: Path, name: str) -> bool:
    link = warehouse / name
    return link.is_symlink() and link.readlink() == Path("current") / name


def hold_file(project: Project) -> Path:
    """Stands while a rollback holds: nights go on, but readers stay with the release they were rolled back to."""
    return releases_folder(project) / "hold.json"


def held_release(project: Project) -> str | None:
    """The release that a rollback holds readers at; None where none does, or where somebody has taken that release away.

    Where the hold cannot be read, readers stay where they are.
    """
    try:
        hold = read_sealed(hold_file(project))
    except Unsound:
        hold = {}
    if hold is None:
        return None
    held = hold.get("release_id")
    if not isinstance(held, str):
        return current_release(project)
    return held if (releases_folder(project) / held / "manifest.json").exists() else None


def hold_problems(project: Project) -> list[str]:
    """What is wrong with the note of a rollback."""
    path = hold_file(project)
    try:
        hold = read_sealed(path)
    except Unsound:
        hold = {}
    if hold is None or isinstance(hold.get("release_id"), str):
        return []
    return [
        f"{path} does not say which release a rollback holds, so readers stay where they are: "
        "run cramp-atlas releases rollback ID or cramp-atlas releases resume"
    ]


def let_go(project: Project) -> None:
    """End a rollback."""
    path = hold_file(project)
    if path.is_dir() and not path.is_symlink():
        set_aside(path)
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def point_to(project: Project, release_id: str) -> None:
    """Let readers see this release: one atomic swap of a symlink."""
    warehouse = project.settings.warehouse_folder
    _swap_link(warehouse / "current", Path("releases") / release_id)
    for name in DATABASES:
        _swap_link(warehouse / name, Path("current") / name)
    sync_folder(warehouse)


def _swap_link(link: Path, target: Path) -> None:
    """What stands in the place of the link, as after a copy that follows links, is set aside."""
    if link.is_symlink() and link.readlink() == target:
        return
    if not link.is_symlink() and link.exists():
        set_aside(link)
    fresh = link.with_name(f".{link.name}.fresh")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    os.replace(fresh, link)
