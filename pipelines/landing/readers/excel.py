"""Workbooks: one sheet of values under a line of names, without formulas, whose results may be stale."""

import re
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

from pipelines.landing.readers.cells import Cells, Value, delivered_of, whole_or_float
from pipelines.landing.readers.delivered import Delivered, Refused, shown
from pipelines.landing.readers.headings import check_label_lines
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.names import name_hint
from pipelines.landing.readers.open_document import is_open_document, open_document_cells, open_document_sheets
from pipelines.landing.readers.serials import BUILT_IN, REMARKS, Shown, read_serial, remark_on, shown_by
from pipelines.landing.readers.unpack import DAMAGE
from pipelines.landing.readers.workbook import REMEDY, attribute, check_size, elements, has, local_name, parse, resolved

DAMAGED = "a cut or damaged workbook"
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""How workbooks write characters that XML does not allow."""

TRUE = ("1", "true")
DIGITS = "0123456789"


@dataclass
class _Workbook:
    """Where the sheets are, and what their cells need to be read."""

    sheets: dict[str, str] = field(default_factory=dict)
    is_1904: bool = False
    texts: list[str] = field(default_factory=list)
    formats: list[Shown] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What a person should know of numbers of each style."""


def read_workbook(path: Path, sheet: str | None, limits: Limits, missing: Collection[str] = ()) -> Delivered:
    """The declared or only sheet: numbers as Float64, dates, true/false and text; a column of several kinds is text.

    Times of day and durations are seconds. A whole number that Float64 does not hold makes its column Int64 or text.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_size(archive, limits)
            if is_open_document(archive):
                name = _the_sheet(open_document_sheets(archive), sheet)
                cells = open_document_cells(archive, name)
            else:
                book = _workbook(archive)
                cells = _cells(archive, book, book.sheets[_the_sheet(list(book.sheets), sheet)])
        delivered = delivered_of(cells, missing)
        check_label_lines(delivered.frame)
        return delivered
    except (*DAMAGE, KeyError, IndexError, OverflowError, expat.ExpatError, ParseError):  # the text may hold content
        raise Refused(DAMAGED, REMEDY) from None


def _the_sheet(sheets: list[str], wanted: str | None) -> str:
    if wanted is None and len(sheets) == 1:
        return sheets[0]
    if wanted in sheets:
        return wanted
    listed = ", ".join(shown(name) for name in sheets[:5])
    found = f"a workbook of {len(sheets)} sheets (hidden ones counted)" if wanted is None else "no sheet of the declared name"
    hint = name_hint(wanted, sheets) if wanted else ""
    raise Refused(f"{found}{hint}", f"Declare `form: {{sheet: NAME}}` in the source's file; there are: {listed or 'none'}")


def _workbook(archive: zipfile.ZipFile) -> _Workbook:
    main = next((part for kind, part in _relations(archive, "").values() if kind == "officeDocument"), "xl/workbook.xml")
    relations = _relations(archive, main)
    book = _Workbook()

    def listed(tag: str, given: dict[str, str]) -> None:
        if tag == "sheet":
            kind, part = relations.get(attribute(given, "id"), ("", ""))
            if "worksheet" in kind:
                book.sheets[given["name"]] = part
        elif tag == "workbookPr":
            book.is_1904 = book.is_1904 or attribute(given, "date1904").lower() in TRUE

    parse(archive, main, listed)
    parts = {kind: part for kind, part in relations.values() if has(archive, part)}
    book.texts = _shared_texts(archive, parts["sharedStrings"]) if "sharedStrings" in parts else []
    if "styles" in parts:
        _read_styles(archive, parts["styles"], book)
    return book


def _relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Relations of a part, or of the archive: id -> (kind, part)."""
    folder, _, name = part.rpartition("/")
    found: dict[str, tuple[str, str]] = {}

    def relation(tag: str, given: dict[str, str]) -> None:
        if tag == "Relationship" and given.get("TargetMode") != "External":
            kind = given.get("Type", "").rpartition("/")[2]
            found[given["Id"]] = (kind, resolved(folder, given["Target"]))

    where = f"{folder}/_rels/{name}.rels".removeprefix("/")
    if has(archive, where):
        parse(archive, where, relation)
    return found


def _shared_texts(archive: zipfile.ZipFile, part: str) -> list[str]:
    return [_text_of(item) for _, item in elements(archive, part, ("si",))]


def _text_of(item: Element) -> str:
    """The text of its runs, without the phonetic ones."""
    pieces = []
    for child in item:
        name = local_name(child)
        if name == "t":
            pieces.append(child.text or "")
        elif name == "r":
            pieces += [run.text or "" for run in child if local_name(run) == "t"]
    return _unescaped("".join(pieces))


def _unescaped(text: str) -> str:
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _read_styles(archive: zipfile.ZipFile, part: str, book: _Workbook) -> None:
    """What the format of each style of a cell shows, and what to know of it."""
    codes: dict[str, str] = {}
    used: list[str] = []
    inside = [False]

    def start(tag: str, given: dict[str, str]) -> None:
        if tag == "numFmt":
            codes[given["numFmtId"]] = given["formatCode"]
        elif tag == "cellXfs":
            inside[0] = True
        elif tag == "xf" and inside[0]:
            used.append(given.get("numFmtId", "0"))

    def end(tag: str) -> None:
        inside[0] = inside[0] and tag != "cellXfs"

    parse(archive, part, start, end)
    known = {number: shown_by(code) for number, code in codes.items()}
    book.formats = [known.get(number) or BUILT_IN.get(int(number), "number") for number in used]
    book.remarks = [
        remark_on(codes[number], shown) if number in codes else REMARKS.get(int(number), "")
        for number, shown in zip(used, book.formats, strict=True)
    ]


def _cells(archive: zipfile.ZipFile, book: _Workbook, part: str) -> Cells:
    cells = Cells()
    row = -1
    for tag, element in elements(archive, part, ("row", "mergeCell")):
        if tag == "mergeCell":
            first, _, last = element.attrib["ref"].partition(":")
            cells.merged.append((*_position(first), *_position(last or first)))
            continue
        row = int(element.attrib["r"]) - 1 if "r" in element.attrib else row + 1
        column = -1
        n_before = cells.n_values
        for cell in element:
            reference = cell.get("r")
            column = _column(reference.rstrip(DIGITS)) if reference else column + 1
            value = _read(cell, book, cells, row, column)
            if value is not None and value != "":
                cells.add(row, column, value)
        cells.n_hidden += _is_hidden(element) and cells.n_values > n_before
    return cells


def _is_hidden(row: Element) -> bool:
    return row.get("hidden") in TRUE or float(row.get("ht", 1)) == 0


def _read(cell: Element, book: _Workbook, cells: Cells, row: int, column: int) -> Value | None:
    """The value of a cell; formulas and errors are noted."""
    kind = cell.get("t", "n")
    text = None
    for child in cell:
        name = local_name(child)
        if name == "v":
            text = child.text
        elif name == "is" and kind == "inlineStr":
            return _text_of(child)
        elif name == "f":
            cells.n_formulas += 1
    if text is None:
        return None
    if kind == "s":
        return book.texts[int(text)]
    if kind == "n":
        return _number(text, int(cell.get("s", 0)), book, cells, row, column) if text.strip() else None
    if kind == "str":
        return _unescaped(text)
    if kind == "b":
        return text.strip() in TRUE
    if kind == "e":
        cells.errors.append((row, column))
        return None
    return cells.moment(row, column, text)


def _number(text: str, style: int, book: _Workbook, cells: Cells, row: int, column: int) -> Value:
    shown_as = book.formats[style] if book.formats or style else "number"
    if book.remarks and book.remarks[style]:
        cells.remarks[column] = book.remarks[style]
    if shown_as == "number":
        return whole_or_float(text)
    value = read_serial(float(text), shown_as, book.is_1904)
    if value is None:
        cells.no_dates.append((row, column))
        return float(text)
    return value


def _position(reference: str) -> tuple[int, int]:
    """Row and column, from 0, of a cell such as $B7."""
    reference = reference.replace("$", "")
    letters = reference.rstrip(DIGITS)
    return int(reference[len(letters) :]) - 1, _column(letters)


@lru_cache(maxsize=2**15)
def _column(letters: str) -> int:
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1
