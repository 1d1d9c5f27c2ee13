"""The people behind the report tables of a source, counted by everything that tells two of their rows apart."""

from collections.abc import Collection, Mapping

import duckdb
import polars as pl

from pipelines.machine.quoting import identifier
from pipelines.project.standards import StandardPopulation
from pipelines.project.study import Study
from pipelines.release.disclosure.atoms import Classification
from pipelines.release.disclosure.model import has_weight
from pipelines.release.disclosure.sampling import Sampling
from pipelines.report.respondents import in_population


def count_people(
    connection: duckdb.DuckDBPyConnection,
    respondents: str,
    study: Study,
    standard: StandardPopulation,
    weights: Collection[str],
    exposures: Collection[str],
    more_populations: Mapping[str, str] | None = None,
) -> tuple[pl.DataFrame, Classification]:
    """One row per combination that occurs in a relation of respondents, with its `n`, and what its columns are.

    `weights` and `exposures` are those that the report tables use. `more_populations`: name -> condition, beside the study's.
    """
    conditions = {name: population.where for name, population in study.populations.items()} | dict(more_populations or {})
    populations = {in_population(name): f"coalesce({condition}, false)" for name, condition in conditions.items()}
    with_weight = {has_weight(name): f"coalesce({identifier(name)} > 0, false)" for name in sorted(weights)}
    details = {
        "age_band": identifier("age_band"),
        "sex": identifier("sex"),
        "is_in_standard": f"({standard.group_of_age('age_years')}) is not null",
    }
    is_complete = " and ".join(f"{identifier(name)} is not null" for name in study.adjustment) or "true"
    columns = {
        "wave": "wave",
        **populations,
        **with_weight,
        "is_complete": is_complete,
        **details,
        **{name: identifier(name) for name in study.outcomes},
        **{name: f"cast({identifier(name)} as varchar)" for name in exposures},
    }
    selected = ", ".join(f"{expression} as {identifier(name)}" for name, expression in columns.items())
    people = connection.sql(f"select {selected}, count(*) as n from {respondents} group by all order by all").pl()
    names = Classification(
        places=("wave", *populations, *with_weight, "is_complete"),
        details=tuple(details),
        outcomes=tuple(study.outcomes),
        exposures=tuple(exposures),
    )
    return people, names


def sampling_of(
    connection: duckdb.DuckDBPyConnection,
    respondents: str,
    weights: Collection[str],
    minimum: int,
    *,
    is_weighted: bool,
    drawn_one_by_one: bool = False,
) -> Sampling:
    """What standard errors and degrees of freedom tell of the people of a relation of respondents."""
    counted = connection.sql(f"select wave, count(*) from {respondents} group by wave order by wave").fetchall()
    return Sampling(
        sampled={} if is_weighted else dict(counted),
        fine_weights=sorted(weights) if drawn_one_by_one else find_fine_weights(connection, respondents, weights, minimum),
        equal_weights=find_equal_weights(connection, respondents, weights),
    )


def find_fine_weights(
    connection: duckdb.DuckDBPyConnection, respondents: str, weights: Collection[str], minimum: int
) -> list[str]:
    """The weights with which some PSU of some wave has fewer than `minimum` people."""
    there = connection.sql(f"select * from {respondents} limit 0").columns
    design = ", ".join(name for name in ("wave", "stratum", "stratum_text", "psu", "psu_text") if name in there)
    small = "select 1 from {} where {} > 0 group by {} having count(*) < {} limit 1"
    return [
        name
        for name in sorted(weights)
        if connection.sql(small.format(respondents, identifier(name), design, minimum)).fetchall()
    ]


def find_equal_weights(connection: duckdb.DuckDBPyConnection, respondents: str, weights: Collection[str]) -> list[str]:
    """The weights that all people of some wave have alike: estimates with them are counts in disguise."""
    found = []
    for name in sorted(weights):
        weight = identifier(name)
        waves = f"select wave from {respondents} where {weight} > 0 group by wave having count(distinct {weight}) = 1"
        if connection.sql(waves).fetchall():
            found.append(name)
    return found
