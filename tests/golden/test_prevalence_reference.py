"""Prevalence, its variance, intervals and presentation against R survey 4.1-1 (`data/out_prevalence*.csv`)."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import Cells, presentation, prevalence, proportion_interval
from pipelines.statistics.intervals import IntervalMethod, t_quantile
from pipelines.statistics.presentation import judge_presentation
from pipelines.statistics.variance import sampling_frame, taylor_covariance
from tests.golden.reference import ELEMENT_DESIGNS, NHANES_DESIGN, assert_close, cells_of, is_true, reference

TOLERANCE = 1e-12
OUTCOMES = ("y", "y_rare")
INTERVALS: dict[IntervalMethod, str] = {
    "korn_graubard": "kg",
    "logit": "xlogit",
    "beta": "beta",
    "wald": "mean",
    "arcsine": "asin",
}
FITTED_TOLERANCE = 1e-6  # R finds `logit` by svyglm, which stops at a relative change of 1e-8 of the deviance
BINOMIAL_INTERVALS: dict[IntervalMethod, str] = {"korn_graubard": "kg", "beta": "cp", "wilson": "wilson"}
KEYS = {column: column for column in ("age_band", "sex", *OUTCOMES)} | {
    "is_rare_drug_adult": "age >= 20 and drug_rare = 1",
    "is_low_stratum": "stratum <= 3",
    "is_outside_one_psu": "not (stratum = 1 and psu = 2)",
}
NAMED_DOMAINS = {
    "all": None,
    "adult_drug_rare": pl.col("is_rare_drug_adult"),
    "stratum<=3": pl.col("is_low_stratum"),
    "one_psu_domain": pl.col("is_outside_one_psu"),
}
STATUS = {"present": "show", "review": "review", "suppress": "suppress"}
SUPPRESS_REASONS = {
    "suppress_n": presentation.TOO_FEW,
    "suppress_abs": presentation.TOO_WIDE,
    "suppress_rel": presentation.TOO_WIDE_FOR_ITS_SIZE,
}
REVIEW_REASONS = {"review_0or1": presentation.ZERO_OR_ONE, "review_df": presentation.FEW_DEGREES_OF_FREEDOM}


@pytest.fixture(scope="module")
def nhanes() -> Cells:
    return cells_of("nhanes_like", NHANES_DESIGN, KEYS)


def domain_of(label: str) -> pl.Expr | None:
    if label in NAMED_DOMAINS:
        return NAMED_DOMAINS[label]
    pairs = [part.split("=") for part in label.split("|")]
    return pl.all_horizontal([pl.col(column) == level for column, level in pairs])


def assert_estimate(found: dict[str, Any], row: dict[str, Any], what: str) -> None:
    assert (found["n_respondents"], found["n_cases"], found["degrees_freedom"]) == (row["n"], row["events"], row["df"]), what
    assert_close(found["prevalence"], row["p"], TOLERANCE, f"{what} prevalence")
    assert_close(found["prevalence_se"], row["se"], TOLERANCE, f"{what} standard error")
    assert_close(found["n_effective"], row["n_eff"], TOLERANCE, f"{what} effective n")
    assert_close(found["prevalence_lower"], row["kg_l"], TOLERANCE, f"{what} lower limit")
    assert_close(found["prevalence_upper"], row["kg_u"], TOLERANCE, f"{what} upper limit")
    assert_presentation(found["presentation"], found["presentation_reason"], row, what)


def assert_presentation(status: str, reason: str | None, row: dict[str, Any], what: str) -> None:
    footnote = is_true(row["footnote_complement"])
    assert status == ("footnote" if footnote else STATUS[row["status"]]), what
    flags = {"suppress": SUPPRESS_REASONS, "review": REVIEW_REASONS}.get(status, {})
    reasons = {text for flag, text in flags.items() if is_true(row[flag])} | (
        {presentation.UNRELIABLE_COMPLEMENT} if footnote else set()
    )
    assert set(reason.split("; ") if reason else []) == reasons, what


@pytest.mark.parametrize("row", reference("out_prevalence"), ids=lambda row: f"{row['outcome']}, {row['domain']}")
def test_prevalence_of_a_domain_equals_svymean(nhanes: Cells, row: dict[str, Any]) -> None:
    found = prevalence(nhanes, row["outcome"], domain=domain_of(row["domain"])).table.to_dicts()
    assert len(found) == 1
    assert_estimate(found[0], row, row["domain"])


@pytest.mark.parametrize("by", [("age_band",), ("sex",), ("age_band", "sex")])
def test_prevalence_by_levels_equals_each_domain_alone(nhanes: Cells, by: tuple[str, ...]) -> None:
    expected = {(row["outcome"], row["domain"]): row for row in reference("out_prevalence")}
    for outcome in OUTCOMES:
        rows = prevalence(nhanes, outcome, by=by).table.to_dicts()
        assert len(rows) == {("age_band",): 8, ("sex",): 2, ("age_band", "sex"): 16}[by]
        for found in rows:
            label = "|".join(f"{column}={found[column]}" for column in by)
            assert_estimate(found, expected[outcome, label], label)


def is_folded(row: dict[str, Any]) -> bool:
    """Where the angle of the lower limit is below 0, R squares its sine and so prints a limit above 0."""
    margin = t_quantile(row["df"], 0.95) * row["se"] / (2 * math.sqrt(row["p"] * (1 - row["p"])))
    return bool(margin > math.asin(math.sqrt(row["p"])))


@pytest.mark.parametrize("method", list(INTERVALS))
def test_intervals_equal_svyciprop(nhanes: Cells, method: IntervalMethod) -> None:
    for row in reference("out_prevalence"):
        if row["p"] in (0, 1) and method != "korn_graubard":
            continue
        found = prevalence(nhanes, row["outcome"], domain=domain_of(row["domain"]), method=method).table.row(0, named=True)
        if method == "arcsine" and is_folded(row):
            assert found["prevalence_lower"] == 0.0
        else:
            assert_close(found["prevalence_lower"], row[f"{INTERVALS[method]}_l"], TOLERANCE, f"{row['domain']} lower")
        assert_close(found["prevalence_upper"], row[f"{INTERVALS[method]}_u"], TOLERANCE, f"{row['domain']} upper")
        assert found["method"] == method


def test_logit_interval_equals_the_one_that_r_fits(nhanes: Cells) -> None:
    for row in reference("out_prevalence"):
        if row["p"] in (0, 1):
            continue
        found = prevalence(nhanes, row["outcome"], domain=domain_of(row["domain"]), method="logit").table.row(0, named=True)
        assert_close(found["prevalence_lower"], row["logit_l"], FITTED_TOLERANCE, f"{row['domain']} lower")
        assert_close(found["prevalence_upper"], row["logit_u"], FITTED_TOLERANCE, f"{row['domain']} upper")


@pytest.mark.parametrize("row", reference("out_likelihood"), ids=lambda row: f"{row['outcome']}, {row['domain']}")
def test_likelihood_interval_equals_a_fine_profile_by_r(nhanes: Cells, row: dict[str, Any]) -> None:
    domain = domain_of(row["domain"])
    found = prevalence(nhanes, row["outcome"], domain=domain, method="likelihood").table.row(0, named=True)
    assert_close(found["prevalence_lower"], row["lower"], FITTED_TOLERANCE, "lower")
    assert_close(found["prevalence_upper"], row["upper"], FITTED_TOLERANCE, "upper")


def test_korn_graubard_is_adjusted_and_capped_as_by_nchs() -> None:
    for row in reference("out_prevalence"):
        interval = proportion_interval(
            "korn_graubard", proportion=row["p"], standard_error=row["se"], n_respondents=row["n"], degrees_freedom=row["df"]
        )
        assert interval.lower is not None
        assert interval.upper is not None
        assert_close(interval.upper - interval.lower, row["ci_width"], TOLERANCE, row["domain"])


@pytest.mark.parametrize("design", list(ELEMENT_DESIGNS))
def test_prevalence_under_other_designs_equals_svymean(design: str) -> None:
    cells = cells_of("nhanes_like", ELEMENT_DESIGNS[design], KEYS)
    rows = [row for row in reference("out_prevalence_other_designs") if row["design"] == design]
    assert len(rows) == 3
    for row in rows:
        assert_estimate(prevalence(cells, "y", domain=domain_of(row["domain"])).table.row(0, named=True), row, row["domain"])
        for method, column in INTERVALS.items():
            found = prevalence(cells, "y", domain=domain_of(row["domain"]), method=method).table.row(0, named=True)
            assert_close(found["prevalence_lower"], row[f"{column}_l"], TOLERANCE, f"{method} lower")
            assert_close(found["prevalence_upper"], row[f"{column}_u"], TOLERANCE, f"{method} upper")


def test_totals_and_their_errors_equal_svytotal(nhanes: Cells) -> None:
    check_totals(nhanes, reference("out_prevalence"))


@pytest.mark.parametrize("design", list(ELEMENT_DESIGNS))
def test_totals_under_other_designs_equal_svytotal(design: str) -> None:
    rows = [row for row in reference("out_prevalence_other_designs") if row["design"] == design]
    check_totals(cells_of("nhanes_like", ELEMENT_DESIGNS[design], KEYS), rows)


def check_totals(cells: Cells, rows: list[dict[str, Any]]) -> None:
    frame = sampling_frame(cells)
    for row in rows:
        case, is_known = cells.outcome(row["outcome"])
        inside = cells.members(domain_of(row["domain"])) & is_known
        influence = np.where(inside, case, 0).astype(float)
        variance = taylor_covariance(cells, frame, influence[:, None], np.where(inside, 0, -1))
        assert_close(float(cells.w[inside].sum()), row["sum_w"], TOLERANCE, f"{row['domain']} sum of weights")
        assert_close(float(cells.w @ influence), row["total"], TOLERANCE, f"{row['domain']} total")
        assert_close(math.sqrt(variance[0, 0]), row["total_se"], TOLERANCE, f"{row['domain']} error of the total")


def test_covariance_between_age_bands_equals_svyby(nhanes: Cells) -> None:
    result = prevalence(nhanes, "y", by=["age_band"])
    bands = result.table["age_band"].to_list()
    rows = reference("out_svyby_covmat")
    assert len(rows) == 64
    for row in rows:
        i, j = bands.index(row["row"]), bands.index(row["col"])
        assert_close(float(result.covariance[i, j]), row["cov"], TOLERANCE, f"{row['row']} with {row['col']}")


def test_presentation_and_intervals_without_a_design_equal_r() -> None:
    for row in reference("out_binomial"):
        standard_error = math.sqrt(row["p"] * (1 - row["p"]) / row["n"])
        arguments = {
            "proportion": row["p"],
            "standard_error": standard_error,
            "n_respondents": row["n"],
            "degrees_freedom": None,
        }
        for method, column in BINOMIAL_INTERVALS.items():
            interval = proportion_interval(method, **arguments)
            # R's Wilson limit at 0 of 20 is 1e-17: 0 but for rounding
            lower = 0.0 if row["p"] == 0 else row[f"{column}_l"]
            assert_close(interval.lower, lower, TOLERANCE, f"{method} lower, {row['x']} of {row['n']}")
            assert_close(interval.upper, row[f"{column}_u"], TOLERANCE, f"{method} upper, {row['x']} of {row['n']}")
        verdict = presentation.nchs_presentation(**arguments)
        assert_presentation(verdict.status, verdict.reason, row | {"review_df": "false"}, f"{row['x']} of {row['n']}")
        given = judge_presentation(
            proportion=row["p"],
            n_respondents=row["n"],
            n_effective=row["n_eff"],
            lower=row["kg_l"],
            upper=row["kg_u"],
            degrees_freedom=None,
        )
        assert given == verdict
