"""Contrasts, standardisation, tests and designs on cells: what degenerate samples give, and what is refused."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import (
    Categorical,
    Cells,
    Design,
    EmptyDomain,
    InvalidArgument,
    LonelyPsu,
    MissingDesignColumn,
    NoDegreesOfFreedom,
    Numeric,
    Replicates,
    StatsError,
    UnknownStandardCell,
    UnsupportedDesign,
    compare,
    jackknife,
    likelihood_ratio_test,
    prevalence,
    rank_test,
    rao_scott_test,
    regression,
    standardise,
    trend,
    wald_independence_test,
    wald_test,
)
from pipelines.statistics.contrast import NO_DEGREES_OF_FREEDOM, NO_ESTIMATE, NO_VARIANCE, UNDEFINED_RATIO
from pipelines.statistics.presentation import NO_KNOWN_OUTCOME
from tests.statistics.samples import collapse_frame, complete_sample, rows_of

A, BB, CCC = {"x": "a"}, {"x": "bb"}, {"x": "ccc"}
ELEMENTS = Design(stratum="stratum", psu=None, weight="weight")


def sample() -> Cells:
    return collapse_frame(complete_sample())


def without_cases_in(*levels: str) -> Cells:
    return collapse_frame(complete_sample().with_columns(y=pl.when(pl.col("x").is_in(levels)).then(0).otherwise("y")))


def test_a_contrast_with_a_proportion_of_zero_keeps_its_estimate_and_says_why_it_has_no_interval() -> None:
    both = prevalence(without_cases_in("bb"), "y", by=["x"])
    ratio = compare(both, BB, A, measure="ratio")
    assert (ratio.estimate, ratio.lower, ratio.reason) == (0.0, None, UNDEFINED_RATIO)
    assert compare(both, A, BB, measure="odds_ratio").estimate == np.inf
    difference = compare(both, BB, A)
    assert difference.reason is None
    assert difference.estimate == -both.table["prevalence"][0]


def test_a_contrast_with_a_level_in_one_psu_a_stratum_has_no_interval_and_says_why() -> None:
    rows = pl.concat([complete_sample(), rows_of((1, 1, 1.0, 1, "d"), (1, 1, 1.0, 0, "d"))])
    both = prevalence(collapse_frame(rows), "y", by=["x"])
    found = compare(both, {"x": "d"}, A)
    assert found.estimate == pytest.approx(0.5 - both.table["prevalence"][0])
    assert found.degrees_freedom == 0
    assert (found.se, found.lower, found.upper, found.p_value, found.reason) == (None, None, None, None, NO_DEGREES_OF_FREEDOM)


def test_a_contrast_of_two_zeros_has_no_variance() -> None:
    both = prevalence(without_cases_in("a", "bb"), "y", by=["x"])
    found = compare(both, BB, A)
    assert (found.estimate, found.se, found.p_value, found.reason) == (0.0, 0.0, None, NO_VARIANCE)
    assert compare(both, BB, A, measure="ratio").estimate is None


def test_a_contrast_with_a_level_without_known_outcomes_has_no_estimate() -> None:
    rows = complete_sample().with_columns(y=pl.when(pl.col("x") != "a").then("y"))
    found = compare(prevalence(collapse_frame(rows), "y", by=["x"]), BB, A)
    assert (found.estimate, found.reason) == (None, NO_ESTIMATE)


def test_a_standardised_group_without_known_outcomes_is_a_row_of_nulls_with_its_reason() -> None:
    rows = complete_sample().with_columns(sex=pl.when(pl.col("psu") == 1).then(pl.lit("m")).otherwise(pl.lit("f")))
    rows = rows.with_columns(y=pl.when(pl.col("sex") == "f").then("y"))
    cells = collapse_frame(rows, keys={"y": "y", "x": "x", "sex": "sex"})
    result = standardise(cells, "y", column="x", standard={"a": 1, "bb": 1, "ccc": 2}, by=["sex"])
    men = result.table.filter(pl.col("sex") == "m").row(0, named=True)
    assert (men["prevalence"], men["n_missing"], men["missing_weight_share"]) == (None, 12, 1.0)
    assert (men["presentation"], men["presentation_reason"]) == ("suppress", NO_KNOWN_OUTCOME)
    assert np.isnan(result.covariance[1]).all()
    assert np.isfinite(result.covariance[0, 0])


def test_the_missing_weight_share_is_a_share_of_weights_and_not_of_people() -> None:
    rows = rows_of((1, 1, 3.0, None, "a"), (1, 2, 1.0, 1, "a"), (2, 1, 1.0, 0, "a"), (2, 2, 1.0, 0, "a"))
    found = prevalence(collapse_frame(rows), "y").table.row(0, named=True)
    assert (found["n_missing"], found["missing_weight_share"]) == (1, 0.5)


def test_a_population_sampled_in_full_has_no_variance() -> None:
    rows = complete_sample().with_columns(n_psus=pl.lit(3))
    whole = Design(stratum="stratum", psu="psu", weight="weight", population="n_psus")
    assert prevalence(collapse_frame(rows, whole), "y").table["prevalence_se"].item() == 0.0


def test_a_stratum_with_its_only_psu_sampled_is_no_lonely_one() -> None:
    rows = pl.concat([complete_sample(), rows_of((3, 1, 2.0, 1, "a"), (3, 1, 2.0, 0, "a"))])
    rows = rows.with_columns(n_psus=pl.when(pl.col("stratum") == 3).then(1).otherwise(50))
    with pytest.raises(LonelyPsu):
        prevalence(collapse_frame(rows), "y")
    finite = Design(stratum="stratum", psu="psu", weight="weight", population="n_psus")
    assert prevalence(collapse_frame(rows, finite), "y").table["prevalence_se"].item() > 0


def test_the_jackknife_of_a_linear_statistic_is_the_taylor_variance() -> None:
    # With all weights 1 and PSUs of equal size the prevalence is a mean of PSU totals, which both treat alike.
    cells = collapse_frame(complete_sample().with_columns(weight=pl.lit(1.0)))
    taylor, jackknifed = (prevalence(cells, "y", replicates=r).covariance[0, 0] for r in (None, jackknife(cells)))
    assert jackknifed == pytest.approx(taylor, rel=1e-9, abs=1e-15)


def test_replicates_serve_the_standardised_prevalence_too() -> None:
    cells = sample()
    standard = {"a": 1.0, "bb": 1.0, "ccc": 1.0}
    by_taylor, by_jackknife = (
        standardise(cells, "y", column="x", standard=standard, replicates=r).table["prevalence_se"].item()
        for r in (None, jackknife(cells))
    )
    assert by_jackknife == pytest.approx(by_taylor, rel=0.2)


def factors(*, psus: tuple[int, ...] = (1, 2, 3), factor: float = 1.0) -> pl.DataFrame:
    rows = [(s, p, r, 0.0 if (s, p) == (1, r) else factor) for r in (1, 2) for s in (1, 2) for p in psus]
    return pl.DataFrame(rows, schema=["stratum", "psu", "replicate", "factor"], orient="row")


def with_population(value: pl.Expr, design_column: str | None = "n_psus") -> Cells:
    design = Design(stratum="stratum", psu="psu", weight="weight", population=design_column)
    return collapse_frame(complete_sample().with_columns(n_psus=value), design)


REFUSED: dict[str, tuple[type[StatsError], Callable[[], object]]] = {
    "an unknown row of a contrast": (
        InvalidArgument,
        lambda: compare(prevalence(sample(), "y", by=["x"]), {"x": "z"}, A),
    ),
    "a row by another column": (InvalidArgument, lambda: compare(prevalence(sample(), "y", by=["x"]), {"y": 1}, A)),
    "an unknown measure": (
        InvalidArgument,
        lambda: compare(prevalence(sample(), "y", by=["x"]), BB, A, measure="risk"),  # type: ignore[arg-type]
    ),
    "a level outside the standard": (
        UnknownStandardCell,
        lambda: standardise(sample(), "y", column="x", standard={"a": 1, "bb": 1}),
    ),
    "a standard of weight 0": (
        InvalidArgument,
        lambda: standardise(sample(), "y", column="x", standard={"a": 0, "bb": 1, "ccc": 1}),
    ),
    "standardising what is compared": (
        InvalidArgument,
        lambda: standardise(sample(), "y", column="x", standard={"a": 1}, by=["x"]),
    ),
    "independence of a key and itself": (InvalidArgument, lambda: rao_scott_test(sample(), "x", "x")),
    "independence of one level": (
        InvalidArgument,
        lambda: rao_scott_test(sample(), "x", "y", domain=pl.col("x") == "a"),
    ),
    "independence of nobody": (
        EmptyDomain,
        lambda: rao_scott_test(sample(), "x", "y", domain=pl.col("x") == "zzz"),
    ),
    "a Wald test of more parameters than degrees of freedom": (
        NoDegreesOfFreedom,
        lambda: wald_independence_test(
            collapse_frame(complete_sample(), keys={"k": "psu * 10 + length(x)", "x": "psu + y"}), "k", "x"
        ),
    ),
    "a test of an absent term": (
        InvalidArgument,
        lambda: wald_test(regression(sample(), "y", [Categorical("x", "a")]), ["z"]),
    ),
    "a test of no term": (InvalidArgument, lambda: wald_test(regression(sample(), "y", [Categorical("x", "a")]), [])),
    "a likelihood ratio of an absent term": (
        InvalidArgument,
        lambda: likelihood_ratio_test(sample(), "y", [Categorical("x", "a")], ["z"]),
    ),
    "a trend over a level without score": (
        InvalidArgument,
        lambda: trend(sample(), "y", "x", {"a": 0, "bb": 1}, confidence_level=0.95),
    ),
    "ranks of one group": (
        EmptyDomain,
        lambda: rank_test(sample(), "x", "y", domain=pl.col("y") == 1),
    ),
    "a correction of two stages": (
        UnsupportedDesign,
        lambda: Design(population=("n_psus", "n_people")),  # type: ignore[arg-type]
    ),
    "a domain option that cannot answer": (UnsupportedDesign, lambda: Design(adjust_domain_lonely=True)),
    "a domain option without PSUs": (
        UnsupportedDesign,
        lambda: Design(psu=None, lonely="adjust", adjust_domain_lonely=True),
    ),
    "a population that differs within a stratum": (UnsupportedDesign, lambda: with_population(pl.col("psu") + 5)),
    "a population smaller than its sample": (
        UnsupportedDesign,
        lambda: prevalence(with_population(pl.lit(2)), "y"),
    ),
    "a population that is missing": (MissingDesignColumn, lambda: with_population(pl.lit(None, dtype=pl.Int64))),
    "a population that is no column": (MissingDesignColumn, lambda: with_population(pl.lit(9), "n_clusters")),
    "replicates of an element design": (
        UnsupportedDesign,
        lambda: jackknife(collapse_frame(complete_sample(), ELEMENTS)),
    ),
    "replicates beside a finite population": (UnsupportedDesign, lambda: jackknife(with_population(pl.lit(9)))),
    "a jackknife of a lonely PSU": (
        UnsupportedDesign,
        lambda: jackknife(collapse_frame(pl.concat([complete_sample(), rows_of((3, 1, 1.0, 1, "a"))]))),
    ),
    "a PSU without factors": (
        UnsupportedDesign,
        lambda: prevalence(sample(), "y", replicates=Replicates("brr", factors(psus=(1, 2)))),
    ),
    "factors by row": (
        UnsupportedDesign,
        lambda: prevalence(sample(), "y", replicates=Replicates("brr", pl.concat([factors(), factors(factor=2.0)]))),
    ),
    "factors without the stratum": (
        UnsupportedDesign,
        lambda: prevalence(sample(), "y", replicates=Replicates("brr", factors().drop("stratum"))),
    ),
    "factors of text PSUs": (
        UnsupportedDesign,
        lambda: prevalence(sample(), "y", replicates=Replicates("brr", factors().cast({"psu": pl.String}))),
    ),
    "a jackknife that leaves out nobody": (
        UnsupportedDesign,
        lambda: prevalence(sample(), "y", replicates=Replicates("jkn", factors().with_columns(factor=pl.lit(1.0)))),
    ),
    "a replicate that loses a domain": (
        UnsupportedDesign,
        lambda: prevalence(
            sample_with_psu(), "y", domain=(pl.col("in_psu") & pl.col("in_stratum")), replicates=Replicates("brr", factors())
        ),
    ),
    "factors below 0": (InvalidArgument, lambda: Replicates("brr", factors(factor=-1.0))),
    "factors without replicate": (InvalidArgument, lambda: Replicates("brr", factors().drop("replicate"))),
    "an unknown replicate method": (InvalidArgument, lambda: Replicates("jk2", factors())),  # type: ignore[arg-type]
    "fay without rho": (InvalidArgument, lambda: Replicates("fay", factors())),
    "a rho of 1": (InvalidArgument, lambda: Replicates("fay", factors(), fay_rho=1.0)),
    "rho without fay": (InvalidArgument, lambda: Replicates("brr", factors(), fay_rho=0.3)),
}


def sample_with_psu() -> Cells:
    return collapse_frame(complete_sample(), keys={"y": "y", "in_psu": "psu = 1", "in_stratum": "stratum = 1"})


@pytest.mark.parametrize("what", list(REFUSED))
def test_what_is_not_exact_or_not_there_is_refused(what: str) -> None:
    error, call = REFUSED[what]
    with pytest.raises(error):
        call()


def test_the_names_of_a_refusal_are_those_of_its_subject() -> None:
    with pytest.raises(UnsupportedDesign) as error:
        prevalence(with_population(pl.lit(2)), "y")
    assert error.value.names == ("1", "2")
    assert "n_psus" in str(error.value)


def test_adjusted_wald_tests_ask_more_of_few_degrees_of_freedom() -> None:
    fitted = regression(sample(), "y", [Categorical("x", "a")])
    adjusted, design, residual = (wald_test(fitted, ["x"], denominator=rule) for rule in ("adjusted", "design", "residual"))
    # 6 PSUs in 2 strata: d = 4, k = 2, 3 coefficients
    assert (adjusted.denominator_df, design.denominator_df, residual.denominator_df) == (3, 4, 2)
    assert adjusted.f == pytest.approx(design.f * 3 / 4, rel=1e-12)


def test_a_numeric_term_is_tested_as_its_squared_t() -> None:
    cells = collapse_frame(complete_sample(), keys={"y": "y", "size": "length(x)"})
    fitted = regression(cells, "y", [Numeric("size")])
    effect = fitted.term("size")
    assert wald_test(fitted, ["size"]).f == pytest.approx((effect.log_estimate / effect.se) ** 2, rel=1e-10)


def test_cells_of_a_finite_population_keep_its_size_out_of_the_keys() -> None:
    assert with_population(pl.lit(9)).keys == ("y", "x")
    with pytest.raises(UnsupportedDesign, match="n_population"):
        Cells(sample().table, Design(stratum="stratum", psu="psu", weight="weight", population="n_psus"))
