"""P-values of a family, multiple imputation and sequence symmetry against R 4.2.2.

`data/out_padjust.csv` (p.adjust), `out_rubin.csv` (mitools 2.4), `out_ssa.csv` (written by hand in the R script).
"""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import PooledEstimate, adjust_p_values, pool_imputations, sequence_symmetry
from pipelines.statistics.multiplicity import AdjustmentMethod
from pipelines.statistics.sequence_symmetry import RatioMethod
from tests.golden.reference import DATA, assert_close, reference

TOLERANCE = 1e-12
ADJUSTMENTS: dict[AdjustmentMethod, str] = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "hochberg": "hochberg",
    "benjamini_hochberg": "BH",
    "benjamini_yekutieli": "BY",
}
RATIO_METHODS: dict[RatioMethod, str] = {"clopper_pearson": "cp", "jeffreys": "jeffreys", "wald": "wald"}


@pytest.mark.parametrize("method", list(ADJUSTMENTS))
def test_adjusted_p_values_equal_p_adjust(method: AdjustmentMethod) -> None:
    rows = reference("out_padjust")
    found = adjust_p_values([row["p"] for row in rows], method=method)
    for value, row in zip(found, rows, strict=True):
        assert_close(float(value), row[ADJUSTMENTS[method]], TOLERANCE, f"{method} of {row['p']}")


@pytest.mark.parametrize("row", [pytest.param(row, id=str(row["df_complete"])) for row in reference("out_rubin")])
def test_pooled_imputations_equal_micombine(row: dict[str, Any]) -> None:
    found = pooled(float(row["df_complete"]))
    assert_close(found.estimate, row["est"], TOLERANCE, "estimate")
    assert_close(found.se, row["se"], TOLERANCE, "standard error")
    if float(row["df_complete"]) == math.inf:
        assert_close(found.degrees_freedom, row["df"], TOLERANCE, "degrees of freedom")
        assert_close(found.missing_information, row["missinfo"], TOLERANCE, "missing information")


def test_degrees_of_freedom_are_those_of_barnard_and_rubin() -> None:
    """MIcombine of mitools 2.4 takes the variance between without the (1 + 1/m) of Barnard and Rubin 1999 in one place.

    Ours are the paper's, as in R's mice: nu * nu_obs / (nu + nu_obs), nu = (m - 1) / lambda^2, nu_obs = (d + 1) / (d + 3) d (1 -
    lambda), lambda = (1 + 1/m) B / T, computed by R 4.2.2. The row of the reference is the formula with B alone.
    """
    assert_close(pooled(12).degrees_freedom, 10.012015346260668, TOLERANCE, "degrees of freedom")
    row = next(row for row in reference("out_rubin") if float(row["df_complete"]) == 12)
    estimates, variances = ([r[column] for r in reference("in_rubin")] for column in ("est", "var"))
    within, between = float(np.mean(variances)), float(np.var(estimates, ddof=1))
    observed = 13 / 15 * 12 * within / (within + between)
    rubin = next(row["df"] for row in reference("out_rubin") if float(row["df_complete"]) == math.inf)
    assert_close(1 / (1 / rubin + 1 / observed), row["df"], TOLERANCE, "degrees of freedom of mitools")


def pooled(complete_degrees_freedom: float) -> PooledEstimate:
    rows = reference("in_rubin")
    estimates, variances = [row["est"] for row in rows], [row["var"] for row in rows]
    return pool_imputations(estimates, variances, complete_degrees_freedom=complete_degrees_freedom)


@pytest.mark.parametrize("method", list(RATIO_METHODS))
@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row['window']} days") for row in reference("out_ssa")])
def test_sequence_ratios_equal_r(row: dict[str, Any], method: RatioMethod) -> None:
    people = pl.read_csv(DATA / "in_ssa.csv", schema_overrides={"index_day": pl.Float64, "marker_day": pl.Float64})
    index, marker = (people[column].fill_null(float("nan")).to_numpy() for column in ("index_day", "marker_day"))
    found = sequence_symmetry(index, marker, n_days=1095, window_days=row["window"], method=method)
    assert (found.n_index_first, found.n_marker_first) == (row["index_first"], row["marker_first"])
    column = RATIO_METHODS[method]
    for value, expected in (
        (found.crude_ratio, row["csr"]),
        (found.null_ratio, row["nsr"]),
        (found.adjusted_ratio, row["asr"]),
        (found.adjusted_lower, row[f"{column}_l"]),
        (found.adjusted_upper, row[f"{column}_u"]),
        (found.crude_lower, row[f"{column}_l"] * row["nsr"]),
        (found.crude_upper, row[f"{column}_u"] * row["nsr"]),
    ):
        assert_close(value, expected, TOLERANCE, column)
