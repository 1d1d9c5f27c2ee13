"""What all figures share: one theme, and the way from a chart of Vega-Lite to SVG."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Row = Mapping[str, Any]
Spec = dict[str, Any]

VEGA_LITE = "v6.4"
"""The version of Vega-Lite that charts are written in."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's colours, told apart with any colour vision: Color Universal Design, jfly.uni-koeln.de/color, 2008."""

SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross")
"""A shape beside each colour, for print in black and white."""

INK, SOFT, RULE = "#1b1f24", "#5a6472", "#d5dae1"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

NOT_SHOWN = "not shown"

WIDE = 1000
"""Pixels from side to side: as wide as the tables of the page."""

TITLE, SUBTITLE = 100, 130
"""Letters in a line."""

ROWS = "rows"

KEPT = 256
"""Figures that a process remembers by their content, of some 60 kB each."""

SIZE = re.compile(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"')


THEME: Spec = {
    "font": FONT,
    "background": "white",
    "padding": 6,
    "aria": False,  # the alternative text stands with the picture
    "axis": {
        "labelColor": INK,
        "titleColor": SOFT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "domainColor": SOFT,
        "tickColor": SOFT,
        "gridColor": RULE,
    },
    "legend": {"labelColor": INK, "titleColor": SOFT, "labelFontSize": 12, "titleFontSize": 12, "orient": "top"},
    "title": {
        "color": INK,
        "subtitleColor": SOFT,
        "anchor": "start",
        "fontSize": 13,
        "subtitleFontSize": 12,
        "frame": "group",
    },
    "view": {"stroke": None},
}


@dataclass(frozen=True)
class Figure:
    """A vector graphic with its size in CSS pixels and the text that stands for it where it cannot be seen."""

    svg: str
    alt: str
    width: int
    height: int


def draw(chart: Spec, rows: Sequence[Row], alternative: str) -> Figure:
    """Render a chart of Vega-Lite; needs no network and no browser, and equal charts give equal bytes.

    `rows` are the data set ROWS. The chart is a plain dict: what a library of chart objects checks at each step costs more than
    the drawing.
    """
    svg = _svg(json.dumps({"config": THEME, **chart, "datasets": {ROWS: list(rows)}}))
    size = SIZE.search(svg)
    if size is None:
        raise ValueError("the drawing library returned no SVG")
    return Figure(svg, alternative, round(float(size[1])), round(float(size[2])))


@lru_cache(maxsize=KEPT)
def _svg(spec: str) -> str:
    """A night draws most figures twice, for Dagster and for the page, and most nights draw those of the night before."""
    import vl_convert

    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)


def scale_of(names: Sequence[str], values: Sequence[str]) -> dict[str, Any]:
    """Domain and range of a nominal scale: each name keeps its colour or shape, whatever rows there are."""
    return {"domain": list(names), "range": [values[i % len(values)] for i in range(len(names))]}


def heading(title: str, subtitle: str) -> Spec:
    """The title of a figure; a long one takes several lines."""
    lines = {"text": textwrap.wrap(title, TITLE), "subtitle": textwrap.wrap(subtitle, SUBTITLE)}
    return lines | {"color": INK, "offset": 10}


def field(name: str, kind: str, **more: Any) -> Spec:
    """A channel that a column is drawn in; `kind` is nominal or quantitative."""
    return {"field": name, "type": kind, **more}


def layer(mark: str, channels: Spec, **look: Any) -> Spec:
    """One kind of mark for every row."""
    return {"data": {"name": ROWS}, "mark": {"type": mark, **look}, "encoding": channels}
