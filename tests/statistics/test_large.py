"""Regression over a relation: the three ways agree in everything, choose by size, and refuse alike."""

from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.statistics import (
    Categorical,
    Design,
    EmptyDomain,
    InvalidArgument,
    InvalidOutcome,
    InvalidWeight,
    LonelyPsu,
    MissingDesignColumn,
    NoDegreesOfFreedom,
    NotConverged,
    Numeric,
    RankDeficient,
    Regression,
    SeparatedOutcome,
)
from pipelines.statistics import large as large_module
from pipelines.statistics.large import Passes, fit_regression
from pipelines.statistics.score_scan import Question
from tests.statistics.samples import DESIGN

BY_SCANS: list[Passes] = ["two", "streaming"]
TERMS = (Categorical("region", "north"), Numeric("bmi"), Categorical("is_smoker", False))


def people(n: int = 1_000, seed: int = 5) -> pl.DataFrame:
    """4 strata of 3 PSUs; text, boolean and continuous covariates; zero weights, missing values and a rare outcome."""
    rng = np.random.Generator(np.random.PCG64(seed))
    bmi, region = rng.normal(27, 4, n), rng.choice(["north", "o'west", "south"], n)
    is_smoker = rng.random(n) < 0.3
    y = rng.random(n) < 1 / (1 + np.exp(2 - 0.08 * (bmi - 27) - 0.5 * is_smoker - 0.3 * (region == "south")))
    frame = pl.DataFrame(
        {
            "stratum": rng.integers(1, 5, n),
            "psu": rng.integers(1, 4, n),
            "weight": np.where(rng.random(n) < 0.05, 0.0, rng.lognormal(8, 0.5, n)),
            "age": rng.integers(20, 80, n),
            "bmi": bmi,
            "region": region,
            "is_smoker": is_smoker,
            "y": y,
        }
    )
    missing = [pl.when(pl.Series(rng.random(n) > 0.03)).then(pl.col(name)).alias(name) for name in ("y", "bmi", "region")]
    return frame.with_columns(missing)


def fit(rows: pl.DataFrame, passes: Passes | None, **arguments: object) -> Regression:
    con = duckdb.connect()
    con.register("respondents", rows)
    given = {"design": DESIGN, "outcome": "y", "terms": TERMS} | arguments
    return fit_regression(con, "respondents", passes=passes, **given)  # type: ignore[arg-type]


def assert_same(found: Regression, expected: Regression) -> None:
    counts = ("names", "omitted", "n_respondents", "n_cases", "n_missing", "degrees_freedom", "residual_degrees_freedom")
    assert [getattr(found, name) for name in counts] == [getattr(expected, name) for name in counts]
    np.testing.assert_allclose(found.coefficients, expected.coefficients, rtol=1e-10, atol=1e-12)
    errors, expected_errors = (np.sqrt(np.diag(result.covariance)) for result in (found, expected))
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=0, atol=1e-10 * float(expected_errors.max()) ** 2)
    np.testing.assert_allclose(errors, expected_errors, rtol=1e-10)
    np.testing.assert_allclose(found.information, expected.information, rtol=1e-9, atol=1e-9)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-11)


@pytest.mark.parametrize("passes", BY_SCANS)
@pytest.mark.parametrize("family", ["logistic", "poisson"])
@pytest.mark.parametrize("where", [None, "age >= 40 and region <> 'north' or age < 30"])
def test_scans_equal_the_single_pass(passes: Passes, family: str, where: str | None) -> None:
    expected = fit(people(), "single", family=family, where=where)
    assert_same(fit(people(), passes, family=family, where=where), expected)


@pytest.mark.parametrize("passes", BY_SCANS)
def test_a_level_outside_the_domain_is_omitted_alike(passes: Passes) -> None:
    expected = fit(people(), "single", where="region <> 'south'")
    assert expected.omitted == ("region=south",)
    assert_same(fit(people(), passes, where="region <> 'south'"), expected)


@pytest.mark.parametrize("passes", BY_SCANS)
@pytest.mark.parametrize(
    "design", [Design(None, "psu", "weight"), Design("stratum", "psu", None), Design("stratum", "psu", "weight", "adjust")]
)
def test_designs_without_strata_or_weights_agree(passes: Passes, design: Design) -> None:
    assert_same(fit(people(), passes, design=design), fit(people(), "single", design=design))


def test_an_element_design_is_fitted_from_its_cells() -> None:
    design = Design("stratum", None, "weight")
    assert_same(fit(people(), "streaming", design=design), fit(people(), "single", design=design))


@pytest.mark.parametrize("passes", BY_SCANS)
def test_shuffled_rows_give_the_same_bits(passes: Passes) -> None:
    first, second = (fit(people().sample(fraction=1, shuffle=True, seed=seed), passes) for seed in (1, 2))
    assert first.coefficients.tolist() == second.coefficients.tolist()
    assert first.covariance.tolist() == second.covariance.tolist()


@pytest.mark.parametrize(
    ("terms", "few_cells", "most_patterns", "expected"),
    [
        ((Categorical("region", "north"),), 1_000, 1_000, "single"),
        ((Categorical("region", "north"),), 10, 1_000, "two"),
        ((Categorical("region", "north"), Numeric("bmi")), 1_000, 1_000, "streaming"),
        ((Categorical("region", "north"), Numeric("age")), 1_000_000, 1_000, "single"),
    ],
)
def test_the_way_is_chosen_by_psus_and_patterns(
    monkeypatch: pytest.MonkeyPatch, terms: object, few_cells: int, most_patterns: int, expected: str
) -> None:
    monkeypatch.setattr(large_module, "FEW_ROWS", 100)
    monkeypatch.setattr(large_module, "FEW_CELLS", few_cells)
    monkeypatch.setattr(large_module, "MOST_PATTERNS", most_patterns)
    con = duckdb.connect()
    con.register("respondents", people())
    question = Question("respondents", DESIGN, "y", terms, None, "logistic")  # type: ignore[arg-type]
    assert large_module._passes(con, question) == expected


def test_few_rows_are_fitted_from_their_cells() -> None:
    assert_same(fit(people(), None), fit(people(), "single"))


FAULTS: dict[str, tuple[pl.Expr, dict[str, Any], type[Exception]]] = {
    "negative weight": (pl.col("weight") * -1, {}, InvalidWeight),
    "text as weight": (pl.lit("heavy4711").alias("weight"), {}, InvalidWeight),
    "no PSU": (pl.lit(None, dtype=pl.Int64).alias("psu"), {}, MissingDesignColumn),
    "other outcome": (pl.lit(4711).alias("y"), {}, InvalidOutcome),
    "text as outcome": (pl.lit("secret4711").alias("y"), {}, InvalidOutcome),
    "text as number": (pl.lit("secret4711").alias("bmi"), {}, InvalidArgument),
    "infinite number": (pl.lit(float("inf")).alias("bmi"), {}, InvalidArgument),
    "unknown reference": (pl.col("y"), {"terms": (Categorical("region", "east"),)}, InvalidArgument),
    "term twice": (pl.col("y"), {"terms": (Numeric("bmi"), Numeric("bmi"))}, InvalidArgument),
    "constant": (pl.lit(27.5).alias("bmi"), {}, RankDeficient),
    "domain that cannot be computed": (
        pl.lit("secret4711").alias("region"),
        {"terms": (), "where": "region::int = 1"},
        InvalidArgument,
    ),
    "empty domain": (pl.col("y"), {"where": "age > 200"}, EmptyDomain),
    "one PSU a stratum": (pl.lit(1).alias("psu"), {}, NoDegreesOfFreedom),
    "lonely PSU": (pl.when(pl.col("stratum") == 1).then(1).otherwise(pl.col("psu")).alias("psu"), {}, LonelyPsu),
}


@pytest.mark.parametrize("passes", ["single", *BY_SCANS])
@pytest.mark.parametrize("fault", list(FAULTS))
def test_every_way_refuses_alike_and_quotes_no_value(fault: str, passes: Passes) -> None:
    change, arguments, error = FAULTS[fault]
    with pytest.raises(error) as raised:
        fit(people().with_columns(change), passes, **arguments)
    assert "4711" not in str(raised.value)


@pytest.mark.parametrize(("passes", "error"), [("two", SeparatedOutcome), ("streaming", NotConverged)])
def test_an_outcome_that_a_term_predicts_perfectly_is_refused(passes: Passes, error: type[Exception]) -> None:
    with pytest.raises(error):
        fit(people().with_columns(y=pl.col("is_smoker")), passes)
