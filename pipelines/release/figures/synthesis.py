"""Published ratios of one question as a forest plot, a panel a design: squares by weight, a diamond and a prediction interval
where something was pooled, and risk of bias beside each study. Designs never share a diamond."""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pipelines.release.figures.drawing import INK, NOT_SHOWN, PALETTE, SOFT, Figure, Row, Spec, draw, field, heading
from pipelines.release.figures.forest import LETTERS, LINE, TICKS, WIDEST
from pipelines.release.formatting import NOTHING, cases_of_all, p_value, ratio

PLOT = 250
COLUMNS = {"study": 200, "exposed": 92, "unexposed": 92, "ratio": 150, "weight": 66, "overall": 86}
"""Widths of the plot and of the columns of text, in pixels."""

CAPTION, BENEATH = 180, 30
"""Letters in a line under a panel, and pixels from the plot to the words at both sides of 1, under the numbers of the axis."""

SMALLEST, LARGEST = 24, 300
"""Areas of the squares of weight 0 and 1, in square pixels."""

HALF_A_DIAMOND = 0.36
"""Of the height of a line."""

BEYOND = (0.01, 1000.0)
"""Numbers outside are written as below or above."""

DOMAINS = {
    "rob_confounding": ("C", "confounding"),
    "rob_exposure_measurement": ("E", "measurement of the exposure"),
    "rob_selection": ("S", "selection of people"),
    "rob_post_exposure_interventions": ("P", "post-exposure interventions"),
    "rob_missing_data": ("M", "missing data"),
    "rob_outcome_measurement": ("O", "measurement of the outcome"),
    "rob_selective_reporting": ("R", "selective reporting"),
    "rob_overall": ("All", "all together"),
}
"""Column -> letter above its dots, and what it is, in the order of ROBINS-E."""

RISKS = {
    "low": ("+", "#9fd8c5"),
    "some concerns": ("~", "#f7d889"),
    "high": ("−", "#f2b08c"),
    "very high": ("×", "#e08b95"),
    "not judged": ("?", "#ffffff"),
    "not applicable": (NOTHING, None),
}
"""Risk -> sign in the dot and colour of it; none where the tool does not apply."""

DOT = 17


def synthesis_figure(panels: Sequence[tuple[Row, Sequence[Row]]], level: float) -> Figure:
    """The syntheses of one question (rows of report.evidence_synthesis), each with its rows of ..._estimates.

    `level` is the confidence level, a share. Estimates that are not pooled have hollow squares and no weight.
    """
    ends = _ends(panels)
    question = panels[0][0]["question"]
    drawn = [part for synthesis, rows in panels for part in (_panel(synthesis, rows, ends, level), _beneath(synthesis, rows))]
    legend = _lines(textwrap.wrap(_legend([row for _, rows in panels for row in rows]), CAPTION), SOFT)
    chart = {"vconcat": [*drawn, legend], "spacing": 10, "title": heading(question, "Published studies") | {"text": question}}
    return draw(chart, [], in_words(panels))


def _ends(panels: Sequence[tuple[Row, Sequence[Row]]]) -> tuple[float, float]:
    """Of the axis: it holds every estimate and interval, as far as the widest axis goes; a prediction interval may leave it."""
    rows = [row for synthesis, rows in panels for row in (synthesis, *rows)]
    numbers = [row[name] for row in rows for name in ("estimate", "lower", "upper") if row[name]]
    return max(WIDEST[0], min([*numbers, 0.5])) / 1.1, min(WIDEST[1], max([*numbers, 2.0])) * 1.1


def _panel(synthesis: Row, rows: Sequence[Row], ends: tuple[float, float], level: float) -> Spec:
    is_pooled = synthesis["estimate"] is not None
    studies = Counter(row["study"] for row in rows)
    lines = [_line(row, position, ends, is_alone=studies[row["study"]] == 1) for position, row in enumerate(rows)]
    pooled = _pooled_lines(synthesis, len(lines)) if is_pooled else []
    n_lines = len(lines) + len(pooled)
    y = field("position", "quantitative", axis=None, scale={"domain": [n_lines - 0.5, -0.5], "nice": False, "zero": False})
    written = [*lines, *pooled]
    parts = [
        _words(written, y, "study", ["Study"]),
        _words(written, y, "exposed", [synthesis["exposed"], "n/N"], align="right"),
        _words(written, y, "unexposed", [synthesis["unexposed"], "n/N"], align="right"),
        _plot(synthesis, lines, y, ends, n_lines),
        _words(written, y, "ratio", [f"{synthesis['measure'].capitalize()}", f"({100 * level:g} % CI)"], align="right"),
        _words(written, y, "weight", ["Weight"], align="right"),
        _dots(rows, y),
        _words(written, y, "overall", ["Risk of bias"]),
    ]
    title = {"text": f"{synthesis['design'].capitalize()}", "anchor": "start", "fontSize": 12, "color": INK, "offset": 4}
    columns = [part | {"height": LINE * n_lines} for part in parts]
    return {"hconcat": columns, "spacing": 8, "bounds": "flush", "title": title}


def _line(row: Row, position: int, ends: tuple[float, float], is_alone: bool) -> dict[str, Any]:
    """Texts and marks of an estimate; one of several of a study is told by its row in the register."""
    year = f" ({row['year']})" if row["year"] and str(row["year"]) not in row["study"] else ""
    return {
        "position": position,
        "study": f"{row['study']}{year}" + ("" if is_alone else f", {row['evidence_id']}"),
        "exposed": cases_of_all(row, "exposed"),
        "unexposed": cases_of_all(row, "unexposed"),
        "ratio": NOT_SHOWN if row["estimate"] is None else with_limits(row["estimate"], row["lower"], row["upper"]),
        "weight": "not pooled" if row["weight"] is None else f"{100 * row['weight']:.1f} %",
        "overall": row["rob_overall"],
        "is_pooled": row["is_pooled"],
        "area": SMALLEST + (LARGEST - SMALLEST) * (row["weight"] or 0),
        **_within(row["estimate"], row["lower"], row["upper"], ends),
    }


def _pooled_lines(synthesis: Row, position: int) -> list[dict[str, Any]]:
    """The texts of the two lines under the studies."""
    nothing = {"exposed": "", "unexposed": "", "overall": ""}
    pooled = with_limits(synthesis["estimate"], synthesis["lower"], synthesis["upper"])
    prediction = f"{_number(synthesis['prediction_lower'])} to {_number(synthesis['prediction_upper'])}"
    return [
        nothing | {"position": position, "study": "Pooled, random effects", "ratio": pooled, "weight": "100 %"},
        nothing | {"position": position + 1, "study": "Prediction interval", "ratio": prediction, "weight": ""},
    ]


def _within(estimate: float | None, low: float | None, high: float | None, ends: tuple[float, float]) -> dict[str, Any]:
    """What of an interval is drawn on the axis, and where it leaves it."""
    lower, upper = ends
    if estimate is None or low is None or high is None:
        return dict.fromkeys(("estimate", "low", "high", "beyond", "below"))
    return {
        "estimate": estimate if lower <= estimate <= upper else None,
        "low": min(max(low, lower), upper),
        "high": max(min(high, upper), lower),
        "beyond": upper if high > upper else None,
        "below": lower if low < lower else None,
    }


def _plot(synthesis: Row, lines: Sequence[Row], y: Spec, ends: tuple[float, float], n_lines: int) -> Spec:
    """A logarithmic axis with a line at 1 and what lies on either side of it, and what is drawn of each line."""
    scale = {"type": "log", "domain": list(ends), "nice": False}
    axis = {"values": [tick for tick in TICKS if ends[0] <= tick <= ends[1]], "format": "~g", "title": None}
    low, colour = field("low", "quantitative", scale=scale, axis=axis), {"value": PALETTE[0]}
    at = field("estimate", "quantitative")
    pooled = [line for line in lines if line["is_pooled"]]
    apart = [line for line in lines if not line["is_pooled"]]
    area = field("area", "quantitative", scale=None, legend=None)
    hollow = {"shape": "square", "fill": "#ffffff", "strokeWidth": 1.6, "size": 42, "opacity": 1}
    layers = [
        _marks([{}], "rule", {"x": {"datum": 1}}, color=SOFT),
        _marks(lines, "rule", {"y": y, "x": low, "x2": {"field": "high"}, "color": colour}, strokeWidth=1.4),
        _marks(pooled, "point", {"y": y, "x": at, "color": colour, "size": area}, shape="square", filled=True, opacity=1),
        _marks(apart, "point", {"y": y, "x": at, "color": colour}, **hollow),
        *_arrows(lines, y, colour),
        *(_diamond(synthesis, len(lines), y, ends) if synthesis["estimate"] is not None else []),
        *_sides(synthesis, LINE * n_lines + BENEATH),
    ]
    return {"layer": layers, "width": PLOT, "title": {"text": [" ", " "], "fontSize": LETTERS, "fontWeight": "normal"}}


def _diamond(synthesis: Row, position: int, y: Spec, ends: tuple[float, float]) -> list[Spec]:
    """The pooled ratio as wide as its interval, and under it the bar of the prediction interval."""
    lower, upper = (min(max(synthesis[name], ends[0]), ends[1]) for name in ("lower", "upper"))
    middle = min(max(synthesis["estimate"], ends[0]), ends[1])
    corners = [
        {"x": x, "top": position - half, "bottom": position + half}
        for x, half in ((lower, 0.0), (middle, HALF_A_DIAMOND), (upper, 0.0))
    ]
    channels = {"x": field("x", "quantitative"), "y": y | {"field": "top"}, "y2": {"field": "bottom"}}
    predicted = {"position": position + 1} | _within(
        synthesis["estimate"], synthesis["prediction_lower"], synthesis["prediction_upper"], ends
    )
    bar = {"y": y, "x": field("low", "quantitative"), "x2": {"field": "high"}}
    return [
        _marks(corners, "area", channels, color=PALETTE[1], opacity=1, line=False),
        _marks([predicted], "rule", bar, strokeWidth=5, color=PALETTE[1], opacity=0.55),
        *_arrows([predicted], y, {"value": PALETTE[1]}),
    ]


def _arrows(lines: Sequence[Row], y: Spec, colour: Spec) -> list[Spec]:
    """Where intervals leave the axis."""
    return [
        _marks(
            [line for line in lines if line[end] is not None],
            "point",
            {"y": y, "x": field(end, "quantitative"), "color": colour},
            **{"shape": shape, "filled": True, "size": 40, "opacity": 1},
        )
        for end, shape in (("beyond", "triangle-right"), ("below", "triangle-left"))
    ]


def _sides(synthesis: Row, down: int) -> list[Spec]:
    """What lies on either side of 1, in words under the axis."""
    sides = ((f"← {synthesis['lower_means']}", "right", -5), (f"{synthesis['higher_means']} →", "left", 5))
    return [
        _marks(
            [{"text": text}],
            "text",
            {"text": field("text", "nominal"), "x": {"datum": 1}, "y": {"value": down}},
            **{"align": align, "dx": shift, "fontSize": LETTERS, "color": SOFT},
        )
        for text, align, shift in sides
    ]


def _dots(rows: Sequence[Row], y: Spec) -> Spec:
    """A dot a domain with a sign in it, under letters."""
    dots = [
        {"position": position, "x": DOT * (number + 0.5), "sign": RISKS[row[column]][0], "colour": RISKS[row[column]][1]}
        for position, row in enumerate(rows)
        for number, column in enumerate(DOMAINS)
    ]
    letters = [{"x": DOT * (number + 0.5), "letter": letter} for number, (letter, _) in enumerate(DOMAINS.values())]
    width = DOT * len(DOMAINS)
    x = field("x", "quantitative", axis=None, scale={"domain": [0, width], "nice": False, "zero": False})
    filled = [dot for dot in dots if dot["colour"]]
    fill = field("colour", "nominal", scale=None, legend=None)
    layers = [
        _marks(
            filled, "point", {"x": x, "y": y, "fill": fill}, shape="circle", size=150, stroke=SOFT, strokeWidth=0.8, opacity=1
        ),
        _marks(dots, "text", {"x": x, "y": y, "text": field("sign", "nominal")}, fontSize=LETTERS, color=INK, baseline="middle"),
        _marks(letters, "text", {"x": x, "y": {"value": -9}, "text": field("letter", "nominal")}, fontSize=LETTERS, color=SOFT),
    ]
    return {"layer": layers, "width": width, "title": {"text": [" ", " "], "fontSize": LETTERS, "fontWeight": "normal"}}


def _words(lines: Sequence[Row], y: Spec, column: str, above: Sequence[str], align: Literal["left", "right"] = "left") -> Spec:
    """A column of text under a heading of one or two lines."""
    width, bottom = COLUMNS[column], [" "] * (2 - len(above))
    title = {
        "text": [*bottom, *above],
        "anchor": "start" if align == "left" else "end",
        "fontSize": LETTERS,
        "fontWeight": "normal",
        "color": SOFT,
        "frame": "bounds",
    }
    channels = {"text": field(column, "nominal"), "x": {"value": 0 if align == "left" else width}, "y": y}
    text = _marks(lines, "text", channels, align=align, baseline="middle", fontSize=LETTERS, color=INK)
    return text | {"width": width, "title": title}


def _beneath(synthesis: Row, rows: Sequence[Row]) -> Spec:
    """Heterogeneity under the panel, or why nothing is pooled."""
    return _lines(textwrap.wrap(heterogeneity(synthesis, rows), CAPTION), INK)


def heterogeneity(synthesis: Row, rows: Sequence[Row]) -> str:
    """How far the true effects of the studies lie apart, or why nothing is pooled, in words."""
    if synthesis["estimate"] is None:
        others = "; ".join(
            f"{row['study']}, {row['evidence_id']}: {row['reason']}" for row in rows if row["reason"] != synthesis["reason"]
        )
        return f"Not pooled: {synthesis['reason']}." + (f" {others[0].upper()}{others[1:]}." if others else "")
    tau = _with_limits(synthesis, "tau_squared", 1, ".2f")
    share = _with_limits(synthesis, "i_squared", 100, ".1f")
    degrees = synthesis["prediction_degrees_freedom"]
    method = "Hartung-Knapp-Sidik-Jonkman" if synthesis["interval_method"] != "normal" else "normal"
    return (
        f"τ² {tau}; I² {share} %; Q {synthesis['q']:.2f}, p {p_value(synthesis['q_p_value'])}. Restricted likelihood, {method} "
        f"interval, prediction interval by t with {degrees} degree{'s' if degrees > 1 else ''} of freedom. "
        f"Certainty: {synthesis['certainty']} ({synthesis['certainty_reason']})."
    )


def _with_limits(row: Row, name: str, scale: float, form: str) -> str:
    value, lower, upper = (row[f"{name}{end}"] for end in ("", "_lower", "_upper"))
    limits = "no interval" if lower is None else f"{scale * lower:{form}} to {scale * upper:{form}}"
    return f"{scale * value:{form}} ({limits})"


def with_limits(estimate: float, lower: float, upper: float) -> str:
    """A ratio with its interval, as `1.42 (1.09 to 1.86)`."""
    return f"{_number(estimate)} ({_number(lower)} to {_number(upper)})"


def _number(value: float) -> str:
    least, most = BEYOND
    return f"<{least:g}" if value < least else f">{most:g}" if value > most else ratio(value)


def _legend(rows: Sequence[Row]) -> str:
    """What letters and signs of the dots mean; nothing of dots where there is none."""
    if all(row[column] == "not applicable" for row in rows for column in DOMAINS):
        return "Risk of bias by ROBINS-E: not applicable (–)."
    letters = ", ".join(f"{letter} {name}" for letter, name in DOMAINS.values())
    seen = {row[column] for row in rows for column in DOMAINS}
    signs = ", ".join(f"{sign} {risk}" for risk, (sign, _) in RISKS.items() if risk in seen)
    return f"Risk of bias by ROBINS-E: {letters}. {signs[0].upper()}{signs[1:]}."


def _lines(texts: Sequence[str], colour: str) -> Spec:
    values = [{"text": text, "line": number} for number, text in enumerate(texts)]
    y = field("line", "quantitative", axis=None, scale={"domain": [len(texts) - 0.5, -0.5], "nice": False, "zero": False})
    channels = {"text": field("text", "nominal"), "x": {"value": 0}, "y": y}
    text = _marks(values, "text", channels, align="left", baseline="middle", fontSize=LETTERS, color=colour)
    return text | {"width": 900, "height": LINE * len(texts)}


def _marks(values: Sequence[Mapping[str, Any]], mark: str, channels: Spec, **look: Any) -> Spec:
    """One kind of mark for rows of its own."""
    return {"data": {"values": list(values)}, "mark": {"type": mark, **look}, "encoding": channels}


def in_words(panels: Sequence[tuple[Row, Sequence[Row]]]) -> str:
    """The figure for those who do not see it."""
    said = []
    for synthesis, rows in panels:
        studies = "; ".join(
            f"{row['study']} {with_limits(row['estimate'], row['lower'], row['upper'])}, risk of bias {row['rob_overall']}"
            for row in rows
            if row["estimate"] is not None
        )
        pooled = (
            ""
            if synthesis["estimate"] is None
            else f" Pooled {with_limits(synthesis['estimate'], synthesis['lower'], synthesis['upper'])}."
        )
        said.append(
            f"{synthesis['design'].capitalize()}, {synthesis['measure']}: {studies or 'no ratio is shown'}."
            f"{pooled} {heterogeneity(synthesis, rows)}"
        )
    return f"{panels[0][0]['question']}, published studies. {' '.join(said)}"
