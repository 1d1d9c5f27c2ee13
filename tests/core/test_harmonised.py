"""What a select may leave out, what stands there then, and what it must return. One good row, and each test changes one thing."""

from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.contracts.model import Contract, load_contract
from pipelines.core.harmonise import completed, typed
from pipelines.machine.errors import CrampAtlasError
from pipelines.project.selects import Select
from pipelines.project.sources import Source
from pipelines.project.study import AgeBands

TYPES = {
    "respondent_id": "VARCHAR",
    "age_years": "INTEGER",
    "age_years_missing": "VARCHAR",
    "age_band": "VARCHAR",
    "has_cramps": "BOOLEAN",
    "has_cramps_missing": "VARCHAR",
    "interview_weight": "DOUBLE",
    "exam_weight": "DOUBLE",
    "stratum": "INTEGER",
    "psu": "INTEGER",
    "matched_set": "VARCHAR",
    "is_case": "BOOLEAN",
}
BANDS = AgeBands(lower_bounds=[16, 40, 50]).frame()
SELECT = Select("sql/core/people/here.sql", "select * from delivered", ())
SURVEY_ROW: dict[str, Any] = {
    "psu": 2,
    "stratum": 1,
    "interview_weight": 12.5,
    "age_band": "40-49",
    "age_years_missing": None,
    "age_years": 43,
    "respondent_id": "7",
}
"""What a survey without an examination must return, in another order than the contract's."""


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    folder = tmp_path_factory.mktemp("contracts") / "core"
    folder.mkdir()
    columns = "".join(f"\n  - {{name: {name}, physicalType: {kind}, description: A column.}}" for name, kind in TYPES.items())
    text = (
        "apiVersion: v3.1.0\nkind: DataContract\nid: core.people\nname: People\nversion: 1.0.0\nstatus: active\n"
        f"schema:\n- name: people\n  physicalType: table\n  description: One row per person.\n  properties:{columns}\n"
    )
    path = folder / "people.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    return load_contract(path, folder)


def source(**changes: Any) -> Source:
    good = {
        "source": "here",
        "title": "A survey",
        "design": "survey",
        "classification": "public_use",
        "citation": "made for a test",
        "terms_of_use": "none",
        "waves": {"2024": {"tables": {}}},
    }
    return Source.model_validate(good | changes)


def rows_of(row: dict[str, Any], contract: Contract, of: Source) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        connection.register("delivered", pa.Table.from_pylist([row]))
        text = completed(connection, SELECT, None, contract, of, BANDS)
        found = typed(SELECT, connection.sql(text).to_arrow_reader(10), contract.arrow_schema()).read_all()
    assert found.schema.equals(contract.arrow_schema(), check_metadata=True)
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in SURVEY_ROW.items() if name not in names}


def test_what_was_not_asked_and_what_the_design_has_not_may_be_left_out(contract: Contract) -> None:
    [row] = rows_of(SURVEY_ROW, contract, source())
    assert row == {
        "respondent_id": "7",
        "age_years": 43,
        "age_years_missing": None,
        "age_band": "40-49",
        "has_cramps": None,
        "has_cramps_missing": "not_asked",
        "interview_weight": 12.5,
        "exam_weight": None,
        "stratum": 1,
        "psu": 2,
        "matched_set": None,
        "is_case": None,
    }


def test_what_is_returned_stays_as_it_is(contract: Contract) -> None:
    answered = SURVEY_ROW | {"has_cramps": True, "has_cramps_missing": None, "exam_weight": 0.0, "matched_set": "b"}
    [row] = rows_of(answered, contract, source())
    assert {name: row[name] for name in answered} == answered


@pytest.mark.parametrize(
    ("row", "changes", "problem"),
    [
        (without("respondent_id"), {}, "respondent_id is left out"),
        (without("age_band", "age_years", "age_years_missing"), {}, "age_band is left out"),
        (without("age_years"), {}, "age_years is left out, but age_years_missing is not: return both or neither"),
        (without("stratum"), {}, r"stratum is left out, which the design of here \(survey\) needs"),
        (without("interview_weight"), {}, r"interview_weight is left out, which the design of here \(survey\) needs"),
        (SURVEY_ROW, {"components": {"exam": ["age_years"]}}, "exam_weight is left out, which the design"),
        (without("stratum"), {"design": "case_control"}, "matched_set is left out, which the design .*; is_case is left out"),
        (SURVEY_ROW | {"shoe_size": 44}, {}, "shoe_size is no column of it"),
        (SURVEY_ROW | {"Has_Cramps": True}, {}, "Has_Cramps is no column of it"),
    ],
)
def test_what_must_be_returned_is_named(contract: Contract, row: dict[str, Any], changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(
        CrampAtlasError, match=rf"sql/core/people/here.sql does not return the columns of core.people: .*{problem}"
    ):
        rows_of(row, contract, source(**changes))


def test_a_cohort_needs_no_design_columns(contract: Contract) -> None:
    [row] = rows_of(without("stratum", "psu", "interview_weight"), contract, source(design="cohort"))
    assert (row["stratum"], row["psu"], row["interview_weight"]) == (None, None, None)


def test_a_value_of_another_type_is_refused(contract: Contract) -> None:
    with pytest.raises(CrampAtlasError, match=r"sql/core/people/here.sql: age_years is double, .* do not fit int32"):
        rows_of(SURVEY_ROW | {"age_years": 43.5}, contract, source())


def test_a_verdict_about_a_wave_that_the_source_does_not_have_is_refused() -> None:
    verdict = {
        "variables": ["has_cramps"],
        "waves": ["2024", "2025"],
        "verdict": "identical",
        "reason": "the same question",
        "reference": "here",
    }
    with pytest.raises(ValueError, match="names wave 2025, which is no wave of respondents under waves"):
        source(comparability=[verdict])


def test_a_variable_that_everybody_answered_needs_no_reason(contract: Contract) -> None:
    [row] = rows_of(without("age_years_missing"), contract, source())
    assert (row["age_years"], row["age_years_missing"]) == (43, None)


def test_an_age_has_its_band_whatever_the_select_says(contract: Contract) -> None:
    [row] = rows_of(SURVEY_ROW | {"age_band": "16-39"}, contract, source())
    assert row["age_band"] == "40-49"
    [row] = rows_of(SURVEY_ROW | {"age_years": None, "age_years_missing": "refused"}, contract, source())
    assert (row["age_band"], row["age_years_missing"]) == (None, "refused")


def test_what_is_above_a_top_code_becomes_it_and_what_is_unknown_stays_so(contract: Contract) -> None:
    of = source(waves={"2024": {"tables": {}, "top_codes": {"age_years": 45}}})
    assert [rows_of(SURVEY_ROW | {"age_years": age}, contract, of)[0]["age_years"] for age in (44, 45, 46)] == [44, 45, 45]
    [row] = rows_of(SURVEY_ROW | {"age_years": None}, contract, of)
    assert (row["age_years"], row["age_years_missing"]) == (None, "missing")
