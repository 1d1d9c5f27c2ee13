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
