"""A new project of a wheel, without a checkout. That it is refreshed and published: test_add_a_study.py, test_hypertension.py."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.authoring.new_project import PARTS, studies
from pipelines.machine.settings import REPOSITORY
from pipelines.terminal.cli import app
from tests.packaging.conftest import Installed


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
