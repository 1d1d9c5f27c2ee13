"""Which rows go into which file of a release: disclosure control on restricted sources. Objects in the store stay as they are."""

from collections.abc import Collection, Mapping
from pathlib import Path

import duckdb
import polars as pl

from pipelines.making.engine import bind_objects, engine
from pipelines.making.faults import ANY, verdict_on
from pipelines.project.project import Project
from pipelines.project.respondents import POOLED
from pipelines.project.sources import Source
from pipelines.release.disclosure.people import count_people, sampling_of
from pipelines.release.disclosure.protecting import KNOWN_TABLES, protected, protected_pairs
from pipelines.release.disclosure.register import DESCRIBING
from pipelines.report.estimation import Estimation
from pipelines.report.matched import fewest_speaking
from pipelines.store import Place

Paths = dict[Place, Path]
Frames = dict[str, pl.DataFrame]

HELD_BACK = "kept back by disclosure control"


def protect_reports(project: Project, paths: Paths, folder: Path) -> tuple[Paths, list[str]]:
    """Place -> file of the report rows that anybody may see; those of restricted sources are written into `folder`.

    Only places of restricted sources are in it. Deterministic: equal objects and settings give equal rows. Of a source on which
    disclosure control fails no row may be seen; the second part says so, a line each.
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
            shown |= _protected(project, source, known, paths)
        except ANY as error:
            reason = verdict_on(error, project.settings.warehouse_folder)
            failed.append(f"Nothing of {source.source} is in the public files: disclosure control failed on it: {reason}")
        for place in places:
            safe[place] = folder / f"{place.table}.{place.source}.parquet"
            shown[place.name].write_parquet(safe[place])
    return safe, failed


def _protected(project: Project, source: Source, tables: Frames, paths: Paths) -> Frames:
    if not tables:
        return {}
    contract = project.contracts[project.study.respondents]
    objects = [path for place, path in paths.items() if place.name == contract.name and place.source == source.source]
    with engine(project.settings) as connection:
        bind_objects(connection, contract, objects)
        if source.design == "case_control":
            return {
                name: protected_pairs(frame, project.study, _speaking(project, source, frame, connection))
                for name, frame in tables.items()
            }
        weights = {weight for frame in tables.values() for weight in frame["weight"].drop_nulls()}
        asked = {name for frame in tables.values() if "exposure" in frame.columns for name in frame["exposure"]}
        exposures = [name for name in project.study.exposures if name in asked]
        people, names = count_people(connection, contract.name, project.study, project.standard_population, weights, exposures)
        minimum = project.study.disclosure.minimum_cell
        sampling = sampling_of(connection, contract.name, weights, minimum, is_weighted=source.design == "survey")
    return protected(tables, people, names, minimum, sampling)


def _speaking(
    project: Project, source: Source, odds_ratios: pl.DataFrame, connection: duckdb.DuckDBPyConnection
) -> dict[int, int]:
    """Number of a matched row -> what its odds ratio rests on; of pooled waves the least of any wave, which they would tell."""
    estimation = Estimation(connection, project.study.respondents, project.study, source, source.study_waves)
    fewest = {}
    for number, row in enumerate(odds_ratios.iter_rows(named=True)):
        if row["exposed_cases"] is None:
            continue
        scopes = [scope for scope in estimation.scopes() if scope.wave == row["wave"] or row["wave"] == POOLED]
        asked = (fewest_speaking(estimation, scope, row["exposure"], row["population"]) for scope in scopes)
        if found := [n for n in asked if n is not None]:
            fewest[number] = min(found)
    return fewest


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
