"""The cells of one sheet of an OpenDocument workbook."""

import re
import zipfile
from collections.abc import Mapping

from pipelines.landing.readers.cells import Cells, Seconds, Value, whole_or_float
from pipelines.landing.readers.delivered import Refused
from pipelines.landing.readers.open_styles import open_document_remarks
from pipelines.landing.readers.serials import AS_PERCENT
from pipelines.landing.readers.workbook import attribute, has, parse

CONTENT = "content.xml"
STYLES = "styles.xml"
MANIFEST = "META-INF/manifest.xml"
DURATION = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?")
NOT_VISIBLE = ("collapse", "filter")
MAX_REPEATED_VALUES = 2**20
"""A value that is repeated more often than a sheet has rows is no data."""


def is_open_document(archive: zipfile.ZipFile) -> bool:
    return has(archive, CONTENT)


def open_document_sheets(archive: zipfile.ZipFile) -> list[str]:
    """The names of the sheets; raises Refused where the workbook has a password."""
    names: list[str] = []
    protected: list[str] = []
    if has(archive, MANIFEST):
        parse(archive, MANIFEST, lambda tag, given: protected.append(tag) if tag == "encryption-data" else None)
    if protected:
        raise Refused("a workbook with a password", "Save it without a password")
    parse(archive, CONTENT, lambda tag, given: names.append(attribute(given, "name")) if tag == "table" else None)
    return names


def open_document_cells(archive: zipfile.ZipFile, name: str) -> Cells:
    sheet = _Sheet(name, open_document_remarks(archive, (STYLES, CONTENT)))
    parse(archive, CONTENT, sheet.start, sheet.end, sheet.take)
    return sheet.cells


class _Sheet:
    """Reads the cells of the sheet of a name as the elements of the document come by."""

    def __init__(self, name: str, remarks: Mapping[str, str]) -> None:
        self.name = name
        self.remarks = remarks
        self.cells = Cells()
        self.is_wanted = False
        self.row = self.column = 0
        self.n_rows = 1
        self.is_hidden = False
        self.hidden_groups: list[bool] = []
        self.columns: list[tuple[int, str]] = []
        self.line: list[tuple[int, Value]] = []
        self.given: dict[str, str] | None = None
        self.paragraphs: list[list[str]] = []
        self.is_paragraph = False
        self.n_annotations = 0

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag == "table":
            self.is_wanted = attribute(given, "name") == self.name
            self.row = 0
            self.columns = []
        if not self.is_wanted:
            return
        if tag == "table-column":
            self.columns.append(
                (int(attribute(given, "number-columns-repeated") or 1), attribute(given, "default-cell-style-name"))
            )
        elif tag == "table-row-group":
            self.hidden_groups.append(attribute(given, "display") == "false")
        elif tag == "table-row":
            self.n_rows = int(attribute(given, "number-rows-repeated") or 1)
            self.is_hidden = attribute(given, "visibility") in NOT_VISIBLE or any(self.hidden_groups)
            self.column, self.line = 0, []
        elif tag in ("table-cell", "covered-table-cell"):
            self.given, self.paragraphs = given, []
        elif tag == "annotation":
            self.n_annotations += 1
        elif self.given is not None and not self.n_annotations:
            self._in_cell(tag, given)

    def _in_cell(self, tag: str, given: dict[str, str]) -> None:
        if tag == "p":
            self.paragraphs.append([])
            self.is_paragraph = True
        elif self.is_paragraph and tag == "s":
            self.paragraphs[-1].append(" " * int(attribute(given, "c") or 1))
        elif self.is_paragraph and tag in ("tab", "line-break"):
            self.paragraphs[-1].append("\t" if tag == "tab" else "\n")

    def end(self, tag: str) -> None:
        if not self.is_wanted:
            return
        if tag == "annotation":
            self.n_annotations -= 1
        elif tag == "p" and not self.n_annotations:
            self.is_paragraph = False
        elif tag in ("table-cell", "covered-table-cell") and self.given is not None:
            self._end_cell(self.given)
            self.given = None
        elif tag == "table-row":
            self._end_row()
        elif tag == "table-row-group":
            self.hidden_groups.pop()
        elif tag == "table":
            self.is_wanted = False

    def take(self, text: str) -> None:
        if self.is_paragraph and not self.n_annotations:
            self.paragraphs[-1].append(text)

    def _end_cell(self, given: dict[str, str]) -> None:
        value = self._read(given)
        repeated = int(attribute(given, "number-columns-repeated") or 1)
        spanned = (int(attribute(given, f"number-{what}-spanned") or 1) - 1 for what in ("rows", "columns"))
        down, right = spanned
        if down or right:
            self.cells.merged.append((self.row, self.column, self.row + down, self.column + right))
        self.cells.n_formulas += attribute(given, "formula") != ""
        if value is not None and value != "":
            if repeated * self.n_rows > MAX_REPEATED_VALUES:
                raise Refused("a workbook with a value that is repeated without end", "Ask where it comes from")
            self.line += [(self.column + offset, value) for offset in range(repeated)]
            self._remark(given, value, repeated)
        self.column += repeated

    def _remark(self, given: dict[str, str], value: Value, repeated: int) -> None:
        """What a person should know of how a number or date is shown, by its own format or that of its column."""
        if isinstance(value, str):
            return
        for column in range(self.column, self.column + repeated):
            style = attribute(given, "style-name") or self._style_of_column(column)
            remark = AS_PERCENT if attribute(given, "value-type") == "percentage" else self.remarks.get(style, "")
            if remark:
                self.cells.remarks[column] = remark

    def _style_of_column(self, column: int) -> str:
        for n_columns, style in self.columns:
            if column < n_columns:
                return style
            column -= n_columns
        return ""

    def _end_row(self) -> None:
        if self.line:
            self.cells.n_hidden += self.n_rows if self.is_hidden else 0
            for offset in range(self.n_rows):
                for column, value in self.line:
                    self.cells.add(self.row + offset, column, value)
        self.row += self.n_rows

    def _read(self, given: dict[str, str]) -> Value | None:
        kinds = [value for key, value in sorted(given.items(), reverse=True) if key.rpartition(":")[2] == "value-type"]
        kind = kinds[0] if kinds else ""  # that of office:, before LibreOffice's own (calcext:)
        if "error" in kinds:
            self.cells.errors.append((self.row, self.column))
            return None
        if kind in ("float", "percentage", "currency"):
            return whole_or_float(attribute(given, "value"))
        if kind == "boolean":
            return attribute(given, "boolean-value") == "true"
        if kind == "date":
            return self.cells.moment(self.row, self.column, attribute(given, "date-value"))
        if kind == "time":
            return self._duration(attribute(given, "time-value"))
        return attribute(given, "string-value") or "\n".join("".join(pieces) for pieces in self.paragraphs)

    def _duration(self, text: str) -> Value:
        """Seconds; what is no duration is noted, and stays text."""
        try:
            return _seconds(text)
        except ValueError:
            self.cells.no_dates.append((self.row, self.column))
            return text


def _seconds(text: str) -> Seconds:
    found = DURATION.fullmatch(text)
    if not found:
        raise ValueError("no duration")
    sign, days, hours, minutes, seconds = found.groups()
    total = (int(days or 0) * 24 + int(hours or 0)) * 3600 + int(minutes or 0) * 60 + float((seconds or "0").replace(",", "."))
    return Seconds(round(-total if sign else total, 3))
