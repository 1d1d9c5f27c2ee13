"""Odds ratios as a forest plot: exposures down, a line a model, counts and estimates in words beside the intervals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pipelines.release.figures.drawing import (
    INK,
    NOT_SHOWN,
    PALETTE,
    SHAPES,
    SOFT,
    Figure,
    Row,
    Spec,
    draw,
    field,
    heading,
    layer,
    scale_of,
)
from pipelines.release.formatting import cases_of_all, ratio_with_interval

LINE, PLOT = 17, 235
"""Height of a line and width of the plot, in pixels."""

LETTERS = 11
COLUMNS = {"exposure": 300, "wave": 70, "model": 95, "exposed": 80, "unexposed": 95, "ratio": 135}
"""Size of the letters and widths of the columns of text, in pixels: wide enough for the widest of the fonts."""

WIDEST = (0.1, 40.0)
"""The axis ends here at most; an interval that goes on ends in an arrow, and its numbers stand beside it."""

TICKS = (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 40)

MODELS = ("crude", "mantel_haenszel", "adjusted", "matched")
"""In the order in which they stand under one another."""


def forest_figure(rows: Sequence[Row], labels: Mapping[str, str], title: str, subtitle: str, level: float) -> Figure:
    """Rows of report.odds_ratios, of one source and outcome; `labels` names the exposures, in the order in which they are drawn.

    Ratios stand on a logarithmic axis. `level` is the confidence level, a share.
    """
    rows = in_order(rows, labels)
    numbers = [row[name] for row in rows for name in ("odds_ratio", "odds_ratio_lower", "odds_ratio_upper") if row[name]]
    lower, upper = max(WIDEST[0], min([*numbers, 0.8])) / 1.05, min(WIDEST[1], max([*numbers, 1.25])) * 1.05
    lines: list[dict[str, Any]] = []
    named: set[tuple[str, str]] = set()
    for position, row in enumerate(rows):
        name = contrast(row, labels), row["wave"]
        exposure, wave = ("", "") if name in named else name
        named.add(name)
        lines.append(_line(row, lower, upper) | {"position": position, "exposure": exposure, "wave": wave})
    y = field("position", "quantitative", axis=None, scale={"domain": [len(lines) - 0.5, -0.5], "nice": False, "zero": False})
    height = LINE * len(lines)
    models = [model for model in MODELS if model in {row["model"] for row in rows}]
    words = [
        _words(y, "exposure", "Exposure"),
        *([_words(y, "wave", "Wave")] if len({row["wave"] for row in rows}) > 1 else []),
        _words(y, "model", "Model", color=SOFT),
        _words(y, "exposed", "Exposed, n/N", align="right"),
        _words(y, "unexposed", "Unexposed, n/N", align="right"),
        _intervals(y, models, lower, upper),
        _words(y, "ratio", f"OR ({100 * level:g} % CI)", align="right"),
    ]
    chart = {"hconcat": [part | {"height": height} for part in words], "spacing": 4, "title": heading(title, subtitle)}
    return draw(chart, lines, _in_words(rows, labels, title, subtitle))


def in_order(rows: Sequence[Row], labels: Mapping[str, str]) -> list[Row]:
    """Exposure by exposure as the study lists them, waves and levels as they come; the models of one comparison stand together,
    the crude one first."""
    exposures, models = _positions(labels), _positions(MODELS)
    waves = _positions(row["wave"] for row in rows)
    levels = _positions((row["exposure"], row["exposure_level"]) for row in rows)
    return sorted(
        rows,
        key=lambda row: (
            exposures[row["exposure"]],
            waves[row["wave"]],
            levels[row["exposure"], row["exposure_level"]],
            models[row["model"]],
        ),
    )


def _positions(names: Iterable[Any]) -> dict[Any, int]:
    """Where each name comes first."""
    return {name: position for position, name in enumerate(dict.fromkeys(names))}


def _line(row: Row, lower: float, upper: float) -> dict[str, Any]:
    """What is drawn and written for a row, within the ends of the axis."""
    ratio, low, high = (row[column] for column in ("odds_ratio", "odds_ratio_lower", "odds_ratio_upper"))
    return {
        "model": row["model"].replace("_", "-"),
        "model_name": row["model"],
        "exposed": cases_of_all(row, "exposed"),
        "unexposed": cases_of_all(row, "unexposed"),
        "ratio": NOT_SHOWN if ratio is None else ratio_with_interval(row),
        "estimate": ratio if ratio is None or lower <= ratio <= upper else None,
        "low": low if low is None else max(low, lower),
        "high": upper if ratio is not None and high is None else high if high is None else min(high, upper),
        "beyond": upper if ratio is not None and (high is None or high > upper) else None,
        "below": lower if ratio is not None and low is not None and low < lower else None,
    }


def contrast(row: Row, labels: Mapping[str, str]) -> str:
    """What a row compares with what, as `<exposure>: <level> / <reference>`, or the exposure alone where it is yes or no.

    Of a number, `<exposure>: per <so many units>`.
    """
    levels = (row["exposure_level"], row["reference_level"])
    if levels[1] is None:
        return f"{labels[row['exposure']]}: {levels[0]}"
    return labels[row["exposure"]] + ("" if levels == ("true", "false") else f": {levels[0]} / {levels[1]}")


def _words(y: Spec, column: str, above: str, align: Literal["left", "right"] = "left", **style: Any) -> Spec:
    """A column of text."""
    width = COLUMNS[column]
    channels = {"text": field(column, "nominal"), "x": {"value": 0 if align == "left" else width}, "y": y}
    title = {"text": above, "anchor": "start" if align == "left" else "end", "fontSize": LETTERS, "fontWeight": "normal"}
    text = layer("text", channels, align=align, baseline="middle", fontSize=LETTERS, **({"color": INK} | style))
    return text | {"width": width, "title": title | {"color": SOFT, "frame": "bounds"}}


def _intervals(y: Spec, models: Sequence[str], lower: float, upper: float) -> Spec:
    """Points with intervals, arrows where these leave the axis, and a line at 1."""
    scale = {"type": "log", "domain": [lower, upper], "nice": False}
    axis = {"values": [tick for tick in TICKS if lower <= tick <= upper], "format": "~g"}
    low = field("low", "quantitative", title="Odds ratio, logarithmic scale", scale=scale, axis=axis)
    color = field("model_name", "nominal", scale=scale_of(models, PALETTE), legend=None)
    shape = field("model_name", "nominal", scale=scale_of(models, SHAPES), legend=None)
    drawn = {"y": y, "color": color}
    point = {"filled": True, "opacity": 1}
    return {
        "layer": [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": SOFT, "strokeDash": [3, 3]},
                "encoding": {"x": {"datum": 1}},
            },
            layer("rule", drawn | {"x": low, "x2": {"field": "high"}}, strokeWidth=1.6),
            layer("point", drawn | {"x": field("estimate", "quantitative"), "shape": shape}, size=46, **point),
            layer("point", drawn | {"x": field("beyond", "quantitative")}, shape="triangle-right", size=40, **point),
            layer("point", drawn | {"x": field("below", "quantitative")}, shape="triangle-left", size=40, **point),
        ],
        "width": PLOT,
        "title": {"text": " ", "fontSize": 12, "fontWeight": "normal"},
    }


def _in_words(rows: Sequence[Row], labels: Mapping[str, str], title: str, subtitle: str) -> str:
    said = "; ".join(
        f"{contrast(row, labels)} ({row['wave']}, {row['model'].replace('_', '-')}) {ratio_with_interval(row)}"
        for row in rows
        if row["odds_ratio"] is not None
    )
    return f"{title}, {subtitle}. Odds ratios with intervals: {said or 'none is shown'}."
