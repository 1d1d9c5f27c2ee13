"""Whether the strata, PSUs and weights of a survey's respondents can carry a variance, before anything is estimated from them.

What the source's file says (`lonely_psu`, `psus_nested`) decides what is accepted. No identifier and no weight is ever quoted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipelines.machine.quoting import identifier
from pipelines.making.replicates import problems_of_replicates
from pipelines.project.respondents import POPULATION, TEXT_OF
from pipelines.project.sources import Source
from pipelines.statistics.collapse import LARGEST_WEIGHT, SMALLEST_WEIGHT, is_usable

PLACES = ("stratum", "psu")
"""Where a respondent was sampled."""


@dataclass(frozen=True)
class Psus:
    """Strata and PSUs, as counted among all rows. An id that is in several strata counts once in `n_ids`."""

    n_strata: int
    n_alone: int
    n_ids: int
    n_in_several_strata: int
    n_in_largest_stratum: int

    @property
    def count_anew(self) -> bool:
        """Whether all ids occur in the largest stratum: the PSUs are numbered from the same beginning in each."""
        return self.n_ids == self.n_in_largest_stratum


def as_text(name: str) -> str:
    """SQL of a design column whose values may be text. A text of blanks names nothing: it is NULL."""
    return f"coalesce({unless_blank(TEXT_OF[name])}, cast({name} as varchar))"


def stratum_of(source: Source, *, is_text: bool) -> str:
    """SQL of the stratum in which a respondent was drawn; the same for all where there are no strata."""
    if not source.has_strata:
        return "0"
    return as_text("stratum") if is_text else "stratum"


def psu_of(source: Source, *, is_text: bool) -> str:
    """SQL of the PSU with which a respondent was drawn: each his own where people were."""
    if not source.has_psus:
        return "respondent_id"
    return as_text("psu") if is_text else "psu"


def unless_blank(column: str) -> str:
    """SQL of a text as it was sent, NULL where it is empty or has blanks only."""
    return f"case when trim({column}) <> '' then {column} end"


def counted_psus(connection: duckdb.DuckDBPyConnection, relation: str, stratum: str, psu: str) -> Psus:
    """The strata and PSUs of a relation; `stratum` and `psu` are SQL expressions on it."""
    [counts] = connection.sql(
        f"""
        with units as (select distinct {stratum} as stratum, {psu} as psu from {relation}),
        strata as (select stratum, count(*) as n from units group by stratum),
        ids as (select psu, count(*) as n from units group by psu)
        select
          (select count(*) from strata), (select count(*) from strata where n = 1),
          (select count(*) from ids), (select count(*) from ids where n > 1), (select coalesce(max(n), 0) from strata)
        """
    ).fetchall()
    return Psus(*counts)


def are_nested(source: Source, psus: Psus) -> bool:
    """Whether every PSU is in one stratum, by its id or, where ids are unique within a stratum only, by stratum and id.

    Where the source's file says nothing, ids count within strata only if every stratum numbers its PSUs alike (1, 2 in each).
    """
    if psus.n_in_several_strata == 0 or source.psus_nested:
        return True
    return source.psus_nested is None and psus.count_anew


def problems_of_design(
    connection: duckdb.DuckDBPyConnection, relation: str, source: Source, weights: Sequence[str], select: str
) -> list[str]:
    """What makes the respondents of one wave of a survey unusable, a sentence each: what, where and what to do.

    `weights` are the columns of the weights that the source has; `select` is the file that harmonised them.
    """
    doubtful = _doubtful(connection, relation, weights)
    problems = [problem for weight in doubtful if (problem := _problem_of_weight(connection, relation, weight, select))]
    if source.replicate_weights:
        return problems + problems_of_replicates(connection, relation, source.replicate_weights, weights, select)
    names = [name for name in (*PLACES, POPULATION) if name in source.columns_of_design]
    there = set(connection.sql(f"select * from {relation} limit 0").columns)
    is_text = {name: TEXT_OF[name] in there for name in PLACES}
    columns = [as_text(name) if is_text.get(name) else name for name in names]
    places = _places(connection, relation, [name for name in (*PLACES, *TEXT_OF.values(), POPULATION) if name in there], source)
    absent = [f"coalesce(sum(n) filter ({column} is null), 0)" for column in columns]
    missing = (
        [int(count) for count in connection.sql(f"select {', '.join(absent)} from {places}").fetchall()[0]] if absent else []
    )
    problems += [
        f"{count:,} respondents have no {name}: every sampled person needs one, those with a weight of 0 too. "
        f"Return it in {select}, or leave out people who were not sampled"
        for name, count in zip(names, missing, strict=True)
        if count
    ]
    if any(missing):
        return problems
    stratum, psu = stratum_of(source, is_text=is_text["stratum"]), psu_of(source, is_text=is_text["psu"])
    if source.finite_population:
        problems += _problems_of_population(connection, places, stratum, psu, select)
    psus = counted_psus(connection, places, stratum, psu)
    return problems + _problems_of_psus(psus, source, select)


def _places(connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str], source: Source) -> str:
    """Where people were sampled, as a relation: a row for each that there is with its people (`n`), or one for each of them."""
    if not source.has_psus:  # each was sampled alone, and a table may have an `n` of its own
        return f"(select {', '.join([*columns, 'respondent_id'])}, 1 as n from {relation})"
    listed = ", ".join(columns)
    connection.execute(f"create or replace temp table places as select {listed}, count(*) as n from {relation} group by all")
    return "places"


def _problems_of_population(
    connection: duckdb.DuckDBPyConnection, relation: str, stratum: str, psu: str, select: str
) -> list[str]:
    """Where `n_population` cannot be the units of the stratum in all."""
    [(n_strata, n_uneven, n_small)] = connection.sql(
        f"""
        with strata as (
          select
            {stratum} as stratum, min({POPULATION}) as lowest, max({POPULATION}) as highest, count(distinct {psu}) as n_sampled
          from {relation} group by all
        )
        select count(*), count(*) filter (lowest <> highest), count(*) filter (lowest = highest and lowest < n_sampled)
        from strata
        """
    ).fetchall()
    counts = "it counts the PSUs of the stratum in the population (has_psus: false: its people), sampled or not"
    problems = [
        f"{n_uneven:,} of {n_strata:,} strata have several {POPULATION}: {counts}. Return one number a stratum in {select}",
        f"{n_small:,} of {n_strata:,} strata have an {POPULATION} below the units sampled in them: {counts}, and is no share. "
        f"Mend it in {select}",
    ]
    return [problem for problem, count in zip(problems, (n_uneven, n_small), strict=True) if count]


def _problems_of_psus(psus: Psus, source: Source, select: str) -> list[str]:
    problems = []
    if not are_nested(source, psus):
        problems.append(
            f"{psus.n_in_several_strata:,} of {psus.n_ids:,} PSU ids are in several strata. Mend stratum or psu in {select}; "
            f"or, if the ids are unique within their stratum only, write psus_nested: true into {source.file}"
        )
    unit = "PSU" if source.has_psus else "person"
    if psus.n_alone and not source.has_strata:
        problems.append(f"{source.source} has one {unit} in all, so that no variance is known: return several in {select}")
    elif psus.n_alone and source.lonely_psu == "fail":
        problems.append(
            f"{psus.n_alone:,} of {psus.n_strata:,} strata of {source.source} have one {unit} only, so their variance is unknown."
            f" Write lonely_psu: certainty, adjust or average into {source.file} (docs/statistics.md says what each does), "
            f"or join each of them to a neighbouring stratum in {select}"
        )
    return problems


def _doubtful(connection: duckdb.DuckDBPyConnection, relation: str, weights: Sequence[str]) -> list[str]:
    """The weights that are not 0 or usable for everybody, or usable for nobody: one scan of all of them."""
    counts = ["count(*)"]
    for weight in weights:
        number = f"cast({identifier(weight)} as double)"
        counts += [
            f"count(*) filter (coalesce({is_usable(number)} or {number} = 0, false))",
            f"count(*) filter ({is_usable(number)})",
        ]
    [(n, *found)] = connection.sql(f"select {', '.join(counts)} from {relation}").fetchall()
    pairs = zip(weights, found[::2], found[1::2], strict=True)
    return [weight for weight, n_sound, n_usable in pairs if n_sound < n or not n_usable]


def _problem_of_weight(connection: duckdb.DuckDBPyConnection, relation: str, column: str, select: str) -> str | None:
    weight = f"cast({identifier(column)} as double)"
    kinds = {
        "have none (NULL)": f"{weight} is null",
        "have one that is no finite number": f"not isfinite({weight})",
        "have a negative one": f"isfinite({weight}) and {weight} < 0",
        f"have one above {LARGEST_WEIGHT:,}": f"isfinite({weight}) and {weight} > {LARGEST_WEIGHT}",
        f"have one between 0 and {SMALLEST_WEIGHT}": f"{weight} > 0 and {weight} < {SMALLEST_WEIGHT}::double",
    }
    filters = [*kinds.values(), is_usable(weight), "true"]
    [(*counts, n_usable, n)] = connection.sql(
        f"select {', '.join(f'count(*) filter ({is_kind})' for is_kind in filters)} from {relation}"
    ).fetchall()
    found = [f"{count:,} {kind}" for kind, count in zip(kinds, counts, strict=True) if count]
    if found:
        return (
            f"of {n:,} respondents {', '.join(found)} as {column}. A weight is 0 (sampled, but outside this component) or "
            f"between {SMALLEST_WEIGHT} and {LARGEST_WEIGHT:,}: mend it in {select}; multiplying all weights of a source by one "
            "constant there changes no estimate"
        )
    if n and not n_usable:
        return f"all {n:,} respondents have 0 as {column}, so nobody stands for anyone. Return the right weight in {select}"
    return None
