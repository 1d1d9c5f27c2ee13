"""The tables of the page for a manuscript: one Word file, and a CSV file each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.machine.visible import visible
from pipelines.release.page.display import GROUP, DisplayTable, marks
from pipelines.release.spreadsheet import write_csv

SMALL, MARGIN = 8, 1.5
"""Points of the letters in a table, and centimetres around a page."""

NAMES, NUMBERS = "Table names", "Table numbers"
"""Styles of the paragraphs in cells."""

EMU_PER_TWIP = 635

LONGEST_PROPERTY = 255
"""Letters of a property of a document, at most: ECMA-376 part 2, as python-docx holds it."""

SUPERSCRIPT = '<w:vertAlign w:val="superscript"/>'
REPEATED = "<w:trPr><w:tblHeader/></w:trPr>"
"""Marks a line of headings, which is repeated on every page: ECMA-376 part 1, 17.4.78."""


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
    document.core_properties.title = _in_one_line(title)[:LONGEST_PROPERTY]
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(29.7), Cm(21)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(MARGIN)
    _add_styles(document)
    document.add_heading(_in_one_line(title), 0)
    for paragraph in paragraphs:
        document.add_paragraph(visible(paragraph))
    for table in tables:
        _add_table(document, table)
    document.save(str(path))


@dataclass(frozen=True)
class _Line:
    """A line of a table of Word: texts, marks of footnotes beside them, whether equal texts side by side are one
    cell, and whether the line is repeated on every page."""

    texts: list[str]
    marks: list[str]
    is_heading: bool = False
    is_merged: bool = False
    is_repeated: bool = False


def _add_table(document: Any, table: DisplayTable) -> None:
    """The rows are written as markup and parsed once: through the objects of python-docx each cell would cost milliseconds."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document.add_heading(_in_one_line(table.heading), 2)
    made = document.add_table(rows=0, cols=len(table.columns), style="Light Shading")
    _without_bands(made)
    styles = [document.styles[NAMES if column.is_text else NUMBERS].style_id for column in table.columns]
    widths = [column.w for column in made._tbl.tblGrid.gridCol_lst]
    rows = "".join(_row(line, styles, widths) for line in _lines(table))
    made._tbl.extend(list(parse_xml(f"<w:tbl {nsdecls('w')}>{rows}</w:tbl>")))
    for text, mark in marks(table).items():
        document.add_paragraph(f"{mark} {visible(text)}", style=NAMES)
    for note in table.notes:
        document.add_paragraph(visible(note), style=NAMES)


def _row(line: _Line, styles: Sequence[str], widths: Sequence[int]) -> str:
    """A row of WordprocessingML (ECMA-376 part 1, 17.4): equal texts side by side of a merged line are one cell."""
    cells, position = [], 0
    alike = [[*group] for _, group in groupby(line.texts)] if line.is_merged else [[text] for text in line.texts]
    for texts in alike:
        width = sum(widths[position : position + len(texts)]) // EMU_PER_TWIP
        spans = f'<w:gridSpan w:val="{len(texts)}"/>' if len(texts) > 1 else ""
        runs = _run(texts[0], "<w:b/>" if line.is_heading else "") + _run(line.marks[position], SUPERSCRIPT)
        cells.append(
            f'<w:tc><w:tcPr><w:tcW w:type="dxa" w:w="{width}"/>{spans}</w:tcPr>'
            f'<w:p><w:pPr><w:pStyle w:val="{styles[position]}"/></w:pPr>{runs}</w:p></w:tc>'
        )
        position += len(texts)
    return f"<w:tr>{REPEATED if line.is_repeated else ''}{''.join(cells)}</w:tr>"


def _run(text: str, look: str) -> str:
    """A run of text; what XML cannot hold is spelled out."""
    if not text:
        return ""
    shown = escape(_in_one_line(text), quote=False)
    return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{shown}</w:t></w:r>'


def _in_one_line(text: str) -> str:
    return visible(text.replace("\n", " ").replace("\t", " "))


def _lines(table: DisplayTable) -> Iterator[_Line]:
    """The lines from top to bottom: headings, then a line for each group and each row."""
    keys = [column.key for column in table.columns]
    nothing = [""] * len(keys)
    if any(column.spanner for column in table.columns):
        yield _Line([column.spanner or "" for column in table.columns], nothing, True, is_merged=True, is_repeated=True)
    yield _Line([column.label for column in table.columns], nothing, is_heading=True, is_repeated=True)
    of_text = marks(table)
    beside = {(position, key): of_text[text] for position, key, text in table.footnotes}
    group = ""
    for position, row in enumerate(table.rows):
        if row.get(GROUP, "") != group:
            group = row[GROUP]
            yield _Line([group] * len(keys), nothing, is_heading=True, is_merged=True)
        yield _Line([row.get(key, "") for key in keys], [beside.get((position, key), "") for key in keys])


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
