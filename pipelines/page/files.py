"""The tables of the page for a manuscript: one Word file, and a CSV file each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.page.display import GROUP, DisplayTable
from pipelines.releases.spreadsheet import write_csv

SMALL, MARGIN = 8, 1.5
"""Points of the letters in a table, and centimetres around a page."""

NAMES, NUMBERS = "Table names", "Table numbers"
"""Styles of the paragraphs in cells."""

MARKS = "abcdefghijklmnopqrstuvwxyz"


def write_table(table: DisplayTable, path: Path) -> None:
    """The table as the page shows it, with its headings in one line, as CSV."""
    headings = {column.key: f"{column.spanner}: {column.label}" if column.spanner else column.label for column in table.columns}
    if table.has_groups:
        headings = {GROUP: "Group"} | headings
    rows = [{heading: row.get(key, "") for key, heading in headings.items()} for row in table.rows]
    write_csv(pl.DataFrame(rows, schema=dict.fromkeys(headings.values(), pl.String)), path)


def write_word(title: str, paragraphs: Sequence[str], tables: Sequence[DisplayTable], path: Path) -> None:
    """One document with every table as a table of Word, its footnotes and notes under it."""
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.shared import Cm

    document = Document()
    document.core_properties.author = "Cramp Atlas"
    document.core_properties.title = title
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(29.7), Cm(21)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(MARGIN)
    _add_styles(document)
    document.add_heading(title, 0)
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    for table in tables:
        _add_table(document, table)
    document.save(str(path))


def _add_table(document: Any, table: DisplayTable) -> None:
    document.add_heading(table.title, 2)
    texts = list(dict.fromkeys(text for _, _, text in table.footnotes))
    marks = {(position, key): _mark(texts.index(text)) for position, key, text in table.footnotes}
    has_spanners = any(column.spanner for column in table.columns)
    grid: list[tuple[list[str], bool]] = []
    if has_spanners:
        grid.append(([column.spanner or "" for column in table.columns], True))
    grid.append(([column.label for column in table.columns], True))
    group = None
    for position, row in enumerate(table.rows):
        if row.get(GROUP, "") != (group or ""):
            group = row[GROUP]
            grid.append(([group, *[""] * (len(table.columns) - 1)], True))
        cells = [row.get(column.key, "") + marks.get((position, column.key), "") for column in table.columns]
        grid.append((cells, False))
    made = document.add_table(rows=len(grid), cols=len(table.columns), style="Light List")
    ids = {name: document.styles[name].style_id for name in (NAMES, NUMBERS)}
    for line, (cells, is_heading) in zip(made.rows, grid, strict=True):
        for cell, text, column in zip(line.cells, cells, table.columns, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph._p.style = ids[NAMES if column.is_text else NUMBERS]  # by name, python-docx looks it up for each cell
            paragraph.add_run(text).bold = is_heading
    for repeated in made.rows[: 1 + has_spanners]:
        _repeat_on_every_page(repeated)
    for position, text in enumerate(texts):
        document.add_paragraph(f"{_mark(position)} {text}")
    for note in table.notes:
        document.add_paragraph(note)


def _mark(position: int) -> str:
    """a, b, ..., z, aa, bb, ..."""
    return MARKS[position % len(MARKS)] * (position // len(MARKS) + 1)


def _add_styles(document: Any) -> None:
    """The paragraph styles of cells: small, and numbers to the right."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    for name, alignment in ((NAMES, WD_ALIGN_PARAGRAPH.LEFT), (NUMBERS, WD_ALIGN_PARAGRAPH.RIGHT)):
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.font.size = Pt(SMALL)
        style.paragraph_format.space_after = Pt(0)
        style.paragraph_format.alignment = alignment


def _repeat_on_every_page(row: Any) -> None:
    """Mark a heading line, which python-docx has no name for: ECMA-376 part 1, 17.4.78."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
