"""What the macros know of each source: its waves, design and weights as its file says and as its respondents are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.machine.quoting import identifier, literal
from pipelines.making.design import are_nested, counted_psus, psu_of, stratum_of
from pipelines.making.engine import engine
from pipelines.making.seeing import accepted_inputs, places_of
from pipelines.project.project import Project
from pipelines.project.respondents import POOLED, POPULATION, TEXT_OF
from pipelines.project.sources import COMPONENTS, Source
from pipelines.report.estimation import imputed_of
from pipelines.report.held import Asked, cells_of, held_cells
from pipelines.report.scales import LARGEST_RATIO
from pipelines.report.strata import pooled_stratum
from pipelines.statistics.collapse import whole_units

Facts = dict[str, Any]

NOWHERE = [{"wave": "", "stratum": "0"}]
NO_COMPONENT = [{"weight": "", "variables": []}]


@dataclass(frozen=True)
class People:
    """The respondents of a source as a connection has them: each on a row, or added up in the cells that are held."""

    connection: duckdb.DuckDBPyConnection
    relation: str
    by_weight: Mapping[str, str]
    """Weight -> a relation with `wave` and `units`, weights as `whole_units` has them."""


def facts_of_all(connection: duckdb.DuckDBPyConnection, project: Project) -> list[Facts]:
    """The facts of each source, from its cells where there are some of all its waves, otherwise from the respondents."""
    return [_facts(connection, project, source) for source in project.sources.values()]


def _facts(connection: duckdb.DuckDBPyConnection, project: Project, source: Source) -> Facts:
    respondents = project.study.respondents
    accepted = accepted_inputs(project, places_of(project, respondents, source)) if source.can_be_added_up else {}
    if not source.is_withheld and any(cells_of(project, place, content) for place, content in accepted.items()):
        with engine(project.settings) as apart:
            held, waves = held_cells(project, accepted), [place.wave for place in accepted]
            found = {weight: held.relation(apart, waves, Asked(weight=weight)) for weight in _weights(source)}
            added = {weight: relation for weight, relation in found.items() if relation}
            if added.keys() == found.keys() and (relation := held.relation(apart, waves, Asked())):
                return facts_of(People(apart, relation, added), source)
    relation = f"(select * from {respondents} where source = {literal(source.source)})"
    units = {weight: whole_units(f"cast({weight} as double)") for weight in _weights(source)}
    by_weight = {weight: f"(select wave, {of_weight} as units from {relation})" for weight, of_weight in units.items()}
    return facts_of(People(connection, relation, by_weight), source)


def facts_of(people: People, source: Source) -> Facts:
    """The facts of one source. Of one whose people are withheld, nothing is looked at."""
    found = [] if source.is_withheld else people.connection.sql(f"select distinct wave from {people.relation}").fetchall()
    waves = [wave for wave in source.study_waves if (wave,) in found]
    facts: Facts = {
        "source": source.source,
        "design": source.design,
        "lonely": source.lonely_psu,
        "variance": source.variance_method,
        "imputed": imputed_of(source),
        "is_replicated": source.replicate_weights is not None,
        "is_withheld": source.is_withheld,
        "declared": source.study_waves,
        "present": waves,
        "strata": NOWHERE,
        "psu": "0",
        "population": "null",
        "unpooled": None,
        "weights": [],
        "uneven": [],
        "components": NO_COMPONENT,
    }
    return facts | (_of_survey(people, source, waves) if source.design == "survey" and waves else {})


def _weights(source: Source) -> list[str]:
    """The weights of the components that a survey has."""
    return [f"{part}_weight" for part in (COMPONENTS[0], *_parts(source))] if source.design == "survey" else []


def _parts(source: Source) -> list[str]:
    return [part for part in COMPONENTS[1:] if source.components.get(part)]  # type: ignore[call-overload]


def _of_survey(people: People, source: Source, waves: list[str]) -> Facts:
    is_text = _are_texts(people)
    stratum, psu = stratum_of(source, is_text=is_text["stratum"]), psu_of(source, is_text=is_text["psu"])
    several = len(source.study_waves) > 1
    strata = [{"wave": wave, "stratum": stratum} for wave in waves]
    pooled = stratum if source.panel else pooled_stratum(stratum, source.study_waves, is_text=is_text["stratum"])
    components = [{"weight": f"{part}_weight", "variables": source.components[part]} for part in _parts(source)]  # type: ignore[index]
    return {
        "strata": [*strata, {"wave": POOLED, "stratum": pooled}],
        "psu": psu,
        "population": POPULATION if source.finite_population else "null",
        "unpooled": _unpooled(people, source, stratum, psu) if several and source.panel else None,
        "weights": _weights(source),
        "uneven": _uneven(people) if several else [],
        "components": components or NO_COMPONENT,
    }


def _are_texts(people: People) -> dict[str, bool]:
    there = set(people.connection.sql(f"select * from {people.relation} limit 0").columns)
    texts = [(name, text) for name, text in TEXT_OF.items() if text in there]  # a place that the design has not is in no text
    counts = ", ".join(f"count({identifier(text)})" for _, text in texts)
    answered = people.connection.sql(f"select {counts} from {people.relation}").fetchall()[0] if texts else ()
    counted = dict(zip([name for name, _ in texts], answered, strict=True))
    return {name: counted.get(name, 0) > 0 for name in TEXT_OF}


def _unpooled(people: People, source: Source, stratum: str, psu: str) -> str | None:
    """Why the waves of a panel cannot be pooled, or None."""
    psus = counted_psus(people.connection, people.relation, stratum, psu)
    if psus.n_in_several_strata == 0 or are_nested(source, psus):
        return None
    return f"{psus.n_in_several_strata:,} PSUs are in another stratum in another wave of the panel"


def _uneven(people: People) -> list[str]:
    """The weights that are on different scales in different waves."""
    uneven = []
    for weight, relation in people.by_weight.items():
        sums = f"select cast(sum(units) as double) as total from {relation} where units > 0 group by wave"
        [(ratio,)] = people.connection.sql(f"select max(total) / min(total) from ({sums})").fetchall()
        if (ratio or 1) > LARGEST_RATIO:
            uneven.append(weight)
    return uneven
