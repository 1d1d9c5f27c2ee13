"""From a relation to cells: what counts, what is refused."""

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.statistics import (
    Cells,
    Design,
    EmptyDomain,
    InvalidArgument,
    InvalidWeight,
    MissingDesignColumn,
    UnsupportedDesign,
    collapse,
)
from tests.statistics.samples import DESIGN, collapse_frame, complete_sample, rows_of


def test_cells_count_positive_weights_and_keep_null_and_zero_weight_rows() -> None:
    rows = rows_of((1, 1, 2.5, 1, "a"), (1, 1, 1.5, 1, "a"), (1, 1, 3.0, None, "a"), (1, 2, 0.0, 1, "a"), (1, 2, 0.0, 1, None))
    expected = pl.DataFrame(
        {
            "stratum": [1, 1, 1, 1],
            "psu": [1, 1, 2, 2],
            "y": [1, None, 1, 1],
            "x": ["a", "a", "a", None],
            "n": [2, 1, 0, 0],
            "w": [4.0, 3.0, 0.0, 0.0],
        }
    )
    assert_frame_equal(collapse_frame(rows).table, expected)


def test_cells_of_an_element_design_hold_squared_weights_and_all_sampled_rows() -> None:
    rows = rows_of((1, 1, 2.0, 1, "a"), (1, 2, 3.0, 1, "a"), (1, 1, 0.0, 1, "a"))
    cells = collapse_frame(rows, Design(stratum="stratum", psu=None, weight="weight"))
    assert cells.table.to_dicts() == [{"stratum": 1, "y": 1, "x": "a", "n": 2, "w": 5.0, "w2": 13.0, "n_sampled": 3}]


def test_a_population_may_be_a_number_with_decimals_and_must_be_finite() -> None:
    rows = rows_of((1, 1, 2.0, 1, "a"), (1, 2, 2.0, 0, "a")).with_columns(people=pl.lit(40.0))
    design = Design(stratum="stratum", psu=None, weight="weight", population="people")
    whole = collapse_frame(rows.cast({"people": pl.Int64}), design).table
    assert_frame_equal(collapse_frame(rows, design).table, whole, check_dtypes=False)
    with pytest.raises(MissingDesignColumn, match="population people must be a number"):
        collapse_frame(rows.with_columns(people=pl.lit(float("inf"))), design)


def test_cells_without_a_weight_count_every_row_once() -> None:
    cells = collapse_frame(rows_of((1, 1, 2.0, 1, "a"), (1, 1, 0.0, 1, "a")), Design())
    assert cells.table.select("n", "w").row(0) == (2, 2.0)


def test_column_names_may_need_quotes() -> None:
    con = duckdb.connect()
    con.execute('create table respondents as select 1 as "order", 2 as "the ""psu""", 1.5 as "select", true as y')
    cells = collapse(con, "respondents", Design(stratum="order", psu='the "psu"', weight="select"), {"group": "y", "a b": "y"})
    assert cells.keys == ("group", "a b")
    assert cells.table.row(0) == (1, 2, True, True, 1, 1.5)


def test_shuffled_rows_give_the_same_bits() -> None:
    rows = pl.concat([complete_sample()] * 50).with_row_index("person").with_columns(weight=pl.col("person") / 7 + 0.1)
    first, second = (collapse_frame(rows.sample(fraction=1, shuffle=True, seed=seed)).table for seed in (1, 2))
    assert_frame_equal(first, second, check_exact=True)


@pytest.mark.parametrize(
    ("weight", "kind"),
    [
        (None, "1 NULL"),
        (-1.0, "1 negative"),
        (float("nan"), "1 not finite"),
        (float("inf"), "1 not finite"),
        (1e9, "1 above"),
        (0.0009, "1 above 0 but below"),
    ],
)
def test_a_weight_that_cannot_be_used_is_counted_by_kind(weight: float | None, kind: str) -> None:
    with pytest.raises(InvalidWeight, match=kind) as raised:
        collapse_frame(pl.concat([complete_sample(), rows_of((1, 1, weight, 1, "a"))]))
    assert raised.value.names == ("weight",)


@pytest.mark.parametrize("weight", [0.001, 999_999_999.0])
def test_weights_at_the_ends_of_the_range_are_kept(weight: float) -> None:
    assert collapse_frame(rows_of((1, 1, weight, 1, "a"))).table["w"].to_list() == [weight]


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(InvalidWeight, match="every weight is 0"):
        collapse_frame(complete_sample().with_columns(weight=0.0))


def test_a_weight_that_is_text_is_refused_without_its_value() -> None:
    with pytest.raises(InvalidWeight, match="not a number") as raised:
        collapse_frame(complete_sample().with_columns(weight=pl.lit("heavy4711")))
    assert "4711" not in str(raised.value)


@pytest.mark.parametrize("column", ["stratum", "psu", "weight"])
def test_a_design_column_that_the_relation_lacks_is_named(column: str) -> None:
    with pytest.raises(MissingDesignColumn, match=f"has no column {column}") as raised:
        collapse_frame(complete_sample().drop(column))
    assert raised.value.names == (column,)


@pytest.mark.parametrize("column", ["stratum", "psu"])
def test_rows_without_a_stratum_or_psu_are_counted(column: str) -> None:
    values = (None, 1) if column == "stratum" else (1, None)
    with pytest.raises(MissingDesignColumn, match=f"2 rows have no {column}"):
        collapse_frame(pl.concat([complete_sample(), rows_of((*values, 1.0, 1, "a"), (*values, 0.0, 1, "a"))]))


def test_a_relation_without_rows_is_an_empty_domain() -> None:
    with pytest.raises(EmptyDomain, match="respondents holds no rows"):
        collapse_frame(complete_sample().clear())


@pytest.mark.parametrize("name", ["stratum", "n", "W", "__level"])
def test_reserved_names_of_keys_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match=f"reserved: {name}"):
        collapse_frame(complete_sample(), keys={name: "x"})


def test_a_key_that_fails_on_a_value_does_not_quote_it() -> None:
    rows = complete_sample().with_columns(x=pl.lit("secret4711"))
    with pytest.raises(InvalidArgument, match="cannot be computed for every row") as raised:
        collapse_frame(rows, keys={"y": "y", "x": "x::integer"})
    assert "4711" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_unknown_lonely_option_is_refused() -> None:
    with pytest.raises(UnsupportedDesign, match="lonely must be one of"):
        Design(lonely="ignore")  # type: ignore[arg-type]


def test_cells_without_the_sums_of_their_design_are_refused() -> None:
    with pytest.raises(UnsupportedDesign, match="absent: w2, n_sampled"):
        Cells(collapse_frame(complete_sample(), DESIGN).table, Design(psu=None, weight="weight"))
