"""The examples of docs/connect.md run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.machine.settings import REPOSITORY
from tests.atlas import Atlas

PAGE = (REPOSITORY / "docs" / "connect.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def examples(language: str) -> list[str]:
    return [text for kind, text in EXAMPLES if kind == language]


@pytest.fixture(scope="module")
def place(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader of the page stands: a folder with the warehouse and `.venv`."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "warehouse").symlink_to(published_synthetic.warehouse)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def run(place: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    project = (place / "warehouse").resolve().parent
    environment = os.environ | {"CRAMP_ATLAS_PROJECT": str(project)}
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_the_page_has_examples_in_every_language_that_is_tried() -> None:
    assert {kind for kind, _ in EXAMPLES} == {"sh", "python", "r", "text"}


@pytest.mark.parametrize("text", examples("sh"))
def test_a_command_of_the_page_runs(place: Path, text: str) -> None:
    shutil.rmtree(place / "export", ignore_errors=True)
    done = run(place, ["bash", "-euo", "pipefail", "-c", text])
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("text", examples("python"))
def test_python_of_the_page_runs(
    place: Path, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    exec(compile(text, "docs/connect.md", "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("text", examples("r"))
def test_r_of_the_page_runs(place: Path, text: str) -> None:
    if not shutil.which("Rscript"):
        pytest.skip("R is not installed: apt-get install r-base-core")
    if not (place / "export").exists():
        assert run(place, [".venv/bin/cramp-atlas", "releases", "export", "export"]).returncode == 0
    done = run(place, ["Rscript", "-e", text])
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\[1\] [1-9]\d*\n", done.stdout)


def test_writing_is_refused_with_the_error_that_the_page_explains(place: Path) -> None:
    with duckdb.connect(str(place / "warehouse" / "epi.duckdb"), read_only=True) as connection:
        with pytest.raises(duckdb.InvalidInputException) as refused:
            connection.execute("create table report.mine (a integer)")
        with pytest.raises(duckdb.ConnectionException) as otherwise:
            duckdb.connect(str(place / "warehouse" / "epi.duckdb"))
    assert 'Cannot execute statement of type "CREATE" on database "epi" which is attached in read-only mode' in str(refused.value)
    assert "Can't open a connection to same database file with a different configuration" in str(otherwise.value)
