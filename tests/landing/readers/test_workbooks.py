"""A workbook is one sheet of values, or the error says what stands in the way."""

import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from tests.landing.readers.conftest import Read, Refusal
from tests.landing.readers.samples import MARKER, sample, write_workbook, zipped

HEADER = ["id", "note"]


def rewritten(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """The workbook with one of its parts changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped(path, {**members, part: change(members[part])})


def test_cells_are_numbers_dates_truths_and_text(landing: Path, read: Read) -> None:
    rows = [
        ["id", "born", "seen", "is_case", "note", "mixed"],
        [1, date(1950, 1, 2), datetime(2024, 1, 2, 3, 4, 5), True, "007", "a"],
        [2.5, None, datetime(2024, 1, 2), False, "", 7],
        [3, date(1960, 1, 2), None, None, "x", None],
    ]
    write_workbook(landing / "delivery.xlsx", {"people": rows})
    frame = read(landing / "delivery.xlsx").frame
    assert frame["id"].to_list() == [1.0, 2.5, 3.0]
    assert frame["born"].to_list() == [date(1950, 1, 2), None, date(1960, 1, 2)]
    assert frame["is_case"].to_list() == [True, False, None]
    assert frame["note"].to_list() == ["007", None, "x"]
    assert frame["mixed"].to_list() == ["a", "7", None]


def test_times_stay_times(landing: Path, read: Read) -> None:
    path = landing / "delivery.xlsx"
    write_workbook(path, {"people": [["seen"], [datetime(2024, 1, 2, 3, 4, 5)]]}, default_date_format="yyyy-mm-dd hh:mm:ss")
    assert read(path).frame["seen"].to_list() == [datetime(2024, 1, 2, 3, 4, 5)]


def test_whole_text_below_a_number_is_found_far_down(landing: Path, read: Read) -> None:
    """The type of a column is decided by all of its cells."""
    write_workbook(landing / "delivery.xlsx", {"people": [["id"], *([number] for number in range(2000)), ["x"]]})
    frame = read(landing / "delivery.xlsx").frame
    assert frame["id"].to_list() == [*(str(number) for number in range(2000)), "x"]


def test_formulas_are_counted_and_refused(landing: Path, refusal: Refusal) -> None:
    write_workbook(landing / "delivery.xlsx", {"people": [HEADER, ["=1+1", MARKER], [2, "=A2"], [3, "x"]]})
    assert "found 2 cells with formulas, whose saved results may be stale" in refusal(landing / "delivery.xlsx")


def test_text_that_begins_like_a_formula_is_text(landing: Path, read: Read) -> None:
    write_workbook(landing / "delivery.xlsx", {"people": [HEADER, [1, "=1+1"]]}, strings_to_formulas=False)
    assert read(landing / "delivery.xlsx").frame.row(0) == (1.0, "=1+1")


def test_cells_with_errors_are_refused(landing: Path, refusal: Refusal) -> None:
    path = landing / "delivery.xlsx"
    write_workbook(path, {"people": [HEADER, [1, MARKER]]})
    rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'<c r="A2"><v>1</v>', b'<c r="A2" t="e"><v>#N/A</v>'))
    assert "found 1 cells with errors such as #N/A" in refusal(path)


def test_one_of_several_sheets_must_be_declared(landing: Path, read: Read, refusal: Refusal) -> None:
    path = landing / "delivery.xlsx"
    write_workbook(path, {"people": [HEADER, [1, MARKER]], "notes": [["=1+1"]]})
    text = refusal(path)
    assert "a workbook of 2 sheets" in text
    assert "{sheet: NAME}" in text
    assert "'people', 'notes'" in text
    assert read(path, sheet="people").frame.row(0) == (1.0, MARKER)
    assert "1 cells with formulas" in refusal(path, sheet="notes")
    assert "no sheet of the declared name" in refusal(path, sheet="People")


def test_a_hidden_sheet_is_a_sheet(landing: Path, refusal: Refusal) -> None:
    path = landing / "delivery.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("people").write_row(0, 0, HEADER)
        book.add_worksheet("hidden").hide()
    assert "a workbook of 2 sheets (hidden ones counted)" in refusal(path)


def test_a_column_that_is_delivered_twice_is_kept_twice(landing: Path, read: Read) -> None:
    write_workbook(landing / "delivery.xlsx", {"people": [["id", "id"], [1, 2]]})
    assert read(landing / "delivery.xlsx").frame.to_dicts() == [{"id": 1.0, "id_duplicated_0": 2.0}]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "a sheet without a header line"),
        ([[None, None, None], [" ", " "], [1, MARKER]], "a sheet without a header line"),
        ([["id", None], [1, MARKER]], "a column of values without a name"),
    ],
)
def test_a_sheet_without_names_is_refused(landing: Path, refusal: Refusal, rows: list[list[object]], expected: str) -> None:
    write_workbook(landing / "delivery.xlsx", {"people": rows})
    assert expected in refusal(landing / "delivery.xlsx")


def test_a_header_alone_is_a_frame_without_rows(landing: Path, read: Read) -> None:
    write_workbook(landing / "delivery.xlsx", {"people": [HEADER]})
    assert read(landing / "delivery.xlsx").frame.shape == (0, 2)


def test_an_empty_row_or_column_is_nothing(landing: Path, read: Read) -> None:
    write_workbook(landing / "delivery.xlsx", {"people": [["id", "note", " "], [1, "a"], [None, None], [2, "b"]]})
    assert read(landing / "delivery.xlsx").frame.rows() == [(1.0, "a"), (2.0, "b")]


def test_a_workbook_with_a_password_is_refused(landing: Path, refusal: Refusal) -> None:
    path = landing / "delivery.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000)  # how Office wraps an encrypted workbook
    assert "a workbook with a password" in refusal(path)


def test_a_workbook_that_decompresses_beyond_the_limit_is_refused(landing: Path, refusal: Refusal) -> None:
    path = sample(landing, ".xlsx")
    rewritten(path, "xl/worksheets/sheet1.xml", lambda xml: xml + b" " * 5_000_000)
    assert path.stat().st_size < 50_000
    assert "decompresses to more than 1,000,000 bytes" in refusal(path, {"reader_decompressed_limit": 1_000_000})


def test_xml_that_multiplies_itself_is_refused(landing: Path, refusal: Refusal) -> None:
    path = sample(landing, ".xlsx")
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    rewritten(path, "xl/workbook.xml", lambda xml: xml.replace(b"<workbook", entities + b"<workbook", 1))
    assert "declares XML entities" in refusal(path)


OPEN_DOCUMENT = """<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="people"><table:table-row>
<table:table-cell office:value-type="string"><text:p>id</text:p></table:table-cell></table:table-row><table:table-row>
<table:table-cell office:value-type="float" office:value="7"{formula}><text:p>7</text:p></table:table-cell></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""

MANIFEST = """<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"""


def open_document(path: Path, formula: str) -> Path:
    members = {
        "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": MANIFEST.encode(),
        "content.xml": OPEN_DOCUMENT.replace("\n", "").format(formula=formula).encode(),
    }
    return zipped(path, members)


def test_an_open_document_sheet_is_read_and_its_formulas_refused(landing: Path, read: Read, refusal: Refusal) -> None:
    frame = read(open_document(landing / "values.ods", "")).frame
    assert frame.equals(pl.DataFrame({"id": [7.0]}))
    assert "1 cells with formulas" in refusal(open_document(landing / "formulas.ods", ' table:formula="of:=3+4"'))
