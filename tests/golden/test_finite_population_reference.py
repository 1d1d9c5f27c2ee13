"""Finite population correction of the first stage against R survey 4.1-1 (`data/out_fpc.csv`, made by `data/make_fpc.R`)."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import Categorical, Cells, Design, Numeric, prevalence, regression
from pipelines.statistics.variance import sampling_frame, taylor_covariance
from tests.golden.reference import assert_close, cells_of, reference

TOLERANCE = 1e-12
RELATION = (
    "(select *, case when stratum = 1 then 2 else 2 + stratum end as n_psus, 1000 + 100 * stratum as n_people, 40 as n_all, "
    "20000 as n_everybody from nhanes_like)"
)
DESIGNS = {
    "psus": Design(stratum="stratum", psu="psu", weight="wt", population="n_psus"),
    "clusters_no_strata": Design(stratum=None, psu="cluster", weight="wt", population="n_all"),
    "stratified_elements": Design(stratum="stratum", psu=None, weight="wt", population="n_people"),
    "simple_random": Design(stratum=None, psu=None, weight=None, population="n_everybody"),
}
ROWS = [pytest.param(row, id=row["design"]) for row in reference("out_fpc")]


def corrected(row: dict[str, Any]) -> Cells:
    return cells_of(RELATION, DESIGNS[row["design"]], {key: key for key in ("drug", "age", "age_band", "sex", "y")})


@pytest.mark.parametrize("row", ROWS)
def test_prevalence_of_a_finite_population_equals_svymean(row: dict[str, Any]) -> None:
    cells = corrected(row)
    for domain, p, se in ((None, "p", "se"), (pl.col("age_band") == "60-69", "p_60_69", "se_60_69")):
        found = prevalence(cells, "y", domain=domain).table.row(0, named=True)
        assert_close(found["prevalence"], row[p], TOLERANCE, p)
        assert_close(found["prevalence_se"], row[se], TOLERANCE, se)


@pytest.mark.parametrize("row", ROWS)
def test_totals_of_a_finite_population_equal_svytotal(row: dict[str, Any]) -> None:
    cells = corrected(row)
    case, is_known = cells.outcome("y")
    variance = taylor_covariance(cells, sampling_frame(cells), case[:, None].astype(float), np.where(is_known, 0, -1))
    assert_close(float(cells.w @ case), row["total"], TOLERANCE, "total")
    assert_close(math.sqrt(variance[0, 0]), row["total_se"], TOLERANCE, "error of the total")


@pytest.mark.parametrize("row", ROWS)
def test_regression_in_a_finite_population_equals_svyglm(row: dict[str, Any]) -> None:
    result = regression(corrected(row), "y", [Categorical("drug", 0), Numeric("age"), Categorical("sex", "F")])
    i = result.names.index("drug=1")
    assert_close(float(result.coefficients[i]), row["b_drug"], 1e-11, "coefficient")
    assert_close(float(np.sqrt(result.covariance[i, i])), row["se_b_drug"], 1e-11, "standard error")
