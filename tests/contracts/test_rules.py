"""Each kind of rule fails for exactly the rows it is about, in Great Expectations and in SQL alike."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.contracts.expectations import RuleResult
from pipelines.contracts.model import Contract
from tests.contracts.sleep_contract import good_frame, values

Load = Callable[..., Contract]
Verdicts = Callable[..., dict[str, RuleResult]]

# what is changed in the contract, the values of the column, the rule, n_checked and n_failed, what the detail must say
CASES: dict[str, tuple[str, dict[str, Any], Sequence[object], str, tuple[int, int], str]] = {
    "required": ("weight", {"required": True}, [1.0, None, None, 2.0], "weight.required", (4, 2), "missing in 2 of 4 rows"),
    "unique": ("weight", {"unique": True}, [1.0, None, 1.0, 2.0], "weight.unique", (3, 2), "2 of 3 values"),
    "primary key": ("person", {}, [1, 2, 2, 2], "table.primaryKey", (4, 3), "3 of 4 values"),
    "primary key is given": ("person", {}, [1, None, 3, 4], "person.required", (4, 1), "missing in 1 of 4 rows"),
    "minimum": (
        "weight",
        {"logicalTypeOptions": {"minimum": 1}},
        [1.0, 0.999, None, 5.0],
        "weight.range",
        (3, 1),
        "1 of 3 values",
    ),
    "maximum": (
        "weight",
        {"logicalTypeOptions": {"maximum": 2.5}},
        [2.5, 2.51, None, -1.0],
        "weight.range",
        (3, 1),
        "1 of 3 values",
    ),
    "exclusive": (
        "weight",
        {"logicalTypeOptions": {"exclusiveMinimum": 0, "exclusiveMaximum": 2}},
        [0.0, 0.001, 1.999, 2.0],
        "weight.range",
        (4, 2),
        "2 of 4 values",
    ),
    "pattern": (
        "note",
        {"logicalTypeOptions": {"pattern": "^[a-z]{3}$|^x"}},
        ["abc", "xyz1", "abcd", None],
        "note.pattern",
        (3, 1),
        "1 of 3",
    ),
    "pattern inside": (
        "note",
        {"logicalTypeOptions": {"pattern": "b:?c"}},
        ["a\nbc", "b:cd", "b c", None],
        "note.pattern",
        (3, 1),
        "1 of 3",
    ),
    "length": (
        "note",
        {"logicalTypeOptions": {"minLength": 2, "maxLength": 3}},
        ["a", "ab", "abé", "abcd"],
        "note.length",
        (4, 2),
        "2 of 4",
    ),
    "enum": (
        "note",
        {"logicalTypeOptions": {"enum": ["it's", "b"]}},
        ["it's", "b", None, "c"],
        "note.enum",
        (3, 1),
        "1 characters long",
    ),
    "boolean enum": (
        "is_pregnant",
        {"logicalTypeOptions": {"enum": [True]}},
        [True, None, False, None],
        "is_pregnant.enum",
        (2, 1),
        "1 row",
    ),
    "codebook": (
        "cramps",
        {},
        [0, 8, 5, None],
        "cramps.codebook",
        (3, 2),
        "unlisted: 5 (1 row; nearest known codes 1 and 7), 8 (1 row; nearest known codes 7 and 9)",
    ),
    "range or listed": (
        "hours",
        {},
        [12, 77, 88, 11],
        "hours.codebook",
        (3, 2),
        "unlisted: 88 (1 row; nearest known codes 77 and 99), 1 other value of type INTEGER, 2 characters long (1 row; "
        "not shown)",
    ),
    "nullValues": (
        "weight",
        {"quality": [{"metric": "nullValues", "mustBe": 0}]},
        [1.0, None, 2.0, 3.0],
        "weight.nullValues",
        (4, 1),
        "missing in 1 of 4 rows",
    ),
    "nullValues below a percentage": (
        "weight",
        {"quality": [{"metric": "nullValues", "mustBeLessThan": 25, "unit": "percent"}]},
        [1.0, None, 2.0, 3.0],
        "weight.nullValues",
        (4, 1),
        "1 of 4 rows",
    ),
    "nullValues up to a percentage": (
        "weight",
        {"quality": [{"metric": "nullValues", "mustBeLessOrEqualTo": 25, "unit": "percent"}]},
        [1.0, None, None, 3.0],
        "weight.nullValues",
        (4, 2),
        "2 of 4 rows",
    ),
    "invalidValues": (
        "note",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["a", "b"]}}]},
        ["a", "b", None, "long"],
        "note.invalidValues",
        (3, 1),
        "4 characters long",
    ),
    "invalidValues by pattern": (
        "note",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "^a"}}]},
        ["a", "ab", None, "b"],
        "note.invalidValues",
        (3, 1),
        "1 of 3 values",
    ),
    "duplicateValues": (
        "note",
        {"quality": [{"metric": "duplicateValues", "mustBe": 0}]},
        ["a", "a", None, None],
        "note.duplicateValues",
        (2, 2),
        "2 of 2 values",
    ),
    "sql with its own names": (
        "note",
        {
            "quality": [
                {"type": "sql", "query": "with long as (select * from {batch} where length(note) > 3) select a.* from long as a"}
            ]
        },
        ["oo", "o", None, "oooo"],
        "note.sql",
        (4, 1),
        "1 of 4 rows",
    ),
    "sql with a join": (
        "note",
        {
            "quality": [
                {
                    "type": "sql",
                    "query": "select a.note from {batch} as a join {batch} as b on a.note = b.note and a.person < b.person",
                }
            ]
        },
        ["oo", "o", None, "oo"],
        "note.sql",
        (4, 1),
        "1 of 4 rows",
    ),
    "sql": (
        "note",
        {"quality": [{"type": "sql", "query": "select * from {batch} as b where regexp_matches(b.note, '^o{2}$');"}]},
        ["oo", "o", None, "oo"],
        "note.sql",
        (4, 2),
        "2 of 4 rows",
    ),
    "Great Expectations": (
        "weight",
        {
            "quality": [
                {
                    "type": "custom",
                    "engine": "greatExpectations",
                    "implementation": {"type": "expect_column_mean_to_be_between", "kwargs": {"min_value": 1, "max_value": 2}},
                }
            ]
        },
        [3.0, 4.0, None, 5.0],
        "weight.column_mean_to_be_between",
        (0, 0),
        "not met by the table as a whole",
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_a_rule_fails_for_exactly_the_offending_rows(change: Load, verdicts: Verdicts, kind: str, tmp_path: Path) -> None:
    column, fields, given, rule_id, counts, detail = CASES[kind]
    contract = change(column, **fields)
    results = verdicts(values(column, given)(good_frame()), contract)
    assert {name: result.status for name, result in results.items()} == {
        rule.rule_id: "failed" if rule.rule_id == rule_id else "passed" for rule in contract.rules
    }
    result = results[rule_id]
    assert (result.n_checked, result.n_failed) == counts
    assert detail in result.detail
    rule = next(rule for rule in contract.rules if rule.rule_id == rule_id)
    if rule.bad_rows is not None:
        with duckdb.connect(":memory:") as connection:
            flags = connection.sql(f"select {rule.bad_rows} from read_parquet('{tmp_path / 'object.parquet'}')").fetchall()
        assert all(flag is not None for (flag,) in flags)
        assert sum(flag for (flag,) in flags) == result.n_failed


@pytest.mark.parametrize("kind", CASES)
def test_a_rule_passes_the_good_rows(change: Load, verdicts: Verdicts, kind: str) -> None:
    good: dict[str, Sequence[object]] = {
        "length": ["ab", "abc", None, "éé"],
        "sql with its own names": ["abc", "x", None, "xyz"],
        "pattern": ["abc", "x", None, "xyz"],
        "pattern inside": ["bc", "abcd", None, "b:c"],
        "enum": ["b", "it's", None, "b"],
        "boolean enum": [True, None, True, None],
        "invalidValues": ["a", "b", None, "a"],
        "invalidValues by pattern": ["a", "ab", None, "a"],
        "minimum": [1.0, 2.0, None, 1.0],
        "maximum": [2.5, 2.0, None, -1.0],
        "exclusive": [0.5, 1.0, None, 1.5],
        "nullValues below a percentage": [1.0, 1.0, 1.0, 1.0],
        "nullValues up to a percentage": [1.0, 1.0, None, 1.0],
        "Great Expectations": [1.0, 2.0, None, 2.0],
    }
    column, fields, *_ = CASES[kind]
    frame = values(column, good[kind])(good_frame()) if kind in good else good_frame()
    results = verdicts(frame, change(column, **fields))
    assert {result.status for result in results.values()} == {"passed"}
    assert {result.detail for result in results.values()} == {""}
