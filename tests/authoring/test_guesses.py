"""What a draft guesses is a TODO with shapes for evidence, and no value of the file."""

import re
from pathlib import Path

import polars as pl
import pytest

from pipelines.authoring.draft import draft
from pipelines.authoring.guesses import guesses_of_form, has_decimal_commas
from pipelines.authoring.lint import UNFINISHED
from pipelines.authoring.shapes import shapes
from pipelines.machine.errors import ConfigurationError
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
    (["1 2", "3", "2 3"], "VARCHAR", "several answers in one cell"),
    (["1|2", "3|4"], "VARCHAR", "several answers in one cell"),
    (["1.234,50", "12.500,00"], "VARCHAR", "shapes `9.999,99`, `99.999,99`: they stay text"),
    (["12,34,567", "1,23,456"], "VARCHAR", "ask for digits and a decimal mark alone"),
    (["12 %", "7 %"], "VARCHAR", "shapes `99 %`, `9 %`: they stay text"),
    (["(125)", "77"], "VARCHAR", "shapes `(999)`, `99`: they stay text"),
    (["007", "012"], "VARCHAR", "`999` that begin with a zero"),
    (["10:30", "23:59"], "VARCHAR", "times of day or durations stay text; to count with them, ask for seconds"),
    (["26:15:00", "1:05 PM"], "VARCHAR", "shapes `99:99:99`, `9:99 AA`"),
    (["02-Jan-2024", "31-Dec-2024"], "VARCHAR", "shapes `99-Aaa-9999`: if these are dates"),
    (["2. März 2024", "31. Mai 2024"], "VARCHAR", "ask for YYYY-MM-DD"),
    (["2024-01", "2024-12"], "VARCHAR", "shapes `9999-99`: if these are dates"),
    (["2023-02-29", "2024-01-02"], "VARCHAR", "1 of 2 different texts of the shapes `9999-99-99` are no days of the calendar"),
    (["2024-01-02 24:00:00", "2024-01-02 01:00:00"], "VARCHAR", "up to 23:59:59"),
    (["2024-01-02T03:04:05Z"], "VARCHAR", "without its zone"),
    (["years", "44", "51", "60"], "VARCHAR", "numbers but for the first record (shapes `aaaaa`): labels or units"),
    (["44", "51", "60", "Total"], "VARCHAR", "numbers but for the last record (shapes `Aaaaa`): totals or notes"),
    (["44", "51", "85+", "60", "62", "70"], "VARCHAR", "they stay text"),
    (["44", "51", "?", "60", "62", "70"], "VARCHAR", "1 of 6 cells are no numbers (shapes `?`)"),
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


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (column("+4930123456", "+4930123457"), "2 numbers with a plus sign, which is not kept"),
        (column("20240229", "19991231"), "all numbers read as dates, YYYYMMDD"),
        (pl.Series("x", [20240229.0, None]), "all numbers read as dates, YYYYMMDD"),
        (column("20240230", "19991231"), ""),
        (pl.Series("x", [2.0**53, 5.0]), "1 numbers of more digits than a program that counts in floating point keeps"),
        (pl.Series("x", [2.0**53 - 1, 5.0]), ""),
        (column("cafÃ©", "x"), "letters of UTF-8 that a program took for Latin-1"),
    ],
)
def test_what_numbers_and_letters_may_have_lost_is_said(values: pl.Series, note: str) -> None:
    frame = pl.DataFrame([pl.Series("id", [str(n) for n in range(len(values))]), values])
    own = draft(frame, table="t", source="s", wave="1", file="f").contract.split('name: "x"')[1]
    assert [note in text for text in TODO.findall(own) if "required" not in text and "minimum" not in text] == [True] * bool(note)


def test_a_sign_that_may_separate_fields_is_left_to_a_person() -> None:
    frame = pl.DataFrame({"id^age": ["1^44", "2^51"]})
    [guess] = guesses_of_form(frame, Form(), Form())
    assert guess.startswith("separator: one column, and each line has as many `^` as the first")
    assert not guesses_of_form(pl.DataFrame({"how old?": ["44", "51"]}), Form(), Form())


def test_names_that_are_numbers_are_names_where_a_person_says_so() -> None:
    frame = pl.DataFrame({"country": ["DE"], "2020": ["1"]})
    with pytest.raises(ConfigurationError, match=r"name each column to describe \(--only\)"):
        draft(frame, table="t", source="s", wave="1", file="f")
    given = draft(frame, table="t", source="s", wave="1", file="f", only=["country", "2020"])
    assert 'name: "2020"' in given.contract


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
