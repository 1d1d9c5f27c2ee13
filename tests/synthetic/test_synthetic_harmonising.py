"""Coded answers become the vocabulary of core.respondents: one good record, one change each, and what must come of it."""

from typing import Any

import polars as pl
import pytest

from pipelines.core.harmonise import completed, this_wave, typed
from pipelines.making.engine import bind_frame, bind_select, engine
from pipelines.project.decoding import decoded
from pipelines.project.project import Project
from pipelines.project.sources import Source

PERSON: dict[str, Any] = {
    "respondent": 12,
    "age": 43,
    "sex": "female",
    "ethnicity": 3,
    "pregnant": 2,
    "loop_diuretic": 2,
    "thiazide_diuretic": 2,
    "potassium_sparing_diuretic": 2,
    "beta_agonist": 2,
    "long_acting_beta_agonist": 2,
    "statin": 1,
    "vigorous_activity": 2,
    "moderate_activity": 1,
    "sitting_minutes": 300,
    "magnesium_mg": 281.5,
    "bmi": 24.5,
    "leg_cramps": 2,
    "interview_weight": 50.5,
    "exam_weight": 53.25,
    "dietary_weight": 60.0,
    "stratum": 3,
    "psu": 7,
}
PARTICIPANT: dict[str, Any] = {
    "participant": 5,
    "pair": 3,
    "night_cramps": 1,
    "age": 70,
    "sex": 2,
    "loop_diuretic": 2,
    "thiazide_diuretic": 1,
    "potassium_sparing_diuretic": 2,
    "beta_agonist": 2,
    "long_acting_beta_agonist": 2,
    "statin": 1,
    "sedentary": 1,
}


def harmonised(project: Project, source: Source, wave: str, records: list[dict[str, Any]]) -> pl.DataFrame:
    """What the source's select makes of records of its raw table, with the columns that it leaves out."""
    people = source.generator["tables"]["people"] if source.generator else ""
    contract = project.contracts[f"raw.{people}"]
    schema = {
        name: {"VARCHAR": pl.String, "DOUBLE": pl.Float64, "INTEGER": pl.Int32}[kind]
        for name, kind in contract.column_types().items()
    }
    with engine(project.settings) as connection:
        bind_frame(connection, "raw", people, pl.DataFrame(records, schema=schema))
        bind_frame(connection, "codebook", people, contract.codebook_frame())
        bind_frame(connection, "study", "age_bands", project.study.age_bands.frame())
        bind_frame(connection, "meta", "this_wave", this_wave(source, wave))
        bind_select(connection, f"decoded.{people}", decoded(contract))
        table = "core.respondents"
        select, vocabulary = project.selects[f"{table}/{source.source}"], project.vocabularies[table]
        core, bands = project.contracts[table], project.study.age_bands.frame()
        text = completed(connection, select, vocabulary, core, source, bands)
        rows = pl.from_arrow(typed(select, connection.sql(text).to_arrow_reader(1_000), core.arrow_schema()).read_all())
    assert isinstance(rows, pl.DataFrame)
    return rows


def test_a_person_who_answered_everything(project: Project, survey: Source) -> None:
    row = harmonised(project, survey, "2024", [PERSON]).row(0, named=True)
    assert {name: value for name, value in row.items() if value is not None} == {
        "source": "synthetic_survey",
        "wave": "2024",
        "respondent_id": "12",
        "age_years": 43,
        "age_band": "40-49",
        "sex": "female",
        "race_ethnicity": "non_hispanic_white",
        "is_pregnant": False,
        "takes_diuretic": False,
        "takes_loop_diuretic": False,
        "takes_thiazide_diuretic": False,
        "takes_potassium_sparing_diuretic": False,
        "takes_beta_agonist": False,
        "takes_long_acting_beta_agonist": False,
        "takes_statin": True,
        "is_sedentary": False,
        "activity_level": "moderate",
        "sitting_minutes_per_day": 300,
        "magnesium_intake_mg": 281.5,
        "body_mass_index_kg_m2": 24.5,
        "cramp_frequency": "sometimes",
        "has_cramps": True,
        "has_frequent_cramps": False,
        "interview_weight": 50.5,
        "exam_weight": 53.25,
        "dietary_weight": 60.0,
        "stratum": 3,
        "psu": 7,
        "is_synthetic": True,
        "is_in_lowest_magnesium_quartile_missing": "not_asked",
        "serum_calcium_mg_dl_missing": "not_asked",
        "serum_potassium_mmol_l_missing": "not_asked",
    }


def test_a_participant_of_the_case_control_source(project: Project, case_control: Source) -> None:
    row = harmonised(project, case_control, "136-pairs", [PARTICIPANT]).row(0, named=True)
    given = {name: value for name, value in row.items() if value is not None and not name.endswith("_missing")}
    assert given == {
        "source": "synthetic_case_control",
        "wave": "136-pairs",
        "respondent_id": "5",
        "age_years": 70,
        "age_band": "70-79",
        "sex": "female",
        "takes_diuretic": True,
        "takes_loop_diuretic": False,
        "takes_thiazide_diuretic": True,
        "takes_potassium_sparing_diuretic": False,
        "takes_beta_agonist": False,
        "takes_long_acting_beta_agonist": False,
        "takes_statin": True,
        "is_sedentary": True,
        "has_cramps": True,
        "matched_set": "3",
        "is_case": True,
        "is_synthetic": True,
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"age": 90}, {"age_years": 80, "age_band": "80+"}),
        ({"age": 16}, {"age_years": 16, "age_band": "16-19"}),
        ({"age": 79}, {"age_years": 79, "age_band": "70-79"}),
        ({"sex": "FEMALE"}, {"sex": "female", "sex_missing": None}),
        ({"ethnicity": 77}, {"race_ethnicity": None, "race_ethnicity_missing": "refused"}),
        ({"ethnicity": None}, {"race_ethnicity": None, "race_ethnicity_missing": "missing"}),
        ({"pregnant": 9}, {"is_pregnant": None, "is_pregnant_missing": "dont_know"}),
        ({"pregnant": None}, {"is_pregnant": None, "is_pregnant_missing": "missing"}),
        ({"pregnant": None, "age": 45}, {"is_pregnant": None, "is_pregnant_missing": "not_asked"}),
        ({"pregnant": None, "sex": "male"}, {"is_pregnant": None, "is_pregnant_missing": "not_asked"}),
        ({"loop_diuretic": 1}, {"takes_loop_diuretic": True, "takes_diuretic": True}),
        ({"loop_diuretic": 7}, {"takes_loop_diuretic": None, "takes_loop_diuretic_missing": "refused", "takes_diuretic": None}),
        ({"loop_diuretic": 7}, {"takes_diuretic_missing": "refused"}),
        ({"loop_diuretic": None}, {"takes_loop_diuretic_missing": "missing", "takes_diuretic_missing": "missing"}),
        ({"loop_diuretic": 9, "thiazide_diuretic": 1}, {"takes_diuretic": True, "takes_diuretic_missing": None}),
        ({"vigorous_activity": 1}, {"activity_level": "vigorous", "is_sedentary": False}),
        ({"moderate_activity": 2}, {"activity_level": "none", "is_sedentary": True}),
        ({"vigorous_activity": 7}, {"activity_level": None, "activity_level_missing": "refused", "is_sedentary": False}),
        ({"moderate_activity": 9}, {"is_sedentary": None, "is_sedentary_missing": "dont_know"}),
        ({"sitting_minutes": 7777}, {"sitting_minutes_per_day": None, "sitting_minutes_per_day_missing": "refused"}),
        ({"sitting_minutes": None}, {"sitting_minutes_per_day": None, "sitting_minutes_per_day_missing": "missing"}),
        ({"magnesium_mg": None}, {"magnesium_intake_mg": None, "magnesium_intake_mg_missing": "missing"}),
        ({"magnesium_mg": None, "dietary_weight": 0.0}, {"magnesium_intake_mg_missing": "not_asked", "dietary_weight": 0.0}),
        ({"bmi": None, "exam_weight": 0.0}, {"body_mass_index_kg_m2_missing": "not_asked", "exam_weight": 0.0}),
        ({"bmi": None}, {"body_mass_index_kg_m2": None, "body_mass_index_kg_m2_missing": "missing"}),
        ({"leg_cramps": 0}, {"cramp_frequency": "never", "has_cramps": False, "has_frequent_cramps": False}),
        ({"leg_cramps": 3}, {"cramp_frequency": "often", "has_cramps": True, "has_frequent_cramps": True}),
        ({"leg_cramps": 4}, {"cramp_frequency": "almost_always", "has_frequent_cramps": True}),
        ({"leg_cramps": 7}, {"cramp_frequency": None, "cramp_frequency_missing": "refused", "has_cramps": None}),
        ({"leg_cramps": 9}, {"has_cramps_missing": "dont_know", "has_frequent_cramps_missing": "dont_know"}),
        ({"leg_cramps": None}, {"has_cramps": None, "has_cramps_missing": "missing", "cramp_frequency_missing": "missing"}),
    ],
)
def test_one_changed_answer(project: Project, survey: Source, change: dict[str, Any], expected: dict[str, Any]) -> None:
    row = harmonised(project, survey, "2024", [PERSON | change]).row(0, named=True)
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"night_cramps": 2}, {"is_case": False, "has_cramps": False, "has_cramps_missing": None}),
        ({"sedentary": 2}, {"is_sedentary": False, "is_sedentary_missing": None}),
        ({"sedentary": 7}, {"is_sedentary": None, "is_sedentary_missing": "refused"}),
        ({"sedentary": None}, {"is_sedentary": None, "is_sedentary_missing": "missing"}),
        ({}, {"has_frequent_cramps": None, "has_frequent_cramps_missing": "not_asked", "interview_weight": None}),
    ],
)
def test_one_changed_answer_of_a_participant(
    project: Project, case_control: Source, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    row = harmonised(project, case_control, "136-pairs", [PARTICIPANT | change]).row(0, named=True)
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("name", ["synthetic_survey", "synthetic_case_control"])
def test_what_is_unanswered_has_a_reason_and_what_is_answered_has_none(project: Project, name: str) -> None:
    source = project.sources[name]
    good = PERSON if name == "synthetic_survey" else PARTICIPANT
    key = "respondent" if name == "synthetic_survey" else "participant"
    optional = [
        column for column in good if column not in {key, "pair", "age", "stratum", "psu"} and not column.endswith("_weight")
    ]
    records = [good] + [good | {key: 100 + number, column: None} for number, column in enumerate(optional)]
    if name == "synthetic_case_control":
        records = records[:1] + [record for record in records if record["sedentary"] is None]
    rows = harmonised(project, source, source.study_waves[0], records)
    assert rows.height == len(records)
    for column in [column for column in rows.columns if f"{column}_missing" in rows.columns]:
        assert rows[column].is_null().equals(rows[f"{column}_missing"].is_not_null(), check_names=False), column
