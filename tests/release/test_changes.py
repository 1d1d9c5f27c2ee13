"""Which numbers changed: small tables, with the arithmetic done by hand."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.release.changes import NOT_KNOWN, NOTHING_DIFFERS, Side, changes, table_changes

KEY = ["source", "wave"]

BEFORE = pl.DataFrame(
    {
        "source": ["a", "a"],
        "wave": ["1", "2"],
        "n_respondents": [100, 200],
        "prevalence": [0.10, 0.20],
        "prevalence_se": [0.01, 0.02],
        "odds_ratio": [2.0, 3.0],
        "odds_ratio_lower": [1.0, 1.5],
        "odds_ratio_upper": [4.0, 6.0],
        "confidence_level": [0.95, 0.95],
        "degrees_freedom": [None, 10.0],
        "method": ["x", "x"],
    }
)


def change(column: str, *values: object) -> pl.DataFrame:
    """What is found when one column of BEFORE has other values."""
    after = BEFORE.with_columns(pl.Series(column, list(values), dtype=BEFORE.schema[column]))
    return table_changes("report.x", KEY, BEFORE, after)


def test_equal_tables_have_no_changes() -> None:
    assert table_changes("report.x", KEY, BEFORE, BEFORE.clone()).is_empty()


def test_a_change_says_where_and_how_far_in_standard_errors() -> None:
    [row] = change("prevalence", 0.13, 0.20).to_dicts()
    assert row["difference"] == pytest.approx(0.03)
    assert row["difference_in_se"] == pytest.approx(3.0)
    named = {name: row[name] for name in ("table_name", "source", "row_key", "change", "column_name", "before", "after")}
    assert named == {
        "table_name": "report.x",
        "source": "a",
        "row_key": "wave=1",
        "change": "changed",
        "column_name": "prevalence",
        "before": 0.10,
        "after": 0.13,
    }


@pytest.mark.parametrize(
    ("column", "value", "n_changes"),
    [
        ("prevalence", 0.10 * (1 + 1e-13), 0),
        ("prevalence", 0.10 + 0.9e-11, 0),  # 0.9e-9 standard errors
        ("prevalence", 0.10 + 1.1e-11, 1),
        ("odds_ratio", 2.0 * (1 + 1e-14), 0),
        ("degrees_freedom", 10.0, 1),
        ("confidence_level", 0.95 * (1 - 0.9e-12), 0),
        ("confidence_level", 0.95 * (1 - 1.1e-12), 1),
    ],
)
def test_the_noise_of_adding_in_another_order_is_no_change(column: str, value: float, n_changes: int) -> None:
    assert change(column, value, BEFORE[column][1]).height == n_changes


def test_a_large_count_is_exact() -> None:
    before = BEFORE.with_columns(n_respondents=pl.Series([2**62, 200]))
    after = before.with_columns(n_respondents=pl.Series([2**62 + 2048, 200]))
    assert table_changes("report.x", KEY, before, after).height == 1


def test_ratios_are_measured_on_the_logarithmic_scale() -> None:
    # the limits lie log 2 from the estimate: 1.959964 standard errors, and 2.228139 with ten degrees of freedom
    normal, of_t = change("odds_ratio", 4.0, 6.0).to_dicts()
    assert normal["difference_in_se"] == pytest.approx(1.959964, abs=1e-6)
    assert of_t["difference_in_se"] == pytest.approx(2.228139, abs=1e-6)


def test_a_count_has_no_standard_error() -> None:
    [row] = change("n_respondents", 100, 201).to_dicts()
    assert (row["before"], row["after"], row["difference"], row["difference_in_se"]) == (200.0, 201.0, 1.0, None)


def test_a_number_that_is_hidden_or_shown_again_is_a_change() -> None:
    [hidden] = change("prevalence", None, 0.20).to_dicts()
    assert (hidden["before"], hidden["after"], hidden["difference"], hidden["difference_in_se"]) == (0.10, None, None, None)


def test_what_is_suppressed_now_is_not_told_from_the_earlier_release() -> None:
    before = BEFORE.with_columns(is_suppressed=pl.lit(False))
    hidden: dict[str, list[Any]] = {"prevalence": [None, 0.21], "n_respondents": [None, 200], "is_suppressed": [True, False]}
    after = before.with_columns(pl.Series(name, values, dtype=before.schema[name]) for name, values in hidden.items())
    found = table_changes("report.x", KEY, before, after).select("row_key", "column_name", "before", "after", "difference_in_se")
    assert found.drop("difference_in_se").rows() == [
        ("wave=1", "n_respondents", None, None),
        ("wave=1", "prevalence", None, None),
        ("wave=2", "prevalence", 0.20, 0.21),
    ]
    assert found["difference_in_se"].null_count() == 2


def test_a_ratio_of_zero_has_no_distance_on_the_logarithmic_scale() -> None:
    [row] = change("odds_ratio", 0.0, 3.0).to_dicts()
    assert (row["difference"], row["difference_in_se"]) == (-2.0, None)


def test_text_is_not_a_number() -> None:
    assert change("method", "y", "x").is_empty()


def test_rows_that_are_new_or_gone_stand_for_themselves() -> None:
    after = BEFORE.with_columns(wave=pl.Series(["1", "3"]))
    found = table_changes("report.x", KEY, BEFORE, after)
    assert found.select("row_key", "change", "column_name").rows() == [("wave=2", "vanished", None), ("wave=3", "added", None)]


def test_a_table_that_is_new_or_gone_has_all_its_rows_added_or_vanished() -> None:
    assert table_changes("report.x", KEY, pl.DataFrame(), BEFORE)["change"].to_list() == ["added", "added"]
    assert table_changes("report.x", KEY, BEFORE, pl.DataFrame())["change"].to_list() == ["vanished", "vanished"]


def test_without_a_key_the_text_names_a_row_and_repeats_are_told_apart() -> None:
    before = pl.DataFrame({"band": ["y", "y", None], "n": [1, 2, 3]})
    found = table_changes("report.x", [], before, before.with_columns(n=pl.Series([1, 5, 3])))
    assert found.select("source", "row_key", "before", "after").rows() == [(None, "band=y", 2.0, 5.0)]


def test_the_order_of_rows_changes_nothing() -> None:
    after = BEFORE.with_columns(prevalence=pl.col("prevalence") + 0.01, n_respondents=pl.col("n_respondents") + 1)
    found = table_changes("report.x", KEY, BEFORE, after)
    assert found.equals(table_changes("report.x", KEY, BEFORE.reverse(), after.reverse()))
    assert found["column_name"].to_list() == ["n_respondents", "prevalence"] * 2


def side(folder: Path, release_id: str, frame: pl.DataFrame, **manifest: Any) -> Side:
    (folder / release_id / "report").mkdir(parents=True)
    frame.write_parquet(folder / release_id / "report" / "x.parquet")
    return Side(folder / release_id, json.loads(json.dumps({"release_id": release_id, **manifest})))


def one_object(setting: str) -> dict[str, Any]:
    entry = {
        "place": "report.x a all",
        "content": setting * 64,
        "ingredients": {"study.yaml: confidence_level": setting},
        "inputs": {},
    }
    return {"objects": [entry], "rests_on": []}


AFTER = BEFORE.with_columns(prevalence=pl.col("prevalence") + 0.01)


@pytest.mark.parametrize(
    ("before", "after", "ingredient"),
    [
        (one_object("1"), one_object("2"), "study.yaml: confidence_level (1 -> 2)"),
        (one_object("1"), one_object("1"), NOTHING_DIFFERS),
        ({"objects": []}, one_object("1"), NOT_KNOWN),
    ],
    ids=["a setting", "nothing recorded", "an old manifest"],
)
def test_every_change_names_what_differs_or_says_that_it_is_not_known(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], ingredient: str
) -> None:
    found = changes(side(tmp_path, "one", BEFORE, **before), side(tmp_path, "two", AFTER, **after), {})
    assert found.select("column_name", "ingredient", "compared_with").unique().rows() == [("prevalence", ingredient, "one")]


def test_a_first_release_has_no_changes(tmp_path: Path) -> None:
    assert changes(None, side(tmp_path, "one", BEFORE, **one_object("1")), {}).is_empty()
