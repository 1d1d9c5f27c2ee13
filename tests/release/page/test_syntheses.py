"""Published estimates, pooled or not, as a forest plot and as a table: what is drawn of each, and what is said in words."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from lxml import etree

from pipelines.project.evidence import DOMAINS as COLUMNS
from pipelines.project.evidence import RISKS as KNOWN_RISKS
from pipelines.release.figures.drawing import PALETTE, Figure
from pipelines.release.figures.synthesis import DOMAINS, LARGEST, RISKS, SMALLEST, synthesis_figure
from pipelines.release.page.display import GROUP
from pipelines.release.page.syntheses import syntheses_table, synthesis_drawings
from pipelines.report.published_register import register
from pipelines.report.synthesis import synthesise
from pipelines.report.synthesis_frames import estimates_frame, syntheses_frame
from pipelines.stages import load_project

Row = Mapping[str, Any]


@cache
def rows() -> tuple[Sequence[Row], Sequence[Row]]:
    """Those of the report tables, of the register of this study."""
    evidence = load_project().evidence
    assert evidence is not None
    syntheses = synthesise(evidence, register(evidence).to_dicts())
    return syntheses_frame(syntheses).to_dicts(), estimates_frame(syntheses).to_dicts()


def panel(name: str, **changes: Any) -> tuple[Row, list[Row]]:
    syntheses, estimates = rows()
    [synthesis] = [row for row in syntheses if row["synthesis_id"] == name]
    return {**synthesis, **changes}, [row for row in estimates if row["synthesis_id"] == name]


def figure(*panels: tuple[Row, list[Row]]) -> Figure:
    return synthesis_figure(panels, 0.95)


def texts(drawn: Figure) -> list[str]:
    """Every line of every text."""
    return [line for element in etree.fromstring(drawn.svg.encode()).iter("{*}text") for line in element.itertext()]


def paths(drawn: Figure, **attributes: str) -> list[Any]:
    """Paths of the drawing with these attributes."""
    found = etree.fromstring(drawn.svg.encode()).iter("{*}path")
    return [path for path in found if all(path.get(name) == value for name, value in attributes.items())]


def width_of(path: Any) -> float:
    """Of a square that is drawn as M x,y h width."""
    return float(path.get("d").partition("h")[2].partition("v")[0])


def test_what_is_pooled_has_squares_by_weight_a_diamond_and_a_prediction_interval() -> None:
    drawn = figure(panel("magnesium_pregnancy_free"))
    shown = texts(drawn)
    assert {"11/34", "2/35", "5.66 (1.35 to 23.68)", "20.5 %", "38.5 %", "41.0 %", "100 %"} <= set(shown)
    assert {"Pooled, random effects", "1.68 (0.21 to 13.78)", "Prediction interval", "<0.01 to >1000"} <= set(shown)
    assert {"Magnesium", "Placebo", "n/N", "Risk ratio", "(95 % CI)", "Weight", "Randomised trial"} <= set(shown)
    assert any(text.startswith("τ² 0.45 (0.01 to 35.62); I² 82.1 (9.1 to 99.7) %; Q 8.04, p 0.018.") for text in shown)
    squares = sorted(width_of(path) for path in paths(drawn, fill=PALETTE[0]) if "h" in path.get("d"))
    areas = [SMALLEST + (LARGEST - SMALLEST) * weight for weight in (0.205005, 0.384908, 0.410087)]
    assert [round(width**2, 0) for width in squares] == [round(area, 0) for area in areas]
    # the diamond, and an arrow at either end of the prediction interval
    assert len(paths(drawn, fill=PALETTE[1])) == 3


def test_the_line_at_1_is_labelled_on_both_sides_and_the_axis_is_logarithmic() -> None:
    drawn = figure(panel("magnesium_pregnancy_free"))
    assert {"← fewer are free of cramps", "more are free of cramps →"} <= set(texts(drawn))
    at = {
        "".join(element.itertext()): float(element.get("transform").partition("(")[2].partition(",")[0])
        for element in etree.fromstring(drawn.svg.encode()).iter("{*}text")
        if "".join(element.itertext()) in {"0.2", "1", "5"}
    }
    assert abs((at["5"] - at["1"]) - (at["1"] - at["0.2"])) < 1.5  # numbers stand at whole pixels


def test_what_is_not_pooled_has_hollow_squares_no_diamond_and_the_reason() -> None:
    drawn = figure(panel("long_acting_beta_agonists_sequences"))
    assert len(paths(drawn, fill="#ffffff", stroke=PALETTE[0])) == 3
    assert paths(drawn, fill=PALETTE[1]) == []
    shown = texts(drawn)
    assert {"Garrison 2012, E008", "not pooled", "2.42 (2.02 to 2.89)", "–"} <= set(shown)
    assert any(
        text.startswith("Not pooled: one estimate alone (Garrison 2012). Garrison 2012, E012: its people are") for text in shown
    )


def test_each_design_has_a_panel_of_its_own() -> None:
    drawn = figure(panel("statins_sequences"), panel("statins_trials"))
    shown = texts(drawn)
    assert {"Sequence symmetry", "Meta-analysis of trials", "Sequence ratio", "Rate ratio"} <= set(shown)
    assert paths(drawn, fill=PALETTE[1]) == []
    assert "Sequence symmetry, sequence ratio: Garrison 2012 1.16 (1.04 to 1.29), risk of bias some concerns." in drawn.alt
    assert "Meta-analysis of trials, rate ratio: Cholesterol Treatment Trialists 2022 1.09" in drawn.alt


def test_risk_of_bias_is_a_sign_in_a_dot_and_a_word() -> None:
    assert [name.removeprefix("rob_") for name in DOMAINS] == list(COLUMNS)
    assert set(RISKS) == set(KNOWN_RISKS)
    assert len({sign for sign, _ in RISKS.values()}) == len(RISKS)
    drawn = figure(panel("statins_sequences"))
    shown = texts(drawn)
    assert "some concerns" in shown
    assert (shown.count("~"), shown.count("?")) == (3, 5)
    assert len(paths(drawn, fill=RISKS["some concerns"][1] or "")) == 3
    [explained] = [text for text in shown if text.startswith("Risk of bias by ROBINS-E: C confounding, E measurement of")]
    assert any("~ some concerns, ? not judged." in text for text in shown), explained


def test_an_interval_that_leaves_the_axis_ends_in_an_arrow() -> None:
    drawn = figure(panel("sedentary_case_control"))
    assert "9.84 (1.74 to 101.90)" in texts(drawn)
    assert len(paths(drawn, fill=PALETTE[0])) == 1


def test_an_empty_interval_of_the_variance_between_studies_is_said() -> None:
    changed = {"tau_squared_lower": None, "tau_squared_upper": None, "i_squared_lower": None, "i_squared_upper": None}
    shown = texts(figure(panel("magnesium_pregnancy_free", **changed)))
    assert any("τ² 0.45 (no interval); I² 82.1 (no interval) %" in text for text in shown)


def test_the_table_says_of_every_estimate_whether_it_is_pooled() -> None:
    syntheses, estimates = rows()
    table = syntheses_table(syntheses, estimates)
    assert len(table.rows) == len(estimates) + 2
    first = table.rows[:5]
    assert [row["name"] for row in first] == [
        "Dahle 1995, E098",
        "Araujo 2020, E100",
        "PJMHS 2022, E101",
        "Pooled",
        "Prediction interval",
    ]
    assert [row["ratio"] for row in first[3:]] == ["1.68 (0.21 to 13.78)", "<0.01 to >1000"]
    assert all(row["why"] for row in table.rows if row["name"] != "Prediction interval")
    assert len({row[GROUP] for row in table.rows}) == len(syntheses)
    questions = [question for question, _ in synthesis_drawings(syntheses, estimates)]
    assert len(questions) == len({row["question"] for row in syntheses}) == 11
