"""The commands and lines of docs/ask.md, and the notebook that the docs show as the page explore.md."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.machine.settings import REPOSITORY
from pipelines.terminal.cli import app
from tests.ask.page import NOTEBOOK, PAGE, notebook, page
from tests.atlas import Atlas

TEXT = (REPOSITORY / "docs" / "ask.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _in_the_project(published_synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(published_synthetic.folder))


def blocks(kind: str, text: str = TEXT) -> list[str]:
    return [code for language, code in FENCED.findall(text) if language == kind]


def test_each_command_of_the_page_is_answered() -> None:
    [commands] = blocks("sh")
    lines = commands.splitlines()
    assert len(lines) == 9
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "cramp-atlas"
        ended = CliRunner().invoke(app, arguments)
        assert (ended.exit_code, bool(ended.stdout)) == (0, True), (line, ended.stdout)


def test_the_lines_of_the_page_run() -> None:
    [lines] = blocks("python")
    names: dict[str, object] = {}
    exec(lines, names)
    assert "answer" in names


def test_the_notebook_runs_and_its_page_has_its_cells(tmp_path: Path) -> None:
    """The numbers of the page are those of the project as it is cloned; this one has fewer people."""
    pytest.importorskip("marimo", reason="marimo is not installed: pip install marimo")
    written = page(notebook(), tmp_path)
    shown = PAGE.read_text(encoding="utf-8")
    assert blocks("python", written) == blocks("python", shown)
    assert len(blocks("python", shown)) == NOTEBOOK.read_text(encoding="utf-8").count("@app.cell") - 5
    figures = re.findall(r"\]\((\w+\.svg)\)", written)
    assert figures == re.findall(r"\]\((\w+\.svg)\)", shown)
    assert all((PAGE.parent / name).exists() and (tmp_path / name).stat().st_size > 1_000 for name in figures)
