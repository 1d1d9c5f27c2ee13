"""Two waves of a source that hold the same file, or the same people."""

import shutil
from pathlib import Path

import pytest

from pipelines.raw.drift.between import accepted_drift, note_drift
from pipelines.raw.drift.words import in_words
from pipelines.raw.take_in import take_in
from tests.atlas import Atlas, make_atlas

CASE = Path(__file__).parents[1] / "cases" / "statistics" / "survey_rounds"
SOURCE, TABLE = "rounds", "raw.rounds_people"
COPY_OF_1 = "round2 is byte for byte the delivery of round1: the same people would count twice; "
COPY_OF_2 = "round1 is byte for byte the delivery of round2: the same people would count twice; "


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    """A project that knows the source, of which nothing has landed."""
    atlas = make_atlas(tmp_path / "project")
    contracts = atlas.folder / "data_contracts"
    shutil.copy(CASE / "source.yaml", contracts / "sources" / f"{SOURCE}.yaml")
    shutil.copy(CASE / "rounds_people.odcs.yaml", contracts / "raw" / "rounds_people.odcs.yaml")
    shutil.copy(CASE / "select.sql", atlas.folder / "sql" / "core" / "respondents" / f"{SOURCE}.sql")
    return atlas


def deliver(atlas: Atlas, wave: str, text: str) -> None:
    path = atlas.settings.landing_folder / SOURCE / wave / "people.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")


def people(wave: str) -> str:
    return (CASE / f"people_{wave}.csv").read_text(encoding="utf-8")


def problems(atlas: Atlas) -> dict[str, list[str]]:
    project = atlas.project
    return {wave: take_in(project, SOURCE, wave).problems for wave in ("round1", "round2")}


def test_a_wave_that_copies_an_accepted_one_is_refused_until_its_own_file_comes(atlas: Atlas) -> None:
    deliver(atlas, "round1", people("round1"))
    assert problems(atlas) == {"round1": [], "round2": []}
    deliver(atlas, "round2", people("round1"))
    for _ in range(2):
        found = problems(atlas)
        assert found["round1"] == []
        [problem] = found["round2"]
        assert problem.startswith(COPY_OF_1)
    deliver(atlas, "round2", people("round2"))
    assert problems(atlas) == {"round1": [], "round2": []}


def test_where_the_later_file_overwrites_the_earlier_wave_that_one_is_refused(atlas: Atlas) -> None:
    for wave in ("round1", "round2"):
        deliver(atlas, wave, people(wave))
    assert problems(atlas) == {"round1": [], "round2": []}
    deliver(atlas, "round1", people("round2"))
    found = problems(atlas)
    assert found["round1"][0].startswith(COPY_OF_2)
    assert found["round2"] == []


def test_where_nobody_can_know_which_of_them_is_wrong_both_are_refused(atlas: Atlas) -> None:
    for wave in ("round1", "round2"):
        deliver(atlas, wave, people("round1"))
    for _ in range(2):
        found = problems(atlas)
        assert found["round1"][0].startswith(COPY_OF_2)
        assert found["round2"][0].startswith(COPY_OF_1)


def test_records_of_another_wave_are_refused_however_they_are_written(atlas: Atlas) -> None:
    for wave in ("round1", "round2"):
        deliver(atlas, wave, people(wave))
    assert problems(atlas) == {"round1": [], "round2": []}
    deliver(atlas, "round2", "\ufeff" + people("round1").replace("\n", "\r\n"))
    found = problems(atlas)
    assert found["round1"] == []
    [problem] = found["round2"]
    assert problem.startswith(f"{TABLE} round2 holds exactly the records of round1: the same people would count twice; ")


def test_two_waves_whose_files_were_mixed_up_can_be_put_right(atlas: Atlas) -> None:
    for wave, other in (("round1", "round2"), ("round2", "round1")):
        deliver(atlas, wave, people(other))
    assert problems(atlas) == {"round1": [], "round2": []}
    deliver(atlas, "round2", people("round2") + "not,a,record\n")
    deliver(atlas, "round1", people("round1"))
    found = problems(atlas)
    assert found["round1"] == []
    assert found["round2"][1:] == [
        f"{TABLE} round2: what stays accepted holds exactly the records of round1 until this is mended: "
        "the same people count twice"
    ]
    deliver(atlas, "round2", people("round2"))
    assert problems(atlas) == {"round1": [], "round2": []}


def test_a_file_that_is_refused_does_not_make_room_for_its_wave_elsewhere(atlas: Atlas) -> None:
    for wave in ("round1", "round2"):
        deliver(atlas, wave, people(wave))
    assert problems(atlas) == {"round1": [], "round2": []}
    deliver(atlas, "round1", people("round1") + "not,a,record\n")
    deliver(atlas, "round2", "\ufeff" + people("round1"))
    found = problems(atlas)
    assert len(found["round1"]) == 1
    assert f"{TABLE} round2 holds exactly the records of round1" in found["round2"][0]


def test_records_of_a_wave_whose_file_is_gone_stay_its_own(atlas: Atlas) -> None:
    deliver(atlas, "round2", people("round1"))
    assert problems(atlas) == {"round1": [], "round2": []}
    (atlas.settings.landing_folder / SOURCE / "round2" / "people.csv").unlink()
    deliver(atlas, "round1", people("round1"))
    [problem] = problems(atlas)["round1"]
    assert "holds exactly the records of round2" in problem
    assert problem.endswith("a table that all waves share belongs under wave all")


def repeated(atlas: Atlas) -> list[tuple[str, bool, int, int, float]]:
    project = atlas.project
    assert problems(atlas) == {"round1": [], "round2": []}
    assert note_drift(project, project.sources[SOURCE]) == []
    names = ("compared_with", "is_beyond", "n_before", "n_after", "statistic")
    rows = [row for row in accepted_drift(project, TABLE) if row["kind"] == "respondents_repeated"]
    return [tuple(row[name] for name in names) for row in rows]


def test_the_same_ids_in_two_waves_are_told_unless_the_source_says_that_it_is_a_panel(atlas: Atlas) -> None:
    header, *first = people("round1").splitlines()
    others = [f"90000{line}" for line in people("round2").splitlines()[1:]]
    deliver(atlas, "round1", "\n".join([header, *first]))
    deliver(atlas, "round2", "\n".join([header, *others]))
    assert repeated(atlas) == [("wave round1", False, len(first), len(others), 0.0)]

    same = [f"{line.split(',')[0]},{other.split(',', 1)[1]}" for line, other in zip(first[:3], others[:3], strict=True)]
    deliver(atlas, "round2", "\n".join([header, *same, *others[3:]]))
    assert repeated(atlas) == [("wave round1", True, len(first), len(others), 3 / len(others))]
    told = " ".join(in_words(accepted_drift(atlas.project, TABLE)))
    assert f"3 of {len(others):,} respondent ids are those of wave round1, too" in told
    assert "say panel: true in the source's file" in told

    atlas.edit(f"data_contracts/sources/{SOURCE}.yaml", "waves:\n", "panel: true\nwaves:\n")
    assert repeated(atlas) == []
