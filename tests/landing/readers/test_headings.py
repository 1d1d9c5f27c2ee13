"""What stands above or beside the records of a text file is told, with what to do; names are names whatever their form."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.landing.readers.delivered import Delivered, Refused
from tests.landing.readers.here import read_here
from tests.landing.readers.samples import write_workbook, zipped
from tests.small_deliveries import CASES


def read(path: Path, folder: Path, **form: Any) -> Delivered:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    return read_here(path, work, **form)


def text_file(folder: Path, content: str) -> Path:
    path = folder / "delivery.csv"
    path.write_bytes(content.encode())
    return path


FAULTS: list[tuple[str, Mapping[str, Any], str, str]] = [
    ("sep=;\nid;x\n1;2\n", {"separator": ";"}, "Excel's `sep=` hint", "Remove that line"),
    ("SEP=;\r\nid;x\r\n1;2\r\n", {}, "Excel's `sep=` hint", 'declare `form: {separator: ";"}`'),
    ('\ufeff"sep=\t"\nid\tx\n1\t2\n', {}, "Excel's `sep=` hint", "Remove that line"),
    ("# exported 2024-01-02\nid,x\n1,2\n", {}, "a comment in the first line", "Remove the lines of comment"),
    ("# exported, by hand\nid,x\n1,2\n", {}, "a comment in the first line", "Remove the lines of comment"),
    ("# one\n# two\nid\n1\n", {}, "a comment in the first line", "Remove the lines of comment"),
    ("id,x\n1,2\n# the end\n", {}, "line 3 that begins with #", "Remove the lines of comment"),
    ("id,age,\n1,2,\n", {}, "a first line that ends with a separator (,)", "Remove the separator at the end of every line"),
    ("id\tage\t\n1\t2\t\n", {"separator": "\t"}, "ends with a separator (tab)", "Remove the separator"),
    ("id,age\n1,2,\n", {}, "line 2 with 3 fields where the header has 2: it ends with a separator", "Remove the separator"),
    ('"","id"\n"1",4\n', {}, "a first column without a name", "row.names = FALSE"),
    (",id\n0,4\n", {}, "a first column without a name", "index=False"),
    ('"id","x"\n"1",4,5\n', {}, "may be a name of the row", "row.names = FALSE"),
    ("id,,x,\n1,2,3,4\n", {}, "2 of 4 columns without a name (column 2, 4)", "Give each column a name"),
    (
        'Q1,Q2\n"How old?","Why, then?"\n"{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"\n44,x\n',
        {},
        "as Qualtrics exports them (lines 2 to 3 are no records)",
        "Remove these lines",
    ),
    ('Q1\n"{""ImportId"":""a""}"\n44\n', {}, "(lines 2 to 2 are no records)", "Remove that line"),
    ("id,Q1,Q2\n,Response,Open-Ended Response\n1,2,x\n", {}, "as SurveyMonkey exports them", "Remove that line"),
]


@pytest.mark.parametrize(("content", "form", "found", "remedy"), FAULTS)
def test_what_is_no_record_is_told(tmp_path: Path, content: str, form: Mapping[str, Any], found: str, remedy: str) -> None:
    with pytest.raises(Refused) as raised:
        read(text_file(tmp_path, content), tmp_path, **form)
    assert found in raised.value.found
    assert remedy in raised.value.remedy


READ = [
    ("# of cramps,age\n1,44\n", ["# of cramps", "age"]),
    ("#id,age\n1,44\n", ["#id", "age"]),
    ("separate,x\n1,2\n", ["separate", "x"]),
    ('id,"How often\ndid you\r\n have cramps?"\n1,2\n', ["id", "How often did you have cramps?"]),
    ("id,gro\u0308\u00dfe\n1,170\n", ["id", "gr\u00f6\u00dfe"]),
    ("gro\u0308\u00dfe,gr\u00f6\u00dfe\n1,170\n", ["gr\u00f6\u00dfe", "gr\u00f6\u00dfe_duplicated_0"]),
    ('id,"a ""b"""\r1,2\r', ["id", 'a "b"']),
]


@pytest.mark.parametrize(("content", "names"), READ)
def test_names_are_composed_and_on_one_line(tmp_path: Path, content: str, names: list[str]) -> None:
    frame = read(text_file(tmp_path, content), tmp_path).frame
    assert frame.columns == names
    assert frame.height == 1


def test_label_lines_of_a_workbook_are_told(tmp_path: Path) -> None:
    path = tmp_path / "delivery.xlsx"
    labels = [["How old?", "Why?"], ['{"ImportId":"QID1"}', '{"ImportId":"QID2"}']]
    write_workbook(path, {"people": [["Q1", "Q2"], *labels, [44, "x"]]})
    with pytest.raises(Refused, match="as Qualtrics exports them"):
        read(path, tmp_path)


MARKS: list[tuple[str, dict[str, Any], list[tuple[str | None, ...]]]] = [
    ("1,NA\n2,x\n", {}, [("1", "NA"), ("2", "x")]),
    ("1,NA\n2,x\n", {"missing": "NA"}, [("1", None), ("2", "x")]),
    ('1,NA\n2,"NA"\n3,\n4,""\n', {"missing": "NA"}, [("1", None), ("2", "NA"), ("3", None), ("4", None)]),
    ("1,NA\n.,-\n3, NA\n", {"missing": [".", "-"]}, [("1", "NA"), (None, None), ("3", " NA")]),
]


@pytest.mark.parametrize(("records", "form", "expected"), MARKS)
def test_a_declared_mark_is_missing_where_it_has_no_quotes(
    tmp_path: Path, records: str, form: dict[str, Any], expected: list[tuple[str | None, ...]]
) -> None:
    assert read(text_file(tmp_path, f"id,x\n{records}"), tmp_path, **form).frame.rows() == expected


def test_a_declared_mark_of_a_workbook_is_missing_in_texts(tmp_path: Path) -> None:
    path = tmp_path / "delivery.xlsx"
    write_workbook(path, {"people": [["id", "x"], [1, "NA"], [2, "N/A"], [3, "y"]]})
    assert read(path, tmp_path, missing="NA").frame["x"].to_list() == [None, "N/A", "y"]


def test_members_are_found_in_either_unicode_form_and_others_are_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "delivery.zip", {"gro\u0308\u00dfe.csv": b"id\n1\n", "B.csv": b"id\n2\n"})
    assert read(path, tmp_path, member="gr\u00f6\u00dfe.csv").frame.rows() == [("1",)]
    with pytest.raises(Refused, match="one differs in letter case only"):
        read(path, tmp_path, member="b.csv")


def test_a_sheet_that_differs_in_letter_case_is_told(tmp_path: Path) -> None:
    write_workbook(tmp_path / "delivery.xlsx", {"people": [["id"], [1]], "other": [["id"], [1]]})
    with pytest.raises(Refused, match="one differs in letter case only"):
        read(tmp_path / "delivery.xlsx", tmp_path, sheet="People")


@pytest.mark.parametrize(
    ("name", "form", "rows"),
    [
        ("csv_header_newline.csv", {}, [("1", "2"), ("2", "3")]),
        ("csv_na.csv", {"missing": "NA"}, [("1", None, "NA"), ("2", "44", "DE"), ("3", "51", None)]),
        ("csv_na.csv", {}, [("1", "NA", "NA"), ("2", "44", "DE"), ("3", "51", "NA")]),
        ("csv_cp1250.csv", {"encoding": "cp1250"}, [("1", "mężczyzna", "Łódź"), ("2", "kobieta", "Gdańsk")]),
        ("csv_exp_ids.csv", {}, [("1", "1E2"), ("2", "10E1"), ("3", "3E5")]),
    ],
)
def test_small_deliveries_are_read_as_they_were_sent(
    tmp_path: Path, name: str, form: dict[str, str], rows: list[tuple[str | None, ...]]
) -> None:
    assert read(CASES / name, tmp_path, **form).frame.rows() == rows


@pytest.mark.parametrize("ending", [",", ',""'])
def test_a_separator_too_many_is_told_wherever_it_stands(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "delivery.csv"
    path.write_text("a,b,c\n" + "1,2,\n" * 1200 + f"1,5,2{ending}\n")
    with pytest.raises(Refused, match="text in line 1,202 with 4 fields where the header has 3: it ends with a separator"):
        read(path, tmp_path)


def test_a_separator_before_a_break_in_quotes_is_none_too_many(tmp_path: Path) -> None:
    path = tmp_path / "delivery.csv"
    path.write_text('a,b\n1,"x,\ny"\n2,\n')
    assert read(path, tmp_path).frame.rows() == [("1", "x,\ny"), ("2", None)]
