"""Which rows go into which file of a release: disclosure control on restricted sources. Objects in the store stay as they are."""

from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl

from pipelines.making.faults import ANY, verdict_on
from pipelines.project.project import Project
from pipelines.release.disclosure.protecting import KNOWN_TABLES
from pipelines.release.disclosure.register import DESCRIBING
from pipelines.release.restricted import protected_rows
from pipelines.store import Place

Paths = dict[Place, Path]
Frames = dict[str, pl.DataFrame]

HELD_BACK = "kept back by disclosure control"


def protect_reports(project: Project, paths: Paths, folder: Path) -> tuple[Paths, list[str]]:
    """Place -> file of the report rows that anybody may see; those of restricted sources are written into `folder`.

    Only places of restricted sources are in it. Deterministic: equal objects, settings and earlier releases give equal rows. Of a
    source on which disclosure control fails no row may be seen; the second part says so, a line each.
    """
    safe: Paths = {}
    failed: list[str] = []
    for source in project.sources.values():
        places = [place for place in paths if place.source == source.source and place.schema == "report"]
        if not source.is_restricted or not places:
            continue
        rows = {place.name: pl.read_parquet(paths[place]) for place in places}
        known = {name: frame for name, frame in rows.items() if name in KNOWN_TABLES and not frame.is_empty()}
        shown = {name: frame.clear() for name, frame in rows.items()}
        try:
            shown |= protected_rows(project, source, known, paths)
        except ANY as error:
            reason = verdict_on(error, project.settings.warehouse_folder)
            failed.append(f"Nothing of {source.source} is in the public files: disclosure control failed on it: {reason}")
        for place in places:
            safe[place] = folder / f"{place.table}.{place.source}.parquet"
            shown[place.name].write_parquet(safe[place])
    return safe, failed


def for_readers(paths: Paths, safe: Paths, kept_back: Collection[str]) -> dict[str, list[Path]]:
    """Table name -> files, for readers who may not see the people of the sources `kept_back`: of these, the safe report rows."""
    files: dict[str, list[Path]] = {}
    for place, path in paths.items():
        listed = files.setdefault(place.name, [])
        if place.source not in kept_back:
            listed.append(path)
        elif place in safe:
            listed.append(safe[place])
    return files


def meta_for_readers(frames: Mapping[str, pl.DataFrame], kept_back: Collection[str]) -> Frames:
    """The meta tables without what they say of the people of the sources `kept_back`."""
    return {name: _without_people(name, frame, kept_back) for name, frame in frames.items()}


def _without_people(name: str, frame: pl.DataFrame, kept_back: Collection[str]) -> pl.DataFrame:
    if "source" not in frame.columns:
        return frame
    is_open = ~pl.col("source").is_in(sorted(kept_back))
    if name not in DESCRIBING:
        return frame.filter(is_open)
    kinds = DESCRIBING[name]
    counts = [column for column in frame.columns if kinds.get(column, "record_count") == "record_count"]
    texts = [column for column in frame.columns if kinds.get(column) == "record_text"]
    return frame.with_columns(
        *(pl.when(is_open).then(pl.col(column)).alias(column) for column in counts),
        *(
            pl.when(is_open | pl.col(column).is_null()).then(pl.col(column)).otherwise(pl.lit(HELD_BACK)).alias(column)
            for column in texts
        ),
    )
