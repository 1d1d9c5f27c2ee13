"""P-values of a family, multiple imputation and sequence symmetry against R 4.2.2, and against published sequence ratios.

`data/out_padjust.csv` (p.adjust), `out_rubin.csv` (mitools 2.4), `out_ssa.csv` (written by hand in the R script).
`data/in_gibleed.csv`: the eras of aspirin and acetaminophen of GiBleed, a public synthetic OMOP data set (OHDSI Eunomia, Apache
2.0), whose sequence ratios CohortSymmetry publishes.
"""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import PooledEstimate, adjust_p_values, pool_imputations, sequence_symmetry
from pipelines.statistics.multiplicity import AdjustmentMethod
from pipelines.statistics.sequence_symmetry import NullEvents, RatioMethod
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
    window = row["window"]
    found = sequence_symmetry(index, marker, n_days=1095, window_days=window, null_window_days=window, method=method)
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


GIBLEED = 1e-10


@pytest.mark.parametrize(
    ("null_events", "null", "adjusted"),
    [
        pytest.param("first_of_pairs", 1.0132597130420764, 1.78715329996299, id="CohortSymmetry 0.1 and 0.2"),
        pytest.param("all_first_events", 1.031438272810589, 1.7556556583345229, id="CohortSymmetry 0.3"),
    ],
)
def test_published_sequence_ratios_of_aspirin_and_acetaminophen(null_events: NullEvents, null: float, adjusted: float) -> None:
    first = (
        pl.read_csv(DATA / "in_gibleed.csv", try_parse_dates=True)
        .group_by("person_id", "drug_concept_id")
        .agg((pl.col("drug_era_start_date").min() - pl.date(1900, 1, 1)).dt.total_days().cast(pl.Float64).alias("day"))
        .pivot(on="drug_concept_id", index="person_id", values="day")
    )
    index, marker = (first[drug].fill_null(float("nan")).to_numpy() for drug in ("1112807", "1125315"))
    found = sequence_symmetry(index, marker, n_days=45_000, window_days=None, null_events=null_events, method="jeffreys")
    assert (found.n_index_first, found.n_marker_first) == (1235, 682)
    for value, published in (
        (found.crude_ratio, 1.810850439882698),
        (found.crude_lower, 1.6497096381704204),
        (found.crude_upper, 1.9889669416023366),
        (found.null_ratio, null),
        (found.adjusted_ratio, adjusted),
    ):
        assert_close(value, published, GIBLEED, null_events)
