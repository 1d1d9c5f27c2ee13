"""Every field of a contract becomes a rule or an error that says where to look."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
import yaml

from pipelines.contracts.model import Contract, ContractError, load_contracts
from pipelines.contracts.yaml_source import read_yaml
from tests.contracts.sleep_contract import columns, custom, document

Load = Callable[..., Contract]


def test_a_contract_has_its_columns_types_key_and_rules(load: Load) -> None:
    contract = load()
    assert contract.name == "raw.sleep"
    assert contract.key == ["person"]
    assert contract.column_types() == {
        "person": "INTEGER",
        "cramps": "INTEGER",
        "hours": "INTEGER",
        "weight": "DOUBLE",
        "note": "VARCHAR",
        "is_pregnant": "BOOLEAN",
    }
    assert [(rule.rule_id, rule.severity) for rule in contract.rules] == [
        ("table.primaryKey", "reject"),
        ("person.required", "reject"),
        ("cramps.codebook", "reject"),
        ("hours.codebook", "reject"),
    ]
    assert contract.column("hours").unit == "hours"
    assert contract.column("cramps").question == "How often?"
    assert not contract.column("is_pregnant").is_asked_in("first")


def test_a_contract_is_called_by_its_name_or_else_by_its_table(load: Load) -> None:
    named = document(columns()) | {"name": "How people sleep"}
    assert load(named).title == "How people sleep"
    assert load({key: value for key, value in named.items() if key != "name"}).title == "raw.sleep"


def test_a_fault_at_the_end_of_a_list_is_placed_at_the_list(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a:\n- b: 1\n- b: 2\n", encoding="utf-8")
    places = {step: read_yaml(path).place(("a", step)) for step in (0, 1, 2)}
    assert places == {0: f"{path}, line 2 (a.0)", 1: f"{path}, line 3 (a.1)", 2: f"{path}, line 1 (a.2)"}


def test_the_arrow_schema_has_exact_types_and_carries_descriptions_and_units(load: Load) -> None:
    schema = load().arrow_schema()
    assert schema.types == [pa.int32(), pa.int32(), pa.int32(), pa.float64(), pa.string(), pa.bool_()]
    assert schema.field("hours").metadata == {b"description": b"Hours of sleep", b"unit": b"hours"}
    assert all(field.nullable for field in schema)


def test_a_composite_key_goes_by_position(load: Load) -> None:
    properties = columns()
    properties[0] |= {"primaryKeyPosition": 2}
    properties[4] |= {"primaryKey": True, "primaryKeyPosition": 1}
    contract = load(document(properties))
    assert contract.key == ["note", "person"]
    assert contract.rules[0].kwargs == {"column_list": ["note", "person"]}


def test_the_codebook_is_a_frame_in_which_empty_fields_are_null(load: Load) -> None:
    frame = load().codebook_frame()
    assert frame.columns == ["variable", "received", "code", "meaning", "kind_of_missing"]
    assert frame.filter(pl.col("received") == "7").rows() == [("cramps", "7", None, "Refused", "refused")]
    assert frame.filter(pl.col("received") == "1").rows() == [("cramps", "1", "rarely", "Rarely (1 a month)", None)]


def test_the_severity_of_a_column_is_that_of_its_implied_rules(change: Load) -> None:
    contract = change("person", customProperties=custom(severity="set_aside"))
    assert {rule.rule_id: rule.severity for rule in contract.rules if "person" in rule.columns} == {
        "table.primaryKey": "set_aside",
        "person.required": "set_aside",
    }


def test_the_digest_follows_content_and_codebook_but_not_layout(load: Load, folder: Path) -> None:
    first = load()
    path = folder / "raw" / "sleep.odcs.yaml"
    path.write_text("# a comment\n" + yaml.safe_dump(document(columns()), sort_keys=True))
    assert load_contracts(folder)["raw.sleep"].digest == first.digest
    properties = columns()
    properties[3]["description"] = "Weight"
    assert load(document(properties)).digest != first.digest
    codebook = folder / "codebooks" / "sleep.csv"
    codebook.write_text(codebook.read_text().replace("Never", "Not once"))
    second = load()
    assert second.digest != first.digest
    assert second.codebook_digest != first.codebook_digest


def test_owners_are_the_team_and_those_of_its_members_who_have_not_left(load: Load) -> None:
    members = [{"username": "ada@example.org"}, {"username": "gone@example.org", "dateOut": "2025-01-31"}]
    assert load(document(columns()) | {"team": {"name": "sleep", "members": members}}).owners == ("team:sleep", "ada@example.org")
    assert load(document(columns()) | {"team": members}).owners == ("ada@example.org",)
    assert load().owners == ()


def test_another_owner_is_no_other_contract(load: Load) -> None:
    contract = load(document(columns()) | {"team": {"name": "sleep"}})
    assert (contract.digest, contract.digest_of_demands) == (load().digest, load().digest_of_demands)


WRONG_FIELDS: list[tuple[str, dict[str, Any], str]] = [
    ("weight", {"requird": True}, "requird is no field of the Open Data Contract Standard"),
    ("weight", {"relationships": [{"to": "a.b"}]}, "relationships is a field that nothing here keeps"),
    ("weight", {"physicalType": "FLOAT"}, "physicalType 'FLOAT' is not one of"),
    ("weight", {"logicalType": "string"}, "logicalType string does not go with physicalType DOUBLE"),
    ("weight", {"description": ""}, "description must be given"),
    ("weight", {"logicalTypeOptions": {"minimun": 0}}, "minimun): unknown"),
    ("weight", {"logicalTypeOptions": {"minimum": "0"}}, "must be a number on a numeric column"),
    ("weight", {"logicalTypeOptions": {"minimum": float("nan")}}, "must be a finite number; found nan"),
    ("weight", {"logicalTypeOptions": {"maximum": float("inf")}}, "must be a finite number; found inf"),
    ("weight", {"logicalTypeOptions": {"minimum": 2, "maximum": 1}}, "the range 2 to 1 holds nothing"),
    ("weight", {"logicalTypeOptions": {"minimum": 0, "exclusiveMinimum": 0}}, "either minimum or exclusiveMinimum"),
    ("note", {"logicalTypeOptions": {"minimum": 0}}, "must be a number on a numeric column; note is VARCHAR"),
    ("weight", {"logicalTypeOptions": {"pattern": "a"}}, "goes with VARCHAR; weight is DOUBLE"),
    ("note", {"logicalTypeOptions": {"pattern": "(a"}}, "not a regular expression"),
    ("note", {"logicalTypeOptions": {"maxLength": 2.5}}, "must be a whole number on a VARCHAR column"),
    ("note", {"logicalTypeOptions": {"enum": ["yes", True]}}, "True is no VARCHAR"),
    ("note", {"logicalTypeOptions": {"enum": []}}, "a list with at least one value"),
    ("weight", {"customProperties": custom(units="kg")}, "custom property 'units' is unknown"),
    ("weight", {"customProperties": [*custom(unit="kg"), *custom(unit="g")]}, "custom property unit is given twice"),
    ("weight", {"customProperties": custom(severity="fatal"), "unique": True}, "severity 'fatal' is unknown"),
    ("weight", {"customProperties": custom(waves="first")}, "waves must be a list"),
    ("weight", {"customProperties": custom(codebook="yes")}, "codebook must be true or false"),
    ("weight", {"customProperties": custom(codebook=True)}, "the codebook lists no value of it"),
    ("weight", {"customProperties": custom(codebookVariable="cramps")}, "codebookVariable needs codebook: true"),
    (
        "weight",
        {"customProperties": custom(codebook=True, codebookVariable="cramps")},
        "lists '0', which DOUBLE would never print",
    ),
    ("weight", {"name": "Cramps"}, "Cramps has the same name as cramps"),
    ("weight", {"name": 'we"ight'}, "without quotes and control characters"),
    ("weight", {"quality": [{"metric": "nulValues", "mustBe": 0}]}, "metric 'nulValues' has no rule for column weight"),
    ("weight", {"quality": [{"metric": "nullValues", "mustBeLessThan": 5}]}, "with unit: percent"),
    ("weight", {"quality": [{"metric": "nullValues", "mustBe": 0, "mustBeLessThan": 5}]}, "one operator out of"),
    ("weight", {"quality": [{"metric": "nullValues", "mustBe": 0, "schedule": "daily"}]}, "schedule means nothing"),
    ("weight", {"quality": [{"metric": "nullValues", "mustBe": 0, "severity": "error"}]}, "severity 'error' is unknown"),
    (
        "weight",
        {"quality": [{"metric": "nullValues", "mustBeLessThan": 5, "unit": "percent", "severity": "set_aside"}]},
        "set aside",
    ),
    (
        "weight",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"values": [1]}}]},
        "either validValues or pattern",
    ),
    (
        "weight",
        {"quality": [{"metric": "invalidValues", "mustBe": 3, "arguments": {"validValues": [1.5]}}]},
        "only be `mustBe: 0`",
    ),
    ("weight", {"quality": [{"type": "text", "description": "is fine"}]}, "type 'text' has no rule"),
    ("weight", {"quality": [{"type": "custom", "engine": "soda", "implementation": {}}]}, "engine 'soda' is not run here"),
    ("weight", {"quality": [{"type": "custom", "engine": "greatExpectations", "implementation": "x"}]}, "must hold `type`"),
    ("weight", {"quality": [{"type": "sql", "query": "select 1"}]}, "offending rows of `{batch}`"),
    ("weight", {"quality": [{"metric": "nullValues", "mustBe": 0}] * 2}, "two rules are called weight.nullValues"),
]


@pytest.mark.parametrize(("name", "fields", "expected"), WRONG_FIELDS, ids=[text for _, _, text in WRONG_FIELDS])
def test_a_wrong_field_of_a_column_is_an_error(
    change: Load, folder: Path, name: str, fields: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ContractError) as raised:
        change(name, **fields)
    assert expected in str(raised.value)
    assert f"{folder / 'raw' / 'sleep.odcs.yaml'}, line " in str(raised.value)


WRONG_QUALITY: list[tuple[dict[str, Any], str]] = [
    ({"metric": "rowCount", "mustBeGreaterThan": 0.5}, "a whole number of at least 0"),
    ({"metric": "rowCount", "mustNotBe": 0}, "mustNotBe means nothing"),
    ({"metric": "rowCount", "mustBe": 3, "unit": "percent"}, "neither a unit other than rows"),
    ({"metric": "rowCount", "mustBe": 3, "severity": "set_aside"}, "not a rule about single rows"),
    ({"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["person", "wave"]}}, "no column 'wave'"),
    ({"metric": "duplicateValues", "mustBe": 0}, "must hold `properties`"),
    (
        {"metric": "duplicateValues", "mustBeLessThan": 5, "unit": "percent", "arguments": {"properties": ["person"]}},
        "only be `mustBe: 0`",
    ),
    ({"metric": "nullValues", "mustBe": 0}, "has no rule for the table"),
]


@pytest.mark.parametrize(("entry", "expected"), WRONG_QUALITY, ids=[text for _, text in WRONG_QUALITY])
def test_a_wrong_quality_entry_of_the_table_is_an_error(change: Load, entry: dict[str, Any], expected: str) -> None:
    with pytest.raises(ContractError) as raised:
        change(table_quality=[entry])
    assert expected in str(raised.value)


WRONG_HEADS: list[tuple[dict[str, Any], str]] = [
    ({"apiVersion": "v2.2.0"}, "apiVersion): must be v3.1.0"),
    ({"id": "raw.sleeps"}, "id): must be raw.sleep"),
    ({"version": None}, "version): must be given"),
    ({"schema": []}, "exactly one table"),
    ({"team": {"name": "sleep", "members": [{"username": "ada"}]}}, "username must be the e-mail address"),
    ({"slaProperties": []}, "slaProperties is a field that nothing here keeps"),
    ({"datasetName": "x"}, "datasetName is no field"),
]


@pytest.mark.parametrize(("fields", "expected"), WRONG_HEADS, ids=[text for _, text in WRONG_HEADS])
def test_a_wrong_head_is_an_error(load: Load, fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(ContractError) as raised:
        load({**document(columns()), **fields})
    assert expected in str(raised.value)


def with_share(share: object) -> dict[str, Any]:
    contract = document(columns())
    contract["schema"][0]["customProperties"] = [{"property": "maxShareSetAside", "value": share}]
    return contract


@pytest.mark.parametrize("share", [-0.01, 1.01, True, "5 %"])
def test_a_share_of_records_set_aside_outside_0_to_1_is_an_error(load: Load, share: object) -> None:
    with pytest.raises(ContractError, match="maxShareSetAside must be a number from 0 to 1"):
        load(with_share(share))


@pytest.mark.parametrize("share", [0, 0.05, 1])
def test_a_share_of_records_set_aside_is_read(load: Load, share: float) -> None:
    assert load(with_share(share)).max_share_set_aside == share


def test_an_error_names_the_line_of_the_field(load: Load, folder: Path) -> None:
    path = folder / "raw" / "sleep.odcs.yaml"
    load()
    lines = path.read_text().splitlines()
    number = next(number for number, line in enumerate(lines, start=1) if "physicalType: DOUBLE" in line)
    path.write_text(path.read_text().replace("physicalType: DOUBLE", "physicalType: DUOBLE"))
    with pytest.raises(ContractError) as raised:
        load_contracts(folder)
    assert raised.value.problems == [
        f"{path}, line {number} (schema.0.properties.3.physicalType): weight: physicalType 'DUOBLE' is not one of "
        "VARCHAR, DOUBLE, INTEGER, BIGINT, BOOLEAN, DATE, TIMESTAMP."
    ]


def test_a_field_given_twice_is_an_error(load: Load, folder: Path) -> None:
    load()
    path = folder / "raw" / "sleep.odcs.yaml"
    path.write_text(path.read_text().replace("version: 1.0.0", "version: 1.0.0\nversion: 1.0.1"))
    with pytest.raises(ContractError, match="`version` is given twice"):
        load_contracts(folder)


@pytest.mark.parametrize("text", ["", "- a\n", "schema: [\n"], ids=["empty", "a list", "not YAML"])
def test_a_file_that_is_no_contract_is_an_error(folder: Path, text: str) -> None:
    path = folder / "raw" / "sleep.odcs.yaml"
    path.write_text(text)
    with pytest.raises(ContractError) as raised:
        load_contracts(folder)
    assert str(raised.value).startswith(str(path))


def test_the_problems_of_all_files_are_reported_together(load: Load, folder: Path) -> None:
    load()
    good = (folder / "raw" / "sleep.odcs.yaml").read_text()
    (folder / "raw" / "sleep.odcs.yaml").write_text(good.replace("BOOLEAN", "BOOL").replace("VARCHAR", "TEXT"))
    (folder / "core").mkdir()
    (folder / "core" / "sleep.odcs.yaml").write_text(good)
    (folder / "raw" / "paq.yaml").write_text(good)
    with pytest.raises(ContractError) as raised:
        load_contracts(folder)
    text = "\n".join(raised.value.problems)
    assert len(raised.value.problems) == 4
    for expected in ("'BOOL'", "'TEXT'", "must be core.sleep, found raw.sleep", "paq.yaml: not a contract"):
        assert expected in text


def test_a_codebook_without_a_table_is_an_error(load: Load, folder: Path) -> None:
    load()
    (folder / "codebooks" / "slepe.csv").write_text("variable,received,code,meaning,kind_of_missing\n")
    with pytest.raises(ContractError, match=r"slepe\.csv: no contract of a table slepe"):
        load_contracts(folder)


def test_a_missing_codebook_is_an_error(load: Load, folder: Path) -> None:
    (folder / "codebooks" / "sleep.csv").unlink()
    with pytest.raises(ContractError, match="cramps has codebook: true, but there is no"):
        load()


WRONG_LINES = [
    ("cramps,8,x,Eight\n", "line 8: expected 5 fields, found 4"),
    ("crampz,8,x,Eight,\n", "the table has no variable 'crampz'"),
    ("cramps,1,x,One,\n", "cramps lists the value '1' twice"),
    ("cramps,8,,Refused,declined\n", "kind_of_missing 'declined' is unknown"),
    ("cramps,8,,Eight,\n", "neither a code nor a kind_of_missing"),
    ("cramps,8,x,,\n", "must both be given"),
    ("cramps,eight,x,Eight,\n", "lists 'eight', which INTEGER would never print"),
    ("cramps,08,x,Eight,\n", "lists '08', which INTEGER would never print"),
    ('cramps,8,x,"Eight,\n', "not valid CSV"),
]


@pytest.mark.parametrize(("line", "expected"), WRONG_LINES, ids=[text for _, text in WRONG_LINES])
def test_a_wrong_line_of_a_codebook_is_an_error(load: Load, folder: Path, line: str, expected: str) -> None:
    path = folder / "codebooks" / "sleep.csv"
    path.write_text(path.read_text() + line)
    with pytest.raises(ContractError) as raised:
        load()
    assert expected in str(raised.value)


def test_a_codebook_with_another_header_is_an_error(load: Load, folder: Path) -> None:
    (folder / "codebooks" / "sleep.csv").write_text("variable,value,label\n")
    with pytest.raises(ContractError, match="the header must be `variable,received,code,meaning,kind_of_missing`"):
        load()


def test_a_codebook_may_list_exceptions_of_a_column_that_is_not_coded(load: Load, folder: Path) -> None:
    path = folder / "codebooks" / "sleep.csv"
    path.write_text(path.read_text() + "note,99999,,Don't know,dont_know\n")
    contract = load()
    assert contract.codebook is not None
    assert contract.codebook.received("note") == ["99999"]
    assert not [rule for rule in contract.rules if rule.column == "note"]
