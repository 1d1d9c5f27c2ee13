"""Comparability verdicts: what a contract may say, and what the study must be told."""

from typing import Any

import pytest

from pipelines.contracts.comparability import read_verdicts, unjudged
from pipelines.machine.errors import ConfigurationError
from pipelines.stages import load_project
from tests.atlas import make_atlas

GOOD = {
    "source": "survey",
    "variables": ["age", "sex"],
    "waves": ["1", "2", "3"],
    "verdict": "identical",
    "reason": "same question",
    "reference": "questionnaire",
}


def test_a_verdict_holds_for_every_pair_of_its_waves() -> None:
    [verdict], problems = read_verdicts([GOOD], {"age", "sex"})
    assert problems == []
    assert list(verdict.pairs()) == [
        *(("age", "1", "2"), ("age", "1", "3"), ("age", "2", "3")),
        *(("sex", "1", "2"), ("sex", "1", "3"), ("sex", "2", "3")),
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"verdict": "similar"}, "verdict 1: verdict: similar is not known; known: identical, recoded, not_comparable."),
        ({"waves": ["1"]}, "verdict 1: waves: "),
        ({"reason": ""}, "verdict 1: reason: "),
        ({"reference": None}, "verdict 1: reference: "),
        ({"variable": "age"}, "verdict 1: variable: "),
        ({"where": "age >="}, "verdict 1: where is no SQL condition."),
        ({"where": "years > 20"}, "verdict 1: where names years, which is no column of the table."),
        ({"where": "age > 20", "verdict": "not_comparable"}, "verdict 1: where belongs to identical or recoded"),
        ({"variables": ["age", "weight"]}, "verdict 1: the table has no column weight."),
    ],
)
def test_a_wrong_verdict_is_a_problem(change: dict[str, Any], expected: str) -> None:
    _, problems = read_verdicts([{**GOOD, **change}], {"age", "sex"})
    assert len(problems) == 1
    assert problems[0].startswith(expected)


def test_two_verdicts_on_one_pair_are_a_problem() -> None:
    again = {**GOOD, "variables": ["sex"], "waves": ["3", "2"], "verdict": "not_comparable"}
    _, problems = read_verdicts([GOOD, again], {"age", "sex"})
    assert problems == ["verdict 2: sex of survey is judged twice for 2 and 3. Keep one verdict."]


def test_what_is_no_list_is_a_problem() -> None:
    assert read_verdicts({"survey": "identical"}, {"age"}) == ([], ["comparability must be a list of verdicts."])


def test_pairs_without_a_verdict_are_found_in_any_order_of_waves() -> None:
    verdicts, _ = read_verdicts([{**GOOD, "waves": ["2", "1"]}], {"age", "sex"})
    assert unjudged(verdicts, "survey", ["3", "2", "1"], ["age"]) == [("age", "1", "3"), ("age", "2", "3")]
    assert unjudged(verdicts, "other", ["2", "1"], ["sex"]) == [("sex", "1", "2")]
    assert unjudged(verdicts, "survey", ["1"], ["age"]) == []


def test_a_project_that_is_silent_on_a_variable_does_not_load(tmp_path_factory: pytest.TempPathFactory) -> None:
    atlas = make_atlas(tmp_path_factory.mktemp("silent") / "project")
    atlas.edit(
        "data_contracts/core/respondents.odcs.yaml",
        "      - sex\n      - race_ethnicity\n      waves:\n      - 2005-2006",
        "      - race_ethnicity\n      waves:\n      - 2005-2006",
    )
    with pytest.raises(ConfigurationError, match="add a comparability verdict on sex of nhanes between 2005-2006 and 2007-2008"):
        load_project(atlas.settings)


def test_the_verdicts_are_published(published_synthetic: Any) -> None:
    rows = published_synthetic.query(
        "select variable, verdict from meta.comparability where source = 'nhanes' and wave = '2005-2006' "
        "and other_wave = '2007-2008' and verdict <> 'identical' order by all"
    )
    assert rows == [
        ("activity_level", "not_comparable"),
        ("age_band", "recoded"),
        ("age_years", "recoded"),
        ("is_pregnant", "recoded"),
        ("is_sedentary", "not_comparable"),
        ("sitting_minutes_per_day", "not_comparable"),
    ]
