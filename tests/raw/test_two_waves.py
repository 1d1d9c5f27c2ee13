"""Two waves of a source that hold the same file, or the same people."""

import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.raw.drift.between import accepted_drift, note_drift
from pipelines.raw.drift.repeated import MOST_MARKS, Ids, repeated_respondents
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


def objects(folder: Path, waves: dict[str, pa.Array]) -> dict[str, Path]:
    """A Parquet for each wave, of its ids alone."""
    for wave, ids in waves.items():
        pq.write_table(pa.table({"person": ids}), folder / f"{wave}.parquet")
    return {wave: folder / f"{wave}.parquet" for wave in waves}


@pytest.mark.parametrize("most", [0, MOST_MARKS], ids=["joined", "marked"])
@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.string()])
def test_ids_of_several_earlier_waves_are_counted_each_once(
    kind: pa.DataType, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.raw.drift.repeated.MOST_MARKS", most)
    ids = {"first": [-1, 1, 2, 2, None, 3], "second": [3, 4, 5], "none": [7, 10], "later": [2, 3, 3, 4, 9, None]}
    last = kind if kind == pa.string() else pa.int64()
    arrays = {wave: pa.array(given).cast(last if wave == "later" else kind) for wave, given in ids.items()}
    paths = objects(tmp_path, arrays)
    given = {wave: Ids(path, "person", are_unique=wave == "second") for wave, path in paths.items()}
    later = given.pop("later")
    with duckdb.connect() as connection:
        found = repeated_respondents(connection, given, later)
    counted = {wave: (finding.n_before, finding.n_after, finding.statistic) for wave, finding in found.items()}
    assert counted == {"first": (4, 4, 2 / 4), "second": (3, 4, 2 / 4), "none": (2, 4, 0.0)}
    assert "2 of 4 respondent ids are those of wave first, too" in found["first"].detail


def test_numbers_and_texts_are_compared_as_texts(tmp_path: Path) -> None:
    paths = objects(tmp_path, {"earlier": pa.array(["1", "02", "x"]), "later": pa.array([1, 2, 3])})
    with duckdb.connect() as connection:
        found = repeated_respondents(connection, {"earlier": Ids(paths["earlier"], "person")}, Ids(paths["later"], "person"))
    assert (found["earlier"].n_before, found["earlier"].statistic) == (3, 1 / 3)


def test_ids_that_cannot_be_counted_are_told_and_stop_nothing(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    for wave in ("round1", "round2"):
        deliver(atlas, wave, people(wave))
    assert problems(atlas) == {"round1": [], "round2": []}

    def out_of_memory(*_: object) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: 7 is not shown")

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.raw.drift.between.repeated_respondents", out_of_memory)
        project = atlas.project
        [problem] = note_drift(project, project.sources[SOURCE])
    assert problem.startswith(f"{TABLE} round2: its respondents could not be looked for in earlier waves: the machine failed")
    assert len(accepted_drift(project, TABLE)) > 2
    rows = accepted_drift(project, TABLE)
    [told] = [row for row in rows if row["detail"].startswith("its respondents could not")]
    assert (told["kind"], told["is_beyond"], "not shown" in told["detail"]) == ("respondents_repeated", None, False)
    keys = [tuple(row[name] for name in ("table_name", "source", "wave", "compared_with", "finding")) for row in rows]
    assert len(set(keys)) == len(keys)
    assert repeated(atlas)[0][0] == "wave round1"
