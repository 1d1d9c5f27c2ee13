"""NHANES deliveries that go wrong, and contracts that change: what is rejected, what stays, what is made anew."""

import shutil
from pathlib import Path

import polars as pl
import pyreadstat

from pipelines.landing.fetch.fetching import fetch
from pipelines.release.kept import current_release
from tests.atlas import Atlas
from tests.http_server import Served, dropped_after, running_site
from tests.nhanes_files import nhanes_folder

PUBLIC = "Nchs/Data/Nhanes/Public"

NHANES_REPORT = "select * from report.prevalence_by_age_band where source = 'nhanes' order by all"
NHANES_ODDS = "select * from report.odds_ratios where source = 'nhanes' order by all"


def rewrite(path: Path, change: pl.Expr | None = None, drop: str | None = None) -> None:
    """Deliver a file again, with a column changed or missing."""
    frame, _ = pyreadstat.read_xport(str(path), output_format="polars")
    frame = frame.with_columns(change) if change is not None else frame
    path.unlink()
    pyreadstat.write_xport(frame.drop(drop or []).to_pandas(), str(path), table_name=path.stem, file_format_version=5)


def test_a_rejected_delivery_names_every_problem_and_leaves_its_source_at_the_last_accepted_one(nhanes: Atlas) -> None:
    report, odds, release = nhanes.query(NHANES_REPORT), nhanes.query(NHANES_ODDS), current_release(nhanes.project)
    landing = nhanes.settings.landing_folder / "nhanes" / PUBLIC
    rewrite(landing / "2005/DataFiles/SLQ_D.xpt", drop="SLQ160")
    rewrite(
        landing / "2007/DataFiles/DEMO_E.xpt", pl.when(pl.col("SEQN") == 41475).then(250).otherwise("RIDAGEYR").alias("RIDAGEYR")
    )
    rewrite(landing / "2007/DataFiles/BMX_E.xpt", drop="BMXWT")
    nhanes.edit("data_contracts/sources/synthetic_case_control.yaml", "seed: 20241122", "seed: 7")

    ended = nhanes.refresh_in_a_terminal()

    assert ended.returncode == 1
    for named in ("SLQ160", "RIDAGEYR", "BMXWT", "2005-2006 is stale", "2007-2008 is stale"):
        assert named in ended.stdout
    assert "250" not in ended.stdout + ended.stderr
    assert nhanes.query(NHANES_REPORT) == report
    assert nhanes.query(NHANES_ODDS) == odds
    assert current_release(nhanes.project) != release
    verdicts = nhanes.query("select source, wave, verdict, is_stale, cause from meta.deliveries order by all")
    assert verdicts == [
        ("nhanes", "2005-2006", "rejected", True, "delivery"),
        ("nhanes", "2007-2008", "rejected", True, "delivery"),
        ("nhanes", "all", "accepted", False, None),
        ("synthetic_case_control", "136-pairs", "accepted", False, None),
        ("synthetic_case_control", "5000-pairs", "accepted", False, None),
        ("synthetic_survey", "2024", "accepted", False, None),
    ]
    page = (nhanes.warehouse / "current/report.html").read_text(encoding="utf-8")
    assert "nhanes 2005-2006 is stale" in page

    # the mended delivery lifts it
    for file in ("2005/DataFiles/SLQ_D.xpt", "2007/DataFiles/DEMO_E.xpt", "2007/DataFiles/BMX_E.xpt"):
        (landing / file).write_bytes((nhanes_folder() / PUBLIC / file).read_bytes())
    assert nhanes.refresh().success
    assert nhanes.query("select count(*) from meta.deliveries where is_stale") == [(0,)]


def test_an_unlisted_code_rejects_its_delivery_and_leaves_every_report_of_the_source(nhanes: Atlas) -> None:
    tables = [table for table in nhanes.project.report_tables if table != "report.planted_truth"]
    before = {table: nhanes.query(f"select * from {table} where source = 'nhanes' order by all") for table in tables}
    landing = nhanes.settings.landing_folder / "nhanes" / PUBLIC
    first_three = pl.int_range(pl.len()) < 3
    rewrite(landing / "2005/DataFiles/SLQ_D.xpt", pl.when(first_three).then(5.0).otherwise("SLQ160").alias("SLQ160"))
    refreshed = nhanes.refresh()
    assert not refreshed.success
    assert "raw.nhanes_slq 2005-2006: SLQ160" in refreshed.failures[-1]
    assert "unlisted: 5 (3 rows; nearest known codes 4 and 7)" in refreshed.failures[-1]
    assert {table: nhanes.query(f"select * from {table} where source = 'nhanes' order by all") for table in tables} == before
    stale = "select wave from meta.deliveries where source = 'nhanes' and is_stale"
    assert nhanes.query(stale) == [("2005-2006",)]


def test_a_first_delivery_that_is_rejected_leaves_the_pool_unestimated_and_says_why(nhanes: Atlas) -> None:
    shutil.rmtree(nhanes.warehouse / "store" / "accepted" / "nhanes")
    shutil.rmtree(nhanes.warehouse / "releases")  # from which what was accepted would be taken again
    rewrite(nhanes.settings.landing_folder / "nhanes" / PUBLIC / "2005/DataFiles/SLQ_D.xpt", drop="SLQ160")
    assert not nhanes.refresh().success
    pooled = nhanes.query(
        """
        select distinct prevalence, presentation_reason from report.prevalence_by_age_band
        where source = 'nhanes' and wave = 'pooled'
        """
    )
    assert pooled == [(None, "no accepted delivery of 2005-2006")]
    [(estimated,)] = nhanes.query("select count(prevalence) from report.prevalence_by_age_band where wave = '2007-2008'")
    assert estimated > 0
    stale = "select verdict, is_stale from meta.deliveries where source = 'nhanes' and wave = '2005-2006'"
    assert nhanes.query(stale) == [("rejected", False)]


def test_a_cut_file_is_noticed(nhanes: Atlas) -> None:
    path = nhanes.settings.landing_folder / "nhanes" / PUBLIC / "2005/DataFiles/SLQ_D.xpt"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2 // 80 * 80])
    refreshed = nhanes.refresh()
    assert not refreshed.success
    assert (
        "SLQ_D.xpt cannot be read: found a SAS transport file with bytes after its last whole record: cut"
        in refreshed.failures[-1]
    )


def test_a_missing_file_rejects_its_wave_only(nhanes: Atlas) -> None:
    (nhanes.settings.landing_folder / "nhanes" / PUBLIC / "2007/DataFiles/PAQ_E.xpt").unlink()
    refreshed = nhanes.refresh()
    assert not refreshed.success
    assert "PAQ_E.xpt is missing" in refreshed.failures[-1]
    assert nhanes.query("select wave from meta.deliveries where is_stale") == [("2007-2008",)]


def test_an_edited_codebook_line_remakes_what_depends_on_it_and_nothing_else(nhanes: Atlas) -> None:
    """A meaning is judged again and harmonised again; it changes no answer, so that nothing is estimated."""
    before = nhanes.sidecars()
    release = current_release(nhanes.project)
    nhanes.edit("data_contracts/codebooks/nhanes_slq.csv", "SLQ160,2,sometimes,", "SLQ160,2,sometimes,In the past month: ")
    assert nhanes.refresh().success
    remade = {path.parts[1:5] for path in nhanes.sidecars() - before}
    waves = ("2005-2006", "2007-2008")
    assert remade == {("raw", "nhanes_slq", "nhanes", wave) for wave in waves} | {
        ("core", "respondents", "nhanes", wave) for wave in waves
    }
    assert current_release(nhanes.project) != release


def test_an_edited_code_reaches_the_estimates_of_its_source_only(nhanes: Atlas) -> None:
    before = nhanes.sidecars()
    nhanes.edit("data_contracts/codebooks/nhanes_slq.csv", "SLQ160,1,rarely,", "SLQ160,1,never,")
    assert nhanes.refresh().success
    remade = {path.parts[1:4] for path in nhanes.sidecars() - before}
    tables = [("raw", "nhanes_slq"), ("core", "respondents"), ("report", "prevalence_by_age_band"), ("report", "odds_ratios")]
    assert {(schema, table) for schema, table, _ in remade} >= set(tables)
    assert {source for _, _, source in remade} == {"nhanes"}


def test_files_come_whole_from_a_server_that_drops_the_connection_once(tmp_path: Path, nhanes: Atlas) -> None:
    files = [table.file for wave in nhanes.project.sources["nhanes"].waves.values() for table in wave.tables.values()]
    with running_site() as site:
        for file in files:
            site.files[file] = Served((nhanes_folder() / file).read_bytes())
        dropped = files[0]
        site.faults[dropped] = [dropped_after(len(site.files[dropped].body) // 2)]
        fetch(files, site.url, tmp_path / "landing", backoff_seconds=0.01)
    for file in files:
        assert (tmp_path / "landing" / file).read_bytes() == (nhanes_folder() / file).read_bytes()


def test_a_delivery_that_was_taken_away_keeps_what_was_accepted(nhanes: Atlas) -> None:
    import shutil

    release = current_release(nhanes.project)
    shutil.rmtree(nhanes.settings.landing_folder / "nhanes")
    assert nhanes.refresh().success
    assert current_release(nhanes.project) == release
