"""Publishing: a release is built beside the live one, then one symlink is swapped. A crash leaves the last good release.

Readers open `warehouse/epi.duckdb`, a symlink through `warehouse/current`. Those that hold yesterday's file keep it.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.machine.code import code_digest
from pipelines.machine.errors import StoreDamaged
from pipelines.machine.files import READ_ONLY, replace_text, sha256_of_file, sync_file, sync_folder
from pipelines.machine.lock import warehouse_lock
from pipelines.machine.sealed import sealed
from pipelines.project.project import Project
from pipelines.release.changes import Side, changes
from pipelines.release.composition import compose
from pipelines.release.damage import damaged_files
from pipelines.release.database import write_database
from pipelines.release.disclosed import for_readers, meta_for_readers, protect_reports
from pipelines.release.kept import BUILDING, DATABASES, current_release, held_release, manifests, point_to, releases_folder
from pipelines.release.macros.distributions import t_quantiles
from pipelines.release.macros.writing import write_macros
from pipelines.release.manifest import new_manifest
from pipelines.release.meta import TIMES, conforming, meta_tables, no_rows_of
from pipelines.release.page.writing import write_page
from pipelines.release.passports import passports
from pipelines.release.restricted import unread_ledgers
from pipelines.release.views import selects_of, viewed_files, views_of
from pipelines.release.whereabouts import VIEWS
from pipelines.release.wording import authors_of
from pipelines.store import Place, Sidecar, digest
from pipelines.store.objects import is_whole
from pipelines.store.places import rejected_rows_place

NAMED_OTHERWISE = frozenset({"stages", "report.estimators"})
"""What makes the objects of a release is in their content; here it only tells whether they fit together, and names them."""


@dataclass(frozen=True)
class Published:
    """The release that holds what is accepted now, and whether it had to be made; `notes` are what a person has to know of it."""

    release_id: str
    is_new: bool
    is_current: bool
    notes: tuple[str, ...] = ()


def publish(project: Project) -> Published:
    """Compose what is accepted into a release and let readers see it; nothing is written where nothing changed.

    Raises NotClosed where tables rest on older versions of one another.
    """
    with warehouse_lock(project.settings.warehouse_folder):
        objects = compose(project)
        _require_whole(project, objects)
        frames = meta_tables(project, objects)
        content = content_hash(project, objects, frames)
        known = manifests(project)
        views = views_of(project, objects)
        if known and known[-1]["content_hash"] == content and _is_whole(project, known[-1], views):
            release_id = known[-1]["release_id"]
            is_new = False
        else:
            release_id = _build(project, objects, frames, content, known, views)
            is_new = True
        point_to(project, held_release(project) or release_id)
        notes = _clock_notes(known, datetime.now(UTC)) if is_new else ()
        return Published(release_id, is_new, current_release(project) == release_id, notes)


def _is_whole(project: Project, manifest: dict[str, Any], views: dict[str, Any]) -> bool:
    """Whether a release is what was published, and its views are those that it would have now."""
    return manifest.get(VIEWS) == views.get(VIEWS) and not damaged_files(project, manifest)


def _clock_notes(known: list[dict[str, Any]], now: datetime) -> tuple[str, ...]:
    """That the clock was set back since the last release: said with the first release after it, and with no other."""
    before = datetime.fromisoformat(known[-1]["published_at"]) if known else now
    if now >= before.replace(microsecond=0):
        return ()
    return (
        f"the clock of this machine runs behind: it is {now:%Y-%m-%d %H:%M} UTC, and release {known[-1]['release_id']} is dated "
        f"{before:%Y-%m-%d %H:%M} UTC; releases stand in the order in which they were published, whatever their dates say",
    )


def content_hash(project: Project, objects: dict[Place, Sidecar], frames: dict[str, pl.DataFrame]) -> str:
    timeless = {name: frame.drop(TIMES.get(name, [])) for name, frame in frames.items()}
    return digest(
        {
            "objects": {str(place): sidecar.content for place, sidecar in objects.items()},
            "contracts": {name: contract.digest for name, contract in project.released.items()},
            "meta": {name: digest(frame.to_dicts()) for name, frame in timeless.items()},
            "study": project.study.of_estimates(),
            "page": project.study.page.model_dump(mode="json"),
            "authors": [author.sorted_by for author in authors_of(project.study.publication)],
            "people": {name: source.people_in_words for name, source in project.sources.items()},
            "disclosure": {
                "settings": project.study.disclosure.model_dump(mode="json"),
                "sources": {name: [source.classification, source.microdata] for name, source in project.sources.items()},
                "solver": version("scipy"),
                "unread": unread_ledgers(project),
            },
            "code": code_digest(["release.publish"], NAMED_OTHERWISE),
        }
    )


def _build(
    project: Project,
    objects: dict[Place, Sidecar],
    frames: dict[str, pl.DataFrame],
    content: str,
    known: list[dict[str, Any]],
    views: dict[str, Any],
) -> str:
    manifest = new_manifest(project, objects, frames, content, known, datetime.now(UTC)) | views
    release_id = str(manifest["release_id"])
    with _staging(releases_folder(project), release_id) as folder, tempfile.TemporaryDirectory() as temporary:
        paths = _paths(project, objects)
        safe, failed = protect_reports(project, paths, Path(temporary))
        manifest["undrawn"] = failed
        _write_reports(project, folder, for_readers(paths, safe, _kept_back(project)["epi_public.duckdb"]))
        explained = {
            "meta.releases": _releases([*known, manifest]),
            "meta.release_changes": _changes(project, folder, manifest, known),
            "meta.passports": passports(project, objects, manifest),
            "meta.t_quantiles": t_quantiles(project.study.confidence_level),
        }
        frames = frames | {name: conforming(frame, project.contracts[name]) for name, frame in explained.items()}
        _write(project, folder, paths, safe, frames, manifest)
        _require_whole(project, _copied(project, objects, manifest))
    return release_id


def _require_whole(project: Project, objects: dict[Place, Sidecar]) -> None:
    """Raise StoreDamaged where an object that is published is not what its name says: asked before it is read and after.

    One that nobody has touched since it was hashed in this process is not hashed again.
    """
    paths = _paths(project, objects) | {
        rejected_rows_place(place): project.store.path(rejected_rows_place(place), sidecar.rejected_rows)
        for place, sidecar in objects.items()
        if sidecar.rejected_rows
    }
    damaged = [f"the object {path.stem[:12]} of {place}" for place, path in paths.items() if not is_whole(path)]
    if damaged:
        raise StoreDamaged(
            f"not published, as the store has changed under it: {', '.join(damaged)}: run cramp-atlas refresh, which makes again "
            "what it can; otherwise restore the store from a backup"
        )


def _copied(project: Project, objects: dict[Place, Sidecar], manifest: dict[str, Any]) -> dict[Place, Sidecar]:
    """The objects whose rows were read while the release was written: not those that only a view names."""
    viewed = viewed_files(project, manifest)
    paths = _paths(project, objects)
    return {
        place: sidecar
        for place, sidecar in objects.items()
        if paths.get(place) not in viewed or project.sources[place.source].is_restricted
    }


def _changes(project: Project, folder: Path, manifest: dict[str, Any], known: list[dict[str, Any]]) -> pl.DataFrame:
    """The changes since the last of the known releases. One that is damaged must not stop the night: it is not compared with."""
    before = Side(releases_folder(project) / known[-1]["release_id"], known[-1]) if known else None
    try:
        return changes(before, Side(folder, manifest), project.contracts)
    except (OSError, pl.exceptions.PolarsError):
        manifest["compared_with"] = None
        return changes(None, Side(folder, manifest), project.contracts)


@contextmanager
def _staging(releases: Path, release_id: str) -> Iterator[Path]:
    """A folder beside the releases that becomes one of them when all went well; leftovers of a crash are removed."""
    releases.mkdir(parents=True, exist_ok=True)
    for leftover in releases.glob(f"{BUILDING}*"):
        shutil.rmtree(leftover)
    folder = releases / f"{BUILDING}{release_id}"
    folder.mkdir()
    try:
        yield folder
        sync_folder(folder)
        folder.rename(releases / release_id)
        sync_folder(releases)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _paths(project: Project, objects: dict[Place, Sidecar]) -> dict[Place, Path]:
    return {place: project.store.path(place, sidecar.content) for place, sidecar in objects.items() if sidecar.content}


def _kept_back(project: Project) -> dict[str, set[str]]:
    """File of a release -> the sources whose people its readers may not see."""
    return {
        "epi.duckdb": {name for name, source in project.sources.items() if source.is_withheld},
        "epi_public.duckdb": {name for name, source in project.sources.items() if source.is_restricted},
    }


def _write_reports(project: Project, folder: Path, files: dict[str, list[Path]]) -> None:
    (folder / "report").mkdir()
    for table in project.report_tables:
        path = folder / "report" / f"{table.removeprefix('report.')}.parquet"
        parts = [pl.read_parquet(part) for part in files.get(table, ())]
        (pl.concat(parts) if parts else no_rows_of(project.contracts[table])).write_parquet(path)


def _write(
    project: Project,
    folder: Path,
    paths: dict[Place, Path],
    safe: dict[Place, Path],
    frames: dict[str, pl.DataFrame],
    manifest: dict[str, Any],
) -> None:
    for name, kept_back in _kept_back(project).items():
        contracts = [contract for contract in project.released.values() if contract.schema in DATABASES[name]]
        files = for_readers(paths, safe, kept_back)
        views = selects_of(manifest) if name == "epi.duckdb" else {}
        macros = partial(write_macros, project=project) if "core" in DATABASES[name] and project.has_respondents else None
        write_database(folder / name, contracts, files, meta_for_readers(frames, kept_back), views, project.settings, macros)
    manifest["undrawn"] += write_page(project, folder, manifest)
    written = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest["files"] = {str(path.relative_to(folder)): sha256_of_file(path) for path in written}
    replace_text(folder / "manifest.json", sealed(json.dumps(manifest)))
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(READ_ONLY)
            sync_file(path)
    for path in folder.iterdir():
        if path.is_dir():
            sync_folder(path)


def _releases(known: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "release_id": manifest["release_id"],
                "published_at": datetime.fromisoformat(manifest["published_at"]),
                "content_hash": manifest["content_hash"],
                "n_objects": len(manifest["objects"]),
                "is_this_release": manifest is known[-1],
            }
            for manifest in known
        ]
    )
