"""Respondents of another shape: what every study has is asked for by name; what a contract says already is not written in SQL."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.authoring.new_project import write_project
from pipelines.contracts.columns import Column
from pipelines.contracts.model import load_contract
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.making.design import problems_of_design
from pipelines.project.implied import with_reasons, with_vocabularies
from pipelines.project.project import Project
from pipelines.project.selects import made_of_answers
from pipelines.project.shape import shape_problems
from pipelines.report.estimators import ESTIMATORS
from pipelines.stages import load_project
from tests.making.test_design import PEOPLE, SURVEY
from tests.report.test_estimates import cohort, estimation

RESPONDENTS = "core.respondents"
FILE = "data_contracts/core/respondents.odcs.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shape") / "project"
    write_project(folder, "hypertension")
    return folder


@pytest.fixture(scope="module")
def project(folder: Path) -> Project:
    return load_project(Settings(project=folder))


def with_columns(project: Project, columns: Collection[Column]) -> Project:
    contract = replace(project.contracts[RESPONDENTS], columns=tuple(columns))
    return replace(project, contracts={**project.contracts, RESPONDENTS: contract})


def without(project: Project, *names: str) -> Project:
    columns = project.contracts[RESPONDENTS].columns
    return with_columns(project, [column for column in columns if column.name not in names])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("source", "VARCHAR"),
        ("wave", "VARCHAR"),
        ("respondent_id", "VARCHAR"),
        ("age_years", "BIGINT or DOUBLE or INTEGER"),
        ("age_band", "VARCHAR"),
        ("is_synthetic", "BOOLEAN"),
    ],
)
def test_what_every_study_has_is_asked_for(project: Project, name: str, kind: str) -> None:
    assert shape_problems(without(project, name)) == [
        f"{FILE} has no column {name}, which the respondents of every study have: add it ({kind})"
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("stratum", "BIGINT or INTEGER"),
        ("psu", "BIGINT or INTEGER"),
        ("interview_weight", "DOUBLE"),
        ("exam_weight", "DOUBLE"),
    ],
)
def test_what_a_design_needs_is_asked_for(project: Project, name: str, kind: str) -> None:
    assert shape_problems(without(project, name)) == [
        f"{FILE} has no column {name}, which the design of nhanes (survey) needs: add it ({kind})"
    ]


def test_text_strata_need_a_column_of_their_own(project: Project) -> None:
    columns = project.contracts[RESPONDENTS].columns
    text = [replace(column, type="VARCHAR") if column.name == "stratum" else column for column in columns]
    assert shape_problems(with_columns(project, text)) == [
        f"{FILE}: stratum is VARCHAR and must be BIGINT or INTEGER; text stands in stratum_text (VARCHAR)"
    ]


def test_the_project_is_refused_before_anything_is_made_of_it(folder: Path, tmp_path: Path) -> None:
    write_project(tmp_path / "other", "hypertension")
    contract = tmp_path / "other" / FILE
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("- name: exam_weight", "- name: examination_weight"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"has no column exam_weight, which the design of nhanes \(survey\) needs"):
        load_project(Settings(project=tmp_path / "other"))


def test_respondents_without_columns_for_text_have_strata_and_psus() -> None:
    people = PEOPLE.drop("stratum_text", "psu_text").with_columns(
        stratum=pl.Series([1] * 4 + [2] * 4, dtype=pl.Int32), psu=pl.Series([1, 1, 2, 2] * 2, dtype=pl.Int32)
    )
    with duckdb.connect() as connection:
        connection.register("people", people.to_arrow())
        assert problems_of_design(connection, "people", SURVEY, ["interview_weight"], "a.sql") == []
        connection.register("people", people.with_columns(psu=pl.lit(None, pl.Int32)).to_arrow())
        [problem] = problems_of_design(connection, "people", SURVEY, ["interview_weight"], "a.sql")
    assert problem.startswith("8 respondents have no psu")


def test_without_a_column_of_sex_nothing_is_split_by_it() -> None:
    people = pl.DataFrame(
        {
            "source": "berkeley",
            "wave": "1973",
            "age_years": [30, 50, 70] * 200,
            "age_band": ["30-39", "50-59", "70-79"] * 200,
            "has_cramps": [True, False, False, True, True, False] * 100,
        }
    ).with_columns(has_frequent_cramps="has_cramps")
    complete = load_project(Settings())
    study = complete.study
    adults = {"adults": study.populations["adults_20_plus"].model_copy(update={"by_age_band": True})}
    study = study.model_copy(
        update={
            "populations": adults,
            "standardisation": study.standardisation.model_copy(update={"populations": ["adults"]}),
        }
    )
    asked = replace(estimation(complete, people, cohort(), standard_population=complete.standard_population), study=study)
    assert ESTIMATORS["report.prevalence_by_age_band_and_sex"](asked).is_empty()
    standardised = ESTIMATORS["report.prevalence_age_standardised"](asked).filter(outcome="has_cramps")
    assert standardised["sex"].to_list() == ["all"]
    # shares of cases at 30, 50 and 70: both, one and none of two; the standard's shares of these ages
    assert standardised["prevalence"].item() == pytest.approx(0.3966 * 1 + 0.3718 * 0.5, abs=1e-12)


def test_the_select_that_a_contract_implies_is_the_one_that_was_written_for_it(project: Project) -> None:
    """Column by column that of the complete study, for what is not derived there."""
    contract = load_contract(REPOSITORY / FILE, REPOSITORY / "data_contracts" / "codebooks")
    implied = with_vocabularies({contract.name: contract}, {})[RESPONDENTS]
    written = load_project(Settings()).vocabularies[RESPONDENTS]
    derived = {name for name in contract.column_types() if "cramp" in name}
    made, by_hand = made_of_answers(implied), made_of_answers(written)
    assert {name: made[name] for name in made.keys() - derived} == {name: by_hand[name] for name in by_hand.keys() - derived}
    assert list(made) == list(contract.column_types())
    assert implied.text.splitlines()[-1] == 'order by length(answers."respondent_id"), answers."respondent_id"'


def test_a_select_or_check_that_is_written_stands(project: Project) -> None:
    contracts = {RESPONDENTS: project.contracts[RESPONDENTS]}
    written = replace(project.vocabularies[RESPONDENTS], text="select 1")
    assert with_vocabularies(contracts, {RESPONDENTS: written}) == {RESPONDENTS: written}
    [check] = with_reasons(contracts, {})["respondents"]
    ours = replace(check, text="select 1")
    assert with_reasons(contracts, {"respondents": (ours,)}) == {"respondents": (ours,)}


@pytest.mark.parametrize(
    ("answer", "reason", "is_against"),
    [(True, None, False), (None, "refused", False), (None, None, True), (True, "refused", True)],
)
def test_whatever_is_unanswered_has_a_reason(project: Project, answer: bool | None, reason: str | None, is_against: bool) -> None:
    [check] = [check for check in project.checks["respondents"] if "unanswered" in check.name]
    names = project.contracts[RESPONDENTS].column_types()
    answered = {name: None if name.endswith("_missing") else "x" for name in names}
    row = answered | {"respondent_id": "7", "is_obese": answer, "is_obese_missing": reason}
    with duckdb.connect() as connection:
        connection.execute("create schema core")
        connection.register("rows", pl.DataFrame([row]).to_arrow())
        connection.execute("create table core.respondents as from rows")
        assert connection.sql(check.text).fetchall() == ([("7", "is_obese")] if is_against else [])
