"""Rows of report.prevalence_age_standardised."""

from collections.abc import Sequence

import polars as pl

from pipelines.machine.quoting import identifier
from pipelines.project.ages import group_of_age
from pipelines.project.respondents import AGE, AGE_BAND, ALL, SEX
from pipelines.report.estimation import Estimation
from pipelines.report.prevalence import not_shown, with_labels, without_unreliable
from pipelines.report.respondents import STANDARD_AGE_GROUP, Scope, in_population
from pipelines.report.verdicts import OUTSIDE
from pipelines.statistics import Cells, EmptyDomain, UnknownStandardCell, pool_prevalences, standardise

OLDEST = 120
"""Years up to which it is asked who may be in a population."""


def prevalence_age_standardised(estimation: Estimation) -> pl.DataFrame:
    """Prevalence with the age structure of the study's standard population: for each sex, and for both together.

    The standard and the population must span the same ages: a population with people outside the standard, or that leaves a part
    of the standard without anybody, has rows without numbers that say so. Members of unknown age are in no group of the standard:
    `n_missing` counts them. A case-control source has no prevalence and gives no
    row.
    """
    if estimation.source.design == "case_control":
        return pl.DataFrame()
    frames = [
        _rows(estimation, scope, population, outcome)
        for scope in estimation.scopes()
        for population in sorted(estimation.study.standardisation.populations)
        for outcome in sorted(estimation.study.outcomes)
    ]
    return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


def _rows(estimation: Estimation, scope: Scope, population: str, outcome: str) -> pl.DataFrame:
    by_sex = [SEX] if SEX in estimation.columns else []
    sexes = [level for name in by_sex for level in estimation.levels(name)]
    asked = pl.DataFrame({SEX: [ALL, *sexes]}, schema={SEX: pl.String})
    variables = {outcome, *by_sex, AGE, *estimation.population_variables(population)}
    weight = estimation.weight(variables)
    completions = estimation.completions(variables)
    refusal = (
        estimation.refusal(scope, variables, population)
        or _standard_beyond(estimation, population)
        or _people_beyond(completions[0], scope, weight, population, outcome)
    )
    rows = not_shown(asked, refusal) if refusal else _estimate(completions, scope, weight, population, outcome, asked)
    labels = {"standard_population": estimation.study.standardisation.standard_population} | estimation.rules(variables)
    return with_labels(estimation, scope, population, outcome, weight, rows, labels)


def _standard_beyond(estimation: Estimation, population: str) -> str | None:
    """Why the standard is not one of this population: groups of it that lie wholly or in part outside its ages."""
    youngest, end = _ages(estimation, population)
    groups = estimation.standard.groups.select("age_group", "lower_age", "upper_age").iter_rows()
    beyond = [group for group, lower, upper in groups if lower < youngest or min(upper, OLDEST + 1) > end]
    if not beyond:
        return None
    ages = f"of {youngest} to {end - 1} years" if youngest < end - 1 else f"of {youngest} years"
    ages = f"of {youngest} years and older" if end > OLDEST else ages
    return (
        f"the population has ages {ages}, and {', '.join(beyond)} of the standard {estimation.standard.name} reach beyond: "
        "standardise a population to a standard of its own ages"
    )


def _ages(estimation: Estimation, population: str) -> tuple[int, int]:
    """The lowest age (held) and the end (not held) that the condition of a population leaves, whatever else it asks for.

    An age is left out where the condition is false for it with all other columns unknown.
    """
    condition = estimation.study.populations[population].where
    others = ", ".join(
        f"cast(null as {kind}) as {identifier(name)}"
        for name, kind in estimation.types_of_respondents().items()
        if name not in {AGE, AGE_BAND}
    )
    band = group_of_age("range", estimation.study.age_bands.frame().iter_rows(), otherwise="''")
    possible = estimation.connection.sql(
        f"""
        select {AGE}
        from (select range as {AGE}, {band} as {AGE_BAND}, {others} from range({OLDEST + 1})) as respondents
        where ({condition}) is distinct from false
        order by 1
        """
    ).fetchall()
    return (possible[0][0], possible[-1][0] + 1) if possible else (0, OLDEST + 1)


def _people_beyond(estimation: Estimation, scope: Scope, weight: str | None, population: str, outcome: str) -> str | None:
    """How many people with an answer are outside the standard."""
    standard = estimation.standard
    estimation.columns_read.update(
        {"wave", AGE, outcome, *({weight} if weight else ())}, estimation.population_variables(population)
    )
    condition = estimation.study.populations[population].where
    people, [inside] = estimation.people(scope.waves, (outcome, AGE), [condition], weight)
    [(n, youngest, oldest)] = estimation.connection.sql(
        f"""
        select coalesce(sum(n), 0), floor(min({AGE})), floor(max({AGE})) from {people}
        where {inside} and {identifier(outcome)} is not null and n > 0
          and {AGE} is not null and {standard.group_of_age(AGE)} is null
        """
    ).fetchall()
    if not n:
        return None
    ages = f"{youngest:.0f}" if youngest == oldest else f"{youngest:.0f} to {oldest:.0f}"
    return f"{n:,} people of {ages} years are {OUTSIDE} {standard.name}"


def _estimate(
    completions: Sequence[Estimation], scope: Scope, weight: str | None, population: str, outcome: str, asked: pl.DataFrame
) -> pl.DataFrame:
    """Of each imputation; where nothing is imputed, of the respondents as they are."""
    study, standard = completions[0].study, completions[0].standard.shares
    by_sex = [SEX] if SEX in completions[0].columns else []
    cells = [each.cells(scope, weight, (*study.outcomes, STANDARD_AGE_GROUP, *by_sex), population) for each in completions]
    domain = pl.col(in_population(population))
    estimated = []
    by: list[str]
    try:
        for by in ([], [SEX]) if asked.height > 1 else ([],):
            tables = [
                standardise(
                    each,
                    outcome,
                    column=STANDARD_AGE_GROUP,
                    standard=standard,
                    by=by,
                    domain=domain,
                    confidence_level=study.confidence_level,
                ).table
                for each in cells
            ]
            table = _with_unknown_ages(pool_prevalences(tables, by, study.confidence_level), cells[0], domain, by)
            estimated.append(table if by else table.with_columns(sex=pl.lit(ALL)))
    except (EmptyDomain, UnknownStandardCell) as error:
        return not_shown(asked, str(error))
    known = pl.concat(estimated, how="diagonal_relaxed").drop("empty_standard_cells")
    return without_unreliable(asked.join(known, on="sex", how="left", maintain_order="left"))


def _with_unknown_ages(table: pl.DataFrame, cells: Cells, domain: pl.Expr, by: list[str]) -> pl.DataFrame:
    """The rows with members of unknown age, who are in no group of the standard, among those without an answer."""
    members = cells.table.filter(pl.Series(cells.members(domain)))
    is_unknown = pl.col(STANDARD_AGE_GROUP).is_null()
    if members.filter(is_unknown).is_empty():
        return table
    counts = members.group_by(pl.lit(True).alias("all"), *by).agg(
        pl.col("n").filter(is_unknown).sum().alias("n_unknown"),
        pl.col("w").filter(is_unknown).sum().alias("w_unknown"),
        pl.col("w").sum().alias("w_all"),
    )
    known = 1 - pl.col("w_unknown") / pl.col("w_all")
    return (
        table.with_columns(all=True)
        .join(counts, on=["all", *by], how="left", maintain_order="left")
        .with_columns(
            n_missing=pl.col("n_missing") + pl.col("n_unknown").cast(pl.Int64),
            missing_weight_share=1 - (1 - pl.col("missing_weight_share")) * known,
        )
        .drop("all", "n_unknown", "w_unknown", "w_all")
    )
