"""Which populations of the study hold nobody of a source: what a condition that is right for one survey does to another."""

from collections.abc import Iterator

import duckdb

from pipelines.making.engine import bind_objects, confine, engine
from pipelines.making.seeing import accepted_inputs, places_of
from pipelines.project.project import Project
from pipelines.project.sources import Source


def empty_populations(project: Project) -> list[str]:
    """One sentence for each population and source that has accepted respondents of whom none is a member.

    It names no number of people, so that it may be said of a restricted source, too. Where respondents cannot be read or counted
    by the study of today, nothing is said: the tables of that source are rejected with the reason.
    """
    return [sentence for source in project.sources.values() for sentence in _of_source(project, source)]


def _of_source(project: Project, source: Source) -> Iterator[str]:
    respondents, populations = project.study.respondents, project.study.populations
    accepted = accepted_inputs(project, places_of(project, respondents, source))
    if not accepted:
        return
    held = ", ".join(f"coalesce(bool_or({population.where}), false)" for population in populations.values())
    objects = [project.store.path(place, content) for place, content in accepted.items()]
    try:
        with engine(project.settings) as connection:
            bind_objects(connection, project.contracts[respondents], objects)
            confine(connection)
            [answer] = connection.sql(f"select count(*) > 0, {held} from {respondents}").fetchall()
    except duckdb.Error:
        return
    has_respondents, *has_members = answer
    for (name, population), is_held in zip(populations.items(), has_members, strict=True):
        if has_respondents and not is_held:
            yield (
                f"population {name} ({population.label}) holds nobody of source {source.source}: none of its respondents meets "
                f"`{' '.join(population.where.split())}`; its rows have no numbers and say why"
            )
