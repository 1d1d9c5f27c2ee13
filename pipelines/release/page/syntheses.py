"""Published estimates of one question, pooled or why not: a forest plot a question, and the table of all of them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from pipelines.release.figures.synthesis import heterogeneity, synthesis_figure, with_limits
from pipelines.release.formatting import NOTHING, Row, cases_of_all
from pipelines.release.page.display import GROUP, DisplayColumn, DisplayTable
from pipelines.release.page.parts import Drawing

NAME = "evidence-synthesis"

Panels = list[tuple[Row, Sequence[Row]]]


def synthesis_drawings(syntheses: Sequence[Row], estimates: Sequence[Row]) -> list[tuple[str, Drawing]]:
    """Each question with its figure, drawn when asked for."""
    return [
        (question, partial(synthesis_figure, panels, panels[0][0]["confidence_level"]))
        for question, panels in _questions(syntheses, estimates).items()
    ]


def _questions(syntheses: Sequence[Row], estimates: Sequence[Row]) -> Mapping[str, Panels]:
    """Question -> its syntheses, a design each, with their estimates. Questions of which something is pooled are read first."""
    questions: dict[str, Panels] = {}
    pooled = {row["question"] for row in syntheses if row["estimate"] is not None}
    for synthesis in sorted(syntheses, key=lambda row: (row["question"] not in pooled, row["question"], row["design"])):
        answers = [row for row in estimates if row["synthesis_id"] == synthesis["synthesis_id"]]
        questions.setdefault(synthesis["question"], []).append((synthesis, answers))
    return questions


def syntheses_table(syntheses: Sequence[Row], estimates: Sequence[Row]) -> DisplayTable:
    """A row an estimate that answers a question, and under those of one question and design what is pooled of them."""
    columns = [
        DisplayColumn("name", "Study", is_text=True),
        DisplayColumn("exposed", "Exposed, n/N"),
        DisplayColumn("unexposed", "Unexposed, n/N"),
        DisplayColumn("ratio", "Ratio (95 % CI)"),
        DisplayColumn("weight", "Weight, %"),
        DisplayColumn("why", "Pooled, or why not", is_text=True),
        DisplayColumn("bias", "Risk of bias", is_text=True),
    ]
    questions = _questions(syntheses, estimates)
    cells = [row for panels in questions.values() for synthesis, rows in panels for row in _cells(synthesis, rows)]
    notes = [
        "One design at a time: estimates of different designs are never pooled. Random effects by restricted likelihood; the "
        "prediction interval says where the true effect of a further study lies. docs/evidence.md says what may be pooled.",
        "Shares and mean differences are not pooled: people, recall windows and thresholds differ from study to study, and most "
        "do not state them.",
    ]
    return DisplayTable(NAME, "Published estimates, pooled or why not", columns, cells, notes, about="published studies")


def _cells(synthesis: Row, rows: Sequence[Row]) -> Iterator[Mapping[str, str]]:
    group = {
        GROUP: f"{synthesis['question']}: {synthesis['design']}, {synthesis['measure']}, {synthesis['exposed'].lower()} against "
        f"{synthesis['unexposed'].lower()}"
    }
    for row in rows:
        yield group | {
            "name": f"{row['study']}, {row['evidence_id']}",
            "exposed": cases_of_all(row, "exposed"),
            "unexposed": cases_of_all(row, "unexposed"),
            "ratio": NOTHING if row["estimate"] is None else with_limits(row["estimate"], row["lower"], row["upper"]),
            "weight": NOTHING if row["weight"] is None else f"{100 * row['weight']:.1f}",
            "why": row["reason"] or row["note"] or "pooled",
            "bias": row["rob_overall"],
        }
    if synthesis["estimate"] is not None:
        prediction = with_limits(synthesis["estimate"], synthesis["prediction_lower"], synthesis["prediction_upper"])
        nothing = {"exposed": NOTHING, "unexposed": NOTHING, "bias": NOTHING}
        pooled = with_limits(synthesis["estimate"], synthesis["lower"], synthesis["upper"])
        words = {"why": heterogeneity(synthesis, rows)}
        yield group | nothing | words | {"name": "Pooled", "ratio": pooled, "weight": "100.0"}
        interval = prediction.partition("(")[2].removesuffix(")")
        yield group | nothing | {"name": "Prediction interval", "ratio": interval, "weight": NOTHING, "why": ""}
