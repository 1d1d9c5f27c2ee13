"""Rows of the prevalence tables: by age band, by age band and sex, by exposure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl

from pipelines.project.respondents import ALL, SEX
from pipelines.report.estimation import Estimation
from pipelines.report.held import as_text
from pipelines.report.respondents import Scope, in_population
from pipelines.report.verdicts import NOT_SHOWN
from pipelines.statistics import Cells, EmptyDomain, pool_prevalences, prevalence

ESTIMATED = ("prevalence", "prevalence_se", "prevalence_lower", "prevalence_upper", "design_effect", "n_effective")


@dataclass(frozen=True)
class Split:
    """One way to split a population.

    `rows` has the wanted combinations of the columns `by`, in their order; `labels` are the same for all of them. Splits with
    the same `keys`, which hold `by`, are counted in one pass.
    """

    by: tuple[str, ...]
    keys: tuple[str, ...]
    rows: pl.DataFrame
    labels: dict[str, str] = field(default_factory=dict)


def prevalence_by_age_band(estimation: Estimation) -> pl.DataFrame:
    """Prevalence of each outcome in each population, and by age band where the study asks for it.

    A case-control source has no prevalence and gives no row. Every row that the study asks for is there: where it cannot be
    estimated or is not reliable enough to be shown, its numbers are NULL and `presentation_reason` says why.
    """
    by_band = Split(("age_band",), ("age_band",), _bands(estimation))
    whole = Split((), ("age_band",), pl.DataFrame({"age_band": [ALL]}))
    return _table(estimation, lambda population: [by_band, whole] if _is_by_age(estimation, population) else [whole])


def prevalence_by_age_band_and_sex(estimation: Estimation) -> pl.DataFrame:
    """The same for each sex: by age band and sex where the study asks for age bands, by sex alone otherwise.

    Respondents without a column of it give no row.
    """
    if SEX not in estimation.columns:
        return pl.DataFrame()
    sexes = pl.DataFrame({"sex": estimation.levels("sex")}, schema={"sex": pl.String})
    keys = ("age_band", "sex")
    by_band = Split(keys, keys, _bands(estimation).join(sexes, how="cross"))
    whole = Split(("sex",), keys, sexes, {"age_band": ALL})
    return _table(estimation, lambda population: [by_band, whole] if _is_by_age(estimation, population) else [whole])


def prevalence_by_exposure(estimation: Estimation) -> pl.DataFrame:
    """The same at each level of each exposure that the source asked about, but for numbers, which have none.

    An exposure that names its populations is split by in these alone.
    """
    study = estimation.study
    splits = [
        Split((name,), (name,), pl.DataFrame({name: estimation.levels(name)}), {"exposure": name})
        for name in estimation.asked(study.exposures_with_levels)
    ]
    named = {name: exposure.populations for name, exposure in study.exposures.items() if exposure.populations}
    table = _table(
        estimation,
        lambda population: [split for split in splits if population in named.get(split.by[0], study.populations)],
    )
    if table.is_empty():
        return table
    level = pl.coalesce(pl.col(split.by[0]).cast(pl.String) for split in splits)
    return table.with_columns(exposure_level=level).drop([split.by[0] for split in splits])


def _is_by_age(estimation: Estimation, population: str) -> bool:
    return estimation.study.populations[population].by_age_band


def _bands(estimation: Estimation) -> pl.DataFrame:
    return pl.DataFrame({"age_band": estimation.age_bands})


def _table(estimation: Estimation, splits_of: Callable[[str], Sequence[Split]]) -> pl.DataFrame:
    """All rows, ordered by scope, population and outcome, and then as the splits order them."""
    if estimation.source.design == "case_control":
        return pl.DataFrame()
    frames = [
        frame
        for scope in estimation.scopes()
        for population in sorted(estimation.study.populations)
        for frame in _population(estimation, scope, population, splits_of(population))
    ]
    return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


def _population(estimation: Estimation, scope: Scope, population: str, splits: Sequence[Split]) -> list[pl.DataFrame]:
    frames = []
    for outcome in sorted(estimation.study.outcomes):
        for split in splits:
            if outcome in split.by:  # everybody or nobody of a level has it: it is the level
                continue
            variables = {outcome, *split.by, *estimation.population_variables(population)}
            weight = estimation.weight(variables)
            refusal = estimation.refusal(scope, variables, population)
            if refusal:
                rows = not_shown(split.rows, refusal)
            else:
                keys = (*estimation.study.outcomes, *split.keys)
                cells = [
                    each.cells(scope, weight, keys, population, [outcome, *split.by])
                    for each in estimation.completions(variables)
                ]
                rows = without_unreliable(_estimate(estimation, cells, population, outcome, split))
            labels = split.labels | estimation.rules(variables)
            frames.append(with_labels(estimation, scope, population, outcome, weight, rows, labels))
    return frames


def _estimate(estimation: Estimation, cells: Sequence[Cells], population: str, outcome: str, split: Split) -> pl.DataFrame:
    """`cells` of each imputation; where nothing is imputed, of the respondents as they are."""
    by, domain, confidence_level = list(split.by), pl.col(in_population(population)), estimation.study.confidence_level
    try:
        tables = [prevalence(each, outcome, by=by, domain=domain, confidence_level=confidence_level).table for each in cells]
    except EmptyDomain as error:
        return not_shown(split.rows, str(error))
    estimated = pool_prevalences(tables, by, confidence_level)
    if not split.by:
        return split.rows.hstack(estimated)
    return split.rows.join(as_text(estimated), on=list(split.by), how="left", maintain_order="left")


def with_labels(
    estimation: Estimation,
    scope: Scope,
    population: str,
    outcome: str,
    weight: str | None,
    rows: pl.DataFrame,
    labels: dict[str, str],
) -> pl.DataFrame:
    """The rows with the keys and facts that all of them share; `labels` are those of the question."""
    shared = {
        **estimation.key(scope, population, outcome, weight),
        "confidence_level": estimation.study.confidence_level,
        **labels,
    }
    types = {"weight": pl.String}  # of a source without weights it is NULL
    return rows.with_columns(pl.lit(value, dtype=types.get(name)).alias(name) for name, value in shared.items())


def not_shown(rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Rows without numbers, and why."""
    return rows.with_columns(presentation=pl.lit(NOT_SHOWN), presentation_reason=pl.lit(reason))


def without_unreliable(rows: pl.DataFrame) -> pl.DataFrame:
    """Hide what is not to be shown, and explain what is empty."""
    if "prevalence" not in rows.columns:
        return rows
    is_empty = pl.col("presentation").is_null()
    explained = rows.with_columns(
        *(pl.when(is_empty).then(0).otherwise(pl.col(name)).alias(name) for name in ("n_respondents", "n_cases", "n_missing")),
        presentation=pl.when(is_empty).then(pl.lit(NOT_SHOWN)).otherwise(pl.col("presentation")),
        presentation_reason=pl.when(is_empty).then(pl.lit("no respondents")).otherwise(pl.col("presentation_reason")),
    )
    return explained.with_columns(
        pl.when(pl.col("presentation") != NOT_SHOWN).then(pl.col(name)).alias(name) for name in ESTIMATED
    )
