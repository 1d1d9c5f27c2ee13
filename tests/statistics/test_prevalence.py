"""Prevalence: what is counted, and degenerate results as values with a status."""

import math

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import Cells, Design, EmptyDomain, InvalidArgument, InvalidOutcome, LonelyPsu, prevalence
from pipelines.statistics.intervals import NO_DEGREES_OF_FREEDOM, UNDEFINED_AT_0_OR_1
from pipelines.statistics.presentation import NO_KNOWN_OUTCOME, TOO_FEW
from tests.statistics.samples import DESIGN, collapse_frame, complete_sample, rows_of

COLUMNS = [
    "n_respondents",
    "n_cases",
    "n_missing",
    "prevalence",
    "prevalence_se",
    "prevalence_lower",
    "prevalence_upper",
    "confidence_level",
    "method",
    "degrees_freedom",
    "design_effect",
    "n_effective",
    "presentation",
    "presentation_reason",
    "missing_weight_share",
]


def test_a_psu_whose_weights_are_all_zero_stays_in_its_stratum() -> None:
    # By hand: p = 3/4; PSU totals of w (y - p) / W are 1/8 and 0 in stratum 1, 1/16 and -3/16 in stratum 2;
    # variance = 2 (2 / 16^2) + 2 (2 / 8^2) = 5/64. Without the PSU of weight 0, stratum 1 would be lonely.
    cells = collapse_frame(rows_of((1, 1, 2.0, 1, "a"), (1, 2, 0.0, 0, "a"), (2, 1, 1.0, 1, "a"), (2, 2, 1.0, 0, "a")))
    found = prevalence(cells, "y").table.row(0, named=True)
    assert found["prevalence"] == 0.75
    assert found["prevalence_se"] == pytest.approx(math.sqrt(5 / 64), rel=1e-15)
    assert (found["n_respondents"], found["degrees_freedom"]) == (3, 1)


def test_an_element_of_weight_zero_stays_in_its_stratum() -> None:
    # By hand: 3 sampled, z = 1/4, -1/4, 0: variance = 3/2 (1/16 + 1/16) = 3/16.
    cells = collapse_frame(
        rows_of((1, 1, 1.0, 1, "a"), (1, 1, 1.0, 0, "a"), (1, 1, 0.0, 1, "a")), Design(stratum=None, psu=None, weight="weight")
    )
    found = prevalence(cells, "y").table.row(0, named=True)
    assert found["prevalence_se"] == pytest.approx(math.sqrt(3 / 16), rel=1e-15)
    assert found["degrees_freedom"] == 1


def test_a_domain_keeps_the_psus_without_members() -> None:
    # By hand: members only in PSU 1 of each stratum, p = 1/2; PSU totals 1/4, 0 and -1/4, 0, so all deviations from the mean of a
    # stratum are 1/8 and the variance 2 (2 / 8^2) + 2 (2 / 8^2) = 1/8. A filter would leave two lonely strata.
    cells = collapse_frame(rows_of((1, 1, 1.0, 1, "a"), (1, 2, 5.0, 1, "b"), (2, 1, 1.0, 0, "a"), (2, 2, 3.0, 0, "b")))
    found = prevalence(cells, "y", domain=pl.col("x") == "a").table.row(0, named=True)
    assert found["prevalence_se"] == pytest.approx(math.sqrt(1 / 8), rel=1e-15)


def test_the_table_has_the_levels_of_the_domain_sorted_and_the_agreed_columns() -> None:
    rows = pl.concat([complete_sample().sort("x", descending=True), rows_of((1, 1, 1.0, 1, None), (1, 1, 1.0, None, "a"))])
    result = prevalence(collapse_frame(rows), "y", by=["x"], domain=pl.col("x").is_in(["a", "ccc"]) | pl.col("x").is_null())
    assert result.table.columns == ["x", *COLUMNS]
    assert result.table["x"].to_list() == ["a", "ccc"]
    assert result.table["n_missing"].to_list() == [1, 0]
    assert result.n_ungrouped == 1
    assert result.covariance.shape == (2, 2)
    assert np.sqrt(np.diag(result.covariance)) == pytest.approx(result.table["prevalence_se"].to_numpy(), rel=1e-15)


def test_levels_follow_the_order_of_an_enum() -> None:
    cells = collapse_frame(complete_sample(), keys={"y": "y", "x": "x::enum('ccc', 'a', 'nobody', 'bb')"})
    assert prevalence(cells, "y", by=["x"]).table["x"].to_list() == ["ccc", "a", "bb"]


@pytest.mark.parametrize(("outcome", "value"), [(0, 0.0), (1, 1.0)])
@pytest.mark.parametrize("method", ["korn_graubard", "logit", "wilson", "beta", "wald"])
def test_a_prevalence_of_0_or_1_is_a_value_under_review(outcome: int, value: float, method: str) -> None:
    rows = complete_sample().with_columns(y=pl.lit(outcome))
    many = collapse_frame(pl.concat([rows] * 3))
    found = prevalence(many, "y", method=method).table.row(0, named=True)  # type: ignore[arg-type]
    assert (found["prevalence"], found["prevalence_se"], found["n_effective"], found["design_effect"]) == (
        value,
        0.0,
        108.0,
        None,
    )
    assert found["presentation"] == "review"
    if method in ("logit", "wald"):
        assert (found["prevalence_lower"], found["prevalence_upper"]) == (None, None)
        assert UNDEFINED_AT_0_OR_1 in found["presentation_reason"]
    else:
        assert found["prevalence_lower" if value == 0 else "prevalence_upper"] == value
    if method == "korn_graubard":
        # Clopper-Pearson at 0 or 108 of 108 respondents: 1 - 0.025^(1/108)
        width = 1 - 0.025 ** (1 / 108)
        assert found["prevalence_upper"] - found["prevalence_lower"] == pytest.approx(width, rel=1e-12)


def test_a_level_without_known_outcomes_is_a_row_of_nulls_with_its_reason() -> None:
    rows = complete_sample().with_columns(y=pl.when(pl.col("x") != "a").then("y"))
    result = prevalence(collapse_frame(rows), "y", by=["x"])
    found = result.table.row(0, named=True)
    assert (found["x"], found["n_respondents"], found["n_missing"]) == ("a", 0, 12)
    assert (found["prevalence"], found["prevalence_se"], found["prevalence_lower"], found["degrees_freedom"]) == (None,) * 4
    assert (found["presentation"], found["presentation_reason"]) == ("suppress", NO_KNOWN_OUTCOME)
    assert np.isnan(result.covariance[0]).all()
    assert not np.isnan(result.covariance[1:, 1:]).any()


def test_no_estimate_is_nan() -> None:
    rows = pl.concat([complete_sample(), rows_of((1, 1, 1.0, 1, "d"), (1, 1, 1.0, None, "e"))])
    table = prevalence(collapse_frame(rows), "y", by=["x"]).table
    assert not table.select(pl.selectors.float().is_nan().any()).row(0).count(True)


def test_a_level_in_one_psu_a_stratum_has_no_degrees_of_freedom_and_no_interval() -> None:
    rows = pl.concat([complete_sample(), rows_of((1, 1, 1.0, 1, "d"), (1, 1, 1.0, 0, "d"))])
    found = prevalence(collapse_frame(rows), "y", by=["x"]).table.row(-1, named=True)
    assert (found["x"], found["prevalence"], found["degrees_freedom"]) == ("d", 0.5, 0)
    assert (found["prevalence_lower"], found["prevalence_upper"]) == (None, None)
    assert (found["presentation"], found["presentation_reason"]) == ("suppress", NO_DEGREES_OF_FREEDOM)


def test_presentation_is_judged_at_95_percent_whatever_the_level_shown() -> None:
    cells = collapse_frame(pl.concat([complete_sample()] * 5))
    wide, usual = (prevalence(cells, "y", confidence_level=level).table.row(0, named=True) for level in (0.99999, 0.95))
    assert wide["prevalence_upper"] - wide["prevalence_lower"] > usual["prevalence_upper"] - usual["prevalence_lower"]
    assert wide["confidence_level"] == 0.99999
    assert wide["presentation"] == usual["presentation"]


def test_few_respondents_are_suppressed_with_the_reason() -> None:
    found = prevalence(collapse_frame(complete_sample()), "y", domain=pl.col("x") == "a").table.row(0, named=True)
    assert found["presentation"] == "suppress"
    assert TOO_FEW in found["presentation_reason"]


@pytest.mark.parametrize("key", ["y = 1", "y * 1.0", "y::double", "y::utinyint"])
def test_a_boolean_or_number_of_any_type_is_the_same_outcome(key: str) -> None:
    expected = prevalence(collapse_frame(complete_sample()), "y", by=["x"])
    found = prevalence(collapse_frame(complete_sample(), keys={"y": key, "x": "x"}), "y", by=["x"])
    assert found.table.equals(expected.table)


@pytest.mark.parametrize("key", ["y + 1", "x", "y * 0.5"])
def test_an_outcome_that_is_not_binary_is_refused(key: str) -> None:
    with pytest.raises(InvalidOutcome, match="must be boolean or 0/1"):
        prevalence(collapse_frame(complete_sample(), keys={"y": key}), "y")


@pytest.mark.parametrize("domain", [pl.col("x") == "nobody", pl.lit(None, dtype=pl.Boolean)])
def test_a_domain_without_members_is_an_error(domain: pl.Expr) -> None:
    with pytest.raises(EmptyDomain, match="Nobody with a weight above 0"):
        prevalence(collapse_frame(complete_sample()), "y", domain=domain)


def test_a_domain_of_weight_zero_only_is_an_error() -> None:
    rows = complete_sample().with_columns(weight=pl.when(pl.col("x") == "a").then(0.0).otherwise("weight"))
    with pytest.raises(EmptyDomain):
        prevalence(collapse_frame(rows), "y", domain=pl.col("x") == "a")


def test_levels_that_are_unknown_for_every_member_are_an_error() -> None:
    rows = complete_sample().with_columns(x=pl.lit(None, dtype=pl.String))
    with pytest.raises(EmptyDomain, match="known x"):
        prevalence(collapse_frame(rows), "y", by=["x"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outcome": "z"}, "no key z; they have y, x"),
        ({"outcome": "y", "by": ["band"]}, "no key band"),
        ({"outcome": "y", "domain": pl.col("age") > 1}, "no key age"),
        ({"outcome": "y", "domain": pl.col("y") + 1}, "must be a boolean expression"),
        ({"outcome": "y", "method": "exact"}, "'exact' is unknown"),
        ({"outcome": "y", "confidence_level": 95}, "0.95, not 95"),
        ({"outcome": "y", "confidence_level": 1.0}, "lies between 0 and 1"),
        ({"outcome": "y", "confidence_level": 0.0}, "lies between 0 and 1"),
    ],
)
def test_an_argument_that_cannot_be_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        prevalence(collapse_frame(complete_sample()), **arguments)  # type: ignore[arg-type]


LONELY = rows_of((7, 1, 1.0, 1, "a"), (7, 1, 1.0, 0, "a"))


def lonely_cells(option: str) -> Cells:
    return collapse_frame(pl.concat([complete_sample(), LONELY]), Design("stratum", "psu", "weight", option))  # type: ignore[arg-type]


def test_a_lonely_psu_is_named_and_not_guessed_at() -> None:
    with pytest.raises(LonelyPsu, match=r"1 strata have one sampled unit.*: 7") as raised:
        prevalence(lonely_cells("fail"), "y")
    assert raised.value.names == ("7",)


def test_a_lonely_psu_outside_the_domain_does_no_harm() -> None:
    expected = prevalence(collapse_frame(complete_sample()), "y", domain=pl.col("x") == "bb").table
    assert prevalence(lonely_cells("fail"), "y", domain=pl.col("x") == "bb").table.equals(expected)


def test_average_needs_a_stratum_with_two_psus() -> None:
    rows = rows_of((1, 1, 1.0, 1, "a"), (1, 1, 1.0, 0, "a"), (2, 1, 1.0, 0, "a"), (2, 1, 1.0, 1, "a"))
    [row] = prevalence(collapse_frame(rows, Design("stratum", "psu", "weight", "average")), "y").table.to_dicts()
    assert (row["prevalence"], row["prevalence_se"], row["degrees_freedom"]) == (0.5, None, 0)
    assert row["presentation"] == "suppress"


def test_average_counts_the_strata_of_the_domain_only() -> None:
    elsewhere = rows_of(*((9, psu, 2.0, y, "d") for psu in (1, 2) for y in (0, 1)))
    lonely, domain = lonely_cells("average"), pl.col("x") != "d"
    more = collapse_frame(pl.concat([complete_sample(), LONELY, elsewhere]), lonely.design)
    assert prevalence(more, "y", by=["x"], domain=domain).table.equals(prevalence(lonely, "y", by=["x"], domain=domain).table)


def test_a_lonely_element_is_refused_like_a_lonely_psu() -> None:
    rows = pl.concat([complete_sample(), rows_of((7, 1, 1.0, 1, "a"))])
    with pytest.raises(LonelyPsu, match=": 7"):
        prevalence(collapse_frame(rows, Design("stratum", None, "weight")), "y")


def test_lonely_options_of_an_element_design_equal_one_psu_a_person() -> None:
    rows = pl.concat([complete_sample(), rows_of((7, 1, 2.0, 1, "a"))]).with_row_index("person")
    for option in ("certainty", "adjust", "average"):
        elements = prevalence(collapse_frame(rows, Design("stratum", None, "weight", option)), "y", by=["x"])
        people = prevalence(collapse_frame(rows, Design("stratum", "person", "weight", option)), "y", by=["x"])
        assert elements.covariance == pytest.approx(people.covariance, rel=1e-12, abs=1e-15)


def test_design_is_the_one_given() -> None:
    assert collapse_frame(complete_sample()).design == DESIGN
