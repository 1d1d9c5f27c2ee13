"""Which ingredients differ between two releases, found in their manifests alone."""

from typing import Any

import pytest

from pipelines.release.graph import Graph, differing

RAW, CORE, REPORT = "raw.people survey 2020", "core.respondents survey 2020", "report.prevalence survey all"


def manifest(**other: Any) -> dict[str, Any]:
    """Raw, core and report of one survey; `other` replaces ingredients: `raw__delivery="..."`."""
    ingredients: dict[str, dict[str, str]] = {
        "raw": {"delivery": "d" * 64, "contract": "c" * 64, "codebook": "b" * 64, "libraries": "polars 2.1.0, pyarrow 26.0.1"},
        "core": {"sql/core/respondents/survey.sql": "s" * 64, "codebook people": "b" * 64, "engine code": "e" * 64},
        "report": {"study.yaml: confidence_level": "0.95", "source": "f" * 64, "sql/checks/prevalence__adds_up.sql": "k" * 64},
    }
    contents = {"raw": "r" * 64, "core": "o" * 64, "report": "p" * 64}
    for name, value in other.items():
        schema, _, ingredient = name.partition("__")
        if ingredient == "content":
            contents[schema] = value
        else:
            ingredients[schema][ingredient.replace("_", " ") if ingredient != "codebook_people" else "codebook people"] = value
    made_from: dict[str, dict[str, str]] = {"raw": {}, "core": {RAW: contents["raw"]}, "report": {CORE: contents["core"]}}
    places = {"raw": RAW, "core": CORE, "report": REPORT}
    entries = [
        {"place": places[schema], "content": contents[schema], "ingredients": ingredients[schema], "inputs": made_from[schema]}
        for schema in places
    ]
    return {"objects": entries, "rests_on": []}


def graph(of: dict[str, Any]) -> Graph:
    found = Graph.of(of)
    assert found is not None
    return found


NEW = {"raw__content": "R" * 64, "core__content": "O" * 64}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({**NEW, "raw__delivery": "D" * 64}, ["delivery of survey 2020: people"]),
        ({**NEW, "raw__contract": "C" * 64}, ["contract of raw.people"]),
        ({**NEW, "raw__libraries": "polars 2.2.0, pyarrow 26.0.1"}, ["library polars (2.1.0 -> 2.2.0)"]),
        ({"core__content": "O" * 64, "raw__codebook": "B" * 64, "core__codebook_people": "B" * 64}, ["codebook people"]),
        ({"core__content": "O" * 64, "core__engine_code": "E" * 64}, ["engine code"]),
        ({"report__source": "F" * 64}, ["source survey"]),
    ],
    ids=["delivery", "contract", "library", "codebook", "code", "source"],
)
def test_an_ingredient_that_differs_is_named_as_an_analyst_knows_it(other: dict[str, str], expected: list[str]) -> None:
    assert differing(graph(manifest()), graph(manifest(**other)), [REPORT]) == expected


def test_a_setting_is_named_with_its_values() -> None:
    other = manifest()
    other["objects"][2]["ingredients"]["study.yaml: confidence_level"] = "0.9"
    assert differing(graph(manifest()), graph(other), [REPORT]) == ["study.yaml: confidence_level (0.95 -> 0.9)"]


def test_a_select_is_named_by_its_file() -> None:
    other = manifest(core__content="O" * 64)
    other["objects"][1]["ingredients"]["sql/core/respondents/survey.sql"] = "S" * 64
    assert differing(graph(manifest()), graph(other), [REPORT]) == ["sql/core/respondents/survey.sql"]


def test_what_gave_the_same_content_moved_nothing() -> None:
    assert differing(graph(manifest()), graph(manifest(raw__contract="C" * 64)), [REPORT]) == []


def test_a_claim_moves_no_number_unless_nothing_else_differs() -> None:
    other = manifest(report__source="F" * 64)
    other["objects"][2]["ingredients"]["sql/checks/prevalence__adds_up.sql"] = "K" * 64
    assert differing(graph(manifest()), graph(other), [REPORT]) == ["source survey"]
    other["objects"][2]["ingredients"]["source"] = "f" * 64
    assert differing(graph(manifest()), graph(other), [REPORT]) == ["sql/checks/prevalence__adds_up.sql"]


def test_a_first_delivery_is_a_delivery_and_not_all_that_was_made_of_it() -> None:
    absent = manifest()
    for entry in absent["objects"][:2]:
        entry["ingredients"], entry["inputs"], entry["content"] = {"delivery": "absent"}, {}, "0" * 64
    absent["objects"][2]["inputs"] = {}
    assert differing(graph(absent), graph(manifest()), [REPORT]) == ["delivery of survey 2020: people"]


def test_a_table_that_is_new_says_so() -> None:
    before = manifest()
    before["objects"].pop()
    after = manifest()
    after["objects"][2]["inputs"] = {}
    assert differing(graph(before), graph(after), [REPORT]) == [f"{REPORT} is new"]


def test_what_a_held_back_table_rests_on_is_found_although_it_is_not_in_the_release() -> None:
    """The report was made from the core of the night before, which only `rests_on` still knows."""
    held_back = manifest(**NEW, raw__delivery="D" * 64)
    held_back["objects"][2]["inputs"] = {CORE: "o" * 64}
    held_back["rests_on"] = manifest()["objects"][:2]
    assert differing(graph(manifest()), graph(held_back), [REPORT]) == []
    assert differing(graph(held_back), graph(manifest(**NEW, raw__delivery="D" * 64)), [REPORT]) == [
        "delivery of survey 2020: people"
    ]
    assert [making.content for making in graph(held_back).under(REPORT)] == ["p" * 64, "o" * 64, "r" * 64]


def test_a_manifest_from_before_graphs_has_none() -> None:
    assert Graph.of({"objects": []}) is None
