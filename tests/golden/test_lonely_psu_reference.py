"""Strata with one sampled PSU against R survey 4.1-1 (`data/out_lonely.csv`)."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import Categorical, Cells, Design, prevalence, regression
from pipelines.statistics.design import LonelyOption
from pipelines.statistics.variance import sampling_frame, taylor_covariance
from tests.golden.reference import assert_close, cells_of, is_true, reference

TOLERANCE = 1e-12
OPTIONS: dict[str, LonelyOption] = {"adjust": "adjust", "average": "average", "certainty": "certainty", "remove": "certainty"}
DOMAINS = {"all": None, "grp=a": pl.col("grp") == "a"}


ROWS = reference("out_lonely")


def lonely_cells(row: dict[str, Any]) -> Cells:
    option = OPTIONS[row["lonely"]]
    # survey.adjust.domain.lonely=TRUE changes nothing under certainty, and is refused there
    adjusted = is_true(row["adjust_domain_lonely"]) and option != "certainty"
    design = Design(stratum="stratum", psu="psu", weight="wt", lonely=option, adjust_domain_lonely=adjusted)
    return cells_of("lonely", design, {key: key for key in ("x", "grp", "y")})


def identify(row: dict[str, Any]) -> str:
    return f"{row['lonely']}, {row['domain']}, {row['adjust_domain_lonely']}"


def expected_total_error(row: dict[str, Any]) -> float | None:
    """adjust: R survey 4.1-1 centres a lonely PSU at 0; from 4.3 at the mean of all PSU totals, as here (None: unknown)."""
    error: float | None = row["total_se_grandmean_centred" if row["lonely"] == "adjust" else "total_se"]
    return error


def test_only_totals_that_r_centres_otherwise_are_left_out() -> None:
    left_out = [row for row in ROWS if expected_total_error(row) is None]
    assert {(row["lonely"], is_true(row["adjust_domain_lonely"])) for row in left_out} == {("adjust", True)}


@pytest.mark.parametrize("row", ROWS, ids=identify)
def test_prevalence_with_lonely_psus_equals_svymean(row: dict[str, Any]) -> None:
    found = prevalence(lonely_cells(row), "y", domain=DOMAINS[row["domain"]]).table.row(0, named=True)
    assert found["degrees_freedom"] == row["df"]
    assert_close(found["prevalence"], row["p"], TOLERANCE, "prevalence")
    assert_close(found["prevalence_se"], row["se"], TOLERANCE, "standard error")


@pytest.mark.parametrize("row", ROWS, ids=identify)
def test_regression_with_lonely_psus_equals_svyglm(row: dict[str, Any]) -> None:
    result = regression(lonely_cells(row), "y", [Categorical("x", 0)], domain=DOMAINS[row["domain"]])
    errors = np.sqrt(np.diag(result.covariance))
    for name, estimate, error in (("(intercept)", "b0", "se_b0"), ("x=1", "b_x", "se_b_x")):
        i = result.names.index(name)
        assert_close(float(result.coefficients[i]), row[estimate], TOLERANCE, name)
        assert_close(float(errors[i]), row[error], TOLERANCE, f"{name} error")


@pytest.mark.parametrize("row", [row for row in ROWS if expected_total_error(row) is not None], ids=identify)
def test_totals_with_lonely_psus_equal_svytotal(row: dict[str, Any]) -> None:
    cells = lonely_cells(row)
    inside = cells.members(DOMAINS[row["domain"]])
    influence = np.where(inside, cells.outcome("y")[0], 0).astype(float)
    variance = taylor_covariance(cells, sampling_frame(cells), influence[:, None], np.where(inside, 0, -1))
    assert_close(float(cells.w @ influence), row["total"], TOLERANCE, "total")
    assert_close(math.sqrt(variance[0, 0]), expected_total_error(row), TOLERANCE, "error of the total")
