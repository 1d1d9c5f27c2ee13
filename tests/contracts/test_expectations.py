"""Judging is complete, quiet, leaves nothing behind and shows no value."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contracts.expectations import RuleResult, SchemaProblems, judge, not_applicable
from pipelines.contracts.model import Contract
from tests.contracts.sleep_contract import custom, good_frame

Load = Callable[..., Contract]
Verdicts = Callable[..., dict[str, RuleResult]]

MARKER_TEXT = "Marigold-86753"
MARKER_NUMBER = 86753


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"mustBe": 4}, "passed"),
        ({"mustBe": 5}, "failed"),
        ({"mustBeGreaterThan": 3}, "passed"),
        ({"mustBeGreaterThan": 4}, "failed"),
        ({"mustBeGreaterOrEqualTo": 4}, "passed"),
        ({"mustBeLessThan": 4}, "failed"),
        ({"mustBeLessOrEqualTo": 4}, "passed"),
        ({"mustBeBetween": [1, 3]}, "failed"),
        ({"mustBeBetween": [4, 5]}, "passed"),
    ],
)
def test_the_number_of_rows_is_judged_at_its_limits(
    change: Load, verdicts: Verdicts, entry: dict[str, Any], expected: str
) -> None:
    result = verdicts(good_frame(), change(table_quality=[{"metric": "rowCount", **entry}]))["table.rowCount"]
    assert result.status == expected
    assert (result.n_checked, result.n_failed) == (0, 0)
    assert result.detail == ("found 4 rows" if expected == "failed" else "")


def test_columns_can_be_unique_together(change: Load, verdicts: Verdicts) -> None:
    contract = change(
        table_quality=[{"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["cramps", "hours"]}}]
    )
    frame = good_frame().with_columns(cramps=pl.Series([0, 0, None, 0]), hours=pl.Series([8, 8, 8, 9]))
    result = verdicts(frame, contract)["table.duplicateValues"]
    assert (result.status, result.n_failed) == ("failed", 2)
    assert verdicts(good_frame(), contract)["table.duplicateValues"].status == "passed"


def test_rules_about_columns_that_a_wave_did_not_ask_do_not_apply(change: Load, verdicts: Verdicts) -> None:
    contract = change(
        "is_pregnant",
        required=True,
        customProperties=custom(waves=["second"]),
    )
    frame = good_frame().with_columns(is_pregnant=pl.lit(None, pl.Boolean))
    result = verdicts(frame, contract, "first")["is_pregnant.required"]
    assert (result.status, result.n_checked, result.detail) == ("not_applicable", 0, "not asked in wave first")
    assert verdicts(frame, contract, "second")["is_pregnant.required"].status == "failed"


def test_a_table_without_rows_breaks_no_rule_about_rows(change: Load, verdicts: Verdicts) -> None:
    contract = change(
        "weight",
        table_quality=[{"metric": "rowCount", "mustBeGreaterThan": 0}],
        required=True,
        unique=True,
        logicalTypeOptions={"minimum": 0},
        quality=[{"metric": "nullValues", "mustBeLessThan": 5, "unit": "percent"}],
    )
    statuses = {name: result.status for name, result in verdicts(good_frame().head(0), contract).items()}
    assert statuses.pop("table.rowCount") == "failed"
    assert statuses.pop("weight.nullValues") == "not_applicable"
    assert set(statuses.values()) == {"passed"}


BROKEN_CHECKS: dict[str, tuple[dict[str, Any], str]] = {
    "a column that is not there": ({"type": "sql", "query": "select * from {batch} where nights > 3"}, "Binder Error"),
    "a cast that meets a value": (
        {"type": "sql", "query": "select * from {batch} where cast(note as integer) > 3"},
        "may hold values",
    ),
    "an expectation that is not there": (
        {"type": "custom", "engine": "greatExpectations", "implementation": {"type": "expect_wonders", "kwargs": {}}},
        "expect_wonders cannot be made",
    ),
    "an average of text": (
        {
            "type": "custom",
            "engine": "greatExpectations",
            "implementation": {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "note", "min_value": 1}},
        },
        "the check",
    ),
}


@pytest.mark.parametrize("kind", BROKEN_CHECKS)
def test_a_check_that_cannot_run_is_an_error_and_spoils_no_other(
    change: Load, verdicts: Verdicts, kind: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    entry, expected = BROKEN_CHECKS[kind]
    results = verdicts(good_frame().with_columns(note=pl.lit(MARKER_TEXT)), change(table_quality=[{**entry, "id": "broken"}]))
    broken = results.pop("broken")
    assert broken.status == "error"
    assert expected in broken.detail
    assert {result.status for result in results.values()} == {"passed"}
    captured = capfd.readouterr()
    for text in (
        broken.detail,
        captured.out,
        captured.err,
        *(str(record.msg) for record in caplog.records if record.name.startswith("great")),
    ):
        assert MARKER_TEXT not in text


def test_no_result_shows_a_value(change: Load, verdicts: Verdicts, capfd: pytest.CaptureFixture[str]) -> None:
    contract = change(
        "note",
        unique=True,
        logicalTypeOptions={"enum": ["a"], "pattern": "^a", "maxLength": 2},
        quality=[{"type": "sql", "query": "select * from {batch} where note is not null"}],
    )
    frame = good_frame().with_columns(
        person=pl.lit(MARKER_NUMBER),
        cramps=pl.lit(MARKER_NUMBER),
        hours=pl.lit(MARKER_NUMBER),
        note=pl.lit(MARKER_TEXT),
    )
    results = verdicts(frame, contract)
    assert [result.status for result in results.values()].count("failed") == 8
    captured = capfd.readouterr()
    for text in (json.dumps([vars(result) for result in results.values()]), captured.out, captured.err):
        assert MARKER_TEXT not in text
        assert str(MARKER_NUMBER) not in text
        assert f"{MARKER_NUMBER:,}" not in text


def test_where_nothing_was_delivered_every_rule_says_why_and_counts_nothing(load: Load) -> None:
    contract = load()
    results = not_applicable(contract, "nothing was delivered")
    assert [result.rule_id for result in results] == [rule.rule_id for rule in contract.rules]
    assert {(found.status, found.n_checked, found.n_failed, found.detail, found.query) for found in results} == {
        ("not_applicable", 0, 0, "nothing was delivered", None)
    }


def test_progress_and_logs_are_quiet(load: Load, verdicts: Verdicts, capfd: pytest.CaptureFixture[str]) -> None:
    verdicts(good_frame(), load())
    assert capfd.readouterr() == ("", "")


def test_an_unlisted_code_that_may_be_a_value_is_not_named(load: Load, verdicts: Verdicts) -> None:
    frame = good_frame().with_columns(cramps=pl.Series([12345, 12345, -3, 0]), hours=pl.Series([12, 1000, 888, 8]))
    results = verdicts(frame, load())
    assert results["cramps.codebook"].detail == (
        "unlisted: -3 (1 row; nearest known codes 0 and 1), 1 other value of type INTEGER, 5 characters long (2 rows; not shown)"
    )
    assert results["hours.codebook"].detail == (
        "unlisted: 888 (1 row; nearest known codes 77 and 99), 2 other values of type INTEGER, "
        "2 to 4 characters long (2 rows; not shown)"
    )


def test_only_the_most_frequent_unlisted_codes_are_named(load: Load, verdicts: Verdicts) -> None:
    codes = [code for code in range(20, 40) for _ in range(code)]
    frame = pl.DataFrame({"person": range(len(codes)), "cramps": codes}).with_columns(
        hours=pl.lit(8), weight=pl.lit(1.0), note=pl.lit("a"), is_pregnant=pl.lit(True)
    )
    detail = verdicts(frame, load())["cramps.codebook"].detail
    assert detail.startswith("unlisted: 39 (39 rows; nearest known codes 7 and 9), 38 (38 rows;")
    assert "10 other values of type INTEGER, 2 characters long (245 rows; not shown)" in detail


def test_judging_writes_no_file_and_leaves_no_lock(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    contract = load()
    home, store = tmp_path / "home", tmp_path / "it's a 100% store: 2005-2006"
    home.mkdir()
    store.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    arrays = [good_frame()[field.name].to_arrow().cast(field.type) for field in contract.arrow_schema()]
    pq.write_table(pa.Table.from_arrays(arrays, schema=contract.arrow_schema()), store / "object.parquet")
    results = judge(store / "object.parquet", contract, "second")
    assert {result.status for result in results} == {"passed"}
    assert not list(home.iterdir())
    assert [path.name for path in store.iterdir()] == ["object.parquet"]
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        assert connection.sql("select 1").fetchall() == [(1,)]


def test_a_file_of_another_schema_is_not_judged(load: Load, tmp_path: Path) -> None:
    good_frame().write_parquet(tmp_path / "object.parquet")
    with pytest.raises(SchemaProblems, match="other columns or types than the contract"):
        judge(tmp_path / "object.parquet", load(), "second")
