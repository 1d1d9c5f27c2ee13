"""Which delivery is compared with which, from landing to what a person reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest
import yaml

from pipelines.dagster.assets.context import CHECK, asset_key
from pipelines.machine.console import PlainConsole
from pipelines.raw.drift import between
from pipelines.raw.drift.between import accepted_drift, note_drift
from pipelines.raw.take_in import take_in
from pipelines.release.kept import current_release, manifests
from pipelines.store import Place
from pipelines.terminal.summary import print_summary
from tests.atlas import Atlas

SOURCE, WAVE, TABLE = "synthetic_survey", "2024", "raw.synthetic_survey_respondents"
PLACE = Place.parse(f"{TABLE} {SOURCE} {WAVE}")


def deliver(atlas: Atlas, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Deliver the survey again with something changed, in place of the generator."""
    path = atlas.folder / "data_contracts" / "sources" / f"{SOURCE}.yaml"
    source = yaml.safe_load(path.read_text(encoding="utf-8"))
    source.pop("generator", None)
    path.write_text(yaml.safe_dump(source, sort_keys=False), encoding="utf-8")
    file = atlas.settings.landing_folder / SOURCE / "2024" / "respondents.csv"
    frame = pl.read_csv(file, infer_schema=False)
    file.unlink()
    change(frame).write_csv(file)


def half(frame: pl.DataFrame) -> pl.DataFrame:
    """Every other record, with everybody's body mass index a quarter higher."""
    return frame.gather_every(2).with_columns((pl.col("bmi").cast(pl.Float64) * 1.25).round(1).cast(pl.String))


def note(atlas: Atlas) -> list[dict[str, Any]]:
    """Take in what landed and compare, as the asset of the source does; the findings against the previous delivery."""
    project = atlas.project
    assert not take_in(project, SOURCE, WAVE).problems
    assert note_drift(project, project.sources[SOURCE]) == []
    return [row for row in accepted_drift(project, TABLE) if row["compared_with"] == "previous delivery"]


def last_check(atlas: Atlas) -> dg.AssetCheckEvaluation:
    """The latest verdict on the table, as Dagster shows it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(atlas.folder / ".dagster"))
        with dg.DagsterInstance.get() as instance:
            key = dg.AssetCheckKey(asset_key(TABLE), CHECK)
            [record] = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    return record.event.dagster_event.asset_check_evaluation_data


def beyond(rows: list[dict[str, Any]]) -> list[str]:
    return [row["finding"] for row in rows if row["is_beyond"]]


def test_a_first_delivery_says_that_there_is_nothing_to_compare_it_with(published_synthetic: Atlas) -> None:
    rows = published_synthetic.query(
        f"select compared_with, kind, is_beyond, detail from meta.drift where table_name = '{TABLE}' order by all"
    )
    assert rows == [
        ("previous delivery", "not_applicable", None, "no other delivery of this wave was accepted before"),
        ("wave before", "not_applicable", None, f"no earlier wave of {SOURCE} has this table"),
    ]
    assert "Drift" not in (published_synthetic.warehouse / "current" / "report.html").read_text(encoding="utf-8")


def test_studies_that_do_not_follow_one_another_are_not_compared(published_synthetic: Atlas) -> None:
    details = published_synthetic.query("select detail from meta.drift where wave = '5000-pairs' and compared_with like 'wave %'")
    assert set(details) == {("the waves of synthetic_case_control do not follow one another",)}


def test_a_changed_delivery_warns_and_stays_green_and_is_published_once(
    published_synthetic: Atlas, synthetic: Atlas, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(synthetic, half)
    refreshed = synthetic.refresh()
    assert refreshed.success
    found = synthetic.query(
        f"""
        select finding, statistic, n_before, n_after from meta.drift
        where is_beyond and compared_with = 'previous delivery' and table_name = '{TABLE}' order by finding
        """,
        "epi_public.duckdb",
    )
    assert [finding for finding, *_ in found] == ["bmi.distribution", "table.row_count"]
    [_, (_, statistic, n_before, n_after)] = found
    assert [(n_before,)] == published_synthetic.query(f"select count(*) from {TABLE}")
    assert [(n_after,)] == synthetic.query(f"select count(*) from {TABLE}")
    assert statistic == pytest.approx(1 - n_after / n_before)

    console = PlainConsole(width=200)
    print_summary(synthetic.project, refreshed, console)
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("drift: ")]
    assert line.startswith(f"drift: {TABLE} 2024 against previous delivery: ")
    assert "1 of 16 columns beyond their thresholds (bmi shifted), see meta.drift" in line
    page = (synthetic.warehouse / "current" / "report.html").read_text(encoding="utf-8")
    assert "Drift: 1 comparison with the wave" in page
    assert line.removeprefix("drift: ") in page

    check = last_check(synthetic)
    assert check.passed
    shown = check.metadata["drift"]
    assert isinstance(shown, dg.TableMetadataValue)
    assert {row.data["finding"] for row in shown.records} == {"bmi.distribution", "table.row_count"}

    # the comparison stands, and nothing is new
    release, recipes = current_release(synthetic.project), synthetic.sidecars()
    assert synthetic.refresh().success
    assert (current_release(synthetic.project), synthetic.sidecars()) == (release, recipes)
    assert len(manifests(synthetic.project)) == 2


def test_the_comparison_stands_until_another_delivery_comes(synthetic: Atlas) -> None:
    deliver(synthetic, half)
    found = note(synthetic)
    assert beyond(found) == ["table.row_count", "bmi.distribution"]
    recipes = synthetic.sidecars()
    assert note(synthetic) == found
    assert synthetic.sidecars() == recipes
    # the contract asks for more than it did: the same delivery, judged again
    contract = f"data_contracts/{TABLE.replace('.', '/')}.odcs.yaml"
    synthetic.edit(contract, "description: Measured body mass index.", "description: Body mass index, as measured.")
    assert note(synthetic) == found
    # and with another physical type, which makes another object of it
    statin = "description: Took a statin in the past month."
    synthetic.edit(contract, f"physicalType: INTEGER\n    {statin}", f"physicalType: BIGINT\n    {statin}")
    content = synthetic.project.store.accepted(PLACE)
    assert note(synthetic) == found
    assert synthetic.project.store.accepted(PLACE) != content
    # the same answers in another file
    deliver(synthetic, lambda frame: frame.select(reversed(frame.columns)))
    assert note(synthetic) == found
    # another delivery is compared with the one that stands now
    deliver(synthetic, lambda frame: frame.gather_every(2))
    assert beyond(note(synthetic)) == ["table.row_count"]


def test_a_threshold_is_set_in_the_study_and_estimates_nothing_again(synthetic: Atlas) -> None:
    deliver(synthetic, half)
    assert "table.row_count" in beyond(note(synthetic))
    estimates = synthetic.project.study.of_estimates()
    synthetic.edit("study.yaml", "row_count: 0.2", "row_count: 0.6")
    assert beyond(note(synthetic)) == ["bmi.distribution"]
    assert synthetic.project.study.of_estimates() == estimates


def test_a_rejected_delivery_leaves_the_findings_as_they_were(synthetic: Atlas) -> None:
    before = accepted_drift(synthetic.project, TABLE)
    deliver(synthetic, lambda frame: half(frame).drop("sex"))
    project = synthetic.project
    assert take_in(project, SOURCE, WAVE).problems
    assert note_drift(project, project.sources[SOURCE]) == []
    assert accepted_drift(project, TABLE) == before


def test_lost_findings_are_made_again(synthetic: Atlas) -> None:
    deliver(synthetic, half)
    assert beyond(note(synthetic))
    for path in (synthetic.warehouse / "store" / "drift").rglob("*.json"):
        path.unlink()
    assert accepted_drift(synthetic.project, TABLE) == []
    assert [row["detail"] for row in note(synthetic)] == ["no other delivery of this wave was accepted before"]


def test_an_object_that_was_cleared_away_is_not_compared_and_says_so(synthetic: Atlas) -> None:
    first = synthetic.project.store.accepted(PLACE)
    assert first is not None
    deliver(synthetic, half)
    found = note(synthetic)
    (synthetic.project.store.folder(PLACE) / f"{first.content}.parquet").unlink()
    assert note(synthetic) == found
    synthetic.edit("study.yaml", "row_count: 0.2", "row_count: 0.6")
    assert [row["detail"] for row in note(synthetic)] == ["the object of the previous delivery is no longer in the store"]


def test_a_comparison_that_fails_stops_nothing_and_is_tried_again(synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(synthetic, half)
    project = synthetic.project
    assert not take_in(project, SOURCE, WAVE).problems

    def out_of_memory(*_: object) -> None:
        raise duckdb.OutOfMemoryException("value 42 did not fit")

    with monkeypatch.context() as patch:
        patch.setattr(between, "compare", out_of_memory)
        [problem] = note_drift(project, project.sources[SOURCE])
    assert problem.startswith(f"{TABLE} 2024: could not be compared with previous delivery: the machine failed (out of memory)")
    assert "42" not in problem
    assert beyond(note(synthetic)) == ["table.row_count", "bmi.distribution"]


def test_findings_about_another_object_than_the_accepted_one_are_not_shown(synthetic: Atlas) -> None:
    """As after a crash between accepting a delivery and comparing it."""
    deliver(synthetic, half)
    project = synthetic.project
    assert not take_in(project, SOURCE, WAVE).problems
    assert accepted_drift(project, TABLE) == []


@pytest.mark.parametrize("store", ["store/drift", "store/raw"])
def test_findings_hold_counts_and_no_records(published_synthetic: Atlas, store: str) -> None:
    files = {path.suffix for path in (published_synthetic.warehouse / Path(store)).rglob("*") if path.is_file()}
    assert files == ({".json"} if store.endswith("drift") else {".json", ".parquet"})
