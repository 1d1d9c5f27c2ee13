"""What a cell holds arrives as it was written: compared with openpyxl, and with what the format's standard says."""

import itertools
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from pipelines.landing.readers.cells import Cells, Seconds, Value, delivered_of
from pipelines.landing.readers.delivered import Delivered, Refused
from pipelines.landing.readers.excel import read_workbook
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.serials import shown_by
from pipelines.machine.settings import Settings
from tests.landing.readers.samples import zipped
from tests.landing.readers.test_workbooks import MANIFEST, OPEN_DOCUMENT
from tests.small_deliveries import CASES

LIMITS = Limits.of(Settings())
STYLES = """<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts>{formats}</numFmts>
<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>{styles}</cellXfs></styleSheet>"""
FORMATS = ["General", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss.000", "h:mm", "[h]:mm", "0.00"]
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read(path: Path, sheet: str | None = None) -> Delivered:
    return read_workbook(path, sheet, LIMITS)


def sheet_of(path: Path, cells: str, after: str = "", is_1904: bool = False, texts: str = "") -> Path:
    """A workbook whose first column is named x, and whose cells are these elements, one a row; style N is FORMATS[N]."""
    rows = "".join(f'<row r="{number}">{cell}</row>' for number, cell in enumerate(cells.split("|"), start=2) if cell)
    formats = "".join(f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>' for n, code in enumerate(FORMATS))
    styles = "".join(f'<xf numFmtId="{164 + n}"/>' for n in range(len(FORMATS)))
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    parts = {
        "_rels/.rels": f'<Relationships><Relationship Id="a" Type="{RELATIONS}/officeDocument" Target="/xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{RELATIONS}"><workbookPr date1904="{str(is_1904).lower()}"/><sheets>'
        '<sheet name="s" sheetId="1" r:id="b"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": "<Relationships>"
        + "".join(
            f'<Relationship Id="{identity}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
            for identity, kind, target in (
                ("b", "worksheet", "worksheets/sheet1.xml"),
                ("c", "styles", "styles.xml"),
                ("d", "sharedStrings", "/xl/sharedStrings.xml"),
            )
        )
        + "</Relationships>",
        "xl/styles.xml": STYLES.format(formats=formats, styles=styles),
        "xl/sharedStrings.xml": f"<sst {main}>{texts}</sst>",
        "xl/worksheets/sheet1.xml": f'<worksheet {main}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c>'
        f"</row>{rows}</sheetData>{after}</worksheet>",
    }
    return zipped(path, {name: text.encode() for name, text in parts.items()})


COLUMNS: list[tuple[str, str, list[Any]]] = [
    ("words for missing are text", '<c t="str"><v>NA</v></c>|<c t="str"><v>None</v></c>|<c><v>2</v></c>', ["NA", "None", "2"]),
    ("truths among numbers", '<c t="b"><v>1</v></c>|<c><v>1</v></c>|<c t="b"><v>0</v></c>', ["true", "1", "false"]),
    ("a text of truth", '<c t="str"><v>TRUE</v></c>|<c t="b"><v>1</v></c>', ["TRUE", "true"]),
    ("a format of a number", '<c s="5"><v>2</v></c>|<c t="str"><v>x</v></c>|<c s="5"><v>2.5</v></c>', ["2", "x", "2.5"]),
    ("17 digits of a fraction", '<c><v>0.10000000000000001</v></c>|<c t="str"><v>x</v></c>', ["0.1", "x"]),
    ("large whole numbers", "<c><v>9007199254740993</v></c>|<c><v>1</v></c>", [9007199254740993, 1]),
    ("beyond 64 bits", "<c><v>12345678901234567891</v></c>|<c><v>1</v></c>", ["12345678901234567891", "1"]),
    ("an exponent", "<c><v>1.5E+2</v></c>|<c><v>1E-2</v></c>", [150.0, 0.01]),
    ("dates", '<c s="1"><v>45000</v></c>|<c s="1"/>|<c s="1"><v>1</v></c>', [date(2023, 3, 15), date(1900, 1, 1)]),
    ("days before the leap day", '<c s="1"><v>59</v></c>|<c s="1"><v>61</v></c>', [date(1900, 2, 28), date(1900, 3, 1)]),
    (
        "milliseconds",
        '<c s="2"><v>45000.500001157408</v></c>|<c s="1"><v>45000</v></c>',
        [datetime(2023, 3, 15, 12, 0, 0, 100_000), datetime(2023, 3, 15)],
    ),
    ("times of day", '<c s="3"><v>0.4375</v></c>|<c s="3"><v>0</v></c>', [37800.0, 0.0]),
    ("durations", '<c s="4"><v>1.5</v></c>|<c s="3"><v>0.25</v></c>|<c s="4"><v>-0.25</v></c>', [129600.0, 21600.0, -21600.0]),
    ("a day that shows its time alone", '<c s="3"><v>45000.5</v></c>', [datetime(2023, 3, 15, 12)]),
    ("dates among numbers", '<c s="1"><v>45000</v></c>|<c><v>45000</v></c>', ["2023-03-15", "45000"]),
    ("dates among texts", '<c s="2"><v>45000.5</v></c>|<c t="str"><v>x</v></c>', ["2023-03-15 12:00:00", "x"]),
    ("an ISO date", '<c t="d"><v>2024-02-29T00:00:00Z</v></c>', [date(2024, 2, 29)]),
    ("cells without a place", '<c t="inlineStr"><is><r><t>a</t></r><r><t> b</t></r></is></c>', ["a b"]),
    ("characters that XML lacks", '<c t="str"><v>a_x000D_b _x005F_x000D_</v></c>', ["a\rb _x000D_"]),
]


@pytest.mark.parametrize(("cells", "expected"), [case[1:] for case in COLUMNS], ids=[case[0] for case in COLUMNS])
def test_a_column_holds_what_its_cells_hold(tmp_path: Path, cells: str, expected: list[Any]) -> None:
    delivered = read(sheet_of(tmp_path / "x.xlsx", cells))
    assert delivered.frame["x"].to_list() == expected
    assert not delivered.column_faults


def test_times_and_durations_are_seconds(tmp_path: Path) -> None:
    assert read(sheet_of(tmp_path / "x.xlsx", '<c s="4"><v>1.5</v></c>')).column_units == {"x": "seconds"}
    assert not read(sheet_of(tmp_path / "y.xlsx", "<c><v>1.5</v></c>")).column_units


def test_a_workbook_of_the_1904_system_has_its_own_first_day(tmp_path: Path) -> None:
    path = sheet_of(tmp_path / "x.xlsx", '<c s="1"><v>0</v></c>|<c s="1"><v>16803</v></c>', is_1904=True)
    assert read(path).frame["x"].to_list() == [date(1904, 1, 1), date(1950, 1, 2)]
    assert read(CASES / "xlsx_1904_excel2013.xlsx").frame.rows() == [(1.0, date(1950, 1, 2)), (2.0, date(2000, 2, 29))]


FAULTS = [
    ("29 February 1900", '<c s="1"><v>60</v></c>', "formatted as dates, with values that are none (the first: A2)"),
    ("day zero", '<c s="1"><v>1</v></c>|<c s="1"><v>0</v></c>', "1 cells that are formatted as dates"),
    ("before 1900", '<c s="1"><v>-1</v></c>', "1 cells that are formatted as dates"),
    ("after 9999", '<c s="1"><v>2958466</v></c>', "1 cells that are formatted as dates"),
    ("seconds and numbers", '<c s="3"><v>0.5</v></c>|<c><v>0.5</v></c>', "formatted otherwise"),
    ("seconds and text", '<c s="3"><v>0.5</v></c>|<c t="str"><v>43200</v></c>', "formatted otherwise"),
    ("times with a day and without", '<c s="3"><v>0.5</v></c>|<c s="3"><v>45000.5</v></c>', "(the first: A3)"),
]


@pytest.mark.parametrize(("cells", "expected"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_a_column_that_says_two_things_is_named(tmp_path: Path, cells: str, expected: str) -> None:
    assert expected in read(sheet_of(tmp_path / "x.xlsx", cells)).column_faults["x"]


MERGED = '<mergeCells><mergeCell ref="{}"/></mergeCells>'


@pytest.mark.parametrize(("region", "is_refused"), [("A2:A3", True), ("A1:B1", True), ("A3:A4", False), ("C2:D3", False)])
def test_merged_cells_that_hold_something_are_refused_by_their_name(tmp_path: Path, region: str, is_refused: bool) -> None:
    path = sheet_of(tmp_path / "x.xlsx", "<c><v>1</v></c>||", MERGED.format(region))
    if is_refused:
        with pytest.raises(Refused, match=f"merged cells in {region}") as raised:
            read(path)
        assert "Unmerge them" in raised.value.remedy
    else:
        assert read(path).frame["x"].to_list() == [1.0]
    with pytest.raises(Refused, match="merged cells in A2:A4"):
        read(CASES / "xlsx_merged.xlsx")


def test_errors_are_named_by_their_cells(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"1 cells with errors such as #N/A \(the first: A3\)"):
        read(sheet_of(tmp_path / "x.xlsx", '<c><v>1</v></c>|<c t="e"><v>#DIV/0!</v></c>'))


def test_the_formula_of_a_sparkline_or_a_validation_is_no_cell(tmp_path: Path) -> None:
    after = '<extLst xmlns:xm="urn:xm"><ext><xm:f>Sheet1!A1</xm:f></ext></extLst>'
    assert read(sheet_of(tmp_path / "x.xlsx", "<c><v>1</v></c>", after)).frame["x"].to_list() == [1.0]


SHARED = '<si><r><t>a</t></r><r><t xml:space="preserve"> b</t></r><rPh sb="0" eb="1"><t>PHONETIC</t></rPh></si><si><t/></si>'


def test_shared_texts_are_their_runs_without_phonetic_ones(tmp_path: Path) -> None:
    path = sheet_of(tmp_path / "x.xlsx", '<c t="s"><v>0</v></c>|<c t="s"><v>1</v></c>|<c><v>1</v></c>', texts=SHARED)
    assert read(path).frame["x"].to_list() == ["a b", "1"]


SHOWN = [
    *(
        (code, "date")
        for code in ("yyyy-mm-dd", "d/m/yy h:mm", "mmm", "[$-409]d-mmm-yy;@", "mmmm\\ yy", '"day "d', "ge.m.d", "bbbb")
    ),
    *((code, "time") for code in ("h:mm", "mm:ss.0", "h:mm AM/PM", "[$-409]h:mm\\ AM/PM;@", "[Red]hh:mm")),
    *((code, "duration") for code in ("[h]:mm:ss", "[mm]:ss", "[s]", "[hh]")),
    *((code, "number") for code in ("General", "0.00E+00", "#,##0 [$€-407]", '0 "days"', "0\\m", "[Red]-0.0", "@", "0_d", "")),
]


@pytest.mark.parametrize(("code", "expected"), SHOWN)
def test_a_number_format_tells_dates_from_times_and_numbers(code: str, expected: str) -> None:
    assert shown_by(code) == expected


def values_of(sheet: Any) -> dict[str, list[Any]]:
    names, *rows = sheet.iter_rows(values_only=True)
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def test_dates_numbers_and_texts_are_those_of_openpyxl(tmp_path: Path) -> None:
    """All kinds of cells that openpyxl writes come back as openpyxl reads them, in both date systems."""
    moments = [datetime(1905, 1, 1) + timedelta(days=997 * n, milliseconds=123_457 * n) for n in range(35)]
    columns: dict[str, list[Any]] = {
        "moment": moments,
        "born": [moment.date() for moment in moments],
        "at": [time(n % 24, n, 59 - n, 250_000) for n in range(35)],
        "took": [timedelta(hours=13 * n, seconds=n) for n in range(35)],
        "number": [n / 7 - 2 for n in range(35)],
        "text": [f" {n} é\n{'NA' if n % 2 else 'null'}" for n in range(35)],
        "truth": [n % 3 == 0 for n in range(35)],
    }
    for is_1904 in (False, True):
        book = openpyxl.Workbook()
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904 if is_1904 else openpyxl.utils.datetime.CALENDAR_WINDOWS_1900
        sheet = book.active
        sheet.append(list(columns))
        for row in zip(*columns.values(), strict=True):
            sheet.append(row)
        path = tmp_path / f"{is_1904}.xlsx"
        book.save(path)
        expected = values_of(openpyxl.load_workbook(path).active)
        delivered = read(path)
        frame = delivered.frame
        assert frame["born"].to_list() == [value.date() for value in expected["born"]]
        for name in ("moment", "number", "text", "truth"):
            assert frame[name].to_list() == expected[name], name
        at = [timedelta(hours=v.hour, minutes=v.minute, seconds=v.second, microseconds=v.microsecond) for v in expected["at"]]
        assert frame["at"].to_list() == [value.total_seconds() for value in at]
        assert frame["took"].to_list() == [value.total_seconds() for value in expected["took"]]
        assert set(delivered.column_units) == {"at", "took"}


ODS_ROW = "<table:table-row>{}</table:table-row>"
ODS_CELLS = [
    ('office:value-type="date" office:date-value="2024-02-29"', "<text:p>29.2.24</text:p>", date(2024, 2, 29)),
    ('office:value-type="date" office:date-value="2024-02-29T10:30:00.5"', "", datetime(2024, 2, 29, 10, 30, 0, 500_000)),
    ('office:value-type="time" office:time-value="PT30H15M01.5S"', "<text:p>30:15</text:p>", 108_901.5),
    ('office:value-type="boolean" office:boolean-value="true"', "<text:p>WAHR</text:p>", True),
    ('office:value-type="percentage" office:value="0.5"', "<text:p>50%</text:p>", 0.5),
    ('office:value-type="string"', "<text:p>a<text:s text:c='2'/>b</text:p><text:p>c</text:p>", "a  b\nc"),
    ('office:value-type="string"', "<office:annotation><text:p>note</text:p></office:annotation><text:p>NA</text:p>", "NA"),
    ('office:value-type="float" office:value="9007199254740993"', "", 9007199254740993),
]


@pytest.fixture
def open_document(tmp_path: Path) -> Callable[[str], Path]:
    counter = itertools.count()

    def write(rows: str) -> Path:
        begin = OPEN_DOCUMENT.replace("\n", "").split('<table:table-row><table:table-cell office:value-type="float"')[0]
        content = begin + rows + "</table:table></office:spreadsheet></office:body></office:document-content>"
        return zipped(
            tmp_path / f"{next(counter)}.ods", {"META-INF/manifest.xml": MANIFEST.encode(), "content.xml": content.encode()}
        )

    return write


@pytest.mark.parametrize(("given", "inside", "expected"), ODS_CELLS)
def test_the_cells_of_an_open_document(open_document: Callable[[str], Path], given: str, inside: str, expected: object) -> None:
    rows = ODS_ROW.format(f"<table:table-cell {given}>{inside}</table:table-cell>")
    assert read(open_document(rows)).frame["id"].to_list() == [expected]


def test_repeated_cells_and_rows_are_as_many(open_document: Callable[[str], Path]) -> None:
    cell = '<table:table-cell office:value-type="float" office:value="7"/>'
    rows = f'<table:table-row table:number-rows-repeated="3">{cell}</table:table-row>'
    nothing = '<table:table-cell table:number-columns-repeated="16384"/>'
    blank = f'<table:table-row table:number-rows-repeated="1048570">{nothing}</table:table-row>'
    assert read(open_document(rows + blank)).frame["id"].to_list() == [7.0] * 3
    endless = f'<table:table-row table:number-rows-repeated="99999999">{cell}</table:table-row>'
    with pytest.raises(Refused, match="repeated without end"):
        read(open_document(endless))


def test_merged_cells_of_an_open_document_are_refused(open_document: Callable[[str], Path]) -> None:
    cell = '<table:table-cell table:number-rows-spanned="2" office:value-type="float" office:value="7"/>'
    with pytest.raises(Refused, match="merged cells in A2:A3"):
        read(open_document(ODS_ROW.format(cell) + ODS_ROW.format("<table:covered-table-cell/>")))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xlsx_none_is_an_answer", {"id": [1, 2, 3, 4], "n_children": ["2", "None", "1", "0"]}),
        (
            "xlsx_na_codes",
            {"id": [1, 2, 3], "country": ["DE", "NA", "FR"], "visits": ["3", "N/A", "2"], "note": ["x", "NA", "null"]},
        ),
        ("xlsx_bool_and_number", {"id": [1, 2, 3], "flag": ["true", "2", "0"]}),
    ],
)
def test_nothing_but_a_blank_cell_is_missing(name: str, expected: dict[str, list[Any]]) -> None:
    assert read(CASES / f"{name}.xlsx").frame.equals(pl.DataFrame(expected, strict=False).cast({"id": pl.Float64}))


def test_a_part_that_is_not_there_is_a_damaged_workbook(tmp_path: Path) -> None:
    path = sheet_of(tmp_path / "x.xlsx", '<c t="s"><v>5</v></c>')
    with pytest.raises(Refused, match="a cut or damaged workbook"):
        read(path)
    with zipfile.ZipFile(tmp_path / "y.xlsx", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(Refused, match="a cut or damaged workbook"):
        read(tmp_path / "y.xlsx")


def test_a_declared_mark_is_no_value_of_its_column() -> None:
    cells = Cells()
    lines: list[tuple[Value, Value]] = [("number", "seconds"), (1.5, Seconds(3600)), ("NA", "NA")]
    for row, (number, seconds) in enumerate(lines):
        cells.add(row, 0, number)
        cells.add(row, 1, seconds)
    told = delivered_of(cells, ("NA",))
    assert told.frame.rows() == [(1.5, 3600.0), (None, None)]
    assert (told.column_units, told.column_faults) == ({"seconds": "seconds"}, {})
    assert "formatted otherwise" in delivered_of(cells).column_faults["seconds"]
