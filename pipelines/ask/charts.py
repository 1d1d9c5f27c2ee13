"""Answers as Altair charts: an estimate with its interval on each line, in the look of the page's figures."""

from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.ask.question import COMPARISONS
from pipelines.release.figures.drawing import PALETTE, SOFT, THEME

if TYPE_CHECKING:
    import altair

    from pipelines.ask.answer import Answer

TITLES = {
    "prevalence": "Prevalence",
    "mean": "Mean",
    "total": "Total",
    "odds_ratio": "Odds ratio",
    "prevalence_ratio": "Prevalence ratio",
    "prevalence_difference": "Difference of prevalences",
    "trend": "Odds ratio from one age band to the next",
}

STEP = 22
"""Height of a line, in pixels."""

MARGIN = 1.1
"""Between the outermost interval and the end of an axis of ratios."""

EVERYBODY = "everybody asked about"


def chart(answer: "Answer") -> "altair.LayerChart":
    """A point with its interval for each row; ratios on a logarithmic axis, with a line where nothing differs."""
    import altair as alt

    measure = answer.question.measure
    column = "odds_ratio" if measure == "trend" else measure
    is_ratio = column.endswith("_ratio")
    shown = answer.frame.filter(pl.col(column).is_not_null()).select(
        line=_line(answer),
        estimate=pl.col(column),
        lower=pl.col(f"{column}_lower"),
        upper=pl.col(f"{column}_upper"),
    )
    scale = alt.Scale(type="log", domain=_ends(shown), nice=False) if is_ratio else alt.Scale(zero=measure == "prevalence")
    y = alt.Y("line:N", title=None, sort=shown["line"].to_list())
    base = alt.Chart(shown).encode(y=y)
    x = alt.X("lower:Q", title=TITLES[measure], scale=scale)
    marks: list[Any] = [
        base.mark_rule(color=PALETTE[0]).encode(x=x, x2="upper:Q"),
        base.mark_point(color=PALETTE[0], filled=True, size=50, opacity=1).encode(x=alt.X("estimate:Q", scale=scale)),
    ]
    if is_ratio or measure == "prevalence_difference":
        zero = alt.Chart(pl.DataFrame({"at": [1 if is_ratio else 0]})).mark_rule(color=SOFT, strokeDash=[3, 3])
        marks.insert(0, zero.encode(x="at:Q"))
    outcome = answer.study.outcomes.get(answer.question.outcome)
    name = outcome.label if outcome else answer.question.outcome
    layers = alt.layer(*marks).properties(title=name, width=340, height=STEP * max(shown.height, 2))
    configured: alt.LayerChart = layers.configure(**{key: value for key, value in THEME.items() if key != "aria"})
    return configured


def _ends(shown: pl.DataFrame) -> list[float]:
    """Ends of an axis of ratios, which holds 1."""
    lowest, highest = shown.select(pl.min("lower"), pl.max("upper")).row(0)
    return [min(lowest or 1.0, 1.0) / MARGIN, max(highest or 1.0, 1.0) * MARGIN]


def _line(answer: "Answer") -> pl.Expr:
    """What a row is about, in one text."""
    question = answer.question
    parts = [*question.by, *([question.interaction] if question.interaction else [])]
    columns = [pl.format(f"{name} {{}}", pl.col(name).cast(pl.String)) for name in parts]
    if question.measure in COMPARISONS:
        exposure = answer.study.exposures.get(str(question.exposure))
        label = exposure.label if exposure else str(question.exposure)
        columns.insert(0, pl.format("{}: {}", pl.lit(label), pl.col("exposure_level")))
    return pl.concat_str(columns, separator=", ") if columns else pl.lit(EVERYBODY)
