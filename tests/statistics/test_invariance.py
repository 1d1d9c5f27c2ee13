"""What must not change an estimate: order of rows, scale of weights, split rows, people of weight 0, a key that nobody has."""

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.statistics import Categorical, Design, Prevalence, Regression, prevalence, regression
from tests.statistics.samples import SCHEMA, collapse_frame, complete_sample, rows_of

quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def samples(draw: st.DrawFn) -> pl.DataFrame:
    """The complete sample, so that every estimate exists, and up to 30 rows more."""
    row = st.tuples(
        st.integers(1, 2),
        st.integers(1, 3),
        st.integers(0, 50_000).map(lambda hundredths: hundredths / 100),
        st.sampled_from([0, 1, None]),
        st.sampled_from(["a", "bb", "ccc", None]),
    )
    more = pl.DataFrame(draw(st.lists(row, max_size=30)), schema=SCHEMA, orient="row")
    return pl.concat([complete_sample(), more])


def estimate(rows: pl.DataFrame) -> tuple[Prevalence, Regression]:
    cells = collapse_frame(rows)
    return prevalence(cells, "y", by=["x"]), regression(cells, "y", [Categorical("x", "a")])


def assert_same_estimates(first: pl.DataFrame, second: pl.DataFrame) -> None:
    (prevalence_1, regression_1), (prevalence_2, regression_2) = estimate(first), estimate(second)
    for column in ("prevalence", "prevalence_se"):
        assert prevalence_1.table[column].to_numpy() == pytest.approx(prevalence_2.table[column].to_numpy(), rel=1e-9)
    assert prevalence_1.covariance == pytest.approx(prevalence_2.covariance, rel=1e-7, abs=1e-12)
    assert regression_1.coefficients == pytest.approx(regression_2.coefficients, rel=1e-8, abs=1e-9)
    assert regression_1.covariance == pytest.approx(regression_2.covariance, rel=1e-7, abs=1e-9)


def assert_same_bits(first: pl.DataFrame, second: pl.DataFrame) -> None:
    (prevalence_1, regression_1), (prevalence_2, regression_2) = estimate(first), estimate(second)
    assert_frame_equal(prevalence_1.table, prevalence_2.table, check_exact=True)
    assert np.array_equal(prevalence_1.covariance, prevalence_2.covariance)
    assert np.array_equal(regression_1.coefficients, regression_2.coefficients)
    assert np.array_equal(regression_1.covariance, regression_2.covariance)


@quick
@given(samples(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(rows: pl.DataFrame, random: object) -> None:
    order = list(range(rows.height))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert_same_bits(rows, rows[order])


@quick
@given(samples(), st.sampled_from([0.01, 0.25, 3.0, 1000.0]))
def test_the_scale_of_the_weights_changes_no_estimate(rows: pl.DataFrame, factor: float) -> None:
    rows = rows.with_columns(weight=pl.when(pl.col("weight") < 0.1).then(0.0).otherwise("weight"))
    assert_same_estimates(rows, rows.with_columns(pl.col("weight") * factor))


@quick
@given(samples())
def test_a_person_split_in_two_of_half_the_weight_changes_no_estimate(rows: pl.DataFrame) -> None:
    halves = rows.with_columns(pl.col("weight") / 2)
    assert_same_estimates(rows, pl.concat([halves, halves]))


@quick
@given(samples(), st.sampled_from(["a", "nobody else", None]), st.sampled_from([0, 1, None]))
def test_people_of_weight_zero_in_sampled_psus_change_no_bit(rows: pl.DataFrame, x: str | None, y: int | None) -> None:
    assert_same_bits(rows, pl.concat([rows, rows_of((1, 1, 0.0, y, x), (2, 3, 0.0, y, x))]))


@quick
@given(samples())
def test_a_domain_that_everyone_belongs_to_changes_no_bit(rows: pl.DataFrame) -> None:
    cells = collapse_frame(rows, keys={"y": "y", "x": "x", "is_here": "true", "is_elsewhere": "false"})
    alone, _ = estimate(rows)
    flagged = prevalence(cells, "y", by=["x"], domain=pl.col("is_here") & ~pl.col("is_elsewhere"))
    assert_frame_equal(alone.table, flagged.table, check_exact=True)


@quick
@given(samples())
def test_the_names_of_strata_and_psus_change_no_estimate(rows: pl.DataFrame) -> None:
    renamed = rows.with_columns(stratum=7 - 3 * pl.col("stratum"), psu=100 - pl.col("psu"))
    assert_same_estimates(rows, renamed)


@quick
@given(samples())
def test_levels_that_nobody_analysed_has_change_no_estimate(rows: pl.DataFrame) -> None:
    # People without a known outcome, all of one new level: a row of its own, and nothing else.
    absent = rows_of((1, 1, 3.0, None, "nobody known"), (2, 2, 2.0, None, "nobody known"))
    alone, more = collapse_frame(rows), collapse_frame(pl.concat([rows, absent]))
    before, after = prevalence(alone, "y", by=["x"]).table, prevalence(more, "y", by=["x"]).table
    assert_frame_equal(before, after.filter(pl.col("x") != "nobody known"), check_exact=True)
    assert after.filter(pl.col("x") == "nobody known")["prevalence"].to_list() == [None]


@quick
@given(samples())
def test_people_split_in_halves_were_sampled_twice_where_people_are_the_units(rows: pl.DataFrame) -> None:
    # PSU designs: no change (above). Elements: squares halve and n / (n - 1) becomes 2n / (2n - 1): (n - 1) / (2n - 1) is left.
    known = rows.filter(pl.col("y").is_not_null() & (pl.col("weight") > 0))
    halves = known.with_columns(pl.col("weight") / 2)
    design = Design(stratum=None, psu=None, weight="weight")
    one, two = (prevalence(collapse_frame(frame, design), "y").covariance[0, 0] for frame in (known, pl.concat([halves, halves])))
    n = known.height
    assert two == pytest.approx(one * (n - 1) / (2 * n - 1), rel=1e-9)


@quick
@given(samples())
def test_cells_and_plain_arithmetic_on_rows_agree(rows: pl.DataFrame) -> None:
    found = prevalence(collapse_frame(rows), "y").table.row(0, named=True)
    known = [row for row in rows.iter_rows(named=True) if row["y"] is not None]
    weight = sum(row["weight"] for row in known)
    p = sum(row["weight"] * row["y"] for row in known) / weight
    variance = 0.0
    for stratum in (1, 2):
        totals = [
            sum(row["weight"] * (row["y"] - p) / weight for row in known if (row["stratum"], row["psu"]) == (stratum, psu))
            for psu in (1, 2, 3)
        ]
        variance += 3 / 2 * sum((total - sum(totals) / 3) ** 2 for total in totals)
    assert found["prevalence"] == pytest.approx(p, rel=1e-12)
    assert found["prevalence_se"] == pytest.approx(variance**0.5, rel=1e-9, abs=1e-12)
    missing = sum(row["weight"] for row in rows.iter_rows(named=True) if row["y"] is None)
    assert found["missing_weight_share"] == pytest.approx(missing / (missing + weight), rel=1e-9, abs=1e-12)


@quick
@given(samples())
def test_prevalence_by_level_equals_each_level_as_a_domain(rows: pl.DataFrame) -> None:
    cells = collapse_frame(rows)
    together = prevalence(cells, "y", by=["x"]).table
    for level in ("a", "bb", "ccc"):
        alone = prevalence(cells, "y", domain=pl.col("x") == level).table
        assert_frame_equal(together.filter(pl.col("x") == level).drop("x"), alone, rel_tol=1e-12)


@quick
@given(samples())
def test_every_interval_holds_its_estimate(rows: pl.DataFrame) -> None:
    cells = collapse_frame(rows)
    for method in ("korn_graubard", "logit", "wilson", "beta", "wald"):
        table = prevalence(cells, "y", by=["x"], method=method).table
        assert table.select((pl.col("prevalence_lower") <= pl.col("prevalence")).all()).item()
        assert table.select((pl.col("prevalence") <= pl.col("prevalence_upper")).all()).item()
