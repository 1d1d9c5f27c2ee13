"""Tables as CSV and Excel that a spreadsheet opens without running anything and without changing a number.

Which tables, and what is said about them, is decided elsewhere.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from pipelines.machine.errors import CrampAtlasError

if TYPE_CHECKING:
    import xlsxwriter

MARK = "'"
"""Put before a text that a spreadsheet would run or that begins with the mark itself; dropping one gives the text back."""

RUN_AS_FORMULA = r"^[=+\-@\t\r\n']"
"""How a CSV cell begins that a spreadsheet takes for a formula (OWASP, CSV Injection), and the mark."""

LONGEST_SHEET_NAME = 31
MOST_ROWS = 1_048_575
LONGEST_TEXT = 32_767
"""Limits of Excel: characters of a sheet's name, rows below the header, characters of a cell."""

LITERAL_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
NUMBER_FORMATS: Mapping[Any, str] = {
    cs.integer(): "#,##0",
    cs.float(): "0.000",
    cs.starts_with("p_value") | cs.ends_with("_p_value"): "0.0000",
}
"""What is displayed; a cell holds its number to 15 digits all the same."""

WIDEST_COLUMN = 400
"""Pixels: longer texts run on beneath the next column."""


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """UTF-8 with a byte order mark, as Excel needs it; NULL is an empty field, an empty text is `""`."""
    _harmless(frame).write_csv(path, include_bom=True, quote_style="necessary")


def _harmless(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the mark before every text that a spreadsheet would run, headings among them. Numbers are untouched."""
    frame = frame.rename({name: MARK + name for name in frame.columns if re.match(RUN_AS_FORMULA, name)})
    return frame.with_columns(
        pl.when(cs.string().str.contains(RUN_AS_FORMULA)).then(MARK + cs.string()).otherwise(cs.string()).name.keep()
    )


def write_workbook(sheets: Mapping[str, pl.DataFrame | list[str]], path: Path) -> None:
    """One sheet a table with a frozen header, or a list of paragraphs; text is never a formula or a link, NULL an empty cell.

    Raises CrampAtlasError for what Excel cannot hold, before anything is written.
    """
    for name, sheet in sheets.items():
        if isinstance(sheet, pl.DataFrame):
            _require_fit(name, sheet)
    import xlsxwriter  # only where something is written

    with xlsxwriter.Workbook(path, LITERAL_TEXT) as workbook:
        for name, sheet in zip(_sheet_names(list(sheets)), sheets.values(), strict=True):
            if isinstance(sheet, pl.DataFrame):
                sheet.write_excel(
                    workbook, worksheet=name, dtype_formats=None, column_formats=NUMBER_FORMATS, freeze_panes=(1, 0)
                )
                workbook.get_worksheet_by_name(name).autofit(WIDEST_COLUMN)
            else:
                _write_paragraphs(workbook, name, sheet)


def _write_paragraphs(workbook: "xlsxwriter.Workbook", name: str, paragraphs: list[str]) -> None:
    """One below the other in one wide column."""
    worksheet = workbook.add_worksheet(name)
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    worksheet.set_column(0, 0, 110)
    for row, paragraph in enumerate(paragraphs):
        worksheet.write_string(row, 0, paragraph, wrapped)


def _sheet_names(names: list[str]) -> list[str]:
    """Names that Excel takes: cut to what it allows, and numbered where that makes two the same."""
    found: list[str] = []
    for name in names:
        short, number = name[:LONGEST_SHEET_NAME], 1
        while short in found:
            number += 1
            short = f"{name[: LONGEST_SHEET_NAME - len(str(number)) - 1]}_{number}"
        found.append(short)
    return found


def _require_fit(name: str, frame: pl.DataFrame) -> None:
    if frame.height > MOST_ROWS:
        raise CrampAtlasError(f"{name} has {frame.height:,} rows; a sheet of Excel holds {MOST_ROWS:,}")
    for column in frame.select(cs.string()):
        if (column.str.len_chars().max() or 0) > LONGEST_TEXT:  # type: ignore[operator]
            raise CrampAtlasError(
                f"{name}, {column.name}: a text is longer than the {LONGEST_TEXT:,} characters of a cell of Excel"
            )
    for column in frame.select(cs.float()):
        if not column.is_finite().all():
            raise CrampAtlasError(f"{name}, {column.name}: a number is not finite, which Excel cannot hold")
