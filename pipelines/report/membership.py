"""Which populations of the study hold nobody of a source: what a condition that is right for one survey does to another."""

from collections.abc import Iterator, Mapping

import duckdb
import polars as pl

from pipelines.machine.quoting import identifier
from pipelines.making.engine import bind_objects, confine, engine
from pipelines.making.seeing import accepted_inputs, places_of
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.report.held import Asked, Held, held_cells
from pipelines.store import Place


def empty_populations(project: Project) -> list[str]:
    """One sentence for each population and source that has accepted respondents of whom none is a member.

    It names no number of people, so that it may be said of a restricted source, too. Where respondents cannot be read or counted
    by the study of today, nothing is said: the tables of that source are rejected with the reason.
    """
    return [sentence for source in project.sources.values() for sentence in _of_source(project, source)]


def _of_source(project: Project, source: Source) -> Iterator[str]:
    populations = project.study.populations
    accepted = accepted_inputs(project, places_of(project, project.study.respondents, source))
    if not accepted:
        return
    try:
        has_respondents, members = _members(project, source, accepted)
    except (duckdb.Error, pl.exceptions.PolarsError, OSError):
        return
    for name, population in populations.items():
        if has_respondents and name not in members:
            yield (
                f"population {name} ({population.label}) holds nobody of source {source.source}: none of its respondents meets "
                f"`{' '.join(population.where.split())}`; its rows have no numbers and say why"
            )


def _members(project: Project, source: Source, accepted: Mapping[Place, str]) -> tuple[bool, set[str]]:
    """Whether there are respondents, and the populations that one of them is a member of: by their cells, or one by one where
    these do not tell."""
    respondents = project.study.respondents
    conditions = {name: population.where for name, population in project.study.populations.items()}
    asked = Asked(conditions=conditions)
    with engine(project.settings) as connection:
        held = held_cells(project, accepted) if source.can_be_added_up else Held()
        told = {place: added for place in accepted if (added := held.relation(connection, [place.wave], asked))}
        unread = [project.store.path(place, content) for place, content in accepted.items() if place not in told]
        bind_objects(connection, project.contracts[respondents], unread)
        confine(connection)
        flags = ", ".join(f"coalesce({condition}, false) as {identifier(name)}" for name, condition in conditions.items())
        relations = [*told.values(), f"(select {flags} from {respondents})"]
        counted = ", ".join(["count(*) > 0", *(f"coalesce(bool_or({identifier(name)}), false)" for name in conditions)])
        answers = [connection.sql(f"select {counted} from {relation}").fetchall()[0] for relation in relations]
    has_respondents, *has_members = map(any, zip(*answers, strict=True))
    return has_respondents, {name for name, is_held in zip(conditions, has_members, strict=True) if is_held}
