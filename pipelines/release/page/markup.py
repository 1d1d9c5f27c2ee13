"""A table as HTML, which the style sheet of the page dresses, in one pass over its cells: a page costs what its cells cost.

Only what is made here is markup: texts are escaped where they enter it, and the templates escape everything else.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby

from markupsafe import Markup

from pipelines.release.figures.drawing import Figure
from pipelines.release.page.display import GROUP, DisplayColumn, DisplayTable, marks


def html(table: DisplayTable) -> tuple[Markup, list[Markup]]:
    """A `<table>` with headings that screen readers announce, and its footnotes, which stand under it; texts are escaped.

    Each group of rows is a `<tbody>` under its own heading. The footnotes are apart, so that on a narrow screen they do not
    scroll away with the columns.
    """
    of_text = marks(table)
    beside = {(position, key): _mark(of_text[text]) for position, key, text in table.footnotes}
    markup = "\n".join(["<table>", "<thead>", *_head(table.columns), "</thead>", *_body(table, beside), "</table>"])
    return Markup(markup), [Markup(f"{_mark(mark)} {escape(text)}") for text, mark in of_text.items()]


def _head(columns: Sequence[DisplayColumn]) -> Iterator[str]:
    """One line of headings; two where columns stand under a common one."""
    if not any(column.spanner for column in columns):
        yield f"<tr>{''.join(_heading(column) for column in columns)}</tr>"
        return
    upper = []
    for spanner, alike in groupby(columns, key=lambda column: column.spanner):
        under = list(alike)
        if spanner:
            upper.append(
                f'<th scope="colgroup" colspan="{len(under)}" class="gt_center">'
                f'<span class="gt_column_spanner">{escape(spanner)}</span></th>'
            )
        else:
            upper += [_heading(column, ' rowspan="2"') for column in under]
    yield f'<tr class="gt_spanner_row">{"".join(upper)}</tr>'
    yield f"<tr>{''.join(_heading(column) for column in columns if column.spanner)}</tr>"


def _heading(column: DisplayColumn, spans: str = "") -> str:
    return f'<th scope="col"{spans} class="{_side(column)}">{escape(column.label)}</th>'


def _side(column: DisplayColumn) -> str:
    return "gt_left" if column.is_text else "gt_right"


def _body(table: DisplayTable, beside: Mapping[tuple[int, str], str]) -> Iterator[str]:
    first = table.columns[0].key
    others = [(column.key, _side(column)) for column in table.columns[1:]]
    for group, rows in groupby(enumerate(table.rows), key=lambda row: row[1].get(GROUP, "")):
        yield "<tbody>"
        if group:
            heading = f'<th scope="rowgroup" colspan="{len(table.columns)}" class="gt_group_heading">{escape(group)}</th>'
            yield f'<tr class="gt_group_heading_row">{heading}</tr>'
        for position, row in rows:
            named = f"{escape(row.get(first, ''))}{beside.get((position, first), '')}"
            cells = "".join(
                f'<td class="{side}">{_text(table, position, key)}{beside.get((position, key), "")}</td>' for key, side in others
            )
            yield f'<tr><th scope="row" class="gt_left gt_stub">{named}</th>{cells}</tr>'
        yield "</tbody>"


def _text(table: DisplayTable, position: int, key: str) -> str:
    """What stands in a cell; the parts of the page that it names lead there."""
    if not (links := table.links.get((position, key))):
        return escape(table.rows[position].get(key, ""))
    return "; ".join(f'<a href="#{escape(anchor)}">{escape(words)}</a>' for anchor, words in links)


def _mark(letters: str) -> str:
    return f'<span class="gt_footnote_marks">{letters}</span>'


def picture(draw: Callable[[], Figure]) -> Markup:
    """A figure as an image that holds its own vector graphic, with its text alternative."""
    figure = draw()
    data = base64.b64encode(figure.svg.encode()).decode()
    text = escape(figure.alt)
    return Markup(f'<img src="data:image/svg+xml;base64,{data}" alt="{text}" width="{figure.width}" height="{figure.height}">')
