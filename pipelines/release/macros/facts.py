"""What the macros know of each source: its waves, design and weights as its file says and as its respondents are."""

from typing import Any

import duckdb

from pipelines.machine.quoting import identifier, literal
from pipelines.making.design import are_nested, counted_psus, psu_of, stratum_of
from pipelines.project.respondents import POOLED, POPULATION, TEXT_OF
from pipelines.project.sources import Source
from pipelines.report.estimation import COMPONENTS, STRATA_PER_WAVE, imputed_of
from pipelines.report.scales import LARGEST_RATIO

Facts = dict[str, Any]

NOWHERE = [{"wave": "", "stratum": "0"}]
NO_COMPONENT = [{"weight": "", "variables": []}]


def facts_of(connection: duckdb.DuckDBPyConnection, respondents: str, source: Source) -> Facts:
    """The facts of one source. Of one whose people are withheld, nothing is looked at."""
    people = f"(select * from {respondents} where source = {literal(source.source)})"
    found = [] if source.is_withheld else connection.sql(f"select distinct wave from {people}").fetchall()
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
    return facts | (_of_survey(connection, people, source, waves) if source.design == "survey" and waves else {})


def _of_survey(connection: duckdb.DuckDBPyConnection, people: str, source: Source, waves: list[str]) -> Facts:
    is_text = _are_texts(connection, people)
    stratum, psu = stratum_of(source, is_text=is_text["stratum"]), psu_of(source, is_text=is_text["psu"])
    parts = [part for part in COMPONENTS[1:] if source.components.get(part)]  # type: ignore[call-overload]
    weights = [f"{part}_weight" for part in (COMPONENTS[0], *parts)]
    several = len(source.study_waves) > 1
    strata = [{"wave": wave, "stratum": stratum} for wave in waves]
    pooled = stratum if source.panel else _apart(stratum, source.study_waves, is_text["stratum"])
    components = [{"weight": f"{part}_weight", "variables": source.components[part]} for part in parts]  # type: ignore[index]
    return {
        "strata": [*strata, {"wave": POOLED, "stratum": pooled}],
        "psu": psu,
        "population": POPULATION if source.finite_population else "null",
        "unpooled": _unpooled(connection, people, source, stratum, psu) if several and source.panel else None,
        "weights": weights,
        "uneven": _uneven(connection, people, weights) if several else [],
        "components": components or NO_COMPONENT,
    }


def _are_texts(connection: duckdb.DuckDBPyConnection, people: str) -> dict[str, bool]:
    there = set(connection.sql(f"select * from {people} limit 0").columns)
    texts = [(name, text) for name, text in TEXT_OF.items() if text in there]  # a place that the design has not is in no text
    counts = ", ".join(f"count({identifier(text)})" for _, text in texts)
    answered = connection.sql(f"select {counts} from {people}").fetchall()[0] if texts else ()
    counted = dict(zip([name for name, _ in texts], answered, strict=True))
    return {name: counted.get(name, 0) > 0 for name in TEXT_OF}


def _apart(stratum: str, waves: list[str], is_text: bool) -> str:
    """SQL of a stratum in which pooled waves are strata of their own."""

    def of_wave(index: int) -> str:
        return f"'{index:04} ' || {stratum}" if is_text else f"{stratum} + {index * STRATA_PER_WAVE}"

    return f"case wave {' '.join(f'when {literal(wave)} then {of_wave(index)}' for index, wave in enumerate(waves))} end"


def _unpooled(connection: duckdb.DuckDBPyConnection, people: str, source: Source, stratum: str, psu: str) -> str | None:
    """Why the waves of a panel cannot be pooled, or None."""
    psus = counted_psus(connection, people, stratum, psu)
    if psus.n_in_several_strata == 0 or are_nested(source, psus):
        return None
    return f"{psus.n_in_several_strata:,} PSUs are in another stratum in another wave of the panel"


def _uneven(connection: duckdb.DuckDBPyConnection, people: str, weights: list[str]) -> list[str]:
    """The weights that are on different scales in different waves."""
    sums = ", ".join(f"sum({name}) filter ({name} > 0) as {name}" for name in weights)
    ratios = ", ".join(f"max({name}) / min({name})" for name in weights)
    [found] = connection.sql(f"select {ratios} from (select {sums} from {people} group by wave)").fetchall()
    return [name for name, ratio in zip(weights, found, strict=True) if (ratio or 1) > LARGEST_RATIO]
