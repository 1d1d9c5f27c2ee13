"""The main job on the embedded default, from delivery to release."""

import re
import shutil

import pytest

from pipelines.machine.errors import NotClosed
from pipelines.release.kept import current_release, manifests
from pipelines.release.publish import publish
from tests.atlas import DESCRIBED, DESCRIPTION, Atlas
from tests.soak.nights import substitute


def test_the_report_tables_answer(published_synthetic: Atlas) -> None:
    bands = published_synthetic.query(
        """
        select age_band from report.prevalence_by_age_band
        where source = 'synthetic_survey' and population = 'everyone_asked' and outcome = 'has_cramps'
        """
    )
    assert [band for (band,) in bands] == ["16-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80+", "all"]
    models = published_synthetic.query("select distinct source, model from report.odds_ratios order by all")
    assert models == [("synthetic_case_control", "matched"), ("synthetic_survey", "adjusted"), ("synthetic_survey", "crude")]


def test_synthetic_rows_say_so_everywhere(published_synthetic: Atlas) -> None:
    tables = published_synthetic.query("select schema_name, table_name from duckdb_columns() where column_name = 'is_synthetic'")
    assert ("core", "respondents") in tables
    assert ("report", "odds_ratios") in tables
    for schema, table in tables:
        where = "where source like 'synthetic%'"
        assert published_synthetic.query(f"select bool_and(is_synthetic) from {schema}.{table} {where}") == [(True,)]
    page = (published_synthetic.warehouse / "current" / "report.html").read_text(encoding="utf-8")
    # of two sources, each beside its answer and over its section
    assert page.count('<span class="badge">synthetic: describes no real person</span>') == 2 * 2
    pictures = re.findall(r'<img [^>]* alt="([^"]*)"', page)
    assert len(pictures) == 5
    assert all("(synthetic: describes no real person)" in picture for picture in pictures)


def test_a_case_control_source_has_no_prevalence_and_no_odds_ratio_of_what_it_was_matched_on(published_synthetic: Atlas) -> None:
    where = "where source = 'synthetic_case_control'"
    assert published_synthetic.query(f"select count(*) from report.prevalence_by_age_band {where}") == [(0,)]
    assert published_synthetic.query(f"select distinct exposure, model from report.odds_ratios {where}") == [
        ("is_sedentary", "matched")
    ]
    assert published_synthetic.query(f"select count(prevalence_ratio) from report.odds_ratios {where}") == [(0,)]


def test_a_source_that_never_delivered_is_no_failure(published_synthetic: Atlas) -> None:
    assert published_synthetic.query("select wave, verdict from meta.deliveries where source = 'nhanes' order by wave") == [
        ("2005-2006", "absent"),
        ("2007-2008", "absent"),
        ("all", "absent"),
    ]
    assert published_synthetic.query("select count(*) from raw.nhanes_slq") == [(0,)]


def test_records_that_break_a_contract_are_set_aside_and_listed(published_synthetic: Atlas) -> None:
    # four ages of 199 and three repeated records: a repeat makes both of its records doubtful
    rules = dict(published_synthetic.query("select rule_id, count(*) from meta.rejected_rows group by rule_id"))
    assert sum(rules.values()) == 10
    assert 4 in rules.values()
    [(kept,)] = published_synthetic.query("select count(*) from raw.synthetic_survey_respondents")
    assert kept == 3_000 + 3 - 10


@pytest.mark.parametrize("database", ["epi.duckdb", "epi_public.duckdb"])
def test_tables_and_columns_carry_their_descriptions(published_synthetic: Atlas, database: str) -> None:
    blank = "count(*) filter (coalesce(trim(comment), '') = '')"
    [(tables, without)] = published_synthetic.query(f"select count(*), {blank} from duckdb_tables()", database)
    assert (tables > 10, without) == (True, 0)
    [(columns, without)] = published_synthetic.query(
        f"select count(*), {blank} from duckdb_columns() where not internal", database
    )
    assert (columns > tables, without) == (True, 0)


def test_the_public_database_holds_no_respondents(published_synthetic: Atlas) -> None:
    schemas = published_synthetic.query("select distinct schema_name from duckdb_tables() order by all", "epi_public.duckdb")
    assert schemas == [("meta",), ("report",)]


def test_a_release_is_whole_and_read_only(published_synthetic: Atlas) -> None:
    release = published_synthetic.warehouse / "current"
    files = sorted(path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file())
    reports = [
        "characteristics_by_outcome",
        "odds_ratios",
        "planted_truth",
        "prevalence_age_standardised",
        "prevalence_by_age_band",
        "prevalence_by_age_band_and_sex",
        "prevalence_by_exposure",
        "respondent_flow",
        "trends",
    ]
    assert files == [
        "epi.duckdb",
        "epi_public.duckdb",
        "manifest.json",
        "report.html",
        *(f"report/{table}.parquet" for table in reports),
        "report_tables.docx",
        *(file for file in files if file.startswith("report_tables/")),
    ]
    assert all(path.stat().st_mode & 0o222 == 0 for path in release.rglob("*") if path.is_file())


def test_a_second_refresh_with_nothing_new_does_nothing(synthetic: Atlas) -> None:
    landing = synthetic.settings.landing_folder
    delivered = {path: path.stat().st_mtime_ns for path in landing.rglob("*") if path.is_file()}
    recipes, release = synthetic.sidecars(), current_release(synthetic.project)
    refreshed = synthetic.refresh()
    assert refreshed.success
    assert refreshed.n_made == 0
    assert synthetic.sidecars() == recipes
    assert current_release(synthetic.project) == release
    assert len(manifests(synthetic.project)) == 1
    assert {path: path.stat().st_mtime_ns for path in landing.rglob("*") if path.is_file()} == delivered


def test_a_changed_description_makes_nothing_anew_and_is_published(synthetic: Atlas) -> None:
    before, release = synthetic.sidecars(), current_release(synthetic.project)
    synthetic.edit("data_contracts/core/respondents.odcs.yaml", *DESCRIBED)
    assert synthetic.refresh().success
    assert synthetic.sidecars() == before
    assert current_release(synthetic.project) != release
    assert DESCRIBED[1] in synthetic.query(DESCRIPTION)[0][0]


def test_equal_inputs_give_equal_bytes(published_synthetic: Atlas, synthetic: Atlas) -> None:
    shutil.rmtree(synthetic.warehouse)
    assert synthetic.refresh().success
    for table in ("prevalence_by_age_band", "prevalence_by_exposure", "odds_ratios", "planted_truth"):
        file = f"current/report/{table}.parquet"
        assert (synthetic.warehouse / file).read_bytes() == (published_synthetic.warehouse / file).read_bytes()


def test_a_reread_parses_again_and_changes_nothing(synthetic: Atlas) -> None:
    release = current_release(synthetic.project)
    [sidecar] = list((synthetic.warehouse / "store/raw/synthetic_survey_respondents/synthetic_survey/2024").glob("*.json"))
    before = sidecar.stat().st_mtime_ns
    assert synthetic.refresh(reread=["synthetic_survey/2024"]).success
    assert sidecar.stat().st_mtime_ns > before
    assert current_release(synthetic.project) == release


def test_publishing_refuses_tables_that_rest_on_older_ones_and_names_the_first_to_make(synthetic: Atlas) -> None:
    synthetic.edit("data_contracts/sources/synthetic_survey.yaml", "seed: 20241122", "seed: 7")
    assert synthetic.refresh(selection=["raw.synthetic_survey_respondents"]).success
    release = current_release(synthetic.project)
    with pytest.raises(
        NotClosed, match=r"materialise core\.respondents first: raw\.synthetic_survey_respondents synthetic_survey 2024"
    ):
        publish(synthetic.project)
    refused = synthetic.refresh(selection=["release.warehouse"])
    assert not refused.success
    assert "materialise core.respondents first" in refused.failures[0]
    assert current_release(synthetic.project) == release
    assert synthetic.refresh(selection=["core.respondents"]).success
    with pytest.raises(NotClosed, match=r"materialise report\.\w+ first: core\.respondents synthetic_survey 2024"):
        publish(synthetic.project)
    assert synthetic.refresh().success
    assert current_release(synthetic.project) != release


def test_an_edited_select_must_run_before_publishing(synthetic: Atlas) -> None:
    path = synthetic.folder / "sql/report/planted_truth.sql"
    path.write_text(path.read_text(encoding="utf-8") + "-- a remark\n", encoding="utf-8")
    with pytest.raises(NotClosed, match=r"materialise report\.planted_truth first: sql/report/planted_truth\.sql"):
        publish(synthetic.project)


def test_a_select_that_fails_leaves_its_table_as_it_was(synthetic: Atlas) -> None:
    select = "select count(*), sum(odds_ratio), max(wave) from report.odds_ratios where source = 'synthetic_survey'"
    before = synthetic.query(select)
    synthetic.edit(
        "sql/core/respondents/synthetic_survey.sql",
        "from decoded.synthetic_survey_respondents",
        "from decoded.synthetic_survey_respondents where no_such_column = 1",
    )
    refreshed = synthetic.refresh()
    assert not refreshed.success
    assert 'core.respondents 2024: Binder Error: Referenced column "no_such_column" not found' in refreshed.failures[-1]
    assert synthetic.query(select) == before
    stale = "select is_stale, cause, held_back from meta.deliveries where source = 'synthetic_survey'"
    assert synthetic.query(stale) == [(True, "harmonisation", "core.respondents, generator")]


def test_readers_keep_what_they_opened(synthetic: Atlas) -> None:
    import duckdb

    with duckdb.connect(str(synthetic.warehouse / "epi.duckdb"), read_only=True) as reader:
        [[before]] = reader.sql(DESCRIPTION).fetchall()
        assert DESCRIBED[0] in before
        synthetic.edit("data_contracts/core/respondents.odcs.yaml", *DESCRIBED)
        assert synthetic.refresh().success
        assert reader.sql(DESCRIPTION).fetchall() == [(before,)]
    assert DESCRIBED[1] in synthetic.query(DESCRIPTION)[0][0]


def test_a_failure_while_a_release_is_built_leaves_the_last_one(synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    release = current_release(synthetic.project)
    synthetic.edit("data_contracts/core/respondents.odcs.yaml", *DESCRIBED)

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.release.publish.write_page", disk_full)
        assert not synthetic.refresh().success
    assert current_release(synthetic.project) == release
    assert DESCRIBED[0] in synthetic.query(DESCRIPTION)[0][0]
    assert [path.name for path in (synthetic.warehouse / "releases").iterdir()] == [release]
    assert synthetic.refresh().success
    assert DESCRIBED[1] in synthetic.query(DESCRIPTION)[0][0]


def test_releases_beyond_the_retention_go(synthetic: Atlas) -> None:
    release = current_release(synthetic.project)
    substitute(synthetic.folder / "study.yaml", r"^  releases: \d+$", "  releases: 1")
    synthetic.edit("data_contracts/core/respondents.odcs.yaml", *DESCRIBED)
    assert synthetic.refresh().success
    assert current_release(synthetic.project) != release
    assert [manifest["release_id"] for manifest in manifests(synthetic.project)] == [current_release(synthetic.project)]


def test_a_report_that_breaks_a_claim_is_held_back_and_fails_the_night(synthetic: Atlas) -> None:
    claim = "select source from report.odds_ratios where source = 'synthetic_survey' and confidence_level < 0.95"
    (synthetic.folder / "sql/checks/odds_ratios__level_is_95.sql").write_text(claim, encoding="utf-8")
    assert synthetic.refresh().success
    synthetic.edit("study.yaml", "confidence_level: 0.95", "confidence_level: 0.9")
    refreshed = synthetic.refresh()
    assert not refreshed.success
    assert "report.odds_ratios all: level is 95 (40 rows against it)" in refreshed.failures[-1]
    levels = "select distinct source, confidence_level from report.odds_ratios order by all"
    assert synthetic.query(levels) == [("synthetic_case_control", 0.9), ("synthetic_survey", 0.95)]
    held_back = "select source, wave, held_back, cause from meta.deliveries where is_stale"
    assert synthetic.query(held_back) == [("synthetic_survey", "all", "report.odds_ratios", "estimate")]
    failed = """
        select table_name, is_in_release, n_failed from meta.check_results
        where rule_id like '%level_is_95.sql' and status = 'failed'
    """
    # ten levels of the nine exposures, two outcomes, crude and adjusted
    assert synthetic.query(failed) == [("report.odds_ratios", False, 40)]


def test_a_lost_object_is_made_again_from_the_delivery(synthetic: Atlas) -> None:
    release = current_release(synthetic.project)
    for path in (synthetic.warehouse / "store/raw/synthetic_survey_respondents").rglob("*.parquet"):
        path.unlink()
    assert synthetic.refresh().success
    assert current_release(synthetic.project) == release


def test_a_lost_object_without_its_delivery_stops_the_night_and_changes_nothing(synthetic: Atlas) -> None:
    release, rows = current_release(synthetic.project), synthetic.query("select count(*) from core.respondents")
    for path in (synthetic.warehouse / "store/raw/synthetic_case_control_participants").rglob("*.parquet"):
        path.unlink()
    shutil.rmtree(synthetic.settings.landing_folder)
    path = synthetic.folder / "data_contracts/sources/synthetic_case_control.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("generator:")[0], encoding="utf-8")
    refreshed = synthetic.refresh()
    assert not refreshed.success
    assert any("the accepted object of raw.synthetic_case_control_participants" in failure for failure in refreshed.failures)
    assert current_release(synthetic.project) == release
    assert synthetic.query("select count(*) from core.respondents") == rows
