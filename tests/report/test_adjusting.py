"""Odds ratios adjusted for a number, from study.yaml to the report, against svyglm (make_adjusted.R)."""

import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from scipy import stats

from pipelines.machine.errors import ConfigurationError
from pipelines.project.study import Adjustment
from tests.atlas import Atlas, make_atlas
from tests.golden.reference import assert_close, reference
from tests.survey_cases import add_survey, harmonise, report

FORMS = {
    "linear": ("{form: linear}", "age_years (linear)"),
    "quadratic": ("{form: quadratic}", "age_years (with its square)"),
    "spline": ("{form: spline, knots: [30, 45, 60, 75]}", "age_years (restricted cubic spline with knots 30 45 60 75)"),
}
BY_BANDS = "adjustment:\n  age_band: {}\n"


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    atlas = make_atlas(tmp_path_factory.mktemp("adjusting") / "project")
    assert harmonise(atlas, add_survey(atlas, "survey_panel")) == []
    return atlas


def test_a_number_is_adjusted_for_in_its_form_as_r_does(panel: Atlas) -> None:
    before = BY_BANDS
    for expected in reference("out_adjusted"):
        form, words = FORMS[expected["form"]]
        after = f"adjustment:\n  age_years: {form}\n"
        panel.edit("study.yaml", before, after)
        before = after
        [row] = report(panel, "panel", "odds_ratios").filter(wave="pooled", outcome="has_cramps", model="adjusted").to_dicts()
        assert row["adjusted_for"] == f"{words}, sex"
        assert_close(math.log(row["odds_ratio"]), expected["estimate"], 1e-8, form)
        half = math.log(row["odds_ratio_upper"] / row["odds_ratio_lower"]) / 2
        assert_close(half / stats.t.ppf(0.975, expected["df"]), expected["se"], 1e-8, f"error, {form}")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"form": "spline"}, "form: spline needs knots"),
        ({"form": "linear", "knots": [1, 2, 3]}, "form: spline needs knots, and no other form has any"),
        ({"form": "spline", "knots": [30, 20, 40]}, "three or more numbers that ascend"),
        ({"form": "spline", "knots": [30, 40]}, "three or more numbers that ascend"),
        ({"form": "linear", "reference": "male"}, "not both"),
    ],
)
def test_a_form_that_is_not_whole_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Adjustment.model_validate(given)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("age_years: {}", "age_years is INTEGER in core.respondents, and a number needs a form: linear, quadratic or spline"),
        ("psu: {form: linear}", "psu says how people were sampled or matched, and is no answer of theirs"),
        ("age_band: {form: linear}", "age_band is VARCHAR in core.respondents, and only a number is adjusted for in a form"),
    ],
)
def test_a_form_goes_with_a_number(tmp_path: Path, line: str, words: str) -> None:
    atlas = make_atlas(tmp_path / "project")
    atlas.edit("study.yaml", BY_BANDS, f"adjustment:\n  {line}\n")
    with pytest.raises(ConfigurationError, match=words):
        _ = atlas.project
