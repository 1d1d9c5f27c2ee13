"""What a draft guesses is a TODO with shapes for evidence, and no value of the file."""

import re
from pathlib import Path

import polars as pl
import pytest

from pipelines.authoring.draft import draft
from pipelines.authoring.guesses import guesses_of_form, has_decimal_commas, shapes
from pipelines.authoring.lint import UNFINISHED
from pipelines.project.form import Form
from tests.landing.readers.here import read_here
from tests.small_deliveries import CASES

TODO = re.compile("# TODO (.*)")


def column(*texts: str) -> pl.Series:
    return pl.Series("x", texts, dtype=pl.String)


def drafted(values: pl.Series, decimal: str = ".", is_guessed: bool = False) -> tuple[str, list[str]]:
    """The type that is drafted for a column, and what is left to decide about it."""
    frame = pl.DataFrame([pl.Series("id", [str(n) for n in range(len(values))]), values])
    given = draft(frame, table="t", source="s", wave="1", file="f", decimal=decimal, is_decimal_guessed=is_guessed)
    own = given.contract.split('name: "x"')[1]
    kind = re.search("physicalType: (.*)", own)
    assert kind
    return kind[1], [text for text in TODO.findall(own) if "shapes" in text or "read `" in text]


@pytest.mark.parametrize(
    ("texts", "are_decimal"),
    [
        (["170,5", "3,25"], True),
        (["0,5"], False),
        (["7,5", "3,0"], True),
        (["1,2345"], True),
        (["-3,5"], True),
        (["1,234", "12,500", "999"], False),
        (["1,2", "2,3", "1"], False),
        (["1,2,3", "170,5"], False),
        (["1,2"], False),
        (["0,5", "10,5"], True),
        (["1,234,567"], False),
        (["a,b", "170,5"], False),
        (["3.5"], False),
    ],
)
def test_a_comma_is_the_decimal_mark_only_where_it_can_be_nothing_else(texts: list[str], are_decimal: bool) -> None:
    assert has_decimal_commas(column(*texts)) is are_decimal


NOTES = [
    (["1,234", "12,500", "999"], "VARCHAR", "`9,999`, `99,999`"),
    (["1,2", "2,3", "1"], "VARCHAR", "several answers in one cell"),
    (["1 234", "12 500", "7"], "VARCHAR", "`9 999`, `99 999`"),
    (["1.234", "12.500"], "DOUBLE", "`9.999`, `99.999`"),
    (["1.23E+11", "4.56E+11"], "DOUBLE", "`9.99A+99`"),
    (["24-01-02", "99-12-31"], "VARCHAR", "`99-99-99`"),
    (["29/02/2024", "1/3/2024"], "VARCHAR", "`99/99/9999`, `9/9/9999`"),
    (["1E2", "10E1"], "VARCHAR", "`9A9`, `99A9`"),
    (["NA", "44", "51"], "VARCHAR", "1 of 3 cells read `NA`"),
    (["NA", "44", "51"], "VARCHAR", "`form: {missing: NA}` in the source's file"),
    (["NA", "44", "51"], "VARCHAR", "the other cells fit INTEGER"),
    (["-", "a", "b"], "VARCHAR", '`form: {missing: "-"}`'),
]


@pytest.mark.parametrize(("texts", "kind", "evidence"), NOTES)
def test_what_is_doubtful_is_left_to_a_person(texts: list[str], kind: str, evidence: str) -> None:
    drafted_kind, notes = drafted(column(*texts))
    assert drafted_kind == kind
    assert evidence in "\n".join(notes)
    assert not any(text in note for note in notes for text in texts if len(text) > 2 and set(text) != {"9"})


@pytest.mark.parametrize("texts", [["1.5", "2.25"], ["44", "51"], ["yes", "no"], ["2024-02-29"], ["1e-05", "0.5"]])
def test_what_is_plain_needs_no_note(texts: list[str]) -> None:
    assert drafted(column(*texts))[1] == []


def test_a_guessed_comma_holds_for_the_columns_that_allow_no_other_reading() -> None:
    assert drafted(column("170,5", "3,25"), ",", is_guessed=True)[0] == "DOUBLE"
    assert drafted(column("1,2", "2,3"), ",", is_guessed=True)[0] == "VARCHAR"
    assert drafted(column("1,2", "2,3"), ",", is_guessed=False)[0] == "DOUBLE"


def test_a_shape_shows_no_letter_and_no_digit() -> None:
    assert shapes(["Łódź 7", "P³eæ", "1,5"]) == "`Aaaa 9`, `A9aa`, `9,9`"
    assert shapes(["कि", "¿x\u2615"]) == "`aa`, `¿a?`"


def test_a_guessed_encoding_is_left_to_a_person_and_lint_finds_it(tmp_path: Path) -> None:
    frame = read_here(CASES / "csv_cp1250.csv", tmp_path, encoding="cp1252").frame
    [guess] = guesses_of_form(frame, Form(encoding="cp1252"), Form())
    assert "cp1252 is a guess" in guess
    assert "`aa¿aaaaaa`" in guess
    assert not guesses_of_form(frame, Form(encoding="cp1252"), Form(encoding="cp1252"))
    given = draft(frame, table="t", source="s", wave="1", file="f", form="form: {encoding: cp1252}", form_todo=[guess])
    [line] = [line for line in given.source.splitlines() if guess in line]
    assert UNFINISHED.search(line)
