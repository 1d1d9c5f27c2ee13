"""Publishing: a release is built beside the live one, then one symlink is swapped. A crash leaves the last good release.

Readers open `warehouse/epi.duckdb`, a symlink through `warehouse/current`. Those that hold yesterday's file keep it.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.lock import warehouse_lock
from pipelines.plan import code_digest
from pipelines.project import Project
from pipelines.releases.composition import compose
from pipelines.releases.database import write_database
from pipelines.releases.disclosed import for_readers, meta_for_readers, protect_reports
from pipelines.releases.meta import TIMES, conforming, meta_tables
from pipelines.releases.page import write_page
from pipelines.store import Place, Sidecar, digest
from pipelines.store.files import READ_ONLY, replace_text, sha256_of_file, sync_file, sync_folder

DATABASES = {"epi.duckdb": ("raw", "core", "report", "meta"), "epi_public.duckdb": ("report", "meta")}
"""File of a release -> the schemas that it holds."""


@dataclass(frozen=True)
class Published:
    """The release that holds what is accepted now, and whether it had to be made."""

    release_id: str
    is_new: bool
    is_current: bool


def releases_folder(project: Project) -> Path:
    return project.settings.warehouse_folder / "releases"


def manifests(project: Project) -> list[dict[str, Any]]:
    """The manifests of all releases, oldest first."""
    paths = releases_folder(project).glob("*/manifest.json")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths if not path.parent.name.startswith(".")]
    return sorted(found, key=lambda manifest: (manifest["published_at"], manifest["release_id"]))


def current_release(project: Project) -> str | None:
    """The id of the release that readers see."""
    link = project.settings.warehouse_folder / "current"
    return link.resolve().name if link.is_symlink() and link.exists() else None


def hold_file(project: Project) -> Path:
    """Stands while a rollback holds: nights go on, but readers stay with the release they were rolled back to."""
    return releases_folder(project) / "hold.json"


def publish(project: Project) -> Published:
    """Compose what is accepted into a release and let readers see it; nothing is written where nothing changed.

    Raises NotClosed where tables rest on older versions of one another.
    """
    with warehouse_lock(project.settings.warehouse_folder):
        objects = compose(project)
        frames = meta_tables(project, objects)
        content = _content_hash(project, objects, frames)
        known = manifests(project)
        if known and known[-1]["content_hash"] == content:
            release_id = known[-1]["release_id"]
            is_new = False
        else:
            release_id = _build(project, objects, frames, content, known)
            is_new = True
        if not hold_file(project).exists():
            point_to(project, release_id)
            _drop_old(project)
        return Published(release_id, is_new, current_release(project) == release_id)


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


def _content_hash(project: Project, objects: dict[Place, Sidecar], frames: dict[str, pl.DataFrame]) -> str:
    timeless = {name: frame.drop(TIMES.get(name, [])) for name, frame in frames.items()}
    return digest(
        {
            "objects": {str(place): sidecar.content for place, sidecar in objects.items()},
            "contracts": {name: contract.digest for name, contract in project.contracts.items()},
            "meta": {name: digest(frame.to_dicts()) for name, frame in timeless.items()},
            "study": project.study.of_estimates(),
            "disclosure": {
                "settings": project.study.disclosure.model_dump(mode="json"),
                "sources": {name: [source.classification, source.microdata] for name, source in project.sources.items()},
                "solver": version("scipy"),
            },
            "code": code_digest(("disclosure", "releases")),
        }
    )


def _build(
    project: Project, objects: dict[Place, Sidecar], frames: dict[str, pl.DataFrame], content: str, known: list[dict[str, Any]]
) -> str:
    now = datetime.now(UTC)
    today = now.date().isoformat()
    sequence = 1 + max((manifest["sequence"] for manifest in known if manifest["release_id"].startswith(today)), default=0)
    release_id = f"{today}.{sequence}-{content[:8]}"
    manifest: dict[str, Any] = {
        "release_id": release_id,
        "sequence": sequence,
        "published_at": now.isoformat(timespec="seconds"),
        "content_hash": content,
        "study": project.study.study,
        "contracts": {name: contract.version for name, contract in sorted(project.contracts.items())},
        "objects": [
            {
                "place": str(place),
                "content": sidecar.content,
                "recipe": sidecar.recipe,
                "rows": None if project.sources[place.source].is_restricted else sidecar.rows,
                "verdict": sidecar.verdict,
            }
            for place, sidecar in objects.items()
        ],
    }
    frames = frames | {"meta.releases": conforming(_releases([*known, manifest]), project.contracts["meta.releases"])}
    with _staging(releases_folder(project), release_id) as folder:
        _write(project, folder, objects, frames, manifest)
    return release_id


@contextmanager
def _staging(releases: Path, release_id: str) -> Iterator[Path]:
    """A folder beside the releases that becomes one of them when all went well; leftovers of a crash are removed."""
    releases.mkdir(parents=True, exist_ok=True)
    for leftover in releases.glob(".building-*"):
        shutil.rmtree(leftover)
    folder = releases / f".building-{release_id}"
    folder.mkdir()
    try:
        yield folder
        sync_folder(folder)
        folder.rename(releases / release_id)
        sync_folder(releases)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(
    project: Project, folder: Path, objects: dict[Place, Sidecar], frames: dict[str, pl.DataFrame], manifest: dict[str, Any]
) -> None:
    paths = {place: project.store.path(place, sidecar.content) for place, sidecar in objects.items() if sidecar.content}
    kept_from = {
        "epi.duckdb": {name for name, source in project.sources.items() if source.is_withheld},
        "epi_public.duckdb": {name for name, source in project.sources.items() if source.is_restricted},
    }
    (folder / "report").mkdir()
    with tempfile.TemporaryDirectory() as temporary:
        safe = protect_reports(project, paths, Path(temporary))
        for name, schemas in DATABASES.items():
            contracts = [contract for contract in project.contracts.values() if contract.schema in schemas]
            files = for_readers(paths, safe, kept_from[name])
            write_database(folder / name, contracts, files, meta_for_readers(frames, kept_from[name]), project.settings)
        public = for_readers(paths, safe, kept_from["epi_public.duckdb"])
        for table in project.report_tables:
            path = folder / "report" / f"{table.removeprefix('report.')}.parquet"
            pl.concat([pl.read_parquet(part) for part in public[table]]).write_parquet(path)
    write_page(project, folder / "epi_public.duckdb", folder / "report.html", manifest)
    written = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest["files"] = {str(path.relative_to(folder)): sha256_of_file(path) for path in written}
    replace_text(folder / "manifest.json", json.dumps(manifest, indent=1))
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(READ_ONLY)
            sync_file(path)
    sync_folder(folder / "report")


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


def _drop_old(project: Project) -> None:
    """Keep the newest releases that study.yaml asks for, and the current one."""
    keep = {manifest["release_id"] for manifest in manifests(project)[-project.study.retention.releases :]} | {
        current_release(project)
    }
    for manifest in manifests(project):
        if manifest["release_id"] not in keep:
            shutil.rmtree(releases_folder(project) / manifest["release_id"])
