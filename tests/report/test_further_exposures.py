"""Exposures that are numbers, that have populations or a family of their own, and populations that are counted apart.

That the numbers are right is shown on NHANES against R (tests/nhanes).
"""

import math
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from pipelines.project.study import Exposure
from pipelines.release.disclosure.atoms import Classification
from pipelines.release.disclosure.hiding import HIDDEN
from pipelines.release.disclosure.protecting import protected
from tests.report.reach import estimated, project_of
from tests.report.small_study import PAIRS, SOURCES, STUDY, SURVEY, World, changed

BODY_MASS = {"label": "Body mass", "per": 5, "unit": "kg/m²"}


def table(name: str, study: dict[str, Any], source: str = SURVEY) -> pl.DataFrame:
    made = project_of(World(study, SOURCES))
    return estimated(made, f"report.{name}", made.sources[source])


def with_exposure(**settings: Any) -> dict[str, Any]:
    return changed(STUDY, "exposures.body_mass_index_kg_m2", BODY_MASS | settings)


def of_body_mass(study: dict[str, Any]) -> pl.DataFrame:
    keys = ["wave", "population", "outcome", "model"]
    return table("odds_ratios", study).filter(exposure="body_mass_index_kg_m2").sort(keys)


def test_the_odds_ratio_of_a_number_is_that_of_its_step() -> None:
    by_five, by_one = of_body_mass(with_exposure()), of_body_mass(with_exposure(per=1))
    assert set(by_five["exposure_level"]) == {"per 5 kg/m²"}
    assert set(by_one["exposure_level"]) == {"per kg/m²"}
    shown = [number for number, row in enumerate(by_five.iter_rows(named=True)) if row["odds_ratio"] is not None]
    assert len(shown) >= 8
    for number in shown:
        five, one = by_five.row(number, named=True), by_one.row(number, named=True)
        for name in ("odds_ratio", "odds_ratio_lower", "odds_ratio_upper", "prevalence_ratio"):
            assert math.log(five[name]) == pytest.approx(5 * math.log(one[name]), rel=1e-9)
        assert five["p_value"] == pytest.approx(one["p_value"], rel=1e-9)
        assert five["weight"] == "exam_weight"
        assert five["reference_level"] is None


def test_a_number_has_all_analysed_people_and_no_unexposed_ones() -> None:
    found = of_body_mass(with_exposure()).filter(wave="2001", population="everyone", model="crude", outcome="has_cramps")
    [row] = found.iter_rows(named=True)
    assert (row["unexposed_cases"], row["unexposed_noncases"]) == (None, None)
    # of 240 people: one in eleven was not measured, and one in seven has no weight of the examination
    measured = [number for number in range(240) if number % 11 > 0 and number % 7 > 0]
    cases = [n for n in measured if (n * 7 + n // 5 * 3 + 1) % 10 < 4 + 2 * (n % 5 < 2)]
    assert (row["exposed_cases"], row["exposed_noncases"]) == (len(cases), len(measured) - len(cases))


def test_a_number_is_described_by_its_mean_and_has_no_prevalence_by_level() -> None:
    study = changed(with_exposure(), "characteristics.continuous", {})
    described = table("characteristics_by_outcome", study).filter(characteristic="body_mass_index_kg_m2")
    assert set(described["kind"]) == {"continuous"}
    assert "body_mass_index_kg_m2" not in table("prevalence_by_exposure", study)["exposure"].to_list()


def test_a_number_is_not_compared_in_matched_sets() -> None:
    assert "body_mass_index_kg_m2" not in table("odds_ratios", with_exposure(), PAIRS)["exposure"].to_list()


def test_an_exposure_is_related_to_outcomes_in_the_populations_that_it_names() -> None:
    study = changed(STUDY, "exposures.is_sedentary.populations", ["under_70"])
    for name in ("odds_ratios", "prevalence_by_exposure"):
        rows, before = table(name, study), table(name, STUDY)
        assert set(rows.filter(exposure="is_sedentary")["population"]) == {"under_70"}
        assert set(rows.filter(exposure="activity_level")["population"]) == {"everyone", "under_70"}
        columns = [column for column in rows.columns if not column.startswith("p_value_")]
        others = pl.col("exposure") != "is_sedentary"
        assert_frame_equal(rows.filter(others).select(columns), before.filter(others).select(columns))
    assert set(table("odds_ratios", study, PAIRS).filter(exposure="is_sedentary")["population"]) == {"under_70"}


def test_hypotheses_are_adjusted_among_themselves() -> None:
    rows = table("odds_ratios", with_exposure(hypotheses="further"))
    further, others = rows.filter(hypotheses="further"), rows.filter(pl.col("hypotheses").is_null())
    assert set(further["exposure"]) == {"body_mass_index_kg_m2"}
    assert set(further.drop_nulls("p_value")["p_value_family_size"]) == {1}
    assert_frame_equal(others, table("odds_ratios", STUDY))  # nothing that was there before is touched


def test_a_population_that_is_counted_apart_moves_no_digit_of_the_others() -> None:
    older = {"label": "Older than 65", "where": "age_years > 65", "counted_apart": True}
    study = changed(STUDY, "populations.older", older)
    together = changed(STUDY, "populations.older", older | {"counted_apart": False})
    for name in ("prevalence_by_age_band", "trends", "respondent_flow", "prevalence_by_exposure"):
        rows = table(name, study)
        assert_frame_equal(rows.filter(pl.col("population") != "older"), table(name, STUDY), check_exact=True)
        assert_frame_equal(rows, table(name, together))  # and it has the same numbers as beside them
        assert "older" in rows["population"].to_list() or name == "trends"  # two age bands make no trend


def test_the_exposures_of_the_study_are_checked() -> None:
    for wrong in ({}, {"reference": False, "per": 1, "unit": "mg"}, {"per": 1}, {"reference": True, "unit": "mg"}):
        with pytest.raises(ValidationError):
            Exposure.model_validate({"label": "x"} | wrong)
    for wrong in ({"per": 0, "unit": "mg"}, {"per": -1, "unit": "mg"}, {"reference": False, "populations": []}):
        with pytest.raises(ValidationError):
            Exposure.model_validate({"label": "x"} | wrong)


def test_of_a_restricted_source_no_number_of_a_number_is_shown() -> None:
    names = Classification(places=("wave", "in_everyone", "is_complete"), details=("age_band",), outcomes=("ill",), exposures=())
    people = pl.DataFrame(
        {
            "wave": ["one", "one"],
            "in_everyone": [True, True],
            "is_complete": [True, True],
            "age_band": ["20+", "20+"],
            "ill": [True, False],
            "n": [500, 500],
        }
    )
    rows = table("odds_ratios", with_exposure()).filter(exposure="body_mass_index_kg_m2", wave="2001", population="everyone")
    row = rows.filter(outcome="has_cramps", model="crude").with_columns(
        wave=pl.lit("one"), outcome=pl.lit("ill"), weight=pl.lit(None, pl.String)
    )
    public = protected({"report.odds_ratios": row}, people, names, 11)["report.odds_ratios"].row(0, named=True)
    told = {"odds_ratio", "odds_ratio_lower", "p_value", "exposed_cases", "exposed_noncases", "n_missing", "e_value"}
    assert {public[name] for name in told} == {None}
    assert (public["presentation"], public["is_suppressed"]) == ("suppress", True)
    assert public["presentation_reason"].startswith(HIDDEN)
