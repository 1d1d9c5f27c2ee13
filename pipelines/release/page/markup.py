"""A table as HTML: great_tables writes the markup, the style sheet of the page dresses it."""

import base64
import re
from html import escape

import polars as pl

from pipelines.release.figures.drawing import Figure
from pipelines.release.page.display import GROUP, DisplayTable

PARTS = re.compile(r"(<table.*?</thead>.*?)(<tfoot.*?</tfoot>)?\s*(</table>)", re.DOTALL)
FOOTNOTE = re.compile(r'<td class="gt_footnote"[^>]*>(.*?)</td>', re.DOTALL)


def html(table: DisplayTable) -> tuple[str, list[str]]:
    """A `<table>` with headings that screen readers announce, and its footnotes, which stand under it; texts are escaped.

    The footnotes are apart, so that on a narrow screen they do not scroll away with the columns.
    """
    from great_tables import GT, loc

    keys = [column.key for column in table.columns]
    first = keys[0]
    # great_tables takes row names and spanners for unique
    frame = pl.DataFrame(
        [{key: row.get(key, "") for key in (GROUP, *keys)} for row in table.rows],
        schema=dict.fromkeys((GROUP, *keys), pl.String),
    )
    if not table.has_groups:
        frame = frame.drop(GROUP)
    made = GT(frame, rowname_col=first, groupname_col=GROUP if table.has_groups else None, id=table.name)
    made = made.tab_stubhead(table.columns[0].label)
    made = made.cols_label({column.key: column.label for column in table.columns[1:]})
    for is_text in (True, False):
        aligned = [column.key for column in table.columns[1:] if column.is_text is is_text]
        if aligned:
            made = made.cols_align("left" if is_text else "right", aligned)
    for spanner in dict.fromkeys(column.spanner for column in table.columns if column.spanner):
        made = made.tab_spanner(spanner, [column.key for column in table.columns if column.spanner == spanner])
    for position, key, text in table.footnotes:
        made = made.tab_footnote(text, loc.body(columns=key, rows=[position]))
    found = PARTS.search(made.opt_footnote_marks("letters").as_raw_html())
    if found is None:
        raise ValueError(f"great_tables made no table of {table.name}")
    head, foot, end = found.groups()
    return head + end, FOOTNOTE.findall(foot or "")


def picture(figure: Figure) -> str:
    """A figure as an image that holds its own vector graphic, with its text alternative."""
    data = base64.b64encode(figure.svg.encode()).decode()
    text = escape(figure.alt)
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{text}" width="{figure.width}" height="{figure.height}">'
