"""What is done to Great Expectations changes no verdict."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.contracts import duckdb_datasource
from pipelines.contracts.duckdb_datasource import great_expectations, validate

CHECKS: dict[str, tuple[str, dict[str, Any]]] = {
    "whole": ("expect_table_row_count_to_equal", {"value": 4}),
    "too few": ("expect_table_row_count_to_be_between", {"min_value": 5}),
    "known": ("expect_column_values_to_not_be_null", {"column": "age"}),
    "mostly known": ("expect_column_values_to_not_be_null", {"column": "age", "mostly": 0.7}),
    "in range": ("expect_column_values_to_be_between", {"column": "age", "min_value": 0, "max_value": 80}),
    "listed": ("expect_column_values_to_be_in_set", {"column": "sex", "value_set": ["male", "female"]}),
    "shaped": ("expect_column_values_to_match_regex", {"column": "sex", "regex": "^m"}),
    "unique": ("expect_compound_columns_to_be_unique", {"column_list": ["age", "sex"]}),
    "no column": ("expect_column_values_to_not_be_null", {"column": "weight"}),
    "no expectation": ("expect_nothing", {"column": "age"}),
}


def test_what_is_derived_once_says_what_it_says_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "people.parquet"
    pl.DataFrame({"age": [20, 90, None, 20], "sex": ["male", "female", "other", "male"]}).write_parquet(path)
    found = validate(path, CHECKS)
    succeeded = {check for check, outcome in found.items() if not isinstance(outcome, str) and outcome["success"]}
    assert succeeded == {"whole", "mostly known"}
    assert {check for check, outcome in found.items() if isinstance(outcome, str)} == {"no column", "no expectation"}
    by_itself = replace(great_expectations(), derived_once=nullcontext)
    monkeypatch.setattr(duckdb_datasource, "great_expectations", lambda: by_itself)
    assert validate(path, CHECKS) == found


MANY = range(10_000)
REPEATED: dict[str, tuple[list[Any], int]] = {
    "rising": ([1, 2, 5], 0),
    "falling": ([3, 2, 1], 0),
    "neighbours": ([1, 2, 2, 3], 2),
    "far apart": ([*MANY, 0], 2),
    "one vector of rows and the next": ([*range(2048), *range(2047, 4096)], 2),
    "in a falling place": ([1, 5, 2, 3, 5, 6], 2),
    "unknown between": ([1, None, 1, None], 2),
    "all unknown": ([None, None, None], 0),
    "numbers as text": ([str(number) for number in MANY], 0),
    "numbers as text, one twice": ([*map(str, MANY), "9999"], 2),
    "numbers as text, one twice where the length changes": (["8", "9", "10", "9"], 2),
    "text in the order of a dictionary": (["10", "100", "11", "9"], 0),
    "not a number": ([1.0, float("nan"), float("nan")], 2),
}


@pytest.mark.parametrize("values", REPEATED)
@pytest.mark.parametrize("expectation", ["expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"])
def test_repeated_values_are_counted_in_any_order(tmp_path: Path, values: str, expectation: str) -> None:
    given, n_repeated = REPEATED[values]
    path = tmp_path / "people.parquet"
    pl.DataFrame({"wave": ["first"] * len(given), "person": given}, nan_to_null=False).write_parquet(path)
    columns = {"column": "person"} if "column_values" in expectation else {"column_list": ["wave", "person"]}
    [outcome] = validate(path, {"unique": (expectation, columns)}).values()
    assert not isinstance(outcome, str)
    assert (outcome["unexpected_count"], outcome["success"]) == (n_repeated, n_repeated == 0)


def test_a_key_is_repeated_only_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    pl.DataFrame({"wave": ["first", "first", "second", "second"], "person": [1, 2, 1, 2]}).write_parquet(path)
    [outcome] = validate(path, {"unique": ("expect_compound_columns_to_be_unique", {"column_list": ["wave", "person"]})}).values()
    assert not isinstance(outcome, str)
    assert outcome["unexpected_count"] == 0
