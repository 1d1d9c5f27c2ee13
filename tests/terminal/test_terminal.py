"""What the commands teach with --help, how they end, and the bar of a run."""

import io
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import dagster as dg
import psycopg2
import pytest
import typer
from typer.testing import CliRunner

from pipelines.dagster import progress
from pipelines.dagster.job import Refreshed
from pipelines.machine.errors import ConfigurationError, CrampAtlasError, NotClosed, StoreDamaged, WarehouseBusy, WrongUsage
from pipelines.machine.settings import REPOSITORY
from pipelines.machine.working import heard_by, parts
from pipelines.terminal.cli import app
from pipelines.terminal.console import Commands, explained
from pipelines.terminal.exit_codes import ExitCode, exit_code_of
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS, killed_at_last
from tests.release.test_interruption import start_refresh

COMMAND = str(Path(sys.executable).with_name("cramp-atlas"))


def commands() -> Iterator[tuple[str, click.Command]]:
    """Name and command of each command that does something."""
    groups = [("cramp-atlas", typer.main.get_command(app))]
    while groups:
        name, group = groups.pop()
        for word, command in group.commands.items():  # type: ignore[attr-defined]
            if hasattr(command, "commands"):
                groups.append((f"{name} {word}", command))
            else:
                yield f"{name} {word}", command


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_says_what_when_an_example_and_how_it_ends(name: str) -> None:
    said = CliRunner().invoke(app, [*name.split()[1:], "--help"], env={"COLUMNS": "300", "TERM": "dumb"}).output
    described = COMMANDS[name].help or ""
    assert "\n\n" in described or name == "cramp-atlas status", "one line says what, a paragraph when"
    assert "Example: " in said
    assert "Ends with 0 when all is well, " in said
    for parameter in COMMANDS[name].params:
        assert getattr(parameter, "help", None), f"{parameter.name} is not explained"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_example_of_a_help_is_understood(name: str) -> None:
    [example] = re.findall(r"Example:\*\* `(.*)`", COMMANDS[name].epilog or "")
    words = shlex.split(example.split("| ")[-1])
    assert words[: len(name.split())] == name.split()
    COMMANDS[name].make_context(name, words[len(name.split()) :])  # raises where an option is unknown or an argument is missing


@pytest.mark.parametrize("command", ["ui", "serve webserver", "ui --port {port}"])
def test_the_port_is_that_of_the_command_line_or_of_the_environment(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Of a port that is taken it is said which one was asked for."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("CRAMP_ATLAS_PORT", "1" if "--port" in command else str(port))
        result = CliRunner().invoke(app, command.format(port=port).split())
    assert result.exit_code == 3
    assert f"port {port} of 127.0.0.1 is taken" in result.output


def test_a_port_that_is_none_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PORT", "0")
    result = CliRunner().invoke(app, ["ui"])
    assert (result.exit_code, "CRAMP_ATLAS_PORT" in result.output) == (3, True)


def test_the_page_of_commands_lists_every_exit_code() -> None:
    section = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8").split("## Exit codes")[1].split("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == [code.value for code in ExitCode]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongUsage("x"), 2),
        (CrampAtlasError("x"), 3),
        (ConfigurationError("x"), 3),
        (NotClosed("x"), 3),
        (StoreDamaged("x"), 3),
        (WarehouseBusy("x"), 3),
    ],
    ids=repr,
)
def test_an_error_that_is_explained_ends_with_its_code(error: CrampAtlasError, code: int) -> None:
    with pytest.raises(typer.Exit) as ended, explained():
        raise error
    assert ended.value.exit_code == code


def test_an_error_that_nobody_foresaw_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    broken = Commands()

    @broken.command()
    def broken_command() -> None:
        raise ZeroDivisionError("unforeseen")

    with pytest.raises(SystemExit) as ended:
        broken([])
    assert ended.value.code == 3
    assert "unforeseen" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("success", "rejected", "failures", "broken", "code"),
    [
        (True, [], [], [], 0),
        (True, ["raw.x"], [], [], 1),
        (False, ["raw.x"], ["x stands rejected"], [], 1),
        (False, ["raw.x"], ["x stands rejected", "report__trends failed"], ["report__trends failed"], 3),
        (False, [], [], [], 3),
    ],
)
def test_a_run_that_only_rejected_is_told_from_one_that_broke(
    success: bool, rejected: list[str], failures: list[str], broken: list[str], code: int
) -> None:
    assert exit_code_of(Refreshed(success, "id", 0, {}, rejected, failures, broken)) == code


def test_a_run_of_which_a_step_breaks_could_not_do_its_work(synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pipelines.dagster.assets.built.build_report", broken)
    assert exit_code_of(synthetic.refresh(selection=["report.trends"])) == ExitCode.COULD_NOT


def test_a_table_that_is_rejected_when_it_is_materialised_calls_for_a_look(synthetic: Atlas) -> None:
    synthetic.edit("sql/report/planted_truth.sql", "  compared.model\n", "  compared.model / 0\n")
    refreshed = synthetic.refresh(selection=["report.planted_truth"])
    assert refreshed.rejected == ["report.planted_truth"]
    assert exit_code_of(refreshed) == ExitCode.LOOK


@pytest.mark.parametrize(
    ("arguments", "project", "code", "said"),
    [
        (["query"], REPOSITORY, 0, "largest_odds_ratio"),
        (["query", "nonsense"], REPOSITORY, 2, "there is no query nonsense; there are: "),
        (["query", "--nonsense"], REPOSITORY, 2, "No such option"),
        (["refresh", "--reread", "nhanes/1999"], REPOSITORY, 2, "nhanes has no wave 1999 to read again; it has: 2005-2006"),
        (["refresh"], REPOSITORY / "nonsense", 3, "nonsense"),
    ],
)
def test_the_command_ends_with(arguments: list[str], project: Path, code: int, said: str) -> None:
    environment = os.environ | {"CRAMP_ATLAS_PROJECT": str(project), "COLUMNS": "300"}
    done = subprocess.run(
        [COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_refresh_says_so_ends_with_130_and_leaves_no_run_behind(synthetic: Atlas) -> None:
    process = start_refresh(synthetic)
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if "take_in_nhanes" in line:
            process.send_signal(signal.SIGINT)
    assert process.wait(timeout=PATIENCE_SECONDS) == ExitCode.INTERRUPTED
    assert "interrupted: readers keep the last release" in printed[-1]
    assert not any("Prevalence" in line for line in printed)
    with dg.DagsterInstance.from_config(str(synthetic.folder / ".dagster")) as instance:
        assert instance.get_runs()[0].status == dg.DagsterRunStatus.FAILURE


def test_settings_of_dagster_that_cannot_be_used_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    for name in ("HOST", "PORT", "DB", "USER", "PASSWORD"):
        monkeypatch.delenv(f"DAGSTER_POSTGRES_{name}", raising=False)
    (tmp_path / "dagster.yaml").write_bytes((REPOSITORY / "docs/serving/dagster.yaml").read_bytes())
    with pytest.raises(typer.Exit) as ended, explained(), dg.DagsterInstance.get():
        pass
    assert ended.value.exit_code == 3
    said = capsys.readouterr().out
    assert f"{tmp_path}/dagster.yaml cannot be used:\n- " in said
    assert "DAGSTER_POSTGRES_HOST" in said


def test_a_database_that_does_not_answer_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(psycopg2.OperationalError) as refused:
        psycopg2.connect(host="127.0.0.1", port=1, dbname="x", user="x", password="hidden")
    with pytest.raises(typer.Exit) as ended, explained():
        raise RuntimeError("too many retries") from refused.value
    said = capsys.readouterr().out
    assert ended.value.exit_code == 3
    assert "Dagster's storage cannot be used: connection to server at" in said
    assert "hidden" not in said


def test_parts_are_told_to_those_who_listen_and_to_nobody_else() -> None:
    told: list[tuple[str, int, int]] = []
    with heard_by(lambda *what: told.append(what)):
        assert list(parts(["a", "b"])) == ["a", "b"]
    assert list(parts(["c"])) == ["c"]
    assert told == [("a", 0, 2), ("b", 1, 2)]


def test_a_terminal_sees_a_bar_of_steps_and_of_the_parts_of_a_step(synthetic: Atlas) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"CRAMP_ATLAS_PROJECT": str(synthetic.folder), "TERM": "xterm", "COLUMNS": "150"}
    for name in ("DAGSTER_HOME", "NO_COLOR"):
        environment.pop(name, None)
    command = [COMMAND, "materialise", "core.respondents", "report.planted_truth"]
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        drawn = b""
        with killed_at_last(process), suppress(OSError):  # how Linux tells that the other end is closed
            while read := os.read(ours, 4096):
                drawn += read
    os.close(ours)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode())
    assert re.search(r"1/2 +\d:\d\d:\d\d +report__planted_truth", text)
    assert re.search(r"1/5 +\d:\d\d:\d\d +core\.respondents nhanes 2007-2008", text)
    assert "✓ core__respondents" in text
    assert (
        drawn.endswith(b"\x1b[?25h") or b"\x1b[?25h" in drawn.split("✓ report__planted_truth".encode())[-1]
    )  # the cursor is back


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_there_is_no_bar_where_plain_text_is_asked_for(monkeypatch: pytest.MonkeyPatch, plain: dict[str, str]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in plain.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.shown():
        assert progress._bars == []
