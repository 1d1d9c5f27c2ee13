"""Rows of report.respondent_flow: who was received, left out and why, and analysed."""

from typing import Any

import polars as pl

from pipelines.machine.quoting import literal
from pipelines.making.design import unless_blank
from pipelines.project.respondents import REASON
from pipelines.report.estimation import Estimation
from pipelines.report.respondents import Scope, in_population

KINDS_OF_MISSING = {"not_asked": "n_not_asked", "refused": "n_refused", "dont_know": "n_dont_know"}
"""Kind of missing -> its column; any other, and none, is n_no_value."""

Row = dict[str, Any]


def respondent_flow(estimation: Estimation) -> pl.DataFrame:
    """The numbers of a STROBE flow diagram for each population and outcome, without regard to exposures.

    Who is analysed is who report.prevalence_by_age_band has in all ages together; of a case-control source, who is in a matched
    set that has a case and a control in the population.
    """
    rows = [
        _row(estimation, scope, population, outcome)
        for scope in estimation.scopes()
        for population in sorted(estimation.study.populations)
        for outcome in estimation.outcomes
    ]
    return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()


def _row(estimation: Estimation, scope: Scope, population: str, outcome: str) -> Row:
    variables = {outcome, *estimation.population_variables(population)}
    weight = estimation.weight(variables)
    key = estimation.key(scope, population, outcome, weight)
    refusal = estimation.refusal(scope, variables, population)
    if refusal:
        return key | {"reason": refusal}
    if estimation.is_matched:
        members = _matched(estimation, scope, population)
        return key | members | _received(estimation, scope, members)
    members = _asked(estimation.completions(variables)[0], scope, weight, population, outcome)
    if estimation.is_imputed(variables):
        members["n_imputed"] = members["n_analysed"] - _asked(estimation, scope, weight, population, outcome)["n_analysed"]
    return key | members | _received(estimation, scope, members)


def _asked(estimation: Estimation, scope: Scope, weight: str | None, population: str, outcome: str) -> Row:
    """Members of the population with a weight above 0, by their answer; who is not in the outcome's component gave none."""
    reason = f"{outcome}{REASON}"
    cells = estimation.cells(scope, weight, (outcome, reason), population)
    members = cells.table.filter(pl.col(in_population(population)))
    of_population = estimation.weight(estimation.population_variables(population))
    in_any = estimation.cells(scope, of_population, (outcome, reason), population).table
    n_not_in_component = int(in_any.filter(pl.col(in_population(population)))["n"].sum()) - int(members["n"].sum())
    missing, known = (members.filter(is_unknown) for is_unknown in (pl.col(outcome).is_null(), pl.col(outcome).is_not_null()))
    found = _missing(missing[reason], missing["n"])
    return found | {
        "n_missing": found["n_missing"] + n_not_in_component,
        "n_not_in_component": n_not_in_component,
        "n_analysed": int(known["n"].sum()),
    }


def _missing(kinds: pl.Series, n: pl.Series) -> Row:
    of_kind = {column: int(n.filter((kinds == kind).fill_null(False)).sum()) for kind, column in KINDS_OF_MISSING.items()}
    return {
        "n_missing": int(n.sum()),
        **of_kind,
        "n_no_value": int(n.sum()) - sum(of_kind.values()),
        "n_not_in_component": 0,
        "n_in_incomplete_sets": 0,
        "n_without_matched_set": 0,
    }


def _matched(estimation: Estimation, scope: Scope, population: str) -> Row:
    """Members of the population, by whether their matched set is whole: cases, noncases and nobody of unknown status.

    Who has no matched set is in no set at all, and counted apart.
    """
    waves = ", ".join(literal(wave) for wave in scope.waves)
    estimation.columns_read.update({"wave", "matched_set", "is_case"}, estimation.population_variables(population))
    [(n, n_unknown, n_without_set, n_whole)] = estimation.connection.sql(
        f"""
        with members as (
          select wave, {unless_blank("matched_set")} as matched_set, is_case from {estimation.respondents}
          where wave in ({waves}) and ({estimation.study.populations[population].where})
        ),
        sets as (
          select
            matched_set, count(*) as n, count(is_case) as n_known, count(*) filter (is_case) as n_cases
          from members group by wave, matched_set
        )
        select
          coalesce(sum(n), 0), coalesce(sum(n - n_known), 0), coalesce(sum(n_known) filter (matched_set is null), 0),
          coalesce(sum(n) filter (matched_set is not null and n_known = n and n_cases > 0 and n_cases < n), 0)
        from sets
        """
    ).fetchall()
    return _missing(pl.Series([None], dtype=pl.String), pl.Series([int(n_unknown)])) | {
        "n_missing": int(n - n_whole),
        "n_in_incomplete_sets": int(n - n_unknown - n_without_set - n_whole),
        "n_without_matched_set": int(n_without_set),
        "n_analysed": int(n_whole),
    }


def _received(estimation: Estimation, scope: Scope, members: Row) -> Row:
    """What was delivered, and how many of it are not members. Nothing where the respondents are not among the records."""
    delivered = [estimation.received[wave] for wave in scope.waves if wave in estimation.received]
    n_received, n_set_aside = (sum(getattr(wave, name) for wave in delivered) for name in ("n_received", "n_set_aside"))
    n_out_of_scope = n_received - n_set_aside - members["n_missing"] - members["n_analysed"]
    if n_out_of_scope < 0:
        return {"reason": "there are more respondents than records of the table that they are harmonised from"}
    return {"n_received": n_received, "n_set_aside": n_set_aside, "n_out_of_scope": n_out_of_scope}
