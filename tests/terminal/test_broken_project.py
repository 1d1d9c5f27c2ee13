"""Every command on a project with a broken file ends with its exit code, in one sentence that names the file."""

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from pipelines.machine.settings import REPOSITORY
from pipelines.terminal import serve
from pipelines.terminal.cli import app
from pipelines.terminal.exit_codes import ExitCode
from tests.atlas import Atlas, make_atlas

COMMANDS = {
    "refresh": ["refresh"],
    "contract lint": ["contract", "lint"],
    "status": ["status"],
    "publish": ["publish"],
    "materialise": ["materialise", "core.respondents"],
    "docs": ["docs", "--check"],
    "passport": ["passport", "report.odds_ratios"],
    "releases list": ["releases", "list"],
    "releases show": ["releases", "show"],
    "test-alert": ["test-alert"],
    "ui": ["ui"],
}

BROKEN = {
    "study.yaml": b"outcomes: [\n",
    "data_contracts/core/respondents.odcs.yaml": b"schema: {\n",
    "data_contracts/codebooks/nhanes_slq.csv": b"variable;received\nSLQ080;1\n",
    "data_contracts/standard_populations.csv": b"\xff\xfebytes\n",
    "data_contracts/sources/nhanes.yaml": b"- a list\n",
    "sql/core/respondents/nhanes.sql": b"select from where (\n",
    "sql/core/respondents.sql": b"select '\xff'\n",
}

EVERY_COMMAND_ON = "study.yaml"
LOADING = ("refresh", "contract lint", "ui")
"""All that load the project do it by one function: with the other files these speak for them."""


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Atlas]:
    made = make_atlas(tmp_path_factory.mktemp("broken") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRAMP_ATLAS_PROJECT", str(made.folder))
        patch.setenv("DAGSTER_HOME", str(made.folder / ".dagster"))
        patch.setattr(serve, "_become", _started)
        yield made


def _started(*_: str) -> None:
    raise AssertionError("Dagster was started on a broken project")


@pytest.fixture(params=BROKEN, scope="module")
def broken(atlas: Atlas, request: pytest.FixtureRequest) -> Iterator[str]:
    path = atlas.folder / request.param
    text = path.read_bytes()
    path.write_bytes(BROKEN[request.param])
    yield request.param
    path.write_bytes(text)


def commands_on(file: str) -> list[str]:
    return [command for command in COMMANDS if file == EVERY_COMMAND_ON or command in LOADING]


def test_a_broken_file_is_one_sentence_of_every_command(atlas: Atlas, broken: str) -> None:
    n_contracts = len(list((atlas.folder / "data_contracts").glob("*/*.odcs.yaml")))
    for command in commands_on(broken):
        ended = CliRunner().invoke(app, COMMANDS[command])
        assert isinstance(ended.exception, SystemExit), (command, ended.exception)
        expected = ExitCode.LOOK if command == "contract lint" else ExitCode.COULD_NOT
        assert ended.exit_code == expected, (command, ended.stdout)
        said = [line for line in ended.stdout.splitlines() if not line.startswith(f"{n_contracts} contracts")]
        assert len(said) == 1, (command, said)
        assert said[0].startswith(broken), (command, said)
        assert "Traceback" not in ended.stdout
        assert str(REPOSITORY) not in ended.stdout


@pytest.mark.parametrize("content", [b"select 1\n", b"-- \xff?\n-- x\nselect 1\n"])
def test_a_broken_question_is_named(atlas: Atlas, content: bytes) -> None:
    path = sorted((atlas.folder / "sql" / "queries").glob("*.sql"))[0]
    text = path.read_bytes()
    path.write_bytes(content)
    try:
        ended = CliRunner().invoke(app, ["query"])
    finally:
        path.write_bytes(text)
    assert isinstance(ended.exception, SystemExit), ended.exception
    assert ended.exit_code == ExitCode.COULD_NOT
    assert ended.stdout.startswith(f"sql/queries/{path.name}")
    assert len(ended.stdout.splitlines()) == 1
