"""The simulation behind the coverage table: its truth is the population's, and it tells a wrong method from a right one.

`python -m tests.coverage estimators` has 2,000 samples.
"""

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import Categorical, prevalence, regression
from tests.coverage.complex_sample import DESIGN, HARD, USUAL, draw_people, draw_sample, model_cells, outcome_cells
from tests.coverage.estimators import DEFAULT_INTERVAL, DEFAULT_REFERENCE, coverage, estimated_intervals
from tests.coverage.superpopulation import (
    COEFFICIENTS,
    COVARIATES,
    MODELLED_OUTCOME,
    N_STRATA,
    PREVALENCES,
)
from tests.statistics.samples import collapse_frame

PSUS_OF_CENSUS = 250


@pytest.fixture(scope="module")
def census() -> pl.DataFrame:
    """Everybody asked in 3,750 PSUs, about 1.1 million people; `share`: of the population, that one of them stands for."""
    people = draw_people(HARD, np.random.default_rng(7), PSUS_OF_CENSUS)
    counted = people.group_by("stratum", "psu").len().group_by("stratum").agg(n=pl.col("len").sum())
    share = pl.Series("share", HARD.population.stratum_share[counted["stratum"].to_numpy()])
    return people.join(counted.with_columns(share=share / counted["n"]).drop("n"), on="stratum")


@pytest.fixture(scope="module")
def found() -> pl.DataFrame:
    return coverage(estimated_intervals(USUAL, range(1, 51)))


@pytest.mark.parametrize(("outcome", "target"), PREVALENCES.items())
def test_the_true_prevalence_is_the_mean_of_the_population(census: pl.DataFrame, outcome: str, target: float) -> None:
    truth = HARD.population.prevalence(outcome)
    assert truth == pytest.approx(target, rel=1e-12)
    by_psu = census.group_by("psu").agg(total=(pl.col(outcome) * pl.col("share")).sum())["total"].to_numpy()
    assert by_psu.sum() == pytest.approx(truth, abs=4 * np.sqrt(len(by_psu)) * by_psu.std())


def test_the_true_odds_ratios_are_those_of_the_population(census: pl.DataFrame) -> None:
    counts = census.group_by(COVARIATES).agg(
        share=pl.col("share").sum(), cases=(pl.col(MODELLED_OUTCOME) * pl.col("share")).sum()
    )
    age = counts["age"].to_numpy()
    x = np.column_stack(
        [np.ones(len(age)), counts["exposed"], *(age == band for band in (1, 2, 3)), counts["sex"], counts["race"]]
    )
    share, cases = counts["share"].to_numpy(), counts["cases"].to_numpy()
    b = np.zeros(len(COEFFICIENTS))
    for _ in range(25):
        mean = 1 / (1 + np.exp(-x @ b))
        b += np.linalg.solve((x.T * (share * mean * (1 - mean))) @ x, x.T @ (cases - share * mean))
    # standard error of a log odds ratio in a census of this size, its design effect included: below 0.01
    assert HARD.population.coefficients(MODELLED_OUTCOME) == pytest.approx(b, abs=0.04)


def test_outcomes_correlate_within_psus_as_stated(census: pl.DataFrame) -> None:
    """Analysis of variance within strata, whose mean over correlations of .01, .02 and .03 is .02; people differ, which adds."""
    psus = census.group_by("stratum", "psu").agg(n=pl.len(), p=pl.col("at_0_50").mean())
    stratum, n, p = (psus[column].to_numpy() for column in ("stratum", "n", "p"))
    within = (p * (1 - p) * n).sum() / (n - 1).sum()
    between = np.mean([p[stratum == h].var(ddof=1) - (within / n[stratum == h]).mean() for h in range(N_STRATA)])
    assert 0.012 < between / (between + within) < 0.03


def test_cells_made_here_give_what_collapse_gives() -> None:
    sample = draw_sample(USUAL, 1)
    keys = {name: name for name in (*PREVALENCES, *COVARIATES)}
    collapsed = collapse_frame(sample, DESIGN, keys)
    for outcome in PREVALENCES:
        expected = prevalence(collapsed, outcome).table
        assert prevalence(outcome_cells(sample), outcome).table["prevalence_upper"].item() == pytest.approx(
            expected["prevalence_upper"].item(), rel=1e-10
        )
    terms = [Categorical(column, 0) for column in COVARIATES]
    direct = regression(model_cells(sample), MODELLED_OUTCOME, terms)
    expected_fit = regression(collapsed, MODELLED_OUTCOME, terms)
    assert direct.names == COEFFICIENTS
    assert direct.coefficients == pytest.approx(expected_fit.coefficients, rel=1e-9)
    assert direct.covariance == pytest.approx(expected_fit.covariance, rel=1e-8)


def test_equal_seeds_give_equal_samples_and_others_do_not() -> None:
    one = draw_sample(USUAL, 1)
    assert one.equals(draw_sample(USUAL, 1))
    assert not one.equals(draw_sample(USUAL, 2))
    assert one.select(pl.col("stratum").n_unique(), pl.col("psu").n_unique()).row(0) == (N_STRATA, 2 * N_STRATA)


def test_the_defaults_cover_as_often_as_so_few_samples_can_tell(found: pl.DataFrame) -> None:
    defaults = found.filter(pl.col("method").is_in([DEFAULT_INTERVAL, DEFAULT_REFERENCE]))
    assert defaults.height == len(PREVALENCES) + len(COEFFICIENTS) - 1
    assert defaults["is_enough"].all(), defaults


def test_intervals_that_ignore_the_degrees_of_freedom_or_the_design_cover_less(found: pl.DataFrame) -> None:
    def covered(method: str, kind: str) -> int:
        return int(found.filter(pl.col("method") == method, pl.col("value").str.starts_with(kind))["n_covered"].sum())

    assert covered("z", "odds ratio") < covered(DEFAULT_REFERENCE, "odds ratio")
    assert covered("Wald, z", "prevalence") < covered(DEFAULT_INTERVAL, "prevalence")
    weighted = covered("naive: weighted, as if people were drawn one by one", "prevalence")
    assert covered("naive: counts without weights", "prevalence") < weighted < 0.9 * covered(DEFAULT_INTERVAL, "prevalence")


def test_a_sample_without_an_interval_is_not_covered() -> None:
    rows = pl.DataFrame(
        {
            "value": ["p"] * 4,
            "method": ["m"] * 4,
            "truth": [0.5] * 4,
            "lower": [0.4, 0.6, 0.1, None],
            "upper": [0.6, 0.7, 0.2, None],
        }
    )
    row = coverage(rows).row(0, named=True)
    assert (row["n_covered"], row["truth_below"], row["truth_above"], row["is_enough"]) == (1, 0.25, 0.25, None)
    assert row["monte_carlo_se"] == pytest.approx((0.25 * 0.75 / 4) ** 0.5)
