"""Whether a release is still what was published: hashes, modes, links, and the objects of the store that it names.

Nothing is repaired in here: each problem says what is wrong and what to do.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from pipelines.machine.files import sha256_of_file
from pipelines.machine.sealed import Unsound
from pipelines.project.project import Project
from pipelines.release.damage import REMAKE, damage_beside
from pipelines.release.disclosure.ledger import LEDGERS
from pipelines.release.kept import DATABASES, current_release, held_release, manifests, releases_folder
from pipelines.release.restricted import unread_ledgers
from pipelines.release.views import NOT_SAFE, moved, viewed_files
from pipelines.store import Place
from pipelines.store.objects import read_sidecar
from pipelines.store.places import rejected_rows_place
from pipelines.store.recipe import recipe_of

GO_BACK = "let readers see another release (cramp-atlas releases rollback ID), or restore the release from a backup"
READERS_ARE_SAFE = (
    "readers of the release are not affected; cramp-atlas refresh makes an object that is accepted again, if its delivery is in "
    "landing; otherwise restore the store from a backup"
)
UNREAD = "is damaged or incomplete: nothing of it is in the public files until it is restored from a backup"
WRITABLE = 0o222


def verify(project: Project, manifest: dict[str, Any]) -> list[str]:
    """Everything that is wrong with a release; empty where all is well."""
    folder = releases_folder(project) / manifest["release_id"]
    return [
        *_manifest_problems(project, folder, manifest),
        *(problem for name in manifest["files"] for problem in file_problems(project, manifest, name)),
        *_other_files(folder, manifest),
        *_link_problems(project),
        *moved(project, manifest),
        *damage_beside(project, manifest),
        *(f"nobody knows what was shown of {name}: {LEDGERS}/{name} {UNREAD}" for name in unread_ledgers(project)),
        *(
            problem
            for entry in [*manifest["objects"], *manifest.get("rests_on", [])]
            for problem in _object(project, entry, viewed_files(project, manifest))
        ),
    ]


def file_problems(project: Project, manifest: dict[str, Any], name: str) -> Iterator[str]:
    """What is wrong with one file of a release."""
    path = releases_folder(project) / manifest["release_id"] / name
    shown = f"{manifest['release_id']}/{name}"
    if not path.is_file():
        yield f"{shown} is {'no file' if path.exists() else 'gone'}: {GO_BACK}"
        return
    if sha256_of_file(path) != manifest["files"].get(name):
        yield f"{shown} is not what was published (another SHA-256): {GO_BACK}"
    yield from _mode(path, shown)


def _mode(path: Path, shown: str) -> Iterator[str]:
    if path.stat().st_mode & WRITABLE:
        yield f"{shown} can be written to: chmod a-w it"


def _manifest_problems(project: Project, folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """The manifest against the database, which names the release and its content too."""
    yield from _mode(folder / "manifest.json", f"{folder.name}/manifest.json")
    if manifest["release_id"] != folder.name:
        yield f"the manifest of {folder.name} is that of {manifest['release_id']}: {GO_BACK}"
    try:
        with duckdb.connect(str(folder / "epi_public.duckdb"), read_only=True) as connection:
            named = connection.sql("select release_id, content_hash from meta.releases where is_this_release").fetchall()
    except duckdb.Error:
        yield f"{folder.name}/epi_public.duckdb cannot be read as a database: {GO_BACK}"
        return
    if named != [(manifest["release_id"], manifest["content_hash"])]:
        yield f"the manifest of {folder.name} and its meta.releases name different contents: {GO_BACK}"


def _other_files(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name in {*manifest["files"], "manifest.json"}:
            continue
        if path.suffix == ".wal":
            yield f"{folder.name}/{name}: a write-ahead log of a published database, which somebody opened for writing: delete it"
        else:
            yield f"{folder.name}/{name} is not part of the release: move it away"


def _link_problems(project: Project) -> Iterator[str]:
    """Where readers are led: `current` to the release that a rollback holds, or to the newest, and the databases through it."""
    warehouse = project.settings.warehouse_folder
    known = manifests(project)
    wanted = held_release(project) or (str(known[-1]["release_id"]) if known else None)
    if wanted and current_release(project) and current_release(project) != wanted:
        yield f"{warehouse.name}/current does not lead to {wanted}: run cramp-atlas publish"
    for name in DATABASES:
        if (warehouse / f"{name}.wal").exists():
            yield f"{warehouse.name}/{name}.wal: a write-ahead log beside a published database: delete it"


def _object(project: Project, entry: dict[str, Any], viewed: Mapping[Path, str]) -> Iterator[str]:
    """One object of the store that the release names: its bytes, and that its sidecar says what it said then."""
    place = Place.parse(entry["place"])
    path = project.store.folder(place) / f"{entry['recipe']}.json"
    if entry["content"]:
        yield from _bytes(project, place, entry["content"], viewed)
    if not path.exists():
        yield f"the sidecar of {place} (recipe {entry['recipe'][:12]}) is gone from the store: {READERS_ARE_SAFE}"
        return
    try:
        sidecar = read_sidecar(path)
    except Unsound:
        yield f"the sidecar of {place} (recipe {entry['recipe'][:12]}) cannot be read, or was changed: {REMAKE}"
        return
    if sidecar is None:
        return
    recipe = recipe_of(place, sidecar.ingredients, sidecar.inputs)
    if recipe != entry["recipe"] or sidecar.content != entry["content"]:
        yield (
            f"the sidecar of {place} (recipe {entry['recipe'][:12]}) does not say what it said when the release was published: "
            "delete it and run cramp-atlas refresh"
        )
    if sidecar.rejected_rows and not project.store.path(rejected_rows_place(place), sidecar.rejected_rows).exists():
        yield f"the list of the records that were set aside from {place} is gone from the store: {READERS_ARE_SAFE}"


def _bytes(project: Project, place: Place, content: str, viewed: Mapping[Path, str]) -> Iterator[str]:
    path = project.store.path(place, content)
    shown = f"the object {content[:12]} of {place}"
    effect = f"{viewed[path]} of epi.duckdb is a view over it, and {NOT_SAFE}" if path in viewed else READERS_ARE_SAFE
    if not path.is_file():
        yield f"{shown} is gone from the store: {effect}"
        return
    if sha256_of_file(path) != content:
        yield f"{shown} is damaged (another SHA-256 than its name): {effect}"
    yield from _mode(path, shown)
