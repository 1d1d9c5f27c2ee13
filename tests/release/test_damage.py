"""Every kind of file of a warehouse, damaged in every way: commands say it in words, nothing is lost, a night mends it."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from pipelines.machine.sealed import sealed
from pipelines.terminal.cli import app
from tests.atlas import Atlas

COMMANDS = ("status", "releases list", "releases verify", "releases prune")

SURVEY = "synthetic_survey/2024"

KINDS = {
    "raw object": "store/raw/synthetic_survey_respondents/synthetic_survey/2024/*.parquet",
    "core object": "store/core/respondents/synthetic_survey/2024/*.parquet",
    "report object": "store/report/odds_ratios/synthetic_survey/all/*.parquet",
    "set-aside rows": "store/meta/rejected_rows/synthetic_survey/*/*.parquet",
    "raw sidecar": "store/raw/synthetic_survey_respondents/synthetic_survey/2024/*.json",
    "core sidecar": "store/core/respondents/synthetic_survey/2024/*.json",
    "report sidecar": "store/report/odds_ratios/synthetic_survey/all/*.json",
    "claims sidecar": "store/claims/*/*/*/*.json",
    "drift sidecar": "store/drift/*/*/*/*.json",
    "acceptance of a wave": "store/accepted/synthetic_survey/2024.json",
    "acceptance of reports": "store/accepted/synthetic_survey/all.json",
    "manifest": "releases/*/manifest.json",
    "database": "releases/*/epi.duckdb",
    "public database": "releases/*/epi_public.duckdb",
    "page": "releases/*/report.html",
    "report file": "releases/*/report/odds_ratios.parquet",
    "note of the sweep": "store/unneeded.json",
    "format of the store": "store/format",
    "hold": "releases/hold.json",
    "what was generated": "landing/synthetic_survey/generated.json",
    "lock": ".lock",
    "current": "current",
    "link to a database": "epi.duckdb",
}
"""Kind of file -> where one lies in the warehouse."""


def empty(path: Path) -> None:
    _rewrite(path, b"")


def truncated(path: Path) -> None:
    _rewrite(path, path.read_bytes()[: path.stat().st_size // 2])


def a_list(path: Path) -> None:
    _rewrite(path, b"[]")


def flipped(path: Path) -> None:
    """One bit in the middle, as a failing disk leaves it."""
    content = bytearray(path.read_bytes())
    if content:
        content[len(content) // 2] ^= 1
    _rewrite(path, bytes(content))


def deleted(path: Path) -> None:
    path.unlink()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "empty": empty,
    "truncated": truncated,
    "a list": a_list,
    "flipped": flipped,
    "deleted": deleted,
    "a folder": a_folder,
}


def _rewrite(path: Path, content: bytes) -> None:
    """A new file in its place: the copies of a project share theirs."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode & 0o777)


def run(atlas: Atlas, command: str) -> Result:
    """A command in this process; a traceback is an error of the test."""
    environment = {"CRAMP_ATLAS_PROJECT": str(atlas.folder), "DAGSTER_HOME": str(atlas.folder / ".dagster"), "COLUMNS": "500"}
    result = CliRunner().invoke(app, command.split(), env=environment)
    error = result.exception
    assert error is None or isinstance(error, SystemExit), f"{command}: {error!r}\n{result.output}"
    assert "Traceback" not in result.output
    return result


def file_of(atlas: Atlas, kind: str) -> Path | None:
    found = sorted(atlas.warehouse.glob(KINDS[kind]))
    return found[0] if found else None


@pytest.fixture(scope="module")
def kept(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """A published project that a rollback holds and a sweep has noted: every kind of file is there."""
    atlas = published_synthetic.copy(tmp_path_factory.mktemp("kept") / "project")
    [release] = [path.name for path in (atlas.warehouse / "releases").iterdir() if path.is_dir()]
    assert run(atlas, f"releases rollback {release}").exit_code == 0
    (atlas.warehouse / "store" / "unneeded.json").write_text(sealed("{}"))
    return atlas


def files_of(atlas: Atlas) -> set[Path]:
    """All files of store and releases, but notes that come and go."""
    folders = [atlas.warehouse / "store", atlas.warehouse / "releases"]
    return {path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != "unneeded.json"}


SAID: dict[str, str] = {
    "raw object": "raw.synthetic_survey_respondents synthetic_survey 2024",
    "core object": "core.respondents synthetic_survey 2024",
    "report object": "report.odds_ratios synthetic_survey all",
    "raw sidecar": "raw.synthetic_survey_respondents synthetic_survey 2024",
    "core sidecar": "core.respondents synthetic_survey 2024",
    "report sidecar": "report.odds_ratios synthetic_survey all",
    "acceptance of a wave": "2024.json",
    "acceptance of reports": "all.json",
    "manifest": "manifest.json",
    "database": "epi.duckdb",
    "public database": "epi_public.duckdb",
    "page": "report.html",
    "report file": "odds_ratios.parquet",
    "current": "current",
    "link to a database": "epi.duckdb",
}
"""Kind of file -> what `verify` names of it when it is damaged. Notes that are made again by themselves are not in here."""


@pytest.fixture
def loaded(kept: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atlas:
    """A copy to damage. Its study is read once: it is the warehouse that is damaged."""
    atlas = kept.copy(tmp_path / "project")
    project = atlas.project
    monkeypatch.setattr("pipelines.stages.load_project", lambda: project)
    return atlas


@contextmanager
def damaged(atlas: Atlas, path: Path, damage: str, aside: Path) -> Iterator[None]:
    """The file damaged, and afterwards as it was, with what commands may have put in its place gone."""
    shutil.copy2(path, aside, follow_symlinks=False)
    DAMAGES[damage](path)
    try:
        yield
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        aside.rename(path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_command_speaks_of_damage_in_words_and_nothing_is_lost(loaded: Atlas, tmp_path: Path, damage: str) -> None:
    found = {kind: path for kind in KINDS if (path := file_of(loaded, kind)) is not None}
    assert set(KINDS) - set(found) <= {"set-aside rows", "claims sidecar"}
    for kind, path in found.items():
        if path.is_symlink() and damage not in {"deleted", "a folder"}:
            continue
        before = files_of(loaded)
        with damaged(loaded, path, damage, tmp_path / "aside"):
            said = {command: run(loaded, command) for command in COMMANDS}
            lost = before - files_of(loaded) - {path}
            assert not lost, f"{kind}, {damage}"
        words = said["releases verify"].output
        if kind in SAID:
            assert said["releases verify"].exit_code in {1, 3}, f"{kind}, {damage}: {words}"
            assert SAID[kind] in words, f"{kind}, {damage}: {words}"
            assert REMEDY.search(words), f"{kind}, {damage}: {words}"
        if kind in SEEN_AT_A_GLANCE:
            for command in ("status", "releases list"):
                assert said[command].exit_code in {1, 3}, f"{command} with {kind}, {damage}: {said[command].output}"
                assert SAID[kind] in said[command].output, f"{command} with {kind}, {damage}: {said[command].output}"


REMEDY = re.compile(r"cramp-atlas (refresh|publish|releases)|restore|chmod|move")

SEEN_AT_A_GLANCE = {"acceptance of a wave", "acceptance of reports", "manifest", "database", "public database", "page", "current"}
"""Kinds that every command tells of: they are few, or readers see them."""

REMADE = ("raw object", "core sidecar", "report object", "drift sidecar", "acceptance of a wave", "page", "link to a database")


@pytest.mark.parametrize("damage", ["empty", "flipped", "deleted", "a folder"])
def test_a_night_makes_again_what_is_damaged(synthetic: Atlas, damage: str) -> None:
    numbers = "select * from report.odds_ratios order by all"
    expected = synthetic.query(numbers)
    paths = {kind: path for kind in REMADE if (path := file_of(synthetic, kind))}
    for kind, path in paths.items():
        if not path.is_symlink() or damage in {"deleted", "a folder"}:
            assert kind in REMADE
            DAMAGES[damage](path)
    assert synthetic.refresh().success
    assert synthetic.query(numbers) == expected
    assert run(synthetic, "releases verify").exit_code == 0


def test_reports_that_were_edited_in_the_store_never_reach_readers(synthetic: Atlas) -> None:
    """Prevalence is halved in the object of a report, whose name stays: publishing refuses it, a night makes it again."""
    [path] = (synthetic.warehouse / "store/report/prevalence_by_age_band/synthetic_survey/all").glob("*.parquet")
    half = pl.read_parquet(path).with_columns(pl.col("prevalence") / 2)
    path.unlink()
    half.write_parquet(path)
    expected = synthetic.query("select prevalence from report.prevalence_by_age_band order by all")
    synthetic.edit("data_contracts/report/prevalence_by_age_band.odcs.yaml", "version: ", "# published anew\nversion: ")
    published = run(synthetic, "publish")
    assert published.exit_code == 3
    assert "report.prevalence_by_age_band synthetic_survey all" in published.output
    assert "cramp-atlas refresh" in published.output
    assert synthetic.refresh().success
    assert synthetic.query("select prevalence from report.prevalence_by_age_band order by all") == expected


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
