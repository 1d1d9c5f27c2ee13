"""Prevalence by age band as points with intervals."""

from collections.abc import Sequence

from pipelines.project.respondents import ALL
from pipelines.release.figures.drawing import (
    NOT_SHOWN,
    PALETTE,
    SHAPES,
    SOFT,
    WIDE,
    Figure,
    Row,
    draw,
    field,
    heading,
    layer,
    scale_of,
)

WIDTH, HEIGHT = WIDE - 60, 240
"""Pixels of the plot; the rest is its axis."""

DODGE = 9
"""Pixels between the points of two waves in one age band."""


def prevalence_figure(rows: Sequence[Row], title: str, subtitle: str) -> Figure:
    """Rows of report.prevalence_by_age_band, of one source, population and outcome; each wave is a series of its own.

    Prevalences are drawn in per cent on an axis from zero, in the order in which the rows come; the row of all ages is left out.
    """
    rows = [row for row in rows if row["age_band"] != ALL]
    bands, waves = (list(dict.fromkeys(row[name] for row in rows)) for name in ("age_band", "wave"))
    points = [
        {
            "age": row["age_band"],
            "wave": row["wave"],
            "offset": WIDTH / len(bands) / 2 + DODGE * (waves.index(row["wave"]) - (len(waves) - 1) / 2),
            **{name: _percent(row[name]) for name in ("prevalence", "prevalence_lower", "prevalence_upper")},
            "label": NOT_SHOWN if row["prevalence"] is None else "",
        }
        for row in rows
    ]
    legend = {"title": ""} if len(waves) > 1 else None
    color = field("wave", "nominal", scale=scale_of(waves, PALETTE), legend=legend)
    shape = field("wave", "nominal", scale=scale_of(waves, SHAPES), legend=legend)
    age = {"title": "Age, years", "scale": {"padding": 0}, "axis": {"labelAngle": 0, "ticks": False}}
    drawn = {
        "x": field("age", "nominal", sort=bands, **age),
        "xOffset": field("offset", "quantitative", scale={"domain": [-1, 1], "range": [-1, 1]}),
        "color": color,
    }
    y = field("prevalence_lower", "quantitative", title="Prevalence, %", scale={"zero": True}, axis={"tickCount": 6})
    not_shown = {"y": {"datum": 0}, "text": field("label", "nominal"), "color": {"value": SOFT}}
    look = {"angle": 270, "align": "left", "baseline": "middle", "color": SOFT, "fontSize": 11}
    layers = [
        layer("rule", drawn | {"y": y, "y2": {"field": "prevalence_upper"}}, strokeWidth=1.6),
        layer("point", drawn | {"y": field("prevalence", "quantitative"), "shape": shape}, filled=True, size=46, opacity=1),
        layer("text", drawn | not_shown, **look),
    ]
    chart = {"layer": layers, "title": heading(title, subtitle), "width": WIDTH, "height": HEIGHT}
    return draw(chart, points, _in_words(rows, title, subtitle))


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _in_words(rows: Sequence[Row], title: str, subtitle: str) -> str:
    """What the figure shows, for whoever does not see it: the first and last band and the extremes of each wave."""
    said = []
    for wave in dict.fromkeys(row["wave"] for row in rows):
        shown = [row for row in rows if row["wave"] == wave and row["prevalence"] is not None]
        if not shown:
            said.append(f"{wave}: no number is shown")
            continue
        lowest, highest = (extreme(shown, key=lambda row: row["prevalence"]) for extreme in (min, max))
        said.append(
            f"{wave}: lowest {100 * lowest['prevalence']:.1f} % at {lowest['age_band']}, "
            f"highest {100 * highest['prevalence']:.1f} % at {highest['age_band']}"
        )
    return f"{title}, {subtitle}. Points with intervals by age band. {'; '.join(said)}. The table beside it has every number."
