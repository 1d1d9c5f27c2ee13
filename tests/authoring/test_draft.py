"""A draft states what every value of the file fits, lists only what may be listed, and loads."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.authoring.draft import Draft, draft
from pipelines.contracts.model import Contract, load_contract
from pipelines.machine.errors import ConfigurationError
from pipelines.project.sources import load_source
from pipelines.raw.conform import conform

MARKER = "Zanzibar4711"
"""A respondent's answer that no draft may hold."""


def drafted(frame: pl.DataFrame, **given: Any) -> Draft:
    return draft(frame, **{"table": "people", "source": "clinic", "wave": "2024", "file": "2024/people.csv", **given})


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Draft], Contract]:
    """Write a draft's contract and codebook and load them."""

    def write_and_load(given: Draft) -> Contract:
        for name in ("raw", "codebooks"):
            (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / "raw" / "people.odcs.yaml").write_text(given.contract, encoding="utf-8")
        if given.codebook:
            (tmp_path / "codebooks" / "people.csv").write_text(given.codebook, encoding="utf-8")
        return load_contract(tmp_path / "raw" / "people.odcs.yaml", tmp_path / "codebooks")

    return write_and_load


def texts(*values: str | None) -> pl.Series:
    return pl.Series("x", values, dtype=pl.String)


TYPES: list[tuple[str, pl.Series, str]] = [
    ("whole numbers", texts("1", "-2", None), "INTEGER"),
    ("whole numbers with padding and a point", texts(" 1 ", "2.0", ""), "INTEGER"),
    ("the largest INTEGER", texts("2147483647"), "INTEGER"),
    ("beyond INTEGER", texts("2147483648"), "BIGINT"),
    ("beyond BIGINT", texts("9223372036854775808"), "VARCHAR"),
    ("a long number among fractions", texts("0.5", "1234567890123456"), "VARCHAR"),
    ("fractions", texts("1", "2.5"), "DOUBLE"),
    ("numbers that begin with a zero", texts("007", "012"), "VARCHAR"),
    ("identifiers with a letter E", texts("1E2", "10E1", "3E5"), "VARCHAR"),
    ("an exponent with a sign, as R writes it", texts("1e+05", "2.5"), "DOUBLE"),
    ("years of two digits", texts("24-01-02", "99-12-31"), "VARCHAR"),
    ("times finer than a microsecond", texts("2024-02-29 10:00:00.1234567"), "VARCHAR"),
    ("a zero before the point", texts("0.5", "0"), "DOUBLE"),
    ("dates", texts("2024-02-29", None), "DATE"),
    ("a date that there is not", texts("2023-02-29"), "VARCHAR"),
    ("dates in another order", texts("29/02/2024"), "VARCHAR"),
    ("instants", texts("2024-02-29 10:00:00", "2024-02-29T10:00:00"), "TIMESTAMP"),
    ("true and false", texts("true", "FALSE"), "BOOLEAN"),
    ("yes and no", texts("yes", "no"), "VARCHAR"),
    ("no value", texts(None, ""), "VARCHAR"),
    ("whole floats", pl.Series("x", [1.0, 2.0]), "INTEGER"),
    ("floats", pl.Series("x", [1.5, None]), "DOUBLE"),
    ("small integers", pl.Series("x", [1], dtype=pl.Int8), "INTEGER"),
    ("large integers", pl.Series("x", [2**40]), "BIGINT"),
    ("date values", pl.Series("x", [date(2024, 1, 1)]), "DATE"),
    ("instant values", pl.Series("x", [datetime(2024, 1, 1, 12)]), "TIMESTAMP"),
    ("boolean values", pl.Series("x", [True, None]), "BOOLEAN"),
    ("categories", pl.Series("x", ["a", "b"], dtype=pl.Categorical), "VARCHAR"),
]


@pytest.mark.parametrize(("values", "expected"), [case[1:] for case in TYPES], ids=[case[0] for case in TYPES])
def test_a_column_gets_the_narrowest_type_that_all_values_fit(
    load: Callable[[Draft], Contract], values: pl.Series, expected: str
) -> None:
    frame = pl.DataFrame([values])
    contract = load(drafted(frame))
    assert contract.column("x").type == expected
    assert conform(frame, contract, "2024").num_rows == frame.height


def people() -> pl.DataFrame:
    """Six respondents as a CSV file delivers them: an identifier, a code, a measurement, two texts."""
    return pl.DataFrame(
        {
            "id": ["1", "2", "3", "4", "5", "6"],
            "sleep": ["1", "2", "1", "9", "1", "2"],
            "height": ["170.5", "160.25", "", "181.5", "177.5", "190.5"],
            "town": [MARKER, "Ayr", MARKER, "Ayr", "Ayr", MARKER],
            "note": [f"{MARKER} {number}" for number in range(6)],
        }
    )


def test_few_whole_numbers_are_listed_as_codes_and_texts_are_not(load: Callable[[Draft], Contract]) -> None:
    given = drafted(people())
    assert given.codebook == "variable,received,code,meaning,kind_of_missing\nsleep,1,1,TODO,\nsleep,2,2,TODO,\nsleep,9,9,TODO,\n"
    assert MARKER not in given.contract + given.codebook + given.source
    assert {column.name: column.codebook_variable for column in load(given).columns} == {
        "id": None,
        "sleep": "sleep",
        "height": None,
        "town": None,
        "note": None,
    }


def test_texts_are_listed_on_demand_where_there_are_few(load: Callable[[Draft], Contract]) -> None:
    given = drafted(people(), list_text_values=True)
    contract = load(given)
    assert contract.codebook is not None
    assert contract.codebook.received("town") == ["Ayr", MARKER]
    assert contract.codebook.variables == ["sleep", "town"]


def test_a_draft_holds_no_range_of_the_data(load: Callable[[Draft], Contract]) -> None:
    given = drafted(people())
    assert [rule.rule_id for rule in load(given).rules] == ["sleep.codebook", "table.rowCount"]
    assert "160.25" not in given.contract
    assert "190.5" not in given.contract


@pytest.mark.parametrize(
    ("n_codes", "n_rows", "is_coded"),
    [(20, 40, True), (20, 39, False), (21, 84, False), (1, 2, True), (1, 1, False)],
)
def test_at_most_twenty_codes_that_repeat_are_taken_for_codes(n_codes: int, n_rows: int, is_coded: bool) -> None:
    values = [str(1 + number % n_codes) for number in range(n_rows)]
    assert bool(drafted(pl.DataFrame({"x": values})).codebook) is is_coded


@pytest.mark.parametrize(("largest", "is_coded"), [("9999", True), ("10000", False)])
def test_numbers_of_more_than_four_digits_are_no_codes(largest: str, is_coded: bool) -> None:
    assert bool(drafted(pl.DataFrame({"x": ["1", "1", largest, largest]})).codebook) is is_coded


LABELS: Mapping[str, Mapping[str, str]] = {
    "sleep": {"1.0": "Well", "2": "Badly", "7": "Refused", "9": "Don't know"},
    "height": {"999.0": "Not measured"},
    "town": {"Ayr": "Ayr, Scotland"},
}


def test_labels_become_descriptions_questions_and_meanings(load: Callable[[Draft], Contract]) -> None:
    given = drafted(
        people(),
        column_labels={"sleep": 'How did you\n"sleep"?', "height": "Height: cm # measured"},
        value_labels=LABELS,
    )
    contract = load(given)
    assert contract.column("sleep").description == 'How did you "sleep"?'
    assert contract.column("sleep").question == 'How did you "sleep"?'
    assert contract.column("height").description == "Height: cm # measured"
    assert contract.column("height").question is None
    assert given.codebook is not None
    assert given.codebook.splitlines()[1:] == [
        "sleep,1,1,Well,",
        "sleep,2,2,Badly,",
        "sleep,7,,Refused,refused",
        "sleep,9,,Don't know,dont_know",
        "height,999.0,999.0,Not measured,",
        'town,Ayr,Ayr,"Ayr, Scotland",',
    ]


def test_labels_of_some_values_do_not_forbid_the_others(load: Callable[[Draft], Contract]) -> None:
    """Heights beside one label, and a town that the file does not label and that may not be listed."""
    given = drafted(people(), value_labels=LABELS)
    contract = load(given)
    assert contract.column("sleep").codebook_variable == "sleep"
    assert contract.column("height").codebook_variable is None
    assert contract.column("town").codebook_variable is None
    assert MARKER not in given.contract + str(given.codebook)


def test_few_whole_numbers_beside_the_labelled_ones_are_listed_too() -> None:
    given = drafted(people(), value_labels={"sleep": {"1": "Well"}})
    assert given.codebook is not None
    assert given.codebook.splitlines()[1:] == ["sleep,1,1,Well,", "sleep,2,2,TODO,", "sleep,9,9,TODO,"]


def test_a_label_of_a_value_that_the_type_cannot_hold_is_left_out() -> None:
    given = drafted(people(), value_labels={"sleep": {".a": "Refused", "1.5": "Half", "1": "Well", "2": "Badly", "9": "No"}})
    assert given.codebook is not None
    assert ".a" not in given.codebook
    assert "1.5" not in given.codebook


def test_padded_texts_are_not_coded(load: Callable[[Draft], Contract]) -> None:
    """A codebook has no spaces at the ends, and records do not lose theirs."""
    frame = pl.DataFrame({"x": ["a ", "a ", "b", "b"]})
    contract = load(drafted(frame, value_labels={"x": {"a": "A", "b": "B"}}, list_text_values=True))
    assert contract.column("x").codebook_variable is None


def test_names_that_yaml_reads_as_something_else_stay_names(load: Callable[[Draft], Contract]) -> None:
    frame = pl.DataFrame({name: ["a"] for name in ("NO", "y", "null", "a: b", "#c", "'d'", "{e}", "é", " f")})
    assert [column.name for column in load(drafted(frame)).columns] == frame.columns


def test_a_byte_order_mark_is_no_part_of_a_name(load: Callable[[Draft], Contract]) -> None:
    assert [column.name for column in load(drafted(pl.DataFrame({"\ufeffid": ["1"]}))).columns] == ["id"]


def test_the_draft_of_a_source_loads_and_names_the_file(tmp_path: Path) -> None:
    given = drafted(people(), form='form: {separator: ";"}', file="2024/the people; all.csv")
    assert given.source_line == 'people: {file: "2024/the people; all.csv", form: {separator: ";"}}'
    (tmp_path / "clinic.yaml").write_text(drafted(people(), file="2024/the people; all.csv").source, encoding="utf-8")
    source = load_source(tmp_path / "clinic.yaml")
    assert source.is_restricted, "until somebody decides otherwise, what is published goes through disclosure control"
    assert source.waves["2024"].tables["people"].file == "2024/the people; all.csv"
    assert yaml.safe_load(given.source)["waves"]["2024"]["tables"]["people"]["form"] == {"separator": ";"}


REFUSED: list[tuple[str, pl.DataFrame, str]] = [
    ("no record", pl.DataFrame(schema={"id": pl.String}), "the file holds no record"),
    ("names twice", pl.DataFrame({"id": ["1"], "ID": ["2"]}), "column ID has the same name as column 1"),
    ("a column twice", pl.DataFrame({"id": ["1"], "id_duplicated_0": ["2"]}), "id_duplicated_0 has the same name as column 1"),
    ("an empty name", pl.DataFrame({"id": ["1"], " ": ["2"]}), "column 2 of 2 has a name that is empty"),
    ("a quote in a name", pl.DataFrame({'i"d': ["1"]}), "column 1 of 1 has a name that is empty or holds quotes"),
    ("a record for names", pl.DataFrame({"44": ["1"], MARKER: ["2"]}), "1 of 2 columns are named by a number"),
    ("times of day", pl.DataFrame({"at": [time(10, 30)]}), "column 1 of 1 is delivered as Time"),
    ("lists", pl.DataFrame({"at": [[1, 2]]}), "column 1 of 1 is delivered as List"),
]


@pytest.mark.parametrize(("frame", "expected"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_no_contract_can_describe_is_refused(frame: pl.DataFrame, expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        drafted(frame)
    assert expected in str(caught.value)
    assert MARKER not in str(caught.value)


def test_columns_that_no_contract_can_hold_are_left_out_with_a_todo(load: Callable[[Draft], Contract]) -> None:
    frame = pl.DataFrame({"id": ["a", "b"], "scans": [[1], [2]], "dose": [1.5, float("nan")], "seen": ["1", "2"]})
    given = drafted(frame, column_faults={"seen": "dates beyond the year 9999"})
    assert [line.partition(", which")[0] for line in given.undescribed] == [
        "column 2 of 4 is delivered as List (named scans)",
        "column 3 of 4 is delivered with NaN or infinity in 1 of 2 rows (named dose)",
        "column 4 of 4 is delivered with dates beyond the year 9999 (named seen)",
    ]
    contract = load(given)
    assert [column.name for column in contract.columns] == ["id"]
    assert contract.left_out == ("scans", "dose", "seen")
    assert all(f'# TODO "{name}" is delivered' in given.contract for name in contract.left_out)
    assert conform(frame, contract, "2024").num_rows == 2


@pytest.mark.parametrize(
    "chosen", [{"only": ["town", "id"]}, {"left_out": ["sleep", "note", "height"]}], ids=["only some", "all but some"]
)
def test_a_person_may_choose_the_columns(load: Callable[[Draft], Contract], chosen: dict[str, list[str]]) -> None:
    contract = load(drafted(people(), **chosen))
    assert [column.name for column in contract.columns] == ["id", "town"]
    assert contract.left_out == ("sleep", "height", "note")
    assert conform(people(), contract, "2024").column_names == ["id", "town"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"only": ["towns"]}, "the file has no column 'towns'; is it 'town'"),
        ({"left_out": ["ID"]}, "the file has no column 'ID'"),
        ({"left_out": ["id", "sleep", "height", "town", "note"]}, "all columns are left out"),
    ],
)
def test_a_wrong_choice_of_columns_is_refused(chosen: dict[str, list[str]], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        drafted(people(), **chosen)
    assert expected in str(caught.value)


def answers() -> pl.DataFrame:
    """Twelve respondents with codes of missing beside answers, and a duration."""
    return pl.DataFrame(
        {
            "q": [1.0, 2.0, 8.0, 9.0] * 3,
            "age": [44.0, 998.0, 51.0, 999.0] * 3,
            "income": [-9.0, 1500.25, -8.0, 2.5] * 3,
            "note": ["yes", ".a", "no", "NA"] * 3,
            "slept": [3600.0, 7200.0, 60.0, 1.0] * 3,
        }
    )


DECLARED = {
    "q": [("8", "8"), ("9", "9")],
    "age": [("998", "999")],
    "income": [("LOWEST", "-1"), ("5", "5")],
    "note": [("NA", "NA"), (".a", ".a")],
}
QUESTION = "refused, dont_know, not_asked or missing?"


def test_values_declared_missing_are_drafted_as_missing_with_their_kind_to_decide(load: Callable[[Draft], Contract]) -> None:
    labels = {"q": {"1": "yes", "2": "no", "8": "Weiss nicht", "9": "Refused"}}
    given = drafted(answers(), value_labels=labels, declared_missing=DECLARED)
    assert given.codebook is not None
    assert [line for line in given.codebook.splitlines() if line.endswith((",missing", ",refused"))] == [
        f'q,8,,"Weiss nicht (TODO the file declares it missing: {QUESTION})",missing',
        "q,9,,Refused,refused",
        *(f'age,{code},,"TODO {code} is declared missing: {QUESTION}",missing' for code in (998, 999)),
        *(f'income,{code},,"TODO {code} is declared missing: {QUESTION}",missing' for code in ("5.0", "-9.0", "-8.0")),
        *(f'note,{code},,"TODO {code} is declared missing: {QUESTION}",missing' for code in ("NA", ".a")),
    ]
    for words in ("8, 9", "998 thru 999", "LOWEST thru -1, 5", "NA, .a"):
        assert f"# TODO the file declares {words} missing" in given.contract
    contract = load(given)
    assert conform(answers(), contract, "2024").num_rows == 12


def test_ages_beside_declared_codes_are_listed_only_where_they_repeat() -> None:
    given = drafted(answers().head(4), declared_missing=DECLARED)
    assert given.codebook is not None
    assert [line.split(",")[1] for line in given.codebook.splitlines() if line.startswith("age")] == ["998", "999"]


def test_seconds_are_drafted_as_seconds_and_what_a_file_says_of_a_column_is_to_be_looked_at(
    load: Callable[[Draft], Contract],
) -> None:
    given = drafted(answers(), column_units={"slept": "seconds"}, column_notes={"age": "%ty shows a year"})
    contract = load(given)
    assert contract.column("slept").type == "DOUBLE"
    assert contract.column("slept").unit == "seconds"
    assert "# TODO %ty shows a year" in given.contract


@pytest.mark.parametrize(("chosen", "kept"), [({"left_out": ["n"]}, ["id"]), ({"only": ["id"]}, ["id"]), ({"only": ["n"]}, None)])
def test_a_name_that_is_delivered_twice_means_both_columns(
    load: Callable[[Draft], Contract], chosen: dict[str, list[str]], kept: list[str] | None
) -> None:
    frame = pl.DataFrame({"id": [1], "n": [2], "n_duplicated_0": [3]})
    if kept is None:
        with pytest.raises(ConfigurationError, match=r"column n is delivered twice.*or leave both out \(--leave-out\)"):
            drafted(frame, **chosen)
        return
    contract = load(drafted(frame, **chosen))
    assert [column.name for column in contract.columns] == kept
    assert conform(frame, contract, "2024").num_rows == 1


def test_everything_that_is_wrong_with_a_file_is_said_at_once() -> None:
    frame = pl.DataFrame({"id": [time(10)], "ID": [[1]]})
    with pytest.raises(ConfigurationError) as caught:
        drafted(frame)
    assert len(str(caught.value).splitlines()) == 1 + 3


UNSEEN = (
    *("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"),
    *("\t", "`", "\x1b", "\u202e", "\u200b", "\xa0", "\ufeff"),
)
"""What ends a line, ends a quotation, commands a terminal or is not seen."""

HARMLESS = ("`", "\u200b", "\xa0", "\ufeff")
"""Those that end and command nothing; a shape spells them out all the same."""


@pytest.mark.parametrize("letter", UNSEEN, ids=ascii)
def test_no_text_of_a_delivery_leaves_the_comment_that_quotes_it(letter: str) -> None:
    """Shapes, notes, faults and guesses; what a label carries is kept, or spelled out where a terminal would obey it."""
    text = f"1,5{letter}properties: []"
    given = drafted(
        pl.DataFrame({"id": range(6), "amount": ["44", "51", f"?{letter}?", "60", "62", "70"], "odd": ["x"] * 6}),
        form_todo=[f"encoding: {text}"],
        column_labels={"amount": text},
        column_faults={"odd": f"as {text}"},
        column_notes={"amount": f"note {text}"},
        column_units={"id": text},
    )
    for written in (given.contract, given.source):
        comments = [line.partition("# TODO ")[2] for line in written.splitlines() if "# TODO " in line]
        assert comments
        assert [line for line in comments if letter in line and letter not in HARMLESS] == []
        assert len(written.splitlines()) == written.count("\n")
    [shapes] = [line for line in given.contract.splitlines() if "(shapes " in line]
    assert shapes.count("`") == 4
    assert letter == "`" or letter not in shapes
    assert "\\x" in shapes or "\\u" in shapes
    described = yaml.safe_load(given.contract)["schema"][0]["properties"][1]["description"]
    assert described.split() == text.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e").split()
