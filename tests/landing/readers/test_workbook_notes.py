"""What a workbook shows otherwise than it holds is told; dates that are none are a fault of their column."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.landing.readers.here import read_here
from tests.landing.readers.samples import zipped
from tests.landing.readers.test_workbook_cells import read, sheet_of
from tests.landing.readers.test_workbooks import OPEN_DOCUMENT

SHOWN = [
    ("0%", "0.25", 0.25, "shown as percent: 0.25 stands for 25 %"),
    ("00000", "1234", 1234, "shown with leading zeros, which the numbers do not have: identifiers?"),
    ("mmm\\-yy", "45293", date(2024, 1, 2), "the format shows a part of the date only"),
    ("yyyy", "45293", date(2024, 1, 2), "the format shows a part of the date only"),
    ("[$-407]d. mmmm yyyy;@", "45293", date(2024, 1, 2), None),
    ("000-00-0000", "1234", 1234, "shown with leading zeros, which the numbers do not have: identifiers?"),
    ("0,000", "7", 7, "shown with leading zeros, which the numbers do not have: identifiers?"),
    ('0.0,,"M"', "1200000", 1_200_000, "shown in thousands or millions: 1200 may be shown as 1.2"),
    ("#,##0.00", "1200", 1200, None),
    ("##0.00E+00", "1200", 1200, None),
    ("[h]:mm", "1", 86_400, None),
    ('0.0" %"', "0.25", 0.25, None),
    ("0", "7", 7, None),
]


@pytest.mark.parametrize(("code", "number", "expected", "note"), SHOWN)
def test_what_a_format_shows_otherwise_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, number: str, expected: Any, note: str | None
) -> None:
    monkeypatch.setattr("tests.landing.readers.test_workbook_cells.FORMATS", [code.replace('"', "&quot;")])
    delivered = read(sheet_of(tmp_path / "a.xlsx", f'<c s="0"><v>{number}</v></c>'))
    assert delivered.frame["x"].to_list() == [expected]
    assert delivered.column_notes.get("x") == note


def test_rows_that_are_hidden_are_read_and_told(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["x", 1, 2])
        for row in (1, 9):
            sheet.set_row(row, None, None, {"hidden": True})
        sheet.set_row(2, 0)
    delivered = read(tmp_path / "a.xlsx")
    assert delivered.frame["x"].to_list() == [1, 2]
    assert delivered.notes == ["the sheet hides 2 rows, by hand or by a filter; they are read"]


def test_dates_of_iso_8601_and_times_of_day_are_read(tmp_path: Path) -> None:
    cells = '<c t="d"><v>2024-01-02T03:04:05Z</v></c>|<c t="d"><v>2024-01-02</v></c>'
    assert read(sheet_of(tmp_path / "a.xlsx", cells)).frame["x"].to_list() == [
        datetime(2024, 1, 2, 3, 4, 5),
        datetime(2024, 1, 2),
    ]
    times = '<c t="d"><v>T10:30:00</v></c>|<c t="d"><v>10:30:00.5</v></c>'
    assert read(sheet_of(tmp_path / "b.xlsx", times)).frame["x"].to_list() == [37_800.0, 37_800.5]


@pytest.mark.parametrize("text", ["12024-01-02", "2024-01-02T03:04:05+02:00", "10:00:00+02:00", "T10:00-01:00", "soon"])
def test_a_date_that_is_none_is_a_fault_of_its_column(tmp_path: Path, text: str) -> None:
    fault = "1 cells that are formatted as dates, with values that are none (the first: A2)"
    assert read(sheet_of(tmp_path / "a.xlsx", f'<c t="d"><v>{text}</v></c>')).column_faults == {"x": fault}


def open_document(path: Path, rows: str, styles: str = "") -> Path:
    """One sheet of a column x above these rows."""
    content = OPEN_DOCUMENT.replace("\n", "").format(formula="")
    start = content.index("<table:table-row")
    text = '<table:table-row><table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'
    sheet = content[:start] + text + rows + content[content.index("</table:table>") :]
    named = f'xmlns:style="style" xmlns:number="number"><office:automatic-styles>{styles}</office:automatic-styles><office:body>'
    return zipped(path, {"content.xml": sheet.replace("><office:body>", f" {named}").encode()})


def cell(given: str) -> str:
    return f"<table:table-row><table:table-cell office:value-type={given}/></table:table-row>"


@pytest.mark.parametrize(
    "given",
    [
        '"date" office:date-value="12024-01-02"',
        '"date" office:date-value="2024-01-02T03:04:05+02:00"',
        '"time" office:time-value="P1Y"',
    ],
)
def test_of_an_open_document_likewise(tmp_path: Path, given: str) -> None:
    path = open_document(tmp_path / "a.ods", cell(given))
    fault = "1 cells that are formatted as dates, with values that are none (the first: A2)"
    assert read_here(path, tmp_path).column_faults == {"x": fault}


def test_instants_in_utc_are_told_of_both_kinds_of_workbooks(tmp_path: Path) -> None:
    excel = sheet_of(tmp_path / "a.xlsx", '<c t="d"><v>2024-01-02T03:04:05Z</v></c>')
    ods = open_document(tmp_path / "a.ods", cell('"date" office:date-value="2024-01-02T03:04:05Z"'))
    for path in (excel, ods):
        delivered = read(path)
        assert delivered.frame["x"].to_list() == [datetime(2024, 1, 2, 3, 4, 5)]
        assert delivered.column_notes == {"x": "instants in UTC: no clock of the respondent may have shown this date and time"}
        assert not delivered.column_faults


STYLES = """<number:number-style style:name="N1"><number:number number:decimal-places="0" number:min-integer-digits="5"/>
</number:number-style><number:number-style style:name="N2"><number:number number:decimal-places="2"
 number:min-integer-digits="1"/></number:number-style>
<number:date-style style:name="N3"><number:month/><number:year/>
</number:date-style><number:date-style style:name="N4"><number:day/><number:month/><number:year/></number:date-style>
<style:style style:name="ce1" style:family="table-cell" style:data-style-name="N1"/>
<style:style style:name="ce2" style:family="table-cell" style:data-style-name="N2"/>
<style:style style:name="ce3" style:family="table-cell" style:data-style-name="N3"/>
<style:style style:name="ce4" style:family="table-cell" style:data-style-name="N4"/>
<number:number-style style:name="N6"><number:number number:display-factor="1000"/></number:number-style>
<style:style style:name="ce6" style:family="table-cell" style:data-style-name="N6"/>
<style:style style:name="ce5" style:family="table-cell" style:parent-style-name="ce3"/>"""


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ('"percentage" office:value="0.25"', "shown as percent: 0.25 stands for 25 %"),
        ('"float" table:style-name="ce1" office:value="7"', SHOWN[1][3]),
        ('"float" table:style-name="ce2" office:value="7"', None),
        ('"float" table:style-name="ce6" office:value="7"', "shown in thousands or millions: 1200 may be shown as 1.2"),
        ('"date" table:style-name="ce3" office:date-value="2024-01-02"', SHOWN[2][3]),
        ('"date" table:style-name="ce4" office:date-value="2024-01-02"', None),
        ('"date" table:style-name="ce5" office:date-value="2024-01-02"', SHOWN[2][3]),
    ],
)
def test_what_a_format_of_an_open_document_shows_otherwise_is_told(tmp_path: Path, given: str, note: str | None) -> None:
    path = open_document(tmp_path / "a.ods", cell(given), STYLES)
    assert read(path).column_notes.get("x") == note
    kind, style, value = given.partition(' table:style-name="ce1"')
    if style:
        column = '<table:table-column table:number-columns-repeated="3" table:default-cell-style-name="ce1"/>'
        path = open_document(tmp_path / "b.ods", column + cell(kind + value), STYLES)
        assert read(path).column_notes.get("x") == note


def test_hidden_rows_of_an_open_document_are_read_and_told(tmp_path: Path) -> None:
    row = cell('"float" office:value="7"')
    hidden = row.replace("<table:table-row>", '<table:table-row table:number-rows-repeated="2" table:visibility="filter">')
    group = f'<table:table-row-group table:display="false">{row}</table:table-row-group>'
    empty = '<table:table-row table:visibility="collapse"><table:table-cell/></table:table-row>'
    delivered = read(open_document(tmp_path / "a.ods", row + hidden + group + empty + row))
    assert delivered.frame["x"].to_list() == [7.0] * 5
    assert delivered.notes == ["the sheet hides 3 rows, by hand or by a filter; they are read"]
