"""Rows of report.prevalence_by_age_band."""

from itertools import product

import polars as pl

from pipelines.estimates.estimation import Estimation, Scope, in_population
from pipelines.statistics import Cells, prevalence

ALL_AGES = "all"

NOT_SHOWN = "suppress"

ESTIMATED = ("prevalence", "prevalence_se", "prevalence_lower", "prevalence_upper", "design_effect", "n_effective")


def prevalence_by_age_band(estimation: Estimation) -> pl.DataFrame:
    """Prevalence of each outcome in each population, and by age band where the study asks for it.

    A case-control source has no prevalence and gives no row. Every row that the study asks for is there: where it cannot be
    estimated or is not reliable enough to be shown, its numbers are NULL and `presentation_reason` says why.
    """
    if estimation.source.design == "case_control":
        return pl.DataFrame()
    frames = [frame for scope in estimation.scopes() for frame in _scope(estimation, scope)]
    if not frames:
        return pl.DataFrame()
    order = [*estimation.age_bands, ALL_AGES]
    rank = pl.col("age_band").replace_strict(order, range(len(order)), return_dtype=pl.Int64)
    return pl.concat(frames, how="diagonal_relaxed").sort("source", "wave", "population", "outcome", rank)


def _scope(estimation: Estimation, scope: Scope) -> list[pl.DataFrame]:
    """All rows of one scope, with one collapse for all that share a weight."""
    study = estimation.study
    frames = []
    by_weight: dict[str | None, list[tuple[str, str]]] = {}
    for population, outcome in product(study.populations, study.outcomes):
        variables = {outcome, *estimation.population_variables(population)}
        weight = estimation.weight(variables)
        refusal = estimation.refusal(scope, variables)
        if refusal:
            refused = _asked(estimation, population).with_columns(
                presentation=pl.lit(NOT_SHOWN), presentation_reason=pl.lit(refusal)
            )
            frames.append(_as_reported(estimation, scope, population, outcome, weight, refused))
        else:
            by_weight.setdefault(weight, []).append((population, outcome))
    for weight, wanted in by_weight.items():
        populations = list(dict.fromkeys(population for population, _ in wanted))
        cells = estimation.cells(scope, weight, [*study.outcomes, "age_band"], populations)
        for population, outcome in wanted:
            rows = _estimate(estimation, cells, population, outcome)
            frames.append(_as_reported(estimation, scope, population, outcome, weight, rows))
    return frames


def _asked(estimation: Estimation, population: str) -> pl.DataFrame:
    bands = estimation.age_bands if estimation.study.populations[population].by_age_band else []
    return pl.DataFrame({"age_band": [*bands, ALL_AGES]})


def _estimate(estimation: Estimation, cells: Cells, population: str, outcome: str) -> pl.DataFrame:
    domain = pl.col(in_population(population))
    level = estimation.study.confidence_level
    overall = prevalence(cells, outcome, domain=domain, confidence_level=level).table
    estimated = [overall.with_columns(age_band=pl.lit(ALL_AGES))]
    if estimation.study.populations[population].by_age_band:
        estimated.append(prevalence(cells, outcome, by=["age_band"], domain=domain, confidence_level=level).table)
    return _asked(estimation, population).join(pl.concat(estimated, how="diagonal_relaxed"), on="age_band", how="left")


def _as_reported(
    estimation: Estimation, scope: Scope, population: str, outcome: str, weight: str | None, rows: pl.DataFrame
) -> pl.DataFrame:
    """Add the keys, hide what is not to be shown, and explain what is empty."""
    if "prevalence" in rows.columns:
        is_empty = pl.col("presentation").is_null()
        rows = rows.with_columns(
            *(
                pl.when(is_empty).then(0).otherwise(pl.col(name)).alias(name)
                for name in ("n_respondents", "n_cases", "n_missing")
            ),
            presentation=pl.when(is_empty).then(pl.lit(NOT_SHOWN)).otherwise(pl.col("presentation")),
            presentation_reason=pl.when(is_empty).then(pl.lit("no respondents")).otherwise(pl.col("presentation_reason")),
        ).with_columns(pl.when(pl.col("presentation") != NOT_SHOWN).then(pl.col(name)).alias(name) for name in ESTIMATED)
    return rows.with_columns(
        source=pl.lit(estimation.source.source),
        wave=pl.lit(scope.wave),
        population=pl.lit(population),
        outcome=pl.lit(outcome),
        confidence_level=pl.lit(estimation.study.confidence_level),
        weight=pl.lit(weight, dtype=pl.String),
        is_suppressed=pl.lit(False),
        is_synthetic=pl.lit(estimation.source.is_synthetic),
    )
