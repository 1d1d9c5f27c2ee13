"""From a wheel without a checkout: a project is written, refreshed and published, and nothing in it speaks of another study."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.authoring.new_project import PARTS, studies
from pipelines.machine.settings import REPOSITORY
from pipelines.terminal.cli import app
from tests.patience import PATIENCE_SECONDS

OF_CRAMPS = re.compile(r"(?<!atlas.)\bcramp(?!.atlas)|nocturnal|diuretic|sedentary|statin|nhanes", re.IGNORECASE)


class Installed:
    """The wheel of this checkout, unpacked where no checkout is; what it needs is that of the tests."""

    def __init__(self, folder: Path) -> None:
        self.site, self.folder = folder / "site", folder
        build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
        subprocess.run(
            [sys.executable, "-c", build, str(folder)],
            cwd=self._source(),
            check=True,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
        )
        [wheel] = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.site)

    def _source(self) -> Path:
        """What is committed, copied: a build leaves its own folders beside its sources."""
        source = self.folder / "source"
        source.mkdir()
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "pipelines", *PARTS):
            copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copyfile
            copy(REPOSITORY / name, source / name)
        return source

    def run(self, *arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CRAMP_ATLAS_", "DAGSTER_"))}
        command = [sys.executable, "-m", "pipelines.terminal.cli", *arguments]
        return subprocess.run(
            command,
            cwd=where,
            env=environment | {"PYTHONPATH": str(self.site)},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("wheel"))


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
    told = [
        path.relative_to(project)
        for path in sorted(project.rglob("*"))
        if path.suffix in {".yaml", ".sql", ".csv", ".html", ".md"} and OF_CRAMPS.search(path.read_text(encoding="utf-8"))
    ]
    assert told == []


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


def test_a_study_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["init", str(tmp_path / "new"), "--study", "hypertensoin"])
    assert ended.exit_code == 2
    assert "there is no study hypertensoin to begin with; there are: empty" in ended.stdout
    assert not (tmp_path / "new").exists()
