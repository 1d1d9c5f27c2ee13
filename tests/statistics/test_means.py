"""Means of two groups, on a sample small enough to compute by hand."""

import math

import polars as pl
import pytest

from pipelines.statistics import Cells, Design, EmptyDomain, InvalidArgument, NoDegreesOfFreedom, compare_means
from tests.statistics.samples import collapse_frame

SAMPLE = pl.DataFrame(
    [
        # stratum, psu, weight, y, x
        (1, 1, 1.0, True, 2.0),
        (1, 1, 1.0, False, 1.0),
        (1, 2, 1.0, True, 4.0),
        (1, 2, 1.0, False, 3.0),
        (2, 1, 2.0, True, 6.0),
        (2, 1, 2.0, False, 1.0),
        (2, 2, 2.0, True, 4.0),
        (2, 2, 2.0, False, 3.0),
    ],
    schema={"stratum": pl.Int64, "psu": pl.Int64, "weight": pl.Float64, "y": pl.Boolean, "x": pl.Float64},
    orient="row",
)
OTHERS = pl.DataFrame(
    [(1, 1, 5.0, True, None), (1, 2, 5.0, None, 90.0), (2, 1, 0.0, True, 90.0)], schema=SAMPLE.schema, orient="row"
)
"""A value that is not known, a group that is not known, and a weight of 0."""


def cells(frame: pl.DataFrame) -> Cells:
    return collapse_frame(frame, keys={"y": "y", "x": "x"})


def test_means_differ_as_by_hand() -> None:
    """The group: 26 / 6, PSU scores of -7, -1, 10 and -2 eighteenths; the others: 12 / 6, of -3, 3, -6 and 6 eighteenths."""
    found = compare_means(cells(SAMPLE), "x", "y")
    assert (found.group.n_respondents, found.others.n_respondents, found.n_missing) == (4, 4, 0)
    assert [found.group.mean, found.others.mean] == pytest.approx([13 / 3, 2])
    # two PSUs a stratum: the squared difference of their scores, summed over strata
    assert found.group.se**2 == pytest.approx((6**2 + 12**2) / 18**2)
    assert found.others.se**2 == pytest.approx((6**2 + 12**2) / 18**2)
    assert found.difference == pytest.approx(7 / 3)
    assert found.difference_se**2 == pytest.approx((0**2 + 24**2) / 18**2)
    # t = 7/4 on two degrees of freedom: 1 - t / sqrt(2 + t^2) = 1 - 7/9
    assert found.degrees_freedom == 2
    assert found.p_value == pytest.approx(2 / 9)
    assert found.group.standard_deviation == pytest.approx(math.sqrt(17 / 9 * 4 / 3))
    assert found.others.standard_deviation == pytest.approx(math.sqrt(1 * 4 / 3))


def test_the_unknown_move_nothing_and_are_counted_where_the_group_is_known() -> None:
    found, alone = compare_means(cells(pl.concat([SAMPLE, OTHERS])), "x", "y"), compare_means(cells(SAMPLE), "x", "y")
    assert found.n_missing == 1
    assert (found.group, found.others, found.p_value) == (alone.group, alone.others, alone.p_value)


def test_a_domain_keeps_the_whole_design() -> None:
    """Stratum 1 alone: one degree of freedom, and the PSUs of stratum 2 add nothing."""
    found = compare_means(cells(SAMPLE), "x", "y", domain=pl.col("stratum") == 1)
    assert [found.group.mean, found.others.mean, found.degrees_freedom] == pytest.approx([3, 2, 1])
    # scores of -1/2 and 1/2 in each group: the difference does not vary between the PSUs
    assert (found.difference_se, found.p_value) == (0, None)


def test_without_a_design_it_is_welchs_statistic() -> None:
    people = pl.DataFrame({"y": [True] * 3 + [False] * 2, "x": [1.0, 2.0, 6.0, 4.0, 8.0]})
    found = compare_means(collapse_frame(people, Design(None, None, None)), "x", "y")
    # squares about the means 3 and 6: 14 and 8; Taylor with n / (n - 1) of all five
    assert found.difference_se**2 == pytest.approx(5 / 4 * (14 / 3**2 + 8 / 2**2))
    assert found.degrees_freedom == 4
    assert [found.group.standard_deviation, found.others.standard_deviation] == pytest.approx([math.sqrt(14 / 2), math.sqrt(8)])


def test_a_single_respondent_has_no_standard_deviation() -> None:
    people = pl.DataFrame({"y": [True, False, False], "x": [1, 2, 6]})
    assert compare_means(collapse_frame(people, Design(None, None, None)), "x", "y").group.standard_deviation is None


@pytest.mark.parametrize(
    ("frame", "error", "said"),
    [
        (SAMPLE.filter("y"), EmptyDomain, "nobody with a known x on one side of y"),
        (SAMPLE.with_columns(x=pl.lit("a")), InvalidArgument, "x is String, which has no mean"),
        (SAMPLE.filter(pl.col("psu") == 1).with_columns(stratum=1), NoDegreesOfFreedom, "as many strata as PSUs"),
    ],
)
def test_what_cannot_be_compared_is_refused(frame: pl.DataFrame, error: type[Exception], said: str) -> None:
    design = Design("stratum", "psu", "weight", lonely="certainty")
    with pytest.raises(error, match=said):
        compare_means(collapse_frame(frame, design), "x", "y")
