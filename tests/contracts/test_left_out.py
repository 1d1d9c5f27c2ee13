"""A contract may leave delivered columns out by name: they are not looked at, and nothing is left out in silence."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from pipelines.authoring.compare import changes
from pipelines.authoring.dictionary import _table as described
from pipelines.contracts.expectations import SchemaProblems
from pipelines.contracts.model import Contract, ContractError
from pipelines.raw.conform import conform
from tests.contracts.sleep_contract import columns, document, good_frame

Load = Callable[..., Contract]

SCANS = pl.Series("scans", [[1], [2], [], [3]])
"""A column that no contract can hold."""


def leaving_out(load: Load, *names: Any) -> Contract:
    content = document(columns())
    content["schema"][0].setdefault("customProperties", []).append({"property": "columnsLeftOut", "value": list(names)})
    return load(content)


def test_a_column_that_is_left_out_may_be_delivered_or_not(load: Load) -> None:
    contract = leaving_out(load, "scans")
    assert contract.left_out == ("scans",)
    frame = good_frame()
    assert conform(frame.with_columns(SCANS), contract, "second").equals(conform(frame, contract, "second"))
    twice = frame.with_columns(SCANS, SCANS.alias("scans_duplicated_0"))
    assert conform(twice, contract, "second").equals(conform(frame, contract, "second"))


def test_a_column_that_is_neither_described_nor_left_out_rejects_the_delivery(load: Load) -> None:
    frame = good_frame().with_columns(SCANS, extra=pl.lit(1))
    with pytest.raises(SchemaProblems, match=r"column extra: delivered, but not in the contract .* `columnsLeftOut`"):
        conform(frame, leaving_out(load, "scans"), "second")


def test_a_fault_of_a_column_counts_only_where_the_column_is_taken_in(load: Load) -> None:
    frame = good_frame().with_columns(SCANS)
    faults = {"scans": "dates beyond the year 9999", "hours": "dates beyond the year 9999"}
    with pytest.raises(SchemaProblems) as raised:
        conform(frame, leaving_out(load, "scans"), "second", faults=faults)
    assert raised.value.problems == [
        "column hours: delivered with dates beyond the year 9999. Ask the provider for a corrected file, or name the column in "
        "`columnsLeftOut` of the contract."
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["hours"], "columnsLeftOut: hours is among the properties, too"),
        (["x", "x"], "columnsLeftOut: x is given twice"),
        ([""], "columnsLeftOut must be a list of names"),
        ([3], "columnsLeftOut must be a list of names"),
    ],
)
def test_a_wrong_list_is_refused_when_the_contract_is_loaded(load: Load, names: list[Any], expected: str) -> None:
    with pytest.raises(ContractError, match=r"sleep.odcs.yaml, line \d+") as raised:
        leaving_out(load, *names)
    assert expected in str(raised.value)


def test_the_data_dictionary_lists_what_is_left_out(load: Load) -> None:
    assert "Delivered as well, and not taken in: `scans`." in list(described(leaving_out(load, "scans"), None))
    assert not any("not taken in" in block for block in described(load(), None))


def test_what_is_left_out_is_a_change_in_words(load: Load) -> None:
    before, after = load(), leaving_out(load, "scans")
    assert [(change.impact, change.text) for change in changes(before, after)] == [
        ("descriptive", "delivered columns that are not taken in: none -> scans")
    ]
