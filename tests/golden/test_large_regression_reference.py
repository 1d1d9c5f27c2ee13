"""Every way to fit a model over a relation, against R survey 4.1-1 svyglm (`data/out_svyglm.csv`)."""

from functools import cache

import duckdb
import numpy as np
import pytest

from pipelines.statistics import Categorical, Design, Numeric, Regression
from pipelines.statistics.large import Passes, fit_regression
from tests.golden.reference import DATA, NHANES_DESIGN, assert_close, reference
from tests.golden.test_regression_reference import name_of

TOLERANCE = 1e-10
DRUG, SEX, AGE = Categorical("drug", 0), Categorical("sex", "F"), Numeric("age")
MODELS: dict[str, tuple[tuple[Categorical | Numeric, ...], str, str | None]] = {
    "crude": ((DRUG,), "y", None),
    "adj_cat": ((DRUG, Categorical("age_band", "0-11"), SEX), "y", None),
    "adj_int_age": ((DRUG, AGE, SEX, Categorical("race", "A")), "y", None),
    "adj_cont": ((DRUG, AGE, Numeric("bmi"), SEX, Categorical("smoke", 0)), "y", None),
    "adults": ((DRUG, AGE, SEX), "y", "age >= 20"),
    "domain_stratum<=6": ((DRUG, AGE), "y", "stratum <= 6"),
    "rare_outcome": ((Categorical("drug_rare", 0), AGE), "y_rare", "age >= 20"),
    "poisson_PR": ((DRUG, AGE, SEX), "y", None),
}


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set perfect_ht_threshold = 20")
    con.execute(f"create table nhanes_like as from read_csv('{DATA}/in_nhanes_like.csv')")
    return con


def fit(model: str, passes: Passes, design: Design = NHANES_DESIGN) -> Regression:
    terms, outcome, where = MODELS[model]
    family = "poisson" if model == "poisson_PR" else "logistic"
    return fit_regression(_connection(), "nhanes_like", design, outcome, terms, where=where, family=family, passes=passes)  # type: ignore[arg-type]


@pytest.mark.parametrize("passes", ["single", "two", "streaming"])
@pytest.mark.parametrize("model", list(MODELS))
def test_coefficients_and_their_errors_equal_svyglm(model: str, passes: Passes) -> None:
    result = fit(model, passes)
    rows = [row for row in reference("out_svyglm") if row["model"] == model]
    assert {name_of(row["term"]) for row in rows} == set(result.names)
    for row in rows:
        i = result.names.index(name_of(row["term"]))
        what = f"{model} {row['term']} in {passes}"
        assert (result.n_respondents, result.residual_degrees_freedom) == (row["n"], row["df_resid"])
        assert_close(float(result.coefficients[i]), row["est"], TOLERANCE, what)
        assert_close(float(np.sqrt(result.covariance[i, i])), row["se"], TOLERANCE, f"{what} error")
