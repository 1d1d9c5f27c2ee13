"""Intervals of the estimators themselves, from samples of a superpopulation, against its true values."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipelines.statistics import (
    Categorical,
    Design,
    Interval,
    Regression,
    binomial_interval,
    effect,
    korn_graubard,
    prevalence,
    proportion_interval,
    regression,
)
from tests.coverage.complex_sample import Scenario, draw_sample, model_cells, outcome_cells
from tests.coverage.counting import NOMINAL, least_covered
from tests.coverage.superpopulation import COEFFICIENTS, COVARIATES, MODELLED_OUTCOME, PREVALENCES

TERMS = [Categorical(column, 0) for column in COVARIATES]
EXPOSED = "exposed=1"

DEFAULT_INTERVAL = "Korn-Graubard, capped, df-adjusted"
DEFAULT_REFERENCE = "t, design df"
DEFAULTS = (DEFAULT_INTERVAL, DEFAULT_REFERENCE)

SCHEMA = {"value": pl.String, "method": pl.String, "truth": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}


@dataclass(frozen=True)
class _Estimate:
    """A row of prevalence()."""

    p: float
    se: float
    n: int
    cases: int
    df: int
    n_effective: float


def _of_design(method: Any) -> Callable[[_Estimate], Interval]:
    return lambda e: proportion_interval(
        method, proportion=e.p, standard_error=e.se, n_respondents=e.n, degrees_freedom=e.df, confidence_level=NOMINAL
    )


INTERVALS: Mapping[str, Callable[[_Estimate], Interval]] = {
    "logit, t": _of_design("logit"),
    "Wilson at the effective n, t": _of_design("wilson"),
    "beta (Korn-Graubard without the cap)": _of_design("beta"),
    "arcsine, t": _of_design("arcsine"),
    "likelihood, t": _of_design("likelihood"),
    "Wald, t": _of_design("wald"),
    "Korn-Graubard without df adjustment": lambda e: korn_graubard(e.p, e.n, e.n_effective, None, NOMINAL),
    "Wald, z": lambda e: proportion_interval(
        "wald", proportion=e.p, standard_error=e.se, n_respondents=e.n, degrees_freedom=None, confidence_level=NOMINAL
    ),
    "naive: weighted, as if people were drawn one by one": lambda e: korn_graubard(e.p, e.n, float(e.n), None, NOMINAL),
    "naive: counts without weights": lambda e: binomial_interval(
        e.cases, e.n, method="clopper_pearson", confidence_level=NOMINAL
    ),
}
"""The intervals beside the default, which is what prevalence() itself gives."""

NAIVE_DESIGNS = {
    "naive: weighted, as if people were drawn one by one": Design(None, None, "weight"),
    "naive: counts without weights": Design(None, None, None),
}


def estimated_intervals(scenario: Scenario, seeds: Iterable[int]) -> pl.DataFrame:
    """One row per sample, value and method: the interval beside the truth. Odds ratios and their limits are logarithms."""
    population = scenario.population
    prevalences = {outcome: population.prevalence(outcome) for outcome in PREVALENCES}
    log_odds = dict(zip(COEFFICIENTS, population.coefficients(MODELLED_OUTCOME).tolist(), strict=True))
    rows: list[tuple[str, str, float, float | None, float | None]] = []
    for seed in seeds:
        sample = draw_sample(scenario, seed)
        rows += _prevalence_rows(sample, prevalences)
        rows += _odds_ratio_rows(sample, log_odds)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _prevalence_rows(
    sample: pl.DataFrame, truths: Mapping[str, float]
) -> Iterator[tuple[str, str, float, float | None, float | None]]:
    cells = outcome_cells(sample)
    for outcome, truth in truths.items():
        row = prevalence(cells, outcome, confidence_level=NOMINAL).table.row(0, named=True)
        value = f"prevalence {truth:.2f}"
        yield value, DEFAULT_INTERVAL, truth, row["prevalence_lower"], row["prevalence_upper"]
        estimate = _Estimate(
            p=row["prevalence"],
            se=row["prevalence_se"],
            n=row["n_respondents"],
            cases=row["n_cases"],
            df=row["degrees_freedom"],
            n_effective=row["n_effective"],
        )
        for method, interval in INTERVALS.items():
            found = interval(estimate)
            yield value, method, truth, found.lower, found.upper


def _odds_ratio_rows(sample: pl.DataFrame, truths: Mapping[str, float]) -> Iterator[tuple[str, str, float, float, float]]:
    fitted = regression(model_cells(sample), MODELLED_OUTCOME, TERMS)
    for name in COEFFICIENTS[1:]:
        for method, degrees_freedom in (
            (DEFAULT_REFERENCE, fitted.degrees_freedom),
            ("t, residual df (R's choice)", fitted.residual_degrees_freedom),
            ("z", math.inf),
        ):
            yield f"odds ratio {name}", method, truths[name], *_limits(fitted, name, degrees_freedom)
    for method, design in NAIVE_DESIGNS.items():
        naive = regression(model_cells(sample, design), MODELLED_OUTCOME, TERMS)
        yield f"odds ratio {EXPOSED}", method, truths[EXPOSED], *_limits(naive, EXPOSED, math.inf)


def _limits(fitted: Regression, name: str, degrees_freedom: float) -> tuple[float, float]:
    i = fitted.names.index(name)
    found = effect(float(fitted.coefficients[i]), float(np.sqrt(fitted.covariance[i, i])), degrees_freedom, NOMINAL)
    return math.log(found.lower), math.log(found.upper)


def coverage(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per value and method: how many intervals hold the truth, its share with Monte Carlo standard error, on which side
    the others miss, and the mean width. A sample without an interval counts as one that misses on neither side.

    `is_enough`: of a default, whether at most STANDARD_ERRORS of them under the nominal level; NULL for the other methods.
    """
    held = ((pl.col("lower") <= pl.col("truth")) & (pl.col("truth") <= pl.col("upper"))).fill_null(False)
    share = pl.col("coverage")
    return (
        rows.group_by("value", "method", "truth", maintain_order=True)
        .agg(
            n_samples=pl.len(),
            n_covered=held.sum(),
            coverage=held.mean(),
            truth_below=(pl.col("truth") < pl.col("lower")).fill_null(False).mean(),
            truth_above=(pl.col("truth") > pl.col("upper")).fill_null(False).mean(),
            mean_width=(pl.col("upper") - pl.col("lower")).mean(),
        )
        .with_columns(
            (share * (1 - share) / pl.col("n_samples")).sqrt().alias("monte_carlo_se"),
            is_enough=pl.when(pl.col("method").is_in(DEFAULTS)).then(
                pl.col("n_covered") >= pl.col("n_samples").map_elements(least_covered, return_dtype=pl.Int64)
            ),
        )
    )
