"""The study of hypertension, of the wheel: fetched, refreshed and published without a checkout, as R's survey package has it.

Without the files of NHANES all but the numbers is tried.
"""

from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import polars as pl
import pytest

from tests.nhanes_files import nhanes_folder
from tests.packaging.conftest import Installed
from tests.packaging.telling import what_tells_of

TOLERANCE = 1e-6
KEYS = {
    "prevalence_by_age_band": ["wave", "population", "outcome", "age_band"],
    "prevalence_by_exposure": ["wave", "population", "outcome", "exposure", "exposure_level"],
    "prevalence_age_standardised": ["wave", "population", "outcome", "sex"],
    "odds_ratios": ["wave", "population", "outcome", "exposure", "exposure_level", "model"],
}
EXPECTED = Path(__file__).with_name("hypertension")
"""Written by the R script that lies there."""


class Study:
    """The project after its commands, and what they printed."""

    def __init__(self, installed: Installed, folder: Path, files: Path | None) -> None:
        self.folder = folder / "study"
        self.has_nhanes = files is not None
        self.printed = [installed.run("init", "study", "--study", "hypertension", where=folder)]
        if files:
            self.printed.append(installed.run("fetch", "nhanes", where=self.folder, CRAMP_ATLAS_NHANES_URL=str(files)))
        self.printed += [installed.run(command, where=self.folder) for command in ("refresh",)]

    @property
    def refreshed(self) -> CompletedProcess[str]:
        return self.printed[-2]

    def query(self, sql: str) -> pl.DataFrame:
        with duckdb.connect(str(self.folder / "warehouse" / "epi.duckdb"), read_only=True) as connection:
            return connection.sql(sql).pl()


@pytest.fixture(scope="module")
def study(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Study:
    try:
        files: Path | None = nhanes_folder()
    except pytest.skip.Exception:
        files = None
    return Study(installed, tmp_path_factory.mktemp("hypertension"), files)


@pytest.fixture
def real(study: Study) -> Study:
    """The study with its files; skips, or fails in CI, where there are none."""
    nhanes_folder()
    return study


def test_it_is_refreshed_and_published(study: Study) -> None:
    for done in study.printed:
        assert done.returncode == 0, done.stdout + done.stderr
    page = (study.folder / "warehouse" / "current" / "report.html").read_text(encoding="utf-8")
    assert "<h1>Hypertension and diabetes</h1>" in page
    assert study.query("select distinct source from meta.deliveries")["source"].to_list() == ["nhanes"]
    assert list(study.folder.glob("sql/core/*.sql")) == []


def test_nothing_of_it_tells_of_another_condition(study: Study) -> None:
    assert what_tells_of("cramp|nocturnal|diuretic|sedentary|magnesium|slq160|sleep", study.folder) == []
    said = " ".join(done.stdout + done.stderr for done in study.printed).replace("cramp-atlas", "")
    assert "cramp" not in said.lower()


def test_every_question_of_it_has_an_answer(study: Study) -> None:
    queries = sorted(study.folder.glob("sql/queries/*.sql"))
    answers = {path.stem: study.query(path.read_text(encoding="utf-8")).height for path in queries}
    assert len(answers) > 20
    if study.has_nhanes:
        assert {name for name, rows in answers.items() if not rows} == {
            "failed_rules",
            "records_set_aside",
            "what_is_stale",
        }


@pytest.mark.parametrize("table", KEYS)
def test_its_numbers_are_those_of_survey(real: Study, table: str) -> None:
    keys = KEYS[table]
    expected = pl.read_csv(EXPECTED / f"{table}.csv", schema_overrides=dict.fromkeys({"exposure_level"} & set(keys), pl.String))
    found = real.query(f"from report.{table}")
    joined = expected.join(found, on=keys, how="left", suffix="_found", validate="1:1")
    quantities = [column for column in expected.columns if column not in keys]
    assert len(joined) == len(found)
    assert len(joined) * len(quantities) >= 40
    for column in quantities:
        differs = joined.filter(((pl.col(column) - pl.col(f"{column}_found")).abs() > TOLERANCE).fill_null(True))
        assert differs.is_empty(), f"{column}: {differs.select(*keys, column, f'{column}_found').head()}"


def test_it_answers_in_sql(real: Study) -> None:
    [(n, prevalence)] = real.query(
        "select n_respondents, prevalence from ask.prevalence('has_hypertension', condition := 'age_years >= 20', "
        "source := 'nhanes', wave := 'pooled')"
    ).rows()
    [(reported_n, reported)] = real.query(
        "select n_respondents, prevalence from report.prevalence_by_age_band where wave = 'pooled' "
        "and population = 'adults_20_plus' and outcome = 'has_hypertension' and age_band = 'all'"
    ).rows()
    assert (n, prevalence) == (reported_n, pytest.approx(reported, rel=1e-12))


def test_outcomes_stand_in_the_order_of_the_study(real: Study) -> None:
    page = (real.folder / "warehouse" / "current" / "report.html").read_text(encoding="utf-8")
    lead = [page.index(f"Ever told of {outcome}: ") for outcome in ("hypertension", "diabetes")]
    assert lead == sorted(lead)
    assert page.index("Ever told of hypertension</") < page.index("Ever told of diabetes</")
