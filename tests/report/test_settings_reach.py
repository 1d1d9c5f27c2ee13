"""Each setting of study.yaml and of a source's file, changed alone, reaches the places that settings_reach.yaml lists, no others.

A key without an entry fails: whoever adds a setting says where it is seen.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from pipelines.machine.settings import REPOSITORY
from pipelines.project.sources import Source
from pipelines.project.study import Study
from pipelines.report import trends
from pipelines.report.families import with_adjusted_p_values
from pipelines.statistics import trend
from tests.report import reach
from tests.report.reach import Effects, effects
from tests.report.small_study import BASE, SOURCES, STUDY, World, changed, settings_of

FILE = Path(__file__).with_name("settings_reach.yaml")
ENTRIES: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
MODELS: dict[str, type[BaseModel]] = {"study": Study, "source": Source}
PERTURBED = [(kind, key) for kind, entries in ENTRIES.items() for key, entry in entries.items() if "at" in entry]


@pytest.mark.parametrize("kind", MODELS)
def test_every_setting_has_an_entry(kind: str) -> None:
    assert sorted(settings_of(MODELS[kind])) == sorted(ENTRIES[kind])


@pytest.mark.parametrize(
    ("kind", "key"), [(kind, key) for kind, entries in ENTRIES.items() for key, entry in entries.items() if "elsewhere" in entry]
)
def test_what_is_seen_elsewhere_is_tested_there(kind: str, key: str) -> None:
    file, _, test = ENTRIES[kind][key]["elsewhere"].partition("::")
    written = ast.parse((REPOSITORY / file).read_text(encoding="utf-8")).body
    assert [node.name for node in written if isinstance(node, ast.FunctionDef) and node.name == test] == [test]


def expected(entry: dict[str, Any]) -> set[str]:
    """`odds_ratios: p_value odds_ratio` is two columns; lists are places of the page and of the terminal."""
    places: set[str] = set()
    for name, what in entry.get("reaches", {}).items():
        if isinstance(what, list):
            places |= {f"{name}: {part}" for part in what}
        elif what is True:
            places.add(name)
        else:
            places |= {f"{name}: rows" if column == "rows" else f"{name}.{column}" for column in what.split()}
    return places


def found(kind: str, key: str, before: Effects | None = None) -> set[str]:
    """The places that differ where this setting does; `before` is what stands there without the change."""
    entry = ENTRIES[kind][key]
    settings = changed(STUDY if kind == "study" else SOURCES, entry["at"], entry["to"])
    world = World(settings, SOURCES) if kind == "study" else World(STUDY, settings)
    return reach.reach(before or reach.effects_of_base(), effects(world))


@pytest.mark.parametrize(("kind", "key"), PERTURBED)
def test_a_setting_reaches_its_places_and_no_others(kind: str, key: str) -> None:
    wanted, seen = expected(ENTRIES[kind][key]), found(kind, key)
    assert (sorted(wanted - seen), sorted(seen - wanted)) == ([], []), "not reached, and reached beside"


@pytest.fixture
def a_trend_at_a_level_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The planted fault: report.trends does not ask the study for its level."""
    monkeypatch.setattr(
        trends, "trend", lambda *arguments, confidence_level, **others: trend(*arguments, confidence_level=0.95, **others)
    )
    with reach.estimated_anew("report.trends"):
        yield


@pytest.mark.usefixtures("a_trend_at_a_level_of_its_own")
def test_a_setting_that_a_table_ignores_is_found() -> None:
    missed = expected(ENTRIES["study"]["confidence_level"]) - found("study", "confidence_level", effects(BASE))
    assert missed == {"trends.odds_ratio_lower", "trends.odds_ratio_upper", "page prevalence: notes"}


IGNORED: dict[str, tuple[str, tuple[str, ...], Any, str, set[str]]] = {
    "one way for many p-values": (
        "pipelines.report.odds_ratios.with_adjusted_p_values",
        ("report.odds_ratios",),
        lambda frame, _: with_adjusted_p_values(frame, "holm"),
        "odds_ratios.multiple_testing",
        {"odds_ratios.multiple_testing", "odds_ratios.p_value_adjusted", "page odds: rows", "page odds: notes", "word"},
    ),
    "one population by age": (
        "pipelines.report.prevalence._is_by_age",
        ("report.prevalence_by_age_band", "report.prevalence_by_age_band_and_sex"),
        lambda _, population: population == "everyone",
        "populations.*.by_age_band",
        {
            "prevalence_by_age_band: rows",
            "prevalence_by_age_band_and_sex: rows",
            "page prevalence: rows",
            "page prevalence: footnotes",
            "page: not shown",
            "figure",
            "terminal: prevalence",
        },
    ),
    "names for labels": (
        "pipelines.release.page.labels.Labels.exposures",
        (),
        property(lambda labels: {name: name for name in labels.study.exposures}),
        "exposures.*.label",
        {
            "page odds: rows",
            "page odds: notes",
            "page characteristics: rows",
            "page: answer",
            "figure",
            "terminal: odds ratios",
        },
    ),
    "a figure with names": (
        "pipelines.release.figures.forest.contrast",
        (),
        lambda row, _: row["exposure"],
        "exposures.*.label",
        {"figure"},
    ),
    "Word without cells": (
        "pipelines.release.page.files._lines",
        (),
        lambda _: [],
        "characteristics.continuous.*.label",
        {"word"},
    ),
    "a terminal with numbers of its own": (
        "pipelines.terminal.summary.ratio_with_interval",
        (),
        lambda *_: "2.00 (1.00 to 3.00)",
        "confidence_level",
        {"terminal: odds ratios"},
    ),
}
"""What is planted: where, in which tables' estimators, what stands there instead, the setting that it ignores, and all the places
that it then does not reach."""


@pytest.mark.parametrize("fault", IGNORED)
def test_a_setting_that_a_place_ignores_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, tables, instead, key, places = IGNORED[fault]
    monkeypatch.setattr(where, instead)
    with reach.estimated_anew(*tables):
        missed = expected(ENTRIES["study"][key]) - found("study", key, effects(BASE))
    assert missed == places


def test_a_key_without_an_entry_is_found() -> None:
    class Wider(Study):
        colour: str = "red"

    class WiderSource(Source):
        wave_colours: dict[str, str] | None = None

    assert set(settings_of(Wider)) - set(ENTRIES["study"]) == {"colour"}
    assert set(settings_of(WiderSource)) - set(ENTRIES["source"]) == {"wave_colours"}


def test_a_label_that_changes_a_number_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round: what reaches too many places."""
    made = reach.report_of

    def wrong(project: Any) -> dict[str, list[dict[str, Any]]]:
        rows = made(project)
        return rows | {"report.trends": [row | {"n_levels": project.study.title} for row in rows["report.trends"]]}

    monkeypatch.setattr(reach, "report_of", wrong)
    assert found("study", "title", effects(BASE)) - expected(ENTRIES["study"]["title"]) == {"trends.n_levels"}
