"""Events of people: pairs of medicines by month as bars on both sides, and rates of a diary by calendar month."""

import calendar
from collections.abc import Mapping, Sequence

from pipelines.release.figures.drawing import PALETTE, ROWS, SOFT, WIDE, Figure, Row, draw, field, heading, layer

WIDTH, HEIGHT = WIDE - 60, 200

PANELS, PANEL_WIDTH, PANEL_HEIGHT = 2, WIDE // 2 - 70, 90
"""Panels in a row, and pixels of each."""

FIRST, LATER = "class first", "marker first"


def months_figure(rows: Sequence[Row], labels: Mapping[str, str], title: str, subtitle: str) -> Figure:
    """Rows of report.sequence_pairs_by_month of one source and wave, a panel a class: bars left of 0 had the marker first.

    `labels`: class -> what readers call it, in the order of the panels.
    """
    bars = [
        {
            "class": labels[row["index_class"]],
            "month": row["month"],
            "n": row["n_pairs"],
            "order": FIRST if row["month"] > 0 else LATER,
        }
        for row in rows
        if row["n_pairs"] is not None and row["index_class"] in labels
    ]
    last = max((abs(bar["month"]) for bar in bars), default=1) + 1
    x = field("month", "quantitative", title=None, scale={"domain": [-last, last]}, axis={"tickCount": 5, "grid": False})
    y = field("n", "quantitative", title="Pairs", scale={"zero": True}, axis={"tickCount": 4})
    color = field("order", "nominal", scale={"domain": [FIRST, LATER], "range": [PALETTE[0], PALETTE[4]]}, legend={"title": ""})
    bar = {"mark": {"type": "bar", "width": 0.7 * PANEL_WIDTH / (2 * last)}, "encoding": {"x": x, "y": y, "color": color}}
    zero = {"mark": {"type": "rule", "color": SOFT, "strokeDash": [3, 3]}, "encoding": {"x": {"datum": 0}}}
    header = {"title": None, "labelAnchor": "start", "labelFontSize": 11, "labelLimit": PANEL_WIDTH + 20}
    chart = {
        "data": {"name": ROWS},
        "facet": field("class", "nominal", sort=list(labels.values()), title=None, header=header),
        "columns": PANELS,
        "spec": {"layer": [bar, zero], "width": PANEL_WIDTH, "height": PANEL_HEIGHT},
        "resolve": {"scale": {"y": "independent"}},
        "title": heading(title, subtitle),
    }
    return draw(chart, bars, f"{title}, {subtitle}. Bars by month. {_of_classes(bars)}. The table beside it has the ratios.")


def _of_classes(bars: Sequence[Row]) -> str:
    """How many pairs of each class there are in either order."""
    said = []
    for name in dict.fromkeys(bar["class"] for bar in bars):
        after, before = (
            sum(bar["n"] for bar in bars if bar["class"] == name and bar["order"] == order) for order in (FIRST, LATER)
        )
        said.append(f"{name}: {after:,} pairs with it first, {before:,} with the marker first")
    return "; ".join(said)


def diary_figure(rows: Sequence[Row], title: str, subtitle: str) -> Figure:
    """Rows of report.diary_rates by calendar month, of one source and wave, as points with intervals."""
    points = [
        {
            "month": calendar.month_abbr[int(row["level"])],
            **{name: row[f"rate_per_person_day{end}"] for name, end in (("rate", ""), ("lower", "_lower"), ("upper", "_upper"))},
        }
        for row in rows
        if row["rate_per_person_day"] is not None
    ]
    axis = {"labelAngle": 0, "ticks": False}
    x = field("month", "nominal", title="Month", sort=[point["month"] for point in points], axis=axis)
    y = field("lower", "quantitative", title="A person and day", scale={"zero": True}, axis={"tickCount": 5})
    color = {"value": PALETTE[0]}
    layers = [
        layer("rule", {"x": x, "y": y, "y2": {"field": "upper"}, "color": color}, strokeWidth=1.6),
        layer("point", {"x": x, "y": field("rate", "quantitative"), "color": color}, filled=True, size=46, opacity=1),
    ]
    chart = {"layer": layers, "title": heading(title, subtitle), "width": WIDTH, "height": HEIGHT}
    highest = max(points, key=lambda point: point["rate"], default=None)
    most = f" Highest in {highest['month']}: {highest['rate']:.2f}." if highest else ""
    return draw(
        chart, points, f"{title}, {subtitle}. Points with intervals by month.{most} The table beside it has every number."
    )
