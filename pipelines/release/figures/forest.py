"""Odds ratios as a forest plot: exposures down, a panel a model, counts and estimates in words beside the intervals."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pipelines.release.figures.drawing import (
    INK,
    NOT_SHOWN,
    PALETTE,
    SHAPES,
    SOFT,
    WIDE,
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

LINE, MORE = 18, 12
"""Height of a row with one line of words, and of each further line, in pixels."""

LETTERS, SPACING = 11, 4
COLUMNS = {"exposure": 228, "wave": 62, "exposed": 76, "unexposed": 88, "ratio": 120}
"""Size of the letters and widths of the columns of text, in pixels: wide enough for the widest of the fonts."""

IN_A_LINE = 40
"""Letters of an exposure in a line."""

LEAST_PLOT = 110
"""Pixels of a panel at least; the figure is wider where there are many models."""

WIDEST = (0.1, 40.0)
"""The axis ends here at most; an interval that goes on ends in an arrow, and its numbers stand beside it."""

TICKS = (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 40)

MODELS = {"crude": "Crude", "mantel_haenszel": "Mantel-Haenszel", "adjusted": "Adjusted", "matched": "Matched"}
"""Their names, in the order in which they stand beside one another."""


def forest_figure(rows: Sequence[Row], labels: Mapping[str, str], title: str, subtitle: str, level: float) -> Figure:
    """Rows of report.odds_ratios, of one source and outcome; `labels` names the exposures, in the order in which they are drawn.

    Ratios stand on a logarithmic axis, the same in each panel. `level` is the confidence level, a share. Counts stand once where
    all models rest on the same people, otherwise with each model.
    """
    rows = in_order(rows, labels)
    numbers = [row[name] for row in rows for name in ("odds_ratio", "odds_ratio_lower", "odds_ratio_upper") if row[name]]
    lower, upper = max(WIDEST[0], min([*numbers, 0.8])) / 1.05, min(WIDEST[1], max([*numbers, 1.25])) * 1.05
    keys = list(dict.fromkeys(_key(row) for row in rows))
    first = {key: next(row for row in rows if _key(row) == key) for key in keys}
    names = [textwrap.wrap(contrast(first[key], labels), IN_A_LINE) for key in keys]
    # under the line above, of another wave, it is not named again
    named = ["\n".join(name) if position == 0 or name != names[position - 1] else "" for position, name in enumerate(names)]
    waves = [key[-1] for key in keys]
    lines = [
        _line(row, lower, upper)
        | {"position": position, "exposure": named[position], "wave": waves[position], "is_first": row is first[keys[position]]}
        for row in rows
        for position in [keys.index(_key(row))]
    ]
    models = [model for model in MODELS if model in {row["model"] for row in rows}]
    is_shared = all(_counts(row) == _counts(first[_key(row)]) for row in rows)
    height = (LINE + MORE * (max(map(len, names)) - 1)) * len(keys)
    y = field("position", "quantitative", axis=None, scale={"domain": [len(keys) - 0.5, -0.5], "nice": False, "zero": False})
    counted = [_words(y, "exposed", "Exposed, n/N", align="right"), _words(y, "unexposed", "Unexposed, n/N", align="right")]
    shared = [
        _words(y, "exposure", "Exposure", lineBreak="\n", lineHeight=MORE),
        *([_words(y, "wave", "Wave")] if len(set(waves)) > 1 else []),
        *(counted if is_shared else []),
    ]
    ratio = _words(y, "ratio", f"OR ({100 * level:g} % CI)", align="right")
    beside = [*([] if is_shared else counted), ratio]
    width = _width_of_plots(shared, beside, len(models))
    parts = [_only(part, "datum.is_first") for part in shared]
    for model in models:
        condition = f"datum.model === '{model}'"
        parts += [_intervals(y, model, models, (lower, upper), condition) | {"width": width}]
        parts += [_only(part, condition) for part in beside]
    chart = {"hconcat": [part | {"height": height} for part in parts], "spacing": SPACING, "title": heading(title, subtitle)}
    return draw(chart, lines, _in_words(rows, labels, title, subtitle))


def _key(row: Row) -> tuple[str, ...]:
    """What a line of the figure is of: the contrast, then the wave."""
    return row["exposure"], str(row["exposure_level"]), str(row["reference_level"]), row["wave"]


def _counts(row: Row) -> tuple[str, str]:
    return cases_of_all(row, "exposed"), cases_of_all(row, "unexposed")


def _width_of_plots(shared: Sequence[Spec], beside: Sequence[Spec], n_models: int) -> int:
    """What the words leave of the width of a figure, for each panel."""
    words = sum(part["width"] for part in shared) + n_models * sum(part["width"] for part in beside)
    spaces = SPACING * (len(shared) + n_models * (1 + len(beside)))
    return max(LEAST_PLOT, int(WIDE - words - spaces) // n_models)


def _only(part: Spec, condition: str) -> Spec:
    """A mark for those rows alone that meet a condition of Vega."""
    return part | {"transform": [{"filter": condition}]}


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
        "model": row["model"],
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


def _intervals(y: Spec, model: str, models: Sequence[str], ends: tuple[float, float], condition: str) -> Spec:
    """Points with intervals of one model, arrows where these leave the axis, and a line at 1."""
    lower, upper = ends
    scale = {"type": "log", "domain": [lower, upper], "nice": False}
    axis = {"values": [tick for tick in TICKS if lower <= tick <= upper], "format": "~g"}
    low = field("low", "quantitative", title="Odds ratio, log scale", scale=scale, axis=axis)
    color = field("model", "nominal", scale=scale_of(models, PALETTE), legend=None)
    shape = field("model", "nominal", scale=scale_of(models, SHAPES), legend=None)
    drawn = {"y": y, "color": color}
    point = {"filled": True, "opacity": 1}
    marks = [
        layer("rule", drawn | {"x": low, "x2": {"field": "high"}}, strokeWidth=1.6),
        layer("point", drawn | {"x": field("estimate", "quantitative"), "shape": shape}, size=46, **point),
        layer("point", drawn | {"x": field("beyond", "quantitative")}, shape="triangle-right", size=40, **point),
        layer("point", drawn | {"x": field("below", "quantitative")}, shape="triangle-left", size=40, **point),
    ]
    return {
        "layer": [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "color": SOFT, "strokeDash": [3, 3]},
                "encoding": {"x": {"datum": 1}},
            },
            *(_only(mark, condition) for mark in marks),
        ],
        "title": {"text": MODELS[model], "anchor": "middle", "fontSize": 12, "fontWeight": "bold", "color": INK},
    }


def _in_words(rows: Sequence[Row], labels: Mapping[str, str], title: str, subtitle: str) -> str:
    said = "; ".join(
        f"{contrast(row, labels)} ({row['wave']}, {MODELS[row['model']].lower()}) {ratio_with_interval(row)}"
        for row in rows
        if row["odds_ratio"] is not None
    )
    return f"{title}, {subtitle}. Odds ratios with intervals: {said or 'none is shown'}."
