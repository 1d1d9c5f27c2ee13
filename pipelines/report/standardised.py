"""Rows of report.prevalence_age_standardised."""

import polars as pl

from pipelines.project.respondents import ALL
from pipelines.report.estimation import STANDARD_AGE_GROUP, Estimation, Scope, in_population
from pipelines.report.prevalence import not_shown, with_labels, without_unreliable
from pipelines.statistics import EmptyDomain, UnknownStandardCell, standardise


def prevalence_age_standardised(estimation: Estimation) -> pl.DataFrame:
    """Prevalence with the age structure of the study's standard population: for each sex, and for both together.

    A case-control source has no prevalence and gives no row.
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
    asked = pl.DataFrame({"sex": [ALL, *estimation.levels("sex")]}, schema={"sex": pl.String})
    variables = {outcome, "sex", "age_years", *estimation.population_variables(population)}
    weight = estimation.weight(variables)
    refusal = estimation.refusal(scope, variables)
    rows = not_shown(asked, refusal) if refusal else _estimate(estimation, scope, weight, population, outcome, asked)
    labels = {"standard_population": estimation.study.standardisation.standard_population}
    return with_labels(estimation, scope, population, outcome, weight, rows, labels)


def _estimate(
    estimation: Estimation, scope: Scope, weight: str | None, population: str, outcome: str, asked: pl.DataFrame
) -> pl.DataFrame:
    cells = estimation.cells(scope, weight, (*estimation.study.outcomes, STANDARD_AGE_GROUP, "sex"))
    estimated = []
    try:
        for by in ([], ["sex"]) if asked.height > 1 else ([],):
            table = standardise(
                cells,
                outcome,
                column=STANDARD_AGE_GROUP,
                standard=estimation.standard.shares,
                by=by,
                domain=pl.col(in_population(population)),
                confidence_level=estimation.study.confidence_level,
            ).table
            estimated.append(table if by else table.with_columns(sex=pl.lit(ALL)))
    except (EmptyDomain, UnknownStandardCell) as error:
        return not_shown(asked, str(error))
    known = pl.concat(estimated, how="diagonal_relaxed").drop("empty_standard_cells")
    return without_unreliable(asked.join(known, on="sex", how="left", maintain_order="left"))
