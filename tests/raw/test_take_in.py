"""A delivery is taken in by the form that its source declares, and a hostile file rejects it with the reason."""

from pathlib import Path

import polars as pl

from pipelines.raw.take_in import take_in
from tests.atlas import make_atlas
from tests.landing.readers.samples import MARKER

SOURCE, WAVE = "synthetic_case_control", "136-pairs"
PLANTED = (
    "measure;wave;population;outcome;age_band;exposure;exposure_level;model;planted\n"
    "odds_ratio;136-pairs;adults_20_plus;has_cramps;;is_sedentary;true;matched;9,34\n"
)


def test_the_declared_form_and_decimal_reach_the_table_and_a_link_out_of_landing_rejects_the_delivery(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path / "project")
    atlas.edit(
        f"data_contracts/sources/{SOURCE}.yaml",
        "{file: 136-pairs/planted.csv}",
        '{file: 136-pairs/planted.csv, form: {separator: ";", decimal: ","}}',
    )
    folder = atlas.settings.landing_folder / SOURCE / WAVE
    folder.mkdir(parents=True)
    (folder / "planted.csv").write_text(PLANTED, encoding="utf-8")
    outside = tmp_path / "secret.csv"
    outside.write_text(f"id\n{MARKER}\n", encoding="utf-8")
    (folder / "participants.csv").symlink_to(outside)

    delivery = take_in(atlas.project, SOURCE, WAVE)

    made = {place.table: (place, sidecar) for place, sidecar in delivery.candidates.items()}
    place, planted = made["synthetic_case_control_planted"]
    assert planted.content
    assert pl.read_parquet(atlas.project.store.path(place, planted.content))["planted"].to_list() == [9.34]
    assert "form" in planted.ingredients
    _, participants = made["synthetic_case_control_participants"]
    assert participants.verdict == "rejected"
    [problem] = participants.problems
    assert "a link that leads out of the landing folder" in problem
    assert problem in delivery.problems
    assert MARKER not in "".join(delivery.problems)
    assert outside.read_text(encoding="utf-8") == f"id\n{MARKER}\n"


def test_what_a_reader_leaves_to_a_person_is_a_warning_of_the_night(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path / "project")
    folder = atlas.settings.landing_folder / SOURCE / WAVE
    folder.mkdir(parents=True)
    (folder / "planted.csv").write_text(
        PLANTED.replace(";", ",").replace("9,34", "9.34").replace("adults", "ad\ufffdlts"), "utf-8"
    )
    delivery = take_in(atlas.project, SOURCE, WAVE)
    [sidecar] = [sidecar for place, sidecar in delivery.candidates.items() if place.table == "synthetic_case_control_planted"]
    [told] = [result for result in sidecar.results if result["rule_id"] == "reading.1"]
    assert (told["severity"], told["status"]) == ("warn", "failed")
    assert told["detail"].startswith("1 texts hold the mark of a letter that a program lost before (U+FFFD)")
    assert not sidecar.problems


def test_without_its_form_the_same_file_is_rejected_with_what_to_declare(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path / "project")
    folder = atlas.settings.landing_folder / SOURCE / WAVE
    folder.mkdir(parents=True)
    (folder / "planted.csv").write_text(PLANTED, encoding="utf-8")
    problems = take_in(atlas.project, SOURCE, WAVE).problems
    [missing, other_form] = sorted(problems)
    assert missing.endswith("136-pairs/participants.csv is missing")
    assert 'declare `form: {separator: ";", decimal: ","}`' in other_form
