"""Every kind of file of a warehouse, damaged in every way: commands say it in words, nothing is lost, a night mends it."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from pipelines.machine.errors import StoreDamaged
from pipelines.machine.sealed import sealed
from pipelines.project.project import Project
from pipelines.raw.take_in import take_in
from pipelines.release.damage import mend
from pipelines.release.kept import current_release, manifests
from tests.atlas import Atlas
from tests.night.small import SOURCE, generated_no_more
from tests.release.damages import COMMANDS, DAMAGES, KINDS, damaged, file_of, files_of, run

SAID = {
    "raw object": "raw.synthetic_survey_respondents synthetic_survey 2024",
    "core object": "core.respondents synthetic_survey 2024",
    "report object": "report.odds_ratios synthetic_survey all",
    "set-aside rows": "synthetic_survey_respondents",
    "raw sidecar": "raw.synthetic_case_control_participants synthetic_case_control 136-pairs",
    "core sidecar": "core.respondents synthetic_case_control 136-pairs",
    "report sidecar": "report.odds_ratios synthetic_case_control all",
    "acceptance of a wave": "136-pairs.json",
    "acceptance of reports": "all.json",
    "manifest": "manifest.json",
    "database": "epi.duckdb",
    "public database": "epi_public.duckdb",
    "page": "report.html",
    "report file": "odds_ratios.parquet",
    "current": "current",
    "link to a database": "epi.duckdb",
}
"""Kind of file -> what every command names of it, however it is damaged."""

ALSO_SAID = {
    ("format of the store", "empty"): COMMANDS,
    ("format of the store", "a list"): COMMANDS,
    ("format of the store", "a folder"): COMMANDS,
    **{("hold", damage): COMMANDS for damage in DAMAGES if damage != "deleted"},
    ("lock", "a folder"): ("releases prune",),
    **{("note of the sweep", damage): ("releases prune",) for damage in DAMAGES if damage != "deleted"},
    **{("drift sidecar", damage): ("releases verify",) for damage in DAMAGES if damage != "deleted"},
}
"""Kind and damage -> the commands that speak of them. What else may be damaged is made again without anybody's loss: the lock,
the format of a store of this version, and what a generator delivered."""

REMEDY = re.compile(r"cramp-atlas (refresh|publish|releases)|restore|move|write it|remove the folder|begins anew")


@pytest.fixture(scope="module")
def kept(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """A published project that a rollback holds and a sweep has noted: every kind of file is there."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("kept") / "project")
    assert run(atlas, f"releases rollback {current_release(atlas.project)}").exit_code == 0
    (atlas.warehouse / "store" / "unneeded.json").write_text(sealed("{}"))
    return atlas


def read_once(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands take the study as it is now, and as checked."""
    project = atlas.project
    monkeypatch.setattr(Project, "read", lambda _: project)
    monkeypatch.setattr("pipelines.stages._check", lambda _: None)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("history"))) as instance:
        yield instance


@pytest.fixture
def loaded(kept: Atlas, history: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atlas:
    """A copy to damage. Its study and Dagster's history are read once: it is the warehouse that is damaged."""
    atlas = kept.copy(tmp_path / "project")
    read_once(atlas, monkeypatch)
    monkeypatch.setattr(dg.DagsterInstance, "get", lambda: nullcontext(history))
    return atlas


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_command_speaks_of_damage_in_words_and_nothing_is_lost(loaded: Atlas, tmp_path: Path, damage: str) -> None:
    for kind in KINDS:
        path, before = file_of(loaded, kind), files_of(loaded)
        with damaged(path, damage, tmp_path / "aside"):
            said = {command: run(loaded, command) for command in COMMANDS}
            assert before - files_of(loaded) <= {path}, f"{kind}, {damage}"
        for command in ALSO_SAID.get((kind, damage), COMMANDS if kind in SAID else ()):
            words = said[command].output
            assert SAID.get(kind, "") in words, f"{command} with {kind}, {damage}: {words}"
            assert REMEDY.search(words), f"{command} with {kind}, {damage}: {words}"
            if kind != "note of the sweep":
                assert said[command].exit_code in {1, 3}, f"{command} with {kind}, {damage}: {words}"


MENDED = [kind for kind in KINDS if kind not in {"manifest", "format of the store", "hold", "lock"}]
"""What a night makes again by itself. The others are told, and a person decides."""

NUMBERS = "select * from report.prevalence_by_age_band order by all"


@pytest.mark.parametrize("first", range(4))
def test_a_night_makes_again_what_is_damaged(synthetic: Atlas, first: int) -> None:
    """Each kind in four of the six ways in all. Prevalence is halved as well, in the object of a report whose name stays."""
    expected, before, ways = synthetic.query(NUMBERS), files_of(synthetic), list(DAMAGES.values())
    paths = {kind: file_of(synthetic, kind) for kind in MENDED}
    # links first, while what they lead to is there
    for number, path in reversed(list(enumerate(paths.values(), first))):
        ways[number % len(ways)](path)
    halve_prevalence(synthetic)
    refreshed = synthetic.refresh()
    assert refreshed.success, refreshed.broken
    assert synthetic.query(NUMBERS) == expected
    said = run(synthetic, "releases verify")
    assert said.exit_code == 0, said.output
    assert before - files_of(synthetic) <= set(paths.values())
    assert run(synthetic, "status").exit_code == 0


def halve_prevalence(atlas: Atlas) -> None:
    [path] = (atlas.warehouse / "store/report/prevalence_by_age_band/synthetic_survey/all").glob("*.parquet")
    half = pl.read_parquet(path).with_columns(pl.col("prevalence") / 2)
    path.unlink()
    half.write_parquet(path)


def test_reports_that_were_edited_in_the_store_never_reach_readers(synthetic: Atlas) -> None:
    release, expected = current_release(synthetic.project), synthetic.query(NUMBERS)
    halve_prevalence(synthetic)
    synthetic.edit("data_contracts/meta/columns.odcs.yaml", "One row per column of every table.", "One row per column.")
    published = run(synthetic, "publish")
    assert published.exit_code == 3
    assert "report.prevalence_by_age_band synthetic_survey all" in published.output
    assert "cramp-atlas refresh" in published.output
    assert (current_release(synthetic.project), synthetic.query(NUMBERS)) == (release, expected)


def test_a_raw_object_whose_delivery_is_gone_is_named_until_it_is_restored(synthetic: Atlas, tmp_path: Path) -> None:
    """Nothing can make it again: what is left of it is set aside, and readers keep the release."""
    generated_no_more(synthetic)
    shutil.rmtree(synthetic.settings.landing_folder / SOURCE)
    project, release = synthetic.project, current_release(synthetic.project)
    [path] = synthetic.warehouse.glob(f"store/raw/synthetic_case_control_participants/{SOURCE}/136-pairs/*.parquet")
    shutil.copy2(path, tmp_path / "backup")
    DAMAGES["flipped"](path)
    [words] = mend(project, SOURCE)
    assert f"raw.synthetic_case_control_participants {SOURCE} 136-pairs is damaged" in words
    assert path.with_name(f"{path.name}.set-aside").exists()
    with pytest.raises(StoreDamaged, match=f"{SOURCE} 136-pairs is missing .* otherwise restore the store from a backup"):
        take_in(project, SOURCE, "136-pairs")
    assert run(synthetic, "publish").exit_code == 3
    assert current_release(project) == release
    shutil.copy2(tmp_path / "backup", path)
    assert take_in(project, SOURCE, "136-pairs").is_absent
    assert run(synthetic, "releases verify").exit_code == 0


@pytest.mark.parametrize("damage", ["truncated", "a list", "deleted"])
def test_a_manifest_that_nobody_can_read_is_told_and_readers_get_the_next_release(synthetic: Atlas, damage: str) -> None:
    release = current_release(synthetic.project)
    DAMAGES[damage](file_of(synthetic, "manifest"))
    published = run(synthetic, "publish")
    assert published.exit_code == 1
    assert f"{release}/manifest.json" in published.output
    assert "move its folder away" in published.output
    assert current_release(synthetic.project) != release
    shutil.move(synthetic.warehouse / "releases" / str(release), synthetic.folder)
    assert run(synthetic, "publish").exit_code == 0
    assert run(synthetic, "releases verify").exit_code == 0


@pytest.mark.parametrize("kind", ["format of the store", "lock"])
def test_a_night_is_refused_in_words_where_a_folder_stands_in_the_place_of_a_file(synthetic: Atlas, kind: str) -> None:
    DAMAGES["a folder"](file_of(synthetic, kind))
    for command in ("refresh", "publish"):
        said = run(synthetic, command)
        assert said.exit_code == 3
        assert str(file_of(synthetic, kind)) in said.output
        assert REMEDY.search(said.output)


def test_a_history_of_runs_that_cannot_be_read_is_told_with_what_to_do(
    published_synthetic: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens to it happens to no release: with the history moved away, all is as before."""
    shutil.copytree(published_synthetic.folder, tmp_path / "project", symlinks=True)
    atlas = Atlas(tmp_path / "project")
    read_once(atlas, monkeypatch)
    history = atlas.folder / ".dagster" / "history"
    for file, commands in {"runs.db": ("status", "releases prune"), "index.db": ("releases prune",)}.items():
        path = next(history.rglob(file))
        for damage in ("truncated", "a list", "a folder"):
            with damaged(path, damage, tmp_path / "aside"):
                for command in commands:
                    said = run(atlas, command)
                    assert said.exit_code == 3
                    assert "Dagster's history of runs cannot be read" in said.output
                    assert f"move {history} and" in said.output
    DAMAGES["truncated"](next(history.rglob("runs.db")))
    for folder in (history, history.with_name("schedules")):
        folder.rename(folder.with_name(f"{folder.name}.old"))
    assert run(atlas, "status").exit_code == 0


def test_settings_of_dagster_that_are_no_yaml_are_told_or_replaced(
    synthetic: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_once(synthetic, monkeypatch)
    assert run(synthetic, "status").exit_code == 0
    settings = synthetic.folder / ".dagster" / "dagster.yaml"
    for damage in ("truncated", "a list", "a folder"):
        with damaged(settings, damage, tmp_path / "aside"):
            said = run(synthetic, "status")
            assert said.exit_code == 3
            assert f"{settings} cannot be" in said.output
    settings.unlink()
    assert run(synthetic, "status").exit_code == 0


def test_a_warehouse_that_was_copied_with_its_links_followed_is_put_right(synthetic: Atlas, tmp_path: Path) -> None:
    """As after rsync -L: `current` is a folder and the databases are files."""
    shutil.copytree(synthetic.folder, tmp_path / "copy", symlinks=False)
    copied = Atlas(tmp_path / "copy")
    said = run(copied, "status")
    assert "current is no link" in said.output
    assert run(copied, "publish").exit_code == 0
    assert (copied.warehouse / "current").is_symlink()
    assert (copied.warehouse / "current.set-aside" / "manifest.json").exists()
    assert run(copied, "releases verify").exit_code == 0


def test_a_store_of_a_newer_version_is_refused_in_words(synthetic: Atlas) -> None:
    (synthetic.warehouse / "store" / "format").write_text("99\n")
    for command in ("status", "publish", "releases prune"):
        said = run(synthetic, command)
        assert said.exit_code == 3
        assert "newer version of cramp-atlas" in said.output


def test_a_warehouse_of_before_seals_and_numbers_is_read_and_continued(synthetic: Atlas) -> None:
    """Every sealed file without its seal, the manifest without its number, the store without its format."""
    (synthetic.warehouse / "store" / "format").unlink()
    for path in [*synthetic.warehouse.glob("store/**/*.json"), *synthetic.warehouse.glob("releases/*/manifest.json")]:
        content = json.loads(path.read_text(encoding="utf-8"))
        content = {key: value for key, value in content.items() if key not in {"seal", "number"}}
        mode = path.stat().st_mode
        path.unlink()
        path.write_text(json.dumps(content), encoding="utf-8")
        path.chmod(mode)
    assert run(synthetic, "releases verify").exit_code == 0
    assert "nothing new to publish" in run(synthetic, "publish").output
    synthetic.edit("data_contracts/meta/columns.odcs.yaml", "One row per column of every table.", "One row per column.")
    assert run(synthetic, "publish").exit_code == 0
    numbers = [manifest.get("number") for manifest in manifests(synthetic.project)]
    assert numbers == [None, 2]
