"""The register and the diary from delivery to release, page and public files; one project for all."""

from pathlib import Path

import duckdb
import polars as pl
import yaml

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


def test_of_a_restricted_source_nothing_of_events_is_public(published_events: Atlas, tmp_path: Path) -> None:
    atlas = published_events.copy(tmp_path / "project")
    restricted = {"synthetic_dispensings": "sequence_ratios", "synthetic_diary": "diary_rates"}
    for source in restricted:
        path = atlas.folder / "data_contracts" / "sources" / f"{source}.yaml"
        declared = yaml.safe_load(path.read_text(encoding="utf-8")) | {"classification": "restricted"}
        path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    assert publish(atlas.project).is_new
    page = (atlas.warehouse / "current" / "report.html").read_text(encoding="utf-8")
    for source, name in restricted.items():
        assert table(atlas, f"report.{name}").filter(source=source).is_empty()
        assert not table(atlas, f"report.{name}", "epi.duckdb").filter(source=source).is_empty()
        assert f'<section id="{source}"' not in page


def test_a_project_without_the_sections_has_none_of_their_tables(published_synthetic: Atlas) -> None:
    project = published_synthetic.project
    assert project.core_tables == ["core.respondents"]
    assert not [name for name in project.contracts if "sequence" in name or "diary" in name or "dispens" in name]
