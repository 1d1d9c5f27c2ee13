"""From a wheel without a checkout: a project is written, refreshed and published, and nothing in it speaks of another study."""

from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.authoring.new_project import PARTS, studies
from pipelines.machine.settings import REPOSITORY
from pipelines.terminal.cli import app
from tests.packaging.conftest import Installed
from tests.packaging.telling import what_tells_of


def test_a_project_of_the_wheel_is_refreshed_and_published(installed: Installed, tmp_path: Path) -> None:
    written = installed.run("init", "mine", where=tmp_path)
    assert (written.returncode, written.stderr) == (0, "")
    project = tmp_path / "mine"
    refreshed = installed.run("refresh", where=project / "sql")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert refreshed.stderr.splitlines()[0] == f"project {project}"
    assert "make " not in refreshed.stdout
    with duckdb.connect(str(project / "warehouse" / "epi.duckdb"), read_only=True) as connection:
        assert connection.sql("select count(*) from report.odds_ratios").fetchall() == [(0,)]
        assert connection.sql("select title from meta.sources").fetchall() == []
    assert (project / "warehouse" / "current" / "report.html").is_file()
    assert what_tells_of("cramp|nocturnal|diuretic|sedentary|statin|magnesium|nhanes_|slq160|hypertens", project) == []


def test_the_study_of_this_checkout_is_in_the_wheel(installed: Installed, tmp_path: Path) -> None:
    assert installed.run("init", "mine", "--study", "nocturnal-leg-cramps", where=tmp_path).returncode == 0
    linted = installed.run("contract", "lint", where=tmp_path / "mine")
    assert linted.returncode == 0, linted.stdout
    for part in PARTS:
        for ours in (REPOSITORY / part).rglob("*") if (REPOSITORY / part).is_dir() else [REPOSITORY / part]:
            if ours.is_file():
                assert (tmp_path / "mine" / ours.relative_to(REPOSITORY)).read_bytes() == ours.read_bytes()


def test_outside_a_project_a_command_says_what_to_do(installed: Installed, tmp_path: Path) -> None:
    ended = installed.run("status", where=tmp_path)
    assert ended.returncode == 3
    assert "cramp-atlas init DIR" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("study", studies())
def test_what_is_there_is_never_overwritten(study: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    ended = CliRunner().invoke(app, ["init", str(tmp_path), "--study", study])
    assert ended.exit_code == 3
    assert f"{tmp_path} is there already and not empty" in ended.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("study", studies())
def test_a_new_project_has_a_readme_of_its_own_that_asks_its_question(study: str, tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["init", str(tmp_path / "new"), "--study", study])
    assert ended.exit_code == 0, ended.stdout
    readme = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    title = {"empty": "TODO: the condition", "hypertension": "Hypertension and diabetes"}.get(study, "Nocturnal leg cramps")
    assert readme.startswith(f"# {title}\n")
    assert ("cramp-atlas fetch nhanes" in readme) == ("cramp-atlas fetch nhanes" in ended.stdout) == (study != "empty")
    assert (tmp_path / "new" / ".gitignore").read_text(encoding="utf-8").splitlines()[1:] == ["warehouse/", ".dagster/"]


def test_a_study_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["init", str(tmp_path / "new"), "--study", "hypertensoin"])
    assert ended.exit_code == 2
    assert "there is no study hypertensoin to begin with; there are: empty, hypertension" in ended.stdout
    assert not (tmp_path / "new").exists()
