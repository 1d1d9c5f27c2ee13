"""Odds ratios as a forest plot: exposures down, a line a model, counts and estimates in words beside the intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pipelines.release.figures.drawing import (
    INK,
    NOT_SHOWN,
    PALETTE,
    SHAPES,
    SOFT,
    Figure,
    Row,
    data_source,
    draw,
    heading,
    scale_of,
)
from pipelines.release.formatting import cases_of_all, ratio_with_interval

if TYPE_CHECKING:
    import altair as alt

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
    import altair as alt

    rows = in_order(rows, labels)
    numbers = [row[name] for row in rows for name in ("odds_ratio", "odds_ratio_lower", "odds_ratio_upper") if row[name]]
    lower, upper = max(WIDEST[0], min([*numbers, 0.8])) / 1.05, min(WIDEST[1], max([*numbers, 1.25])) * 1.05
    names = [(contrast(row, labels), row["wave"]) for row in rows]
    lines = [
        _line(row, lower, upper)
        | {"position": position}
        | dict(zip(("exposure", "wave"), ("", "") if name in names[:position] else name, strict=True))
        for position, (name, row) in enumerate(zip(names, rows, strict=True))
    ]
    y = alt.Y("position:Q", axis=None, scale=alt.Scale(domain=[len(lines) - 0.5, -0.5], nice=False, zero=False))
    base = alt.Chart(data_source()).encode(y=y).properties(height=LINE * len(lines))
    interval = f"OR ({100 * level:g} % CI)"
    models = [model for model in MODELS if model in {row["model"] for row in rows}]
    chart = alt.hconcat(
        _words(base, "exposure", "Exposure"),
        *([_words(base, "wave", "Wave")] if len({row["wave"] for row in rows}) > 1 else []),
        _words(base, "model", "Model", color=SOFT),
        _words(base, "exposed", "Exposed, n/N", align="right"),
        _words(base, "unexposed", "Unexposed, n/N", align="right"),
        _intervals(base, models, lower, upper),
        _words(base, "ratio", interval, align="right"),
        spacing=4,
        title=heading(title, subtitle),
    )
    return draw(chart, lines, _in_words(rows, labels, title, subtitle))


def in_order(rows: Sequence[Row], labels: Mapping[str, str]) -> list[Row]:
    """Exposure by exposure as the study lists them; the models of one comparison stand together, the crude one first."""
    exposures, levels = list(labels), list(dict.fromkeys((row["exposure"], row["exposure_level"]) for row in rows))
    return sorted(
        rows,
        key=lambda row: (
            exposures.index(row["exposure"]),
            row["wave"],
            levels.index((row["exposure"], row["exposure_level"])),
            MODELS.index(row["model"]),
        ),
    )


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
    """What a row compares with what, as `<exposure>: <level> / <reference>`, or the exposure alone where it is yes or no."""
    levels = (row["exposure_level"], row["reference_level"])
    return labels[row["exposure"]] + ("" if levels == ("true", "false") else f": {levels[0]} / {levels[1]}")


def _words(base: "alt.Chart", column: str, above: str, align: Literal["left", "right"] = "left", **style: Any) -> Any:
    import altair as alt

    width = COLUMNS[column]
    at_edge = {"x": alt.value(0 if align == "left" else width)}
    text = base.mark_text(align=align, baseline="middle", fontSize=LETTERS, **({"color": INK} | style))
    side: Literal["start", "end"] = "start" if align == "left" else "end"
    title = alt.TitleParams(above, anchor=side, fontSize=LETTERS, fontWeight="normal", color=SOFT, frame="bounds")
    return text.encode(text=f"{column}:N", **at_edge).properties(width=width, title=title)


def _intervals(base: "alt.Chart", models: Sequence[str], lower: float, upper: float) -> Any:
    import altair as alt

    x = alt.X(
        "low:Q",
        title="Odds ratio, logarithmic scale",
        scale=alt.Scale(type="log", domain=[lower, upper], nice=False),
        axis=alt.Axis(values=[tick for tick in TICKS if lower <= tick <= upper], format="~g"),
    )
    colour = alt.Color("model_name:N", scale=alt.Scale(**scale_of(models, PALETTE)), legend=None)
    shape = alt.Shape("model_name:N", scale=alt.Scale(**scale_of(models, SHAPES)), legend=None)
    beyond = base.mark_point(shape="triangle-right", filled=True, size=40, opacity=1).encode(x="beyond:Q", color=colour)
    below = base.mark_point(shape="triangle-left", filled=True, size=40, opacity=1).encode(x="below:Q", color=colour)
    return alt.layer(
        alt.Chart(alt.InlineData([{}])).mark_rule(color=SOFT, strokeDash=[3, 3]).encode(x=alt.datum(1)),
        base.mark_rule(strokeWidth=1.6).encode(x=x, x2="high:Q", color=colour),
        base.mark_point(filled=True, size=46, opacity=1).encode(x="estimate:Q", color=colour, shape=shape),
        beyond,
        below,
    ).properties(width=PLOT, height=base.height, title=alt.TitleParams(" ", fontSize=12, fontWeight="normal"))


def _in_words(rows: Sequence[Row], labels: Mapping[str, str], title: str, subtitle: str) -> str:
    said = "; ".join(
        f"{contrast(row, labels)} ({row['wave']}, {row['model'].replace('_', '-')}) {ratio_with_interval(row)}"
        for row in rows
        if row["odds_ratio"] is not None
    )
    return f"{title}, {subtitle}. Odds ratios with intervals: {said or 'none is shown'}."
