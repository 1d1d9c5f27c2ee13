"""Each way of replicating, on respondents as a source holds them, against R survey (make_designs.R wrote methods.csv)."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

import pipelines.statistics as statistics
from pipelines.making.replicates import problems_of_replicates, replicates_of
from pipelines.project.designs import Replication
from pipelines.statistics import (
    Categorical,
    Cells,
    Design,
    InvalidArgument,
    Numeric,
    ReplicateWeights,
    StatsError,
    UnsupportedDesign,
    collapse,
    fit_regression,
    prevalence,
    rao_scott_test,
    regression,
)
from pipelines.statistics.model_matrix import Term
from pipelines.statistics.replicate_weights import importance_of
from tests.designs.study import DATA
from tests.golden.reference import assert_close

TOLERANCE = 1e-8
WEIGHT = "interview_weight"
DECLARED: dict[str, dict[str, Any]] = {
    "brr": {"centre": "mean"},
    "fay": {"centre": "estimate", "fay_rho": 0.5},
    "jkn": {"centre": "mean", "rscales": [0.5] * 12},
    "bootstrap": {"centre": "mean"},
    "successive_difference": {"centre": "estimate"},
    "jk1": {"centre": "mean", "scale": 0.9},
    "other": {"centre": "mean", "scale": 0.04, "rscales": [1.5] * 20},
}
EXPECTED = {row["method"]: row for row in pl.read_csv(DATA / "methods.csv").to_dicts()}


def replication(method: str, **more: Any) -> Replication:
    return Replication.model_validate({"method": method} | DECLARED[method] | more)


def people(method: str) -> pl.DataFrame:
    frame = pl.read_csv(DATA / "replicated.csv", infer_schema_length=None)
    columns = [name for name in frame.columns if name.startswith(f"{method}_")]
    return frame.select(
        "age",
        "sex",
        "x",
        "y",
        wave=pl.lit("2000"),
        respondent_id=pl.col("id").cast(pl.String),
        interview_weight="weight",
        interview_replicate_weights=pl.concat_list(pl.col(columns).cast(pl.Float64)),
    )


@cache
def cells_of(method: str) -> Cells:
    with duckdb.connect() as connection:
        connection.register("people", people(method).to_arrow())
        replicates, units = replicates_of(connection, "people", replication(method), WEIGHT, ["2000"])
        connection.register("units", units.to_arrow())
        relation = "(select *, unit as psu from people join units using (wave, respondent_id)) as people"
        design = Design(None, "psu", WEIGHT, replicates=replicates)
        return collapse(connection, relation, design, {name: name for name in ("age", "sex", "x", "y")})


@pytest.mark.parametrize("method", DECLARED)
def test_shares_and_degrees_of_freedom(method: str) -> None:
    wanted = EXPECTED[method]
    for domain, se, df in ((None, "se", "df"), (pl.col("age") > 40, "se_old", "df_old")):
        row = prevalence(cells_of(method), "y", domain=domain).table.row(0, named=True)
        assert_close(row["prevalence_se"], wanted[se], TOLERANCE, se)
        assert row["degrees_freedom"] == wanted[df]


@pytest.mark.parametrize("method", DECLARED)
def test_association(method: str) -> None:
    assert_close(rao_scott_test(cells_of(method), "y", "sex").p_value, EXPECTED[method]["p_value"], TOLERANCE, "association")


SEPARATED = ("bootstrap", "other")
"""In some of their replicates nobody exposed has the outcome: R gives a standard error of 9 for a log odds ratio."""


@pytest.mark.parametrize("method", DECLARED)
def test_odds_ratios(method: str) -> None:
    terms: list[Term] = [Categorical("x", 0), Numeric("age")]
    if method in SEPARATED:
        assert EXPECTED[method]["se_odds"] > 5
        with pytest.raises(StatsError, match="In some replicate the regression has no solution"):
            regression(cells_of(method), "y", terms)
        return
    found = regression(cells_of(method), "y", terms).term("x", 1)
    assert_close(found.log_estimate, EXPECTED[method]["log_odds"], TOLERANCE, "log odds ratio")
    assert_close(found.se, EXPECTED[method]["se_odds"], TOLERANCE, "its error")


def test_degrees_of_freedom_are_never_more_than_documented() -> None:
    cells = cells_of("jkn")
    assert cells.design.replicates
    for most, df in ((4, 4), (60, 6)):
        held = cells.design.replicates
        documented = ReplicateWeights(held.factors, held.importance, held.around_estimate, most)
        found = prevalence(Cells(cells.table, Design(None, "psu", WEIGHT, replicates=documented)), "y")
        assert found.table["degrees_freedom"].to_list() == [df]


ESTIMATED = {
    "prevalence": ("y",),
    "regression": ("y", [Categorical("x", 0)]),
    "trend": ("y", "age", {15: 0.0, 30: 1.0, 50: 2.0, 65: 3.0}),
    "compare_means": ("age", "y"),
    "rao_scott_test": ("x", "y"),
    "likelihood_ratio_test": ("y", [Categorical("x", 0), Numeric("age")], ["age"]),
    "standardise": ("y",),
}
"""Estimators that know replicate weights: each against R here or in test_against_r.py."""

REFUSED = {
    "rank_test": ("age", "y"),
    "wald_independence_test": ("x", "y"),
    "jackknife": (),
    "margins": ("y", Categorical("x", 0)),
    "means": ("age",),
    "totals": ("age",),
}


def of_cells() -> dict[str, Callable[..., Any]]:
    found = {name: getattr(statistics, name) for name in statistics.__all__}
    functions = {name: function for name, function in found.items() if inspect.isfunction(function)}
    return {name: f for name, f in functions.items() if next(iter(inspect.signature(f).parameters.values())).annotation is Cells}


def test_every_estimator_of_cells_is_one_or_the_other() -> None:
    assert sorted(of_cells()) == sorted(ESTIMATED | REFUSED)


@pytest.mark.parametrize("name", ESTIMATED)
def test_what_knows_replicate_weights(name: str) -> None:
    more: dict[str, Any] = {"confidence_level": 0.95} if name == "trend" else {}
    if name == "standardise":
        more = {"column": "sex", "standard": {"male": 0.5, "female": 0.5}}
    of_cells()[name](cells_of("jkn"), *ESTIMATED[name], **more)


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_refuses_them(name: str) -> None:
    with pytest.raises(UnsupportedDesign, match="replicate"):
        of_cells()[name](cells_of("jkn"), *REFUSED[name])


@pytest.mark.parametrize("passes", ["single", "two", "streaming"])
def test_a_regression_over_a_relation_never_linearises_them(passes: Any) -> None:
    with duckdb.connect() as connection:
        connection.register("people", people("jkn").to_arrow())
        replicates, units = replicates_of(connection, "people", replication("jkn"), WEIGHT, ["2000"])
        connection.register("units", units.to_arrow())
        relation = "(select *, unit as psu from people join units using (wave, respondent_id))"
        design = Design(None, "psu", WEIGHT, replicates=replicates)
        found = fit_regression(connection, relation, design, "y", [Categorical("x", 0), Numeric("age")], passes=passes)
    assert_close(found.term("x", 1).se, EXPECTED["jkn"]["se_odds"], TOLERANCE, "error")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"interview_replicate_weights": None}, "have a interview_weight and no interview_replicate_weights"),
        ({"interview_replicate_weights": pl.lit([1.0] * 11 + [None], dtype=pl.List(pl.Float64))}, "not all finite numbers"),
        ({"interview_replicate_weights": pl.lit([1.0, 1.0])}, "are 2 for some respondents and 12 for others"),
        ({"interview_weight": 0.0}, "have interview_replicate_weights and 0 as interview_weight"),
    ],
)
def test_replicate_weights_that_carry_no_variance_are_refused(change: dict[str, Any], problem: str) -> None:
    is_first = pl.col("respondent_id") == "2"
    frame = people("jkn").with_columns(
        pl.when(is_first).then(value if isinstance(value, pl.Expr) else pl.lit(value)).otherwise(name).alias(name)
        for name, value in change.items()
    )
    with duckdb.connect() as connection:
        connection.register("people", frame.to_arrow())
        found = problems_of_replicates(connection, "people", replication("jkn"), [WEIGHT], "sql/core/respondents/x.sql")
    assert [problem in one for one in found] == [True]


def test_as_many_rscales_as_replicates() -> None:
    with duckdb.connect() as connection:
        connection.register("people", people("jkn").to_arrow())
        said = replication("jkn", rscales=[0.5] * 3)
        [found] = problems_of_replicates(connection, "people", said, [WEIGHT], "sql/core/respondents/x.sql")
        assert "are 12 a respondent, and the source's file has 3 rscales" in found
    with pytest.raises(InvalidArgument, match="3 rscales for 12 replicates"):
        importance_of("jkn", 12, rscales=[0.5] * 3)


def test_weights_that_differ_from_person_to_person_make_each_a_unit() -> None:
    jittered = people("jkn").with_columns(interview_weight=pl.col("interview_weight") * (1 + pl.int_range(pl.len()) / 7))
    with duckdb.connect() as connection:
        connection.register("people", jittered.to_arrow())
        replicates, _ = replicates_of(connection, "people", replication("jkn"), WEIGHT, ["2000"])
    assert len(replicates.factors) == jittered.height
    assert np.isfinite(replicates.factors).all()
