"""Prevalence by age band as points with intervals."""

from collections.abc import Sequence

from pipelines.project.respondents import ALL
from pipelines.release.figures.drawing import NOT_SHOWN, PALETTE, SHAPES, SOFT, Figure, Row, data_source, draw, heading, scale_of

WIDTH, HEIGHT = 350, 240
DODGE = 9
"""Pixels between the points of two waves in one age band."""


def prevalence_figure(rows: Sequence[Row], title: str, subtitle: str) -> Figure:
    """Rows of report.prevalence_by_age_band, of one source, population and outcome; each wave is a series of its own.

    Prevalences are drawn in per cent on an axis from zero, in the order in which the rows come; the row of all ages is left out.
    """
    import altair as alt

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
    base = alt.Chart(data_source()).encode(
        x=alt.X("age:N", sort=bands, title="Age, years", scale=alt.Scale(padding=0), axis=alt.Axis(labelAngle=0, ticks=False)),
        xOffset=alt.XOffset("offset:Q", scale=alt.Scale(domain=[-1, 1], range=[-1, 1])),
        color=alt.Color("wave:N", scale=alt.Scale(**scale_of(waves, PALETTE)), legend=_legend(waves)),
    )
    layers = [
        base.mark_rule(strokeWidth=1.6).encode(
            y=alt.Y("prevalence_lower:Q", title="Prevalence, %", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=6)),
            y2="prevalence_upper:Q",
        ),
        base.mark_point(filled=True, size=46, opacity=1).encode(
            y="prevalence:Q", shape=alt.Shape("wave:N", scale=alt.Scale(**scale_of(waves, SHAPES)), legend=_legend(waves))
        ),
        base.mark_text(angle=270, align="left", baseline="middle", color=SOFT, fontSize=11).encode(
            y=alt.datum(0), text="label:N", color=alt.value(SOFT)
        ),
    ]
    chart = alt.layer(*layers, title=heading(title, subtitle)).properties(width=WIDTH, height=HEIGHT)
    return draw(chart, points, _in_words(rows, title, subtitle))


def _legend(waves: Sequence[str]) -> dict[str, str] | None:
    return {"title": ""} if len(waves) > 1 else None


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
