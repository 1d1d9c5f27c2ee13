"""The doors on a small database with what the synthetic survey has not: pooled waves, a cohort, people who may not be told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines import ask
from pipelines.ask import asking, released
from pipelines.project.project import Project
from pipelines.release.disclosure.hiding import HIDDEN
from tests.ask.doors import in_python, in_sql
from tests.atlas import Atlas
from tests.release.macros.asked import asked_project, people, source, write_database

RELEASE = "2001-01-01.1-00000000"


def question(measure: str, outcome: str, of: str, **more: str) -> dict[str, Any]:
    return {"measure": measure, "outcome": outcome, "source": of, **more}


QUESTIONS = [
    question("prevalence", "has_cramps", "survey", by="sex"),
    question("prevalence", "takes_statin", "survey", where="age_years >= 50 -- those who were asked alike"),
    question("prevalence", "has_cramps", "survey", wave="2001", weight="exam_weight", by="activity_level"),
    question("mean", "body_mass_index_kg_m2", "survey", by="is_sedentary"),
    question("total", "has_cramps", "survey", by="sex, is_sedentary"),
    question("prevalence", "has_frequent_cramps", "cohort", by="sex"),
    question("mean", "age_years", "cohort"),
    question("odds_ratio", "has_cramps", "cohort", exposure="is_sedentary"),
    question("prevalence_ratio", "has_cramps", "survey", exposure="is_sedentary", where="sex = 'male'"),
    question("prevalence_difference", "has_cramps", "survey", exposure="is_sedentary"),
    question("odds_ratio", "has_cramps", "survey", exposure="activity_level", reference="none", wave="2002"),
    question("prevalence", "has_frequent_cramps", "clinic", by="age_band"),
    question("odds_ratio", "has_frequent_cramps", "clinic", exposure="takes_statin"),
    question("prevalence_difference", "has_frequent_cramps", "clinic", exposure="takes_statin"),
]

REFUSED = [
    question("prevalence", "has_cramps", "registry"),
    question("prevalence", "has_cramps", "pairs"),
    question("prevalence", "has_cramps", "survey", by="activity_level"),
    question("prevalence", "takes_statin", "survey"),
    question("prevalence", "has_cramps", "cohort", weight="exam_weight"),
    question("total", "has_cramps", "clinic"),
    question("prevalence", "has_cramps", "cohort", where="age_years < 85"),
    question("prevalence", "has_cramps", "cohort", where="sex::integer = 1"),
]


def small_project() -> Project:
    """The project of the macros' tests, with a top code in the cohort, and a restricted clinic with the people of the cohort."""
    project = asked_project()
    cohort = source("cohort", "cohort", waves={"2001": {"tables": {}, "top_codes": {"age_years": 78}}})
    clinic = source("clinic", "cohort", classification="restricted")
    return replace(project, sources={**project.sources, "cohort": cohort, "clinic": clinic})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one release."""
    releases = tmp_path_factory.mktemp("releases")
    (releases / RELEASE).mkdir()
    clinic = people().filter(source="cohort").with_columns(source=pl.lit("clinic"))
    write_database(releases / RELEASE / "epi.duckdb", people().vstack(clinic), small_project())
    return releases


@pytest.fixture(autouse=True)
def _published(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = {"release_id": RELEASE, "published_at": "2001-01-01T00:00:00+00:00", "objects": []}
    monkeypatch.setattr(released, "manifest_of", lambda _: manifest)
    monkeypatch.setattr(released, "releases_folder", lambda _: folder)
    monkeypatch.setattr(asking, "project_in", lambda _: small_project())


@pytest.fixture(scope="module")
def connection(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(folder / RELEASE / "epi.duckdb"), read_only=True) as opened:
        yield opened


def test_python_and_sql_give_one_answer(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    n_hidden = 0
    for asked in QUESTIONS:
        sql, python = in_sql(connection, asked), in_python(Atlas(folder), asked).frame.to_dicts()
        assert sql
        assert len(sql) == len(python), asked
        for one, other in zip(sql, python, strict=True):
            n_hidden += one["is_suppressed"]
            for name, value in one.items():
                same = pytest.approx(value, rel=1e-10, abs=1e-13) if isinstance(value, float) else value
                assert other[name] == same, (asked, name)
    assert n_hidden > 3


def test_python_and_sql_refuse_in_the_same_words(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for asked in REFUSED:
        with pytest.raises(duckdb.Error) as raised:
            in_sql(connection, asked)
        with pytest.raises(ask.Refused) as refused:
            in_python(Atlas(folder), asked)
        assert str(refused.value) in str(raised.value), asked


def test_what_a_model_says_of_few_people_is_not_told(folder: Path) -> None:
    """Of a restricted source, neither numbers of small cells nor why a model gives none."""
    few = question(
        "odds_ratio", "has_frequent_cramps", "clinic", exposure="takes_statin", adjust="age_band", where="age_years < 26"
    )
    [row] = in_python(Atlas(folder), few).frame.to_dicts()
    assert row["is_suppressed"]
    assert row["presentation_reason"] == HIDDEN
    hidden = ("exposed_cases", "unexposed_noncases", "odds_ratio", "odds_ratio_lower", "p_value", "degrees_freedom")
    assert [row[name] for name in hidden] == [None] * len(hidden)
