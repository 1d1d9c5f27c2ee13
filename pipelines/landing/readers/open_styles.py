"""What the formats of an OpenDocument workbook show otherwise than its cells hold, by the names of the styles of cells."""

import zipfile
from collections.abc import Mapping, Sequence

from pipelines.landing.readers.serials import AS_PERCENT, IN_THOUSANDS, PART_OF_A_DATE, WITH_ZEROS
from pipelines.landing.readers.workbook import attribute, has, parse

FORMATS = ("number-style", "date-style", "percentage-style")
YEARS = {"year", "era"}


def open_document_remarks(archive: zipfile.ZipFile, parts: Sequence[str]) -> Mapping[str, str]:
    """Style of cells -> what a person should know of numbers and dates in it; `parts` are those that define styles."""
    styles = _Styles()
    for part in parts:
        if has(archive, part):
            parse(archive, part, styles.start, styles.end)
    return {name: remark for name in styles.cells if (remark := styles.formats.get(styles.format_of(name), ""))}


class _Styles:
    """Formats of data with what is to be known of each, and the format and the parent of each style of cells."""

    def __init__(self) -> None:
        self.formats: dict[str, str] = {}
        self.cells: dict[str, tuple[str, str]] = {}
        self._format = ""
        self._shown: set[str] = set()
        self._has_zeros = self._is_scaled = False

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag in FORMATS:
            self._format, self._shown, self._has_zeros = attribute(given, "name"), set(), False
            self._is_scaled = False
        elif tag == "style" and attribute(given, "family") == "table-cell":
            self.cells[attribute(given, "name")] = attribute(given, "data-style-name"), attribute(given, "parent-style-name")
        elif self._format:
            self._shown.add(tag)
            self._is_scaled |= float(attribute(given, "display-factor") or 1) > 1
            self._has_zeros |= tag == "number" and int(attribute(given, "min-integer-digits") or 0) > 1

    def end(self, tag: str) -> None:
        if tag not in FORMATS or not self._format:
            return
        self.formats[self._format] = {
            "percentage-style": AS_PERCENT,
            "date-style": "" if "day" in self._shown and self._shown & YEARS else PART_OF_A_DATE,
            "number-style": IN_THOUSANDS if self._is_scaled else WITH_ZEROS if self._has_zeros else "",
        }[tag]
        self._format = ""

    def format_of(self, style: str) -> str:
        """The format of data that a style of cells names, or one that it is derived from."""
        seen = set()
        while style in self.cells and style not in seen:
            seen.add(style)
            named, parent = self.cells[style]
            if named:
                return named
            style = parent
        return ""
