"""The tables of the page for a manuscript: one Word file, and a CSV file each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.release.page.display import GROUP, DisplayTable
from pipelines.release.spreadsheet import write_csv

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


@dataclass(frozen=True)
class _Line:
    """A line of a table of Word: texts, marks of footnotes beside them, and whether equal texts side by side are one cell."""

    texts: list[str]
    marks: list[str]
    is_heading: bool = False
    is_merged: bool = False


def _add_table(document: Any, table: DisplayTable) -> None:
    document.add_heading(table.title, 2)
    lines = list(_lines(table))
    made = document.add_table(rows=len(lines), cols=len(table.columns), style="Light Shading")
    _without_bands(made)
    ids = {name: document.styles[name].style_id for name in (NAMES, NUMBERS)}
    for row, line in zip(made.rows, lines, strict=True):
        cells = row.cells
        for position, (text, mark) in enumerate(zip(line.texts, line.marks, strict=True)):
            if line.is_merged and position and text == line.texts[position - 1]:
                continue
            paragraph = cells[position].paragraphs[0]
            paragraph._p.style = ids[NAMES if table.columns[position].is_text else NUMBERS]  # by name it is looked up each time
            paragraph.add_run(text).bold = line.is_heading
            if mark:
                paragraph.add_run(mark).font.superscript = True
        if line.is_merged:
            for _, alike in groupby(range(len(cells)), key=line.texts.__getitem__):
                first, *others = alike
                if others:
                    cells[first].merge(cells[others[-1]])
    n_headings = 1 + any(column.spanner for column in table.columns)
    for row in made.rows[:n_headings]:
        _repeat_on_every_page(row)
    for text, mark in _marks(table).items():
        document.add_paragraph(f"{mark} {text}", style=NAMES)
    for note in table.notes:
        document.add_paragraph(note, style=NAMES)


def _lines(table: DisplayTable) -> Iterator[_Line]:
    """The lines from top to bottom: headings, then a line for each group and each row."""
    keys = [column.key for column in table.columns]
    nothing = [""] * len(keys)
    if any(column.spanner for column in table.columns):
        yield _Line([column.spanner or "" for column in table.columns], nothing, is_heading=True, is_merged=True)
    yield _Line([column.label for column in table.columns], nothing, is_heading=True)
    marks = _marks(table)
    beside = {(position, key): marks[text] for position, key, text in table.footnotes}
    group = ""
    for position, row in enumerate(table.rows):
        if row.get(GROUP, "") != group:
            group = row[GROUP]
            yield _Line([group] * len(keys), nothing, is_heading=True, is_merged=True)
        yield _Line([row.get(key, "") for key in keys], [beside.get((position, key), "") for key in keys])


def _marks(table: DisplayTable) -> dict[str, str]:
    """Text of a footnote -> its mark."""
    texts = dict.fromkeys(text for _, _, text in table.footnotes)
    return {text: _mark(position) for position, text in enumerate(texts)}


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
        style.paragraph_format.line_spacing = 1.0
        style.paragraph_format.alignment = alignment


def _without_bands(table: Any) -> None:
    """White behind every line: ECMA-376 part 1, 17.4.56."""
    from docx.oxml.ns import qn

    look = table._tbl.tblPr.find(qn("w:tblLook"))
    look.set(qn("w:noHBand"), "1")
    look.set(qn("w:val"), "0620")


def _repeat_on_every_page(row: Any) -> None:
    """Mark a heading line, which python-docx has no name for: ECMA-376 part 1, 17.4.78."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
