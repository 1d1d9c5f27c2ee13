"""What a select about a place sees: its source, and its wave unless it is a report."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from pipelines.making.engine import bind_frame, bind_objects, bind_select
from pipelines.project.decoding import decoded
from pipelines.project.literature import PUBLISHED
from pipelines.project.project import Project
from pipelines.project.selects import DECODED
from pipelines.project.sources import SHARED_WAVE, Source
from pipelines.store import Place


def raw_place(source: Source, table: str, wave: str) -> Place:
    """Where the objects of a raw table are that a wave reads: its own, or those that all waves share."""
    name = table.removeprefix("raw.")
    return Place("raw", name, source.source, wave if wave in source.waves_of(name) else SHARED_WAVE)


def places_of(project: Project, table: str, source: Source) -> list[Place]:
    """The places of a table that belong to one source."""
    return [place for place in project.places(table) if place.source == source.source]


def accepted_inputs(project: Project, places: Iterable[Place]) -> dict[Place, str]:
    """Place -> content of the accepted objects; places that hold nothing but an absence are left out."""
    inputs = {}
    for place in places:
        sidecar = project.store.accepted(place)
        if sidecar and sidecar.content and sidecar.verdict == "accepted":
            inputs[place] = sidecar.content
    return inputs


def bind_for(
    project: Project, connection: duckdb.DuckDBPyConnection, place: Place, table: str, objects: Mapping[Place, Path]
) -> None:
    """Make `table` readable as a select about `place` should see it: its source, and its wave unless it is a report."""
    if table.startswith("codebook."):
        name = table.removeprefix("codebook.")
        bind_frame(connection, "codebook", name, project.contracts[f"raw.{name}"].codebook_frame())
        return
    if table.startswith(DECODED):
        contract = project.contracts[table.replace(DECODED, "raw.")]
        bind_for(project, connection, place, contract.name, objects)
        bind_select(connection, table, decoded(contract))
        return
    paths = [path for read in places_read(project, place, table) if (path := objects.get(read) or accepted_path(project, read))]
    bind_objects(connection, project.contracts[table], paths)


def places_read(project: Project, place: Place, table: str) -> list[Place]:
    """The places of `table` that a select about `place` reads: of its source, or, about the literature, of all that anybody may
    see."""
    if place.source == PUBLISHED:
        restricted = {name for name, source in project.sources.items() if source.is_restricted}
        return [candidate for candidate in project.places(table) if candidate.source not in restricted]
    places = [candidate for candidate in project.places(table) if candidate.source == place.source]
    if place.schema == "report":
        return places
    is_raw = table.startswith("raw.")
    wanted = raw_place(project.sources[place.source], table, place.wave).wave if is_raw else place.wave
    return [candidate for candidate in places if candidate.wave == wanted]


def is_there(project: Project, place: Place, table: str, candidates: Mapping[Place, Path]) -> bool:
    """Whether a select about `place` finds anything of a table that was delivered, be it of no rows."""
    if table.startswith(("codebook.", DECODED)):
        return True
    return any(
        read in candidates or ((sidecar := project.store.accepted(read)) is not None and sidecar.verdict == "accepted")
        for read in places_read(project, place, table)
    )


def accepted_path(project: Project, place: Place) -> Path | None:
    """The Parquet of the accepted object of a place."""
    sidecar = project.store.accepted(place)
    return project.store.path(place, sidecar.content) if sidecar and sidecar.content else None
