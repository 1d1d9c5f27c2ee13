"""Figures: what is drawn where a number is missing, endless or off the axis, and what is said to those who do not see it."""

from typing import Any

import pytest
from lxml import etree

from pipelines.release.figures.drawing import Figure
from pipelines.release.figures.forest import forest_figure
from pipelines.release.figures.prevalence import prevalence_figure

LABELS = {"is_exposed": "Exposed to something", "dose": "Dose"}


def ratio_row(**values: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"wave": "2001", "model": "crude"}
    row |= {"exposure": "is_exposed", "exposure_level": "true", "reference_level": "false"}
    row |= {"exposed_cases": 10, "exposed_noncases": 90, "unexposed_cases": 1_005, "unexposed_noncases": 1_995}
    return row | {"odds_ratio": 1.5, "odds_ratio_lower": 1.1, "odds_ratio_upper": 2.05} | values


def band_row(band: str, prevalence: float | None, wave: str = "2001") -> dict[str, Any]:
    lower, upper = (None, None) if prevalence is None else (prevalence - 0.05, prevalence + 0.05)
    return {
        "age_band": band,
        "wave": wave,
        "prevalence": prevalence,
        "prevalence_lower": lower,
        "prevalence_upper": upper,
    }


def forest(*rows: dict[str, Any]) -> Figure:
    return forest_figure(rows, LABELS, "An outcome", "A survey", 0.9)


def texts(figure: Figure) -> list[str]:
    return [text for element in etree.fromstring(figure.svg.encode()).iter("{*}text") if (text := "".join(element.itertext()))]


def paths(figure: Figure, colour: str) -> int:
    """How many points and arrows are filled with a colour; lines are not filled."""
    return sum(1 for element in etree.fromstring(figure.svg.encode()).iter("{*}path") if element.get("fill") == colour)


def test_a_forest_plot_says_counts_and_ratio_beside_the_interval() -> None:
    shown = texts(forest(ratio_row()))
    assert {"10/100", "1,005/3,000", "1.50 (1.10 to 2.05)", "OR (90 % CI)", "Exposed to something"} <= set(shown)


def test_no_association_is_a_dashed_line() -> None:
    lines = [line for line in etree.fromstring(forest(ratio_row()).svg.encode()).iter("{*}line") if line.get("stroke-dasharray")]
    assert len(lines) == 1


def test_of_one_wave_the_wave_is_not_named_and_of_two_each_is() -> None:
    assert "Wave" not in texts(forest(ratio_row()))
    shown = texts(forest(ratio_row(), ratio_row(wave="2002")))
    assert {"Wave", "2001", "2002"} <= set(shown)


def test_exposures_come_as_the_study_lists_them_and_the_crude_model_first() -> None:
    dose = {"exposure": "dose", "exposure_level": "high", "reference_level": "low"}
    shown = texts(forest(ratio_row(**dose), ratio_row(model="adjusted"), ratio_row()))
    assert [text for text in shown if text.startswith(("Exposed to", "Dose"))] == ["Exposed to something", "Dose: high / low"]
    assert [text for text in shown if text in {"Crude", "Adjusted"}] == ["Crude", "Adjusted"]


def test_each_model_has_a_panel_and_the_counts_stand_once_where_they_are_the_same() -> None:
    one = texts(forest(ratio_row(), ratio_row(model="adjusted", odds_ratio=1.4)))
    assert one.count("10/100") == one.count("Exposed, n/N") == 1
    assert one.count("OR (90 % CI)") == 2
    assert {"1.50 (1.10 to 2.05)", "1.40 (1.10 to 2.05)"} <= set(one)
    # who lacks what is adjusted for is in one model and not in the other
    two = texts(forest(ratio_row(), ratio_row(model="adjusted", exposed_cases=9)))
    assert {"10/100", "9/99"} <= set(two)
    assert two.count("Exposed, n/N") == 2


def test_figures_are_as_wide_as_one_another() -> None:
    widths = [
        forest(ratio_row()).width,
        forest(ratio_row(), ratio_row(model="adjusted")).width,
        forest(ratio_row(), ratio_row(model="adjusted", wave="2002")).width,
        prevalence_figure([band_row("20-39", 0.2), band_row("40+", 0.4)], "An outcome", "A survey").width,
    ]
    assert max(widths) - min(widths) < 40
    assert min(widths) > 980


def test_a_long_exposure_takes_several_lines() -> None:
    long = "Lowest quarter of something that is measured in people once in their lives"
    drawn = texts(forest_figure([ratio_row()], {"is_exposed": long}, "An outcome", "A survey", 0.9))
    assert "".join(drawn).replace(" ", "").count(long.replace(" ", "")) == 1


def test_a_ratio_that_is_not_shown_is_named_and_not_drawn() -> None:
    hidden = dict.fromkeys(("odds_ratio", "odds_ratio_lower", "odds_ratio_upper", "exposed_cases"))
    figure = forest(ratio_row(), ratio_row(model="adjusted", **hidden))
    assert texts(figure).count("not shown") == 1
    assert paths(figure, "#0072B2") == 1
    assert paths(figure, "#D55E00") == 0
    assert "adjusted" not in figure.alt


@pytest.mark.parametrize("upper", [None, 5_000.0])
def test_an_interval_that_leaves_the_axis_ends_in_an_arrow_and_keeps_its_numbers(upper: float | None) -> None:
    within, beyond = forest(ratio_row()), forest(ratio_row(odds_ratio_upper=upper))
    assert paths(beyond, "#0072B2") == paths(within, "#0072B2") + 1
    assert f"1.50 (1.10 to {'∞' if upper is None else '5000.00'})" in texts(beyond)


def test_a_figure_says_its_numbers_to_those_who_do_not_see_it() -> None:
    assert "Exposed to something (2001, crude) 1.50 (1.10 to 2.05)" in forest(ratio_row()).alt
    rows = [band_row("20-39", 0.2), band_row("40+", 0.4), band_row("all", 0.3)]
    assert "2001: lowest 20.0 % at 20-39, highest 40.0 % at 40+" in prevalence_figure(rows, "An outcome", "A survey").alt


def test_a_prevalence_that_is_not_shown_is_named_at_its_age_and_is_never_a_zero() -> None:
    figure = prevalence_figure([band_row("20-39", None), band_row("40+", 0.4)], "An outcome", "A survey")
    assert texts(figure).count("not shown") == 1
    assert paths(figure, "#0072B2") == 1
    nothing = prevalence_figure([band_row("20-39", None)], "An outcome", "A survey")
    assert "2001: no number is shown" in nothing.alt
    assert paths(nothing, "#0072B2") == 0


def test_waves_differ_in_colour_and_in_shape() -> None:
    figure = prevalence_figure([band_row("20-39", 0.2), band_row("20-39", 0.3, "2002")], "An outcome", "A survey")
    points = [
        element
        for element in etree.fromstring(figure.svg.encode()).iter("{*}path")
        if element.get("fill") in {"#0072B2", "#D55E00"}
    ]
    assert len({element.get("fill") for element in points}) == 2
    assert len({element.get("d") for element in points}) >= 2


def test_equal_rows_give_equal_bytes() -> None:
    rows = [band_row("20-39", 0.2), band_row("40+", 0.4)]
    assert prevalence_figure(rows, "An outcome", "A survey") == prevalence_figure(rows, "An outcome", "A survey")
    assert forest(ratio_row()) == forest(ratio_row())
