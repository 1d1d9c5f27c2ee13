"""What changes of a codebook mean for who reads the table."""

from collections.abc import Callable

import pytest

from pipelines.authoring.versions import Impact
from tests.authoring.changed_contracts import column, nothing, without
from tests.contracts.sleep_contract import CODEBOOK


def codes(before: str, after: str) -> tuple[str, str]:
    """The codebook with one text replaced."""
    assert CODEBOOK.count(before) == 1
    return CODEBOOK, CODEBOOK.replace(before, after)


CODE_CHANGES: list[tuple[str, tuple[str, str], list[tuple[Impact, str]]]] = [
    (
        "added",
        codes("cramps,7", "cramps,2,often,Often,\ncramps,7"),
        [("compatible", "code 2 of cramps (Often): added; a query that tells all codes apart must know it")],
    ),
    (
        "added where it was an ordinary number",
        codes("hours,77", "hours,9,,Don't know,dont_know\nhours,77"),
        [("breaking", "code 9 of hours (Don't know): added; it was an ordinary number before")],
    ),
    (
        "added at the upper limit of the ordinary numbers",
        codes("hours,77", "hours,11,11,11 or more,\nhours,77"),
        [("breaking", "code 11 of hours (11 or more): added; it was an ordinary number before")],
    ),
    (
        "added just above the ordinary numbers",
        codes("hours,77", "hours,12,12,12 or more,\nhours,77"),
        [("compatible", "code 12 of hours (12 or more): added; a query that tells all codes apart must know it")],
    ),
    (
        "removed",
        codes("cramps,9,,Don't know,dont_know\n", ""),
        [("breaking", "code 9 of cramps (Don't know): removed; a look-up of it finds nothing")],
    ),
    ("recoded", codes("1,rarely", "1,seldom"), [("breaking", "code 1 of cramps: recoded rarely -> seldom")]),
    (
        "kind of missing",
        codes("cramps,7,,Refused,refused", "cramps,7,,Refused,missing"),
        [("breaking", "code 7 of cramps: kind of missing refused -> missing")],
    ),
    (
        "an answer that counts as missing",
        codes("0,never,Never,", "0,never,Never,not_asked"),
        [("breaking", "code 0 of cramps: kind of missing an answer -> not_asked")],
    ),
    (
        "meaning",
        codes('"Rarely (1 a month)"', '"Rarely (2 a month)"'),
        [("breaking", "code 1 of cramps: meaning 'Rarely (1 a month)' -> 'Rarely (2 a month)'")],
    ),
    (
        "spelling of the meaning",
        codes('"Rarely (1 a month)"', '"rarely, 1 a month"'),
        [("descriptive", "code 1 of cramps: meaning 'Rarely (1 a month)' -> 'rarely, 1 a month'")],
    ),
]


@pytest.mark.parametrize(("codebooks", "expected"), [case[1:] for case in CODE_CHANGES], ids=[case[0] for case in CODE_CHANGES])
def test_each_kind_of_change_of_a_code_is_named_and_weighed(
    compared: Callable[..., list[tuple[Impact, str]]], codebooks: tuple[str, str], expected: list[tuple[Impact, str]]
) -> None:
    assert compared(nothing, nothing, codebooks) == expected


def test_a_code_that_becomes_an_ordinary_number_says_so(compared: Callable[..., list[tuple[Impact, str]]]) -> None:
    wider = column("hours", logicalTypeOptions={"minimum": 1, "maximum": 77})
    found = compared(wider, wider, codes("hours,77,,Refused,refused\n", ""))
    assert found == [("breaking", "code 77 of hours (Refused): removed; it reads as an ordinary number now")]


def test_the_codes_of_a_removed_column_are_part_of_it(compared: Callable[..., list[tuple[Impact, str]]]) -> None:
    without_codes = "\n".join(line for line in CODEBOOK.splitlines() if not line.startswith("cramps"))
    assert compared(nothing, without("cramps"), (CODEBOOK, without_codes)) == [("breaking", "column cramps: removed")]
