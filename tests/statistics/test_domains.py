"""Groups that lie in some strata only, and adjusters that say the same twice, against R's survey package.

The expected values are printed by domains.R, which makes the same sample.
"""

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.statistics import (
    Categorical,
    Cells,
    Design,
    InvalidArgument,
    LonelyPsu,
    Numeric,
    RankDeficient,
    SeparatedOutcome,
    collapse,
    compare,
    compare_means,
    prevalence,
    regression,
    standardise,
)
from pipelines.statistics.design import LonelyOption

I = pl.col("i")  # noqa: E741
PEOPLE = (
    pl.DataFrame({"i": range(260)})
    .with_columns(
        stratum=1 + I % 13,
        weight=(1 + (I * 7) % 5).cast(pl.Float64),
        age=20 + (I * 37) % 75,
        v=(I * 29) % 17,
        x=I % 3 == 0,
        y=(I * I + 2 * I) % 11 < 2,
        district=pl.Series(["n1", "n2", "s1", "s2"] * 65),
    )
    .with_columns(
        psu=pl.when(pl.col("stratum").is_in([2, 5, 9])).then(1).otherwise(1 + (I // 13) % 2),
        age=pl.when(pl.col("stratum") == 4)
        .then(25)
        .when((pl.col("stratum") == 5) & (pl.col("age") >= 60))
        .then(50)
        .otherwise("age"),
        y=pl.col("y") & ~pl.col("stratum").is_in([2, 7]),
        region=pl.col("district").str.head(1),
    )
    .with_columns(
        g=pl.when(pl.col("age") < 40).then(pl.lit("a")).when(pl.col("age") < 60).then(pl.lit("b")).otherwise(pl.lit("c"))
    )
)
FROM_R = {
    "certainty": (0.137308309346182, 0.0205480401405172, -0.755517435608582, 0.380148029240583),
    "adjust": (0.137308309346182, 0.0235992081826265, -0.755517435608582, 0.952056268781856),
    "average": (0.137308309346182, 0.0234283704021684, -0.755517435608582, 0.433435440839981),
}
"""Standardised prevalence and difference of means, with their standard errors."""


DIFFERENCES_FROM_R = {
    "certainty": (-0.0694236860508165, 0.0769297807067738, -0.0689385277166013, 0.0552380096562111),
    "adjust": (-0.0694236860508165, 0.0797867063828068, -0.0689385277166013, 0.0586317155616997),
    "average": (-0.0694236860508165, 0.0877134454201292, -0.0689385277166013, 0.0629810211414008),
}
"""Youngest less oldest, and northern less southern standardised prevalence, with their standard errors."""


def cells_of(people: pl.DataFrame, lonely: LonelyOption = "certainty", stratum: str | None = "stratum") -> Cells:
    with duckdb.connect() as connection:
        connection.register("people", people.to_arrow())
        names = [name for name in people.columns if name not in ("i", "stratum", "psu", "weight")]
        return collapse(
            connection, "people", Design(stratum, "psu", "weight", lonely=lonely), keys={name: name for name in names}
        )


@pytest.mark.parametrize("lonely", FROM_R)
def test_what_is_made_of_groups_has_the_variance_of_all_of_them_together(lonely: LonelyOption) -> None:
    """Under `average` a lonely stratum counts as the mean of the strata of all groups, not of those of one."""
    cells = cells_of(PEOPLE, lonely)
    [row] = standardise(cells, "y", column="g", standard={"a": 0.5, "b": 0.3, "c": 0.2}).table.to_dicts()
    means = compare_means(cells, "v", "y")
    found = (row["prevalence"], row["prevalence_se"], means.difference, means.difference_se)
    assert found == pytest.approx(FROM_R[lonely], rel=1e-10)


@pytest.mark.parametrize("lonely", DIFFERENCES_FROM_R)
def test_a_difference_of_two_rows_has_the_variance_of_both_together(lonely: LonelyOption) -> None:
    """Under `average`, by the strata of all rows: those of each row by itself are others."""
    cells = cells_of(PEOPLE, lonely)
    ages = compare(prevalence(cells, "y", by=["g"]), {"g": "a"}, {"g": "c"})
    regions = standardise(cells, "y", column="g", standard={"a": 0.5, "b": 0.3, "c": 0.2}, by=["region"])
    places = compare(regions, {"region": "n"}, {"region": "s"})
    assert (ages.estimate, ages.se, places.estimate, places.se) == pytest.approx(DIFFERENCES_FROM_R[lonely], rel=1e-10)


def test_a_group_in_lonely_strata_only_has_no_error_to_average_and_the_others_keep_theirs() -> None:
    people = PEOPLE.with_columns(alone=pl.col("stratum").is_in([2, 5]))
    table = prevalence(cells_of(people, "average"), "x", by=["alone"]).table
    by_itself = prevalence(cells_of(people, "average"), "x", domain=~pl.col("alone")).table
    others, alone = table.to_dicts()
    assert others["prevalence_se"] == by_itself["prevalence_se"].item() > 0
    assert (alone["prevalence_se"], alone["prevalence_lower"], alone["degrees_freedom"]) == (None, None, 0)
    assert alone["presentation"] == "suppress"
    assert "degrees of freedom" in alone["presentation_reason"]
    [standardised] = standardise(
        cells_of(people, "average"), "x", column="g", standard={"a": 1, "b": 1, "c": 1}, domain=pl.col("alone")
    ).table.to_dicts()
    assert (standardised["prevalence_se"], standardised["presentation"]) == (None, "suppress")
    means = compare_means(cells_of(people, "average"), "v", "alone")
    assert np.isnan(means.group.se)
    assert np.isfinite(means.others.se)
    assert means.difference_se > 0


def test_a_single_unit_without_strata_leaves_no_degrees_of_freedom_and_is_no_lonely_stratum() -> None:
    one = PEOPLE.filter(pl.col("stratum") == 2)
    [row] = prevalence(cells_of(one, "fail", stratum=None), "x").table.to_dicts()
    assert (row["degrees_freedom"], row["presentation"]) == (0, "suppress")
    with pytest.raises(LonelyPsu):
        prevalence(cells_of(one, "fail"), "x")


@pytest.mark.parametrize(
    ("family", "log_estimate", "se"),
    [("logistic", 0.134471411977908, 0.538518866500793), ("poisson", 0.113233557094731, 0.451877818289651)],
)
def test_an_adjuster_that_others_make_up_changes_nothing(family: str, log_estimate: float, se: float) -> None:
    cells, x = cells_of(PEOPLE), Categorical("x", False)
    beside = [Categorical("district", "n1"), Categorical("region", "n")]
    model = regression(cells, "y", [x, *beside], family=family, nuisance=beside)  # type: ignore[arg-type]
    found = model.term("x", True)
    assert (found.log_estimate, found.se) == pytest.approx((log_estimate, se), rel=1e-8)
    assert (model.aliased, model.degrees_freedom) == (("region=s",), 10)
    with pytest.raises(RankDeficient, match="region=s has no coefficient"):
        model.term("region", "s")
    with pytest.raises(RankDeficient, match="combinations of other terms among the analysed: region=s"):
        regression(cells, "y", [x, *beside], family=family)  # type: ignore[arg-type]


def test_an_exposure_that_the_adjusters_make_up_has_no_odds_ratio() -> None:
    beside = [Categorical("district", "n1")]
    with pytest.raises(RankDeficient):
        regression(cells_of(PEOPLE), "y", [Categorical("region", "n"), *beside], nuisance=beside)


def test_only_what_is_dependent_is_named() -> None:
    """A column after a dependent one is judged by the independent ones before it."""
    people = PEOPLE.with_columns(twice=2 * pl.col("v"), other=(I * 13) % 7)
    with pytest.raises(RankDeficient) as raised:
        regression(cells_of(people), "y", [Numeric("v"), Numeric("twice"), Numeric("other")])
    assert raised.value.names == ("twice",)


@pytest.mark.parametrize(("value", "words"), [(False, "Nobody analysed has y"), (True, "Everybody analysed has y")])
def test_an_outcome_that_does_not_vary_is_said_to(value: bool, words: str) -> None:
    with pytest.raises(SeparatedOutcome, match=words):
        regression(cells_of(PEOPLE.with_columns(y=pl.lit(value))), "y", [Categorical("x", False)], separation="limit")


def test_a_perfect_predictor_is_named_alone() -> None:
    cells = cells_of(PEOPLE.with_columns(y="x"))
    terms = [Categorical("g", "a"), Categorical("x", False), Categorical("district", "n1")]
    with pytest.raises(SeparatedOutcome) as raised:
        regression(cells, "y", terms, separation="limit")
    assert raised.value.names == ("x=true",)


def test_levels_are_named_as_in_the_report() -> None:
    with pytest.raises(InvalidArgument, match="reference level true does not occur in x"):
        regression(cells_of(PEOPLE.with_columns(x=pl.lit(False))), "y", [Categorical("x", True)])
    with pytest.raises(RankDeficient, match="g: nobody analysed has its reference level a"):
        regression(cells_of(PEOPLE), "y", [Categorical("x", False), Categorical("g", "a")], domain=pl.col("g") != "a")


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_mean_of_numbers_that_are_not_finite_is_refused(wrong: float) -> None:
    people = PEOPLE.with_columns(v=pl.when(I == 3).then(wrong).otherwise(pl.col("v").cast(pl.Float64)))
    with pytest.raises(InvalidArgument, match="v holds numbers that are not finite"):
        compare_means(cells_of(people), "v", "y")


ONE_PSU = pl.DataFrame(
    {"stratum": [1] * 8, "psu": [1] * 8, "weight": [1.0, 2.0] * 4, "y": [False, True, True, False, False, True, False, True]}
)
SE_IN_TWO_LONELY_STRATA = {"certainty": 0.0, "adjust": 0.058925565098879, "average": None}
"""Printed by one_psu.R, which stops at a design with one PSU in all."""


@pytest.mark.parametrize("lonely", SE_IN_TWO_LONELY_STRATA)
def test_one_psu_in_all_gives_no_standard_error_whatever_is_said_of_lonely_ones(lonely: LonelyOption) -> None:
    people = ONE_PSU.with_columns(i=0, a=pl.Series([1, 2] * 4), g=pl.Series([True] * 4 + [False] * 4))
    for stratum in (None, "stratum"):
        cells = cells_of(people, lonely, stratum)
        estimates = [prevalence(cells, "y").table, prevalence(cells, "y", by=["g"]).table]
        estimates += [standardise(cells, "y", column="a", standard={1: 0.5, 2: 0.5}, by=by).table for by in ([], ["g"])]
        for row in [row for table in estimates for row in table.to_dicts()]:
            assert row["prevalence"] is not None
            nothing = ("prevalence_se", "prevalence_lower", "prevalence_upper", "design_effect", "n_effective")
            assert [row[name] for name in nothing] == [None] * 5
            assert row["presentation_reason"] == "no degrees of freedom: the members lie in as many strata as PSUs"
    two = people.with_columns(stratum=pl.Series([1] * 4 + [2] * 4), psu=pl.Series([1] * 4 + [2] * 4))
    [se] = prevalence(cells_of(two, lonely), "y").table["prevalence_se"]
    expected = SE_IN_TWO_LONELY_STRATA[lonely]
    assert se == (expected if expected is None else pytest.approx(expected, rel=1e-12))
