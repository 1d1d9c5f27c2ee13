"""The forms of an answer: a table, JSON, CSV, Parquet, a chart, the lines of study.yaml; and what of it is not told."""

import csv
import doctest
import io
import json
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml

import pipelines.ask
from pipelines.ask import questions
from pipelines.ask.answer import told
from pipelines.ask.question import Question
from pipelines.project.conditions import Conditions
from pipelines.project.levels import condition_fault, domains
from pipelines.project.study import Study
from pipelines.release.kept import current_release
from pipelines.report.odds_ratios import odds_ratios
from tests.ask.doors import in_python, typed
from tests.ask.nightly import estimation_of
from tests.atlas import Atlas

BY_SEX = {"measure": "prevalence", "outcome": "has_cramps", "by": "sex", "source": "synthetic_survey", "where": "age_years >= 60"}
RATIO = {
    "measure": "odds_ratio",
    "outcome": "has_cramps",
    "exposure": "takes_statin",
    "adjust": "age_band,sex,race_ethnicity",
    "source": "synthetic_survey",
    "where": "age_years >= 30",
}


def test_a_person_reads_a_table_and_what_it_rests_on(published_synthetic: Atlas) -> None:
    code, said = typed(published_synthetic, BY_SEX)
    assert code == 0
    release = current_release(published_synthetic.project)
    assert f"release_id: {release}" in said
    assert "weight: interview_weight" in said
    assert "estimator: pipelines.statistics.prevalence" in said
    assert "core.respondents synthetic_survey 2024" in said


def test_the_forms_hold_the_same_rows(published_synthetic: Atlas, tmp_path: Path) -> None:
    frame = in_python(published_synthetic, BY_SEX).frame.drop("asked_at")
    _, said = typed(published_synthetic, BY_SEX, "--json")
    document = json.loads(said)
    assert document["question"]["where"] == "age_years >= 60"
    assert document["passport"]["release_id"] == current_release(published_synthetic.project)
    assert document["rows"] == frame.drop("release_id", "published_at", "respondents", "estimator").to_dicts()
    _, said = typed(published_synthetic, BY_SEX, "--csv")
    assert [row["prevalence"] for row in csv.DictReader(io.StringIO(said))] == [repr(one) for one in frame["prevalence"]]
    path = tmp_path / "answer.parquet"
    code, said = typed(published_synthetic, BY_SEX, "--parquet", str(path))
    assert (code, "2 rows" in said) == (0, True)
    assert pl.read_parquet(path).drop("asked_at").equals(frame)
    assert json.loads(pq.read_metadata(path).metadata[b"question"])["outcome"] == "has_cramps"
    code, said = typed(published_synthetic, BY_SEX, "--parquet", str(tmp_path / "no" / "answer.parquet"))
    assert (code, "answer.parquet cannot be written" in said) == (2, True)
    code, said = typed(published_synthetic, BY_SEX, "--json", "--csv")
    assert (code, "keep one" in said) == (2, True)


def test_a_chart_has_a_mark_for_each_row_that_is_shown(published_synthetic: Atlas) -> None:
    for question, n_marks in ((BY_SEX, 2), (RATIO, 3)):
        answer = in_python(published_synthetic, question)
        spec = answer.chart().to_dict()
        assert len(spec["layer"]) == n_marks
        assert spec["title"] == "Any leg cramps at night in the past month"
        [drawn] = [rows for rows in spec["datasets"].values() if "estimate" in rows[0]]
        shown = answer.frame[str(question["measure"])].drop_nulls()
        assert [row["estimate"] for row in drawn] == shown.to_list()


def test_the_lines_for_study_yaml_make_the_night_answer(published_synthetic: Atlas, tmp_path: Path) -> None:
    """The study with the lines is one that may be, and its night estimates what was asked."""
    project = published_synthetic.project
    for question in (RATIO, BY_SEX | {"measure": "trend", "by": "", "where": "age_years >= 50"}):
        answer = in_python(published_synthetic, question)
        lines = yaml.safe_load(answer.study_lines())
        assert lines["populations"]["age_years_30" if question is RATIO else "age_years_50"]["where"] == question["where"]
        study = _merged(project.study, lines)
        held = domains(project)
        assert not condition_fault(project, Conditions("core.respondents", held), str(question["where"]))
    study = _merged(project.study, yaml.safe_load(in_python(published_synthetic, RATIO).study_lines()))
    with estimation_of(published_synthetic, study) as estimation:
        table = odds_ratios(estimation).filter(population="age_years_30", exposure="takes_statin", model="adjusted")
    [night] = table.filter(outcome="has_cramps").to_dicts()
    [asked] = in_python(published_synthetic, RATIO).frame.to_dicts()
    numbers = ("odds_ratio", "odds_ratio_lower", "p_value")
    assert [night[name] for name in numbers] == pytest.approx([asked[name] for name in numbers], rel=1e-10)
    same = ("exposed_cases", "n_missing", "adjusted_for", "weight", "presentation")
    assert {name: night[name] for name in same} == {name: asked[name] for name in same}


def _merged(study: Study, lines: dict[str, dict[str, object]]) -> Study:
    text = study.model_dump(mode="json", exclude_none=True)
    return Study.model_validate(text | {section: text[section] | added for section, added in lines.items()})


def test_what_the_night_does_not_answer_is_said(published_synthetic: Atlas) -> None:
    assert "no table of the night holds a mean" in in_python(published_synthetic, BY_SEX | {"measure": "mean"}).study_lines()
    asked = RATIO | {"adjust": "age_band", "interaction": "sex"}
    said = in_python(published_synthetic, asked).study_lines()
    assert "# no table of the night has an interaction" in said
    assert "# the night adjusts all ratios for age_band, sex, race_ethnicity alike" in said
    code, printed = typed(published_synthetic, asked, "--add-to-study")
    assert (code, printed.strip()) == (0, said)


@pytest.mark.parametrize(("n_cases", "is_hidden"), [(10, True), (11, False), (40, True), (39, False)])
def test_of_a_restricted_source_small_counts_are_not_told(n_cases: int, is_hidden: bool) -> None:
    frame = pl.DataFrame(
        {
            "n_respondents": [50],
            "n_cases": [n_cases],
            "n_missing": [3],
            "prevalence": [0.3],
            "presentation": ["show"],
            "presentation_reason": [None],
        },
        schema_overrides={"presentation_reason": pl.String},
    )
    [row] = told(frame, 11).to_dicts()
    assert (row["is_suppressed"], row["prevalence"] is None, row["n_cases"] is None, row["n_missing"]) == (
        is_hidden,
        is_hidden,
        is_hidden,
        None,
    )
    [open_row] = told(frame, 0).to_dicts()
    assert (open_row["n_missing"], open_row["is_suppressed"]) == (3, False)


def test_the_examples_of_the_functions_are_true(published_synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(published_synthetic.folder))
    for module in (pipelines.ask, questions):
        found = doctest.testmod(module)
        assert (found.failed, found.attempted > 0) == (0, True)


def test_a_question_says_what_it_names() -> None:
    asked = Question("odds_ratio", "y", "x", adjust=("a", "b"), interaction="m")
    assert asked.names == ("y", "x", "a", "b", "m")
