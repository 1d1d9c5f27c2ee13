"""Marks of missing values are declared, dates are whole, and names are equal whatever their Unicode form."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.contracts.expectations import SchemaProblems
from pipelines.contracts.model import Contract, load_contract
from pipelines.contracts.yaml_source import ContractError
from pipelines.landing.finding import found_below
from pipelines.raw.casting import cast_values
from pipelines.raw.conform import conform

NFC, NFD = "gr\u00f6\u00dfe", "gro\u0308\u00dfe"


@pytest.fixture
def contract(tmp_path: Path) -> Callable[..., Contract]:
    """A contract of columns: name -> (type, marks of missing values)."""

    def load(columns: dict[str, tuple[str, Any]]) -> Contract:
        path = tmp_path / "raw" / "t.odcs.yaml"
        path.parent.mkdir(exist_ok=True)
        listed = [
            {"name": name, "physicalType": kind, "description": "x"}
            | ({"customProperties": [{"property": "missing", "value": marks}]} if marks else {})
            for name, (kind, marks) in columns.items()
        ]
        content = {
            **{"apiVersion": "v3.1.0", "kind": "DataContract", "id": "raw.t", "name": "t", "version": "0.1.0", "status": "draft"},
            "schema": [{"name": "t", "description": "One row per x", "properties": listed}],
        }
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return load_contract(path, tmp_path / "codebooks")

    return load


def conformed(frame: pl.DataFrame, contract: Contract, missing: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = conform(frame, contract, "1", missing=missing).to_pydict()
    return table


def problem(frame: pl.DataFrame, contract: Contract) -> str:
    with pytest.raises(SchemaProblems) as raised:
        conform(frame, contract, "1")
    return "\n".join(raised.value.problems)


DATES = [
    ("2024-02-29", date(2024, 2, 29)),
    ("2024-2-9", date(2024, 2, 9)),
    ("24-02-29", None),
    ("99-12-31", None),
    ("0024-02-29x", None),
    ("0001-01-01", date(1, 1, 1)),
    ("0000-02-29", None),
    ("20240229", None),
    ("29-02-2024", None),
    ("12024-02-29", None),
    ("+2024-02-29", None),
]


@pytest.mark.parametrize(("text", "expected"), DATES)
def test_a_date_has_a_year_of_four_digits(text: str, expected: date | None) -> None:
    values, misfits = cast_values(pl.Series("x", [text]), "DATE")
    assert values.to_list() == [expected]
    assert sum(misfit.n_values for misfit in misfits) == (expected is None)


INSTANTS = [
    ("2024-02-29 10:30:00", datetime(2024, 2, 29, 10, 30)),
    ("2024-02-29T10:30:00.123456000", datetime(2024, 2, 29, 10, 30, 0, 123456)),
    ("24-02-29 10:30:00", None),
    ("2024-02-29 10:30:00.1234567", None),
    ("2024-02-29 23:59:60", None),
    ("0000-02-29 10:30:00", None),
    ("2024-02-29 24:00:00", None),
    ("2024-02-29 10:30:00Z", None),
    ("2024-02-29 10:30:00+02:00", None),
]


@pytest.mark.parametrize(("text", "expected"), INSTANTS)
def test_an_instant_is_whole_and_has_no_zone(text: str, expected: datetime | None) -> None:
    values, misfits = cast_values(pl.Series("x", [text]), "TIMESTAMP")
    assert values.to_list() == [expected]
    assert sum(misfit.n_values for misfit in misfits) == (expected is None)


def test_a_mark_of_the_file_is_missing_in_columns_that_are_no_text(contract: Callable[..., Contract]) -> None:
    frame = pl.DataFrame({"age": ["NA", "44", " NA "], "country": ["NA", "DE", "NA"]})
    expected = {"age": [None, 44, None], "country": ["NA", "DE", "NA"]}
    assert conformed(frame, contract({"age": ("INTEGER", None), "country": ("VARCHAR", None)}), ("NA",)) == expected


def test_a_mark_of_a_column_is_missing_in_it_alone(contract: Callable[..., Contract]) -> None:
    frame = pl.DataFrame({"age": ["NA", "44", "."], "country": ["NA", "-", "DE"]})
    given = contract({"age": ("INTEGER", ["NA", "."]), "country": ("VARCHAR", "-")})
    assert conformed(frame, given) == {"age": [None, 44, None], "country": ["NA", None, "DE"]}


@pytest.mark.parametrize("marks", [[1], {"a": 1}, [" "], 7])
def test_a_mark_that_is_no_text_is_refused(contract: Callable[..., Contract], marks: object) -> None:
    with pytest.raises(ContractError, match="missing must be a mark in quotes"):
        contract({"age": ("INTEGER", marks)})


def test_an_undeclared_mark_is_told(contract: Callable[..., Contract]) -> None:
    text = problem(pl.DataFrame({"age": ["NA", "44", "NA", "-", "x"]}), contract({"age": ("INTEGER", None)}))
    assert "4 of 5 rows with texts of 1 to 2 characters that are not a number (2 read `NA`, 1 read `-`" in text
    assert "declare `form: {missing: NA}` in the source's file, or `missing` for the column in the contract" in text


@pytest.mark.parametrize(("delivered", "described"), [(NFC, NFD), (NFD, NFC)])
def test_names_are_equal_whatever_their_unicode_form(contract: Callable[..., Contract], delivered: str, described: str) -> None:
    given = contract({described: ("INTEGER", None)})
    assert conformed(pl.DataFrame({delivered: ["170"]}), given) == {described: [170]}


@pytest.mark.parametrize(
    ("delivered", "how"), [("AGE", "in letter case only"), (" age", "in blanks, letter case or Unicode form only")]
)
def test_names_that_differ_in_their_letters_alone_are_told(contract: Callable[..., Contract], delivered: str, how: str) -> None:
    given = contract({"age": ("INTEGER", None), "x": ("INTEGER", None)})
    assert f"this one differs {how}" in problem(pl.DataFrame({delivered: ["1"], "x": ["1"]}), given)


@pytest.mark.parametrize(
    ("stored", "declared"),
    [
        (f"2024/{NFD}.csv", f"2024/{NFC}.csv"),
        (f"{NFD}/people.csv", f"{NFC}/people.csv"),
        ("Wave2024/PEOPLE.CSV", "wave2024/people.csv"),
        ("2024/people.csv", "2024/people.csv"),
    ],
)
def test_a_file_is_found_whatever_the_form_of_its_name(tmp_path: Path, stored: str, declared: str) -> None:
    (tmp_path / stored).parent.mkdir(parents=True)
    (tmp_path / stored).touch()
    assert found_below(tmp_path, declared) == tmp_path / stored
    assert found_below(tmp_path, declared.replace("p", "q").replace(NFC, "x").replace("2024", "2025")) is None
