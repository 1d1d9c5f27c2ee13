"""What a site says: which releases are on it, and what changed from one to the next. How that is written stands elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.files import sha256_of_file
from pipelines.project.project import Project
from pipelines.release.changes import ADDED, CHANGED, VANISHED, by_table
from pipelines.release.export import read_release
from pipelines.release.kept import manifest_of, manifests, releases_folder
from pipelines.release.manifest import MINIMUM_CELL
from pipelines.release.page.sections import PAGE
from pipelines.release.page.writing import TABLES, WORD
from pipelines.release.wording import Exported

PUBLIC = "epi_public.duckdb"


@dataclass(frozen=True)
class SiteRelease:
    """A release on the site: its folder in the warehouse, the files of its page, and what changed against the one before it."""

    release_id: str
    published_on: str
    compared_with: str | None
    folder: Path
    files: Sequence[str]
    changes: pl.DataFrame

    @property
    def has_word(self) -> bool:
        return WORD in self.files

    @property
    def changed_tables(self) -> list[dict[str, Any]]:
        """A row a table and source that differs."""
        return by_table(self.changes).to_dicts() if self.changes.height else []

    @property
    def in_words(self) -> str:
        """What changed, in one line."""
        if self.compared_with is None:
            return "Compared with no other release."
        if not self.changes.height:
            return "No number of a report table differs from the release before."
        counts = {change: self.changes.filter(change=change).height for change in (CHANGED, ADDED, VANISHED)}
        words = f"{counts[CHANGED]:,} numbers changed, {counts[ADDED]:,} rows new, {counts[VANISHED]:,} gone"
        tables = sorted({name.removeprefix("report.") for name in self.changes["table_name"]})
        return f"{words}, in {', '.join(tables)}."


@dataclass(frozen=True)
class SiteContent:
    """The release that readers see, and those on the site, the newest first; `left_out` says which are not, and why."""

    exported: Exported
    releases: Sequence[SiteRelease]
    left_out: Sequence[str]

    @property
    def current(self) -> SiteRelease:
        return self.releases[0]

    @property
    def columns(self) -> dict[str, list[dict[str, Any]]]:
        """Table -> a row of meta.columns a column, in order."""
        ordered = self.exported.dictionary.sort("table_name", "position")
        return {name: ordered.filter(table_name=f"report.{name}").to_dicts() for name in self.exported.tables}


def read_content(project: Project, *, with_earlier: bool) -> SiteContent:
    """The release that readers see and, if wanted, those that were published before it.

    A release that a rollback took from readers is later than theirs, so it is not on the site. Of the earlier ones those are left
    out that are not what was published, and those that show a source without the disclosure control which it has now. Raises
    CrampAtlasError where the release that readers see is damaged.
    """
    manifest = manifest_of(project)
    if damaged := [
        name for name in [*files_of_page(manifest), PUBLIC] if not is_as_published(_folder(project, manifest), name, manifest)
    ]:
        release_id = manifest["release_id"]
        raise CrampAtlasError(f"{release_id}/{damaged[0]} is not what was published: cramp-atlas releases verify says what to do")
    releases: list[SiteRelease] = [_release(project, manifest)]
    left_out: list[str] = []
    known = manifests(project)
    before = known[: [other["release_id"] for other in known].index(manifest["release_id"])]
    for earlier in reversed(before) if with_earlier else ():
        fault = _fault(project, earlier)
        if fault:
            left_out.append(f"release {earlier['release_id']} is not on the site: {fault}")
        else:
            releases.append(_release(project, earlier))
    return SiteContent(read_release(project, str(manifest["release_id"])), releases, left_out)


def _release(project: Project, manifest: Mapping[str, Any]) -> SiteRelease:
    folder = _folder(project, manifest)
    return SiteRelease(
        release_id=manifest["release_id"],
        published_on=str(manifest["published_at"])[:10],
        compared_with=manifest.get("compared_with"),
        folder=folder,
        files=files_of_page(manifest),
        changes=_rows(folder / PUBLIC, "from meta.release_changes"),
    )


def files_of_page(manifest: Mapping[str, Any]) -> list[str]:
    """The page of a release, and what it links to; of what a release holds nothing else is on the site as it is."""
    return [name for name in manifest["files"] if name in {PAGE, WORD} or name.startswith(f"{TABLES}/")]


def _fault(project: Project, manifest: Mapping[str, Any]) -> str | None:
    """Why an earlier release cannot be on the site."""
    folder = _folder(project, manifest)
    files = files_of_page(manifest)
    if PAGE not in files:
        return "it was published without a page"
    if any(not is_as_published(folder, name, manifest) for name in [*files, PUBLIC]):
        return "its files are not what was published"
    try:
        described = _rows(folder / PUBLIC, "from meta.sources")
        _rows(folder / PUBLIC, "from meta.release_changes limit 0")
    except duckdb.Error:
        return "it does not say its sources, or what changed"
    restricted = [name for name, source in project.sources.items() if source.is_restricted]
    was_weaker = manifest.get(MINIMUM_CELL, 0) < project.study.disclosure.minimum_cell
    shown = described.filter(pl.col("source").is_in(restricted) & ((pl.col("classification") != "restricted") | was_weaker))[
        "source"
    ]
    return f"it shows {', '.join(sorted(shown))} without the disclosure control of now" if len(shown) else None


def _folder(project: Project, manifest: Mapping[str, Any]) -> Path:
    return releases_folder(project) / str(manifest["release_id"])


def is_as_published(folder: Path, name: str, manifest: Mapping[str, Any]) -> bool:
    path = folder / name
    return path.is_file() and sha256_of_file(path) == manifest["files"].get(name)


def _rows(database: Path, query: str) -> pl.DataFrame:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.sql(query).pl()
