"""Commands are printed as they can be typed again: by the path that was typed, or by the name where that is on the path."""

import io
import os
import sys
from pathlib import Path

import pytest

from pipelines.machine.console import PlainConsole
from pipelines.machine.typed import as_typed

SAID = "nothing is published yet: run cramp-atlas refresh, or cramp-atlas --help"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the command in its .venv, which is on nobody's path, as the folder that one is in."""
    program = tmp_path / "check out" / ".venv" / "bin" / "cramp-atlas"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path / "check out")
    monkeypatch.setenv("PATH", "/nowhere")
    return program


@pytest.mark.parametrize(
    ("typed", "folder", "printed"),
    [
        (".venv/bin/cramp-atlas", ".", ".venv/bin/cramp-atlas"),
        ("../.venv/bin/cramp-atlas", ".venv", "../.venv/bin/cramp-atlas"),
        ("{program}", ".", ".venv/bin/cramp-atlas"),
        ("{program}", "..", "'check out/.venv/bin/cramp-atlas'"),
        ("{program}", "/usr", "'{program}'"),
        ("/usr/bin/dagster", ".", "cramp-atlas"),
    ],
)
def test_a_command_is_printed_by_the_path_that_was_typed(
    installed: Path, monkeypatch: pytest.MonkeyPatch, typed: str, folder: str, printed: str
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [typed.format(program=installed), "refresh"])
    name = printed.format(program=installed)
    assert as_typed(SAID) == f"nothing is published yet: run {name} refresh, or {name} --help"


def test_its_name_is_enough_where_it_is_on_the_path(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(installed.parent))
    monkeypatch.setattr(sys, "argv", [str(installed)])
    assert as_typed(SAID) == SAID


def test_what_is_to_be_typed_in_another_folder_names_the_whole_path(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [".venv/bin/cramp-atlas"])
    assert as_typed("cd study, cramp-atlas refresh", elsewhere=True) == f"cd study, '{installed}' refresh"


def test_a_folder_that_was_removed_stands_in_no_way(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = installed.parent / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "argv", ["../cramp-atlas"])
    assert as_typed("run cramp-atlas publish") == "run ../cramp-atlas publish"


@pytest.mark.parametrize(
    "text",
    [
        "code: cramp-atlas 0.1.0, SHA-256 12",
        "a newer cramp-atlas (format 2)",
        "/opt/cramp-atlas/x",
        "cramp-atlas/landed",
    ],
)
def test_what_is_no_command_stays(installed: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "argv", [".venv/bin/cramp-atlas"])
    assert as_typed(text) == text


def test_every_console_prints_commands_as_they_are_typed(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [os.path.relpath(installed)])
    file = io.StringIO()
    PlainConsole(file=file).print("run cramp-atlas publish", soft_wrap=True)
    assert file.getvalue() == "run .venv/bin/cramp-atlas publish\n"
