"""Replicate variance against R survey 4.1-1 as.svrepdesign (`data/out_replicates.csv`, factors in `in_replicate_factors.csv`)."""

from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import Categorical, Cells, Design, Numeric, Replicates, jackknife, prevalence, regression
from pipelines.statistics.replicate import ReplicateMethod
from tests.golden.reference import DATA, ELEMENT_DESIGNS, NHANES_DESIGN, assert_close, cells_of, is_true, reference

TOLERANCE = 1e-12
TERMS: list[Categorical | Numeric] = [Categorical("drug", 0), Numeric("age"), Categorical("sex", "F")]
METHODS: dict[str, ReplicateMethod] = {
    "BRR": "brr",
    "Fay0.3": "fay",
    "JKn": "jkn",
    "BRR_mse": "brr",
    "subbootstrap": "bootstrap",
    "JK1": "jk1",
}
ROWS = [pytest.param(row, id=row["method"]) for row in reference("out_replicates")]


@cache
def cells_for(method: str) -> Cells:
    design: Design = ELEMENT_DESIGNS["clusters_no_strata"] if method == "JK1" else NHANES_DESIGN
    return cells_of("nhanes_like", design, {key: key for key in ("drug", "age", "age_band", "sex", "y")})


def replicates_of(row: dict[str, Any]) -> Replicates:
    table = pl.read_csv(DATA / "in_replicate_factors.csv").filter(pl.col("method") == row["method"])
    factors = table.select("stratum", "psu", "factor", replicate="rep")
    if row["method"] == "JK1":
        factors = factors.select("replicate", "factor", psu=pl.col("stratum") * 10 + pl.col("psu"))
    return Replicates(METHODS[row["method"]], factors, fay_rho=row["rho"] or 0.0, mse=is_true(row["mse"]))


@pytest.mark.parametrize("row", ROWS)
def test_prevalence_and_its_error_equal_svymean(row: dict[str, Any]) -> None:
    for domain, p, se in ((None, "p", "se"), (pl.col("age_band") == "60-69", "p_60_69", "se_60_69")):
        found = prevalence(cells_for(row["method"]), "y", domain=domain, replicates=replicates_of(row)).table.row(0, named=True)
        assert_close(found["prevalence"], row[p], TOLERANCE, p)
        assert_close(found["prevalence_se"], row[se], TOLERANCE, se)
        if domain is None:
            assert found["degrees_freedom"] == row["df"]


@pytest.mark.parametrize("row", ROWS)
def test_coefficients_and_their_errors_equal_svyglm(row: dict[str, Any]) -> None:
    result = regression(cells_for(row["method"]), "y", TERMS, replicates=replicates_of(row))
    i = result.names.index("drug=1")
    assert result.residual_degrees_freedom == row["df_resid"]
    assert_close(float(result.coefficients[i]), row["b_drug"], TOLERANCE, "coefficient")
    assert_close(float(np.sqrt(result.covariance[i, i])), row["se_b_drug"], TOLERANCE, "standard error")


@pytest.mark.parametrize("method", ["JKn", "JK1"])
def test_the_jackknife_made_here_equals_the_one_of_r(method: str) -> None:
    row = next(row for row in reference("out_replicates") if row["method"] == method)
    made = jackknife(cells_for(method))
    assert made.method == METHODS[method]
    found = prevalence(cells_for(method), "y", replicates=made).table.row(0, named=True)
    assert_close(found["prevalence_se"], row["se"], TOLERANCE, "standard error")
