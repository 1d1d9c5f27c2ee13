"""The register and the diary from delivery to release, page and public files; one project for all."""

import duckdb
import polars as pl
import pytest
import yaml
from docx import Document

from pipelines.release.disclosed import HELD_BACK
from pipelines.release.disclosure.register import DESCRIBING
from pipelines.release.publish import publish
from tests.atlas import Atlas


def table(atlas: Atlas, name: str, database: str = "epi_public.duckdb") -> pl.DataFrame:
    with duckdb.connect(str(atlas.warehouse / database), read_only=True) as connection:
        return connection.sql(f"from {name}").pl()


def test_every_class_and_window_has_a_row_and_most_planted_ratios_are_found(published_events: Atlas) -> None:
    settings = published_events.project.study.sequence_symmetry
    assert settings is not None
    ratios, planted = (table(published_events, f"report.{name}") for name in ("sequence_ratios", "planted_sequence_ratios"))
    asked = {(name, window) for name in settings.index for window in settings.windows_days}
    assert set(ratios.select("index_class", "window_days").iter_rows()) == asked
    assert set(planted.select("index_class", "window_days").iter_rows()) == asked
    assert dict(planted.select("index_class", "planted").iter_rows()) == {
        "loop_diuretic": 1.2,
        "thiazide_diuretic": 1.48,
        "potassium_sparing_diuretic": 2.12,
        "long_acting_beta_agonist": 2.42,
        "statin": 1.16,
        "calcium_channel_blocker": 1.0,
        "inhaled_anticholinergic": 1.0,
    }
    assert planted["is_covered"].sum() >= len(asked) - 3
    assert ratios["is_synthetic"].all()
    assert ratios["null_ratio"].is_between(0.8, 1.2).all()


def test_only_sources_of_events_have_rows_of_events(published_events: Atlas) -> None:
    for name, source in (
        ("report.sequence_ratios", "synthetic_dispensings"),
        ("report.sequence_pairs_by_month", "synthetic_dispensings"),
        ("report.diary_rates", "synthetic_diary"),
    ):
        assert table(published_events, name)["source"].unique().to_list() == [source]
    objects = table(published_events, "meta.passports", "epi.duckdb").select("table_name", "source")
    of_events = objects.filter(pl.col("source").is_in(["synthetic_dispensings", "synthetic_diary"]))
    assert set(of_events["table_name"]) == {
        "core.dispensings",
        "core.cramp_diary",
        "report.sequence_ratios",
        "report.sequence_pairs_by_month",
        "report.planted_sequence_ratios",
        "report.diary_rates",
    }


def test_the_planted_rate_of_the_diary_is_found(published_events: Atlas) -> None:
    [planted] = table(published_events, "raw.synthetic_diary_planted", "epi.duckdb")["planted"]
    row = table(published_events, "report.diary_rates").filter(variable="all").to_dicts()[0]
    assert row["rate_per_person_day_lower"] < planted < row["rate_per_person_day_upper"]
    days = table(published_events, "core.cramp_diary", "epi.duckdb")
    assert (row["n_person_days"], row["n_missing"]) == (days["cramps"].count(), days["cramps"].null_count())
    assert row["n_events"] == days["cramps"].sum()


def test_the_page_shows_both_with_their_label(published_events: Atlas) -> None:
    page = (published_events.warehouse / "current" / "report.html").read_text(encoding="utf-8")
    shown = {
        "synthetic_dispensings": ("Which medicine came first", "Loop diuretic", "quinine", "negative control"),
        "synthetic_diary": ("Leg cramps at night: diary", "January", "exercise"),
    }
    for source, words in shown.items():
        section = page.split(f'<section id="{source}"')[1].split("</section>")[0]
        assert "synthetic: describes no real person" in section
        assert section.count("<img") == 1
        assert "could not be drawn" not in section
        assert all(word in section for word in words)
    assert "sequence ratios only" in page


OF_EVENTS = {
    "synthetic_dispensings": ("sequence_ratios", "sequence_pairs_by_month", "planted_sequence_ratios"),
    "synthetic_diary": ("diary_rates",),
}


@pytest.fixture(scope="module")
def restricted(published_events: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The register and the diary declared restricted, and published again. Read only."""
    atlas = published_events.copy(tmp_path_factory.mktemp("restricted") / "project")
    for source in OF_EVENTS:
        path = atlas.folder / "data_contracts" / "sources" / f"{source}.yaml"
        declared = yaml.safe_load(path.read_text(encoding="utf-8")) | {"classification": "restricted"}
        path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    assert publish(atlas.project).is_new
    return atlas


def public_rows(atlas: Atlas, database: str = "epi_public.duckdb") -> dict[str, pl.DataFrame]:
    """Every table with a source -> its rows of the two sources."""
    with duckdb.connect(str(atlas.warehouse / database), read_only=True) as connection:
        columns = "select schema_name || '.' || table_name from duckdb_columns() where column_name = 'source' and not internal"
        names = sorted({name for (name,) in connection.sql(columns).fetchall()})
        return {name: connection.sql(f"from {name}").pl().filter(pl.col("source").is_in(list(OF_EVENTS))) for name in names}


def test_of_a_restricted_source_no_column_of_any_public_table_counts_an_event(restricted: Atlas) -> None:
    public, full = public_rows(restricted), public_rows(restricted, "epi.duckdb")
    of_events = {f"report.{name}" for names in OF_EVENTS.values() for name in names}
    assert of_events <= public.keys()
    assert all(not full[name].is_empty() for name in of_events)
    for name, rows in public.items():
        kinds = DESCRIBING.get(name)
        if kinds is None:
            assert rows.is_empty(), name
            continue
        for column in rows.columns:
            if kinds[column] == "record_count":
                assert rows[column].null_count() == rows.height, (name, column)
            if kinds[column] == "record_text":
                assert set(rows[column]) <= {None, HELD_BACK}, (name, column)
    # what is hidden was there to hide
    assert full["meta.deliveries"]["n_rows"].null_count() == 0


def test_of_a_restricted_source_no_public_file_holds_a_table_of_events(restricted: Atlas) -> None:
    folder = restricted.warehouse / "current"
    page = (folder / "report.html").read_text(encoding="utf-8")
    word = "\n".join(
        cell.text for table in Document(str(folder / "report_tables.docx")).tables for row in table.rows for cell in row.cells
    )
    project, names = restricted.project, [path.name for path in (folder / "report_tables").iterdir()]
    assert names
    titles = [project.sources[name].title for name in ("synthetic_diary", "synthetic_dispensings")]
    assert f"Restricted, and delivered; nothing of it may be shown here: {', '.join(titles)}." in page
    for source, tables in OF_EVENTS.items():
        assert f'<section id="{source}"' not in page
        assert not [name for name in names if source in name]
        for name in tables:
            assert pl.read_parquet(folder / "report" / f"{name}.parquet").filter(source=source).is_empty()
    for label in ("Which medicine came first", "Leg cramps at night: diary"):
        assert label not in page
        assert label not in word


def test_a_project_without_the_sections_has_none_of_their_tables(published_synthetic: Atlas) -> None:
    project = published_synthetic.project
    assert project.core_tables == ["core.respondents"]
    assert not [name for name in project.contracts if "sequence" in name or "diary" in name or "dispens" in name]
