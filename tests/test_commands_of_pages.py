"""Every command of README and docs is run: here as it stands there, or by the test that is named, or not, with the reason.

A block of a page is run here unless it is listed, so that a new one is tried without anybody's doing. Files to write, what is
printed and diagrams are no commands.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pipelines.machine.settings import REPOSITORY
from pipelines.release.kept import current_release
from pipelines.terminal.cli import app
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS

PAGES = (*REPOSITORY.glob("*.md"), REPOSITORY / "warehouse" / "README.md", *(REPOSITORY / "docs").rglob("*.md"))
TEXTS = {path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8") for path in PAGES}

FOLLOWED = {
    "docs/add-a-study.md": "tests/packaging/test_add_a_study.py",
    "docs/add-a-survey.md": "tests/test_add_a_survey.py",
    "docs/ask.md": "tests/test_ask_page.py",
    "docs/connect.md": "tests/test_connect.py",
    "docs/notebooks/explore.md": "tests/ask/test_pages.py",
}
"""Pages of which a test of their own runs every block."""

CONTRACT_COMMANDS = "tests/terminal/test_contract_commands.py::"
ALERTS = "tests/night/test_alerts.py::"
SPARK = "tests/spark/test_lost_server.py::"
SERVING = "tests/serving/test_services.py::"
SITE = "tests/browser/test_release_site.py::"
LISTED = {
    "make test": "is what runs this test",
    "make nhanes": "tests/landing/test_fetch.py::test_a_folder_is_as_good_as_a_site",
    "export CRAMP_ATLAS_ALERT_URLS=": ALERTS + "test_a_trial_names_the_sink_that_fails_and_never_its_password",
    "cramp-atlas contract init people.csv": CONTRACT_COMMANDS + "test_a_draft_of_a_new_source_loads_and_its_file_passes",
    "cramp-atlas contract test SLQ_E.xpt": CONTRACT_COMMANDS + "test_a_file_is_judged_as_the_night_judges_it",
    "cramp-atlas contract diff": CONTRACT_COMMANDS + "test_a_breaking_change_demands_a_major_version",
    "pip install pysail": SPARK + "test_a_night_on_spark_publishes_the_same_numbers_and_fails_as_a_whole_without_its_server",
    "python3 -m venv apache-spark": "450 MB, and Java; tests/spark/servers.py starts the same program",
    "make site-engine": SITE + "test_a_typed_query_answers_as_the_release_does_and_can_be_taken_along",
    "python3 -m http.server": SITE + "test_a_typed_query_answers_as_the_release_does_and_can_be_taken_along",
    "apt-get install": "sets up a machine, as root; tests/serving/test_services.py starts the same files",
    "install -d -m 700": SERVING + "test_a_back_up_becomes_another_machine_with_the_same_releases_and_runs",
    "sudo -u cramp-atlas cramp-atlas-restore": SERVING + "test_a_back_up_becomes_another_machine_with_the_same_releases_and_runs",
    "sudo -u cramp-atlas cramp-atlas-backup": "upgrades a machine, as root; the page says that it was not tried",
    "  answers.n_population,": "a line of a select",
    "  wtrep as interview_weight,": "lines of a select",
}
"""How a block, or a line of it, begins -> the test that runs the same, or why none does."""

LANGUAGES = {"sh", "bash", "console", "sql", "python", "r"}
FENCE = re.compile(r"^```(?P<language>\w+)(?P<title> title=\"[^\"]+\")?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
OURS = re.compile(r"(?:\.venv/bin/)?cramp-atlas (.+)")

RELEASE_ID = re.compile(r"\b20\d\d-\d\d-\d\d\.\d+-[0-9a-f]{8}\b")


@dataclass(frozen=True)
class Command:
    """A line for the terminal, or a whole query; `listed`, where it is not run here: the test that does, or why none does."""

    page: str
    text: str
    is_sql: bool = False
    listed: str | None = None


def commands() -> Iterator[Command]:
    for page, text in TEXTS.items():
        if page in FOLLOWED:
            continue
        for fence in FENCE.finditer(text):
            if fence["title"] is None:
                yield from _of_block(page, fence["language"], fence["text"])


def _of_block(page: str, language: str, text: str) -> Iterator[Command]:
    if language not in LANGUAGES:
        shown = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
        yield from (Command(page, line, listed=_listed(line)) for line in shown)
    elif language == "sql" or (_listed(text) and not text.startswith("make")):
        yield Command(page, text, language == "sql", _listed(text))
    else:
        lines = [line.partition(" #")[0].strip() for line in text.splitlines()]
        yield from (Command(page, line, listed=_listed(line)) for line in lines if line)


def _listed(text: str) -> str | None:
    return next((reason for start, reason in LISTED.items() if text.startswith(start)), None)


ALL = list(commands())
TRIED = list(dict.fromkeys((one.text.removeprefix(".venv/bin/"), one.is_sql) for one in ALL if not one.listed))
"""Each once, in the order in which it first stands: what is rolled back is resumed."""


@pytest.fixture(scope="module")
def atlas(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return published_synthetic.copy(tmp_path_factory.mktemp("commands") / "project")


@pytest.mark.parametrize("command", [text for text, is_sql in TRIED if not is_sql])
def test_a_command_of_the_pages_is_good(atlas: Atlas, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with 0, on a project that has a release; a release that a page names is that one."""
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(atlas.folder))
    monkeypatch.setenv("DAGSTER_HOME", str(atlas.folder / ".dagster"))
    text = RELEASE_ID.sub(str(current_release(atlas.project)), command).replace("~", str(tmp_path))
    for line in recipe(text.removeprefix("make ")) if text.startswith("make ") else [text]:
        program, *words = shlex.split(line)
        assert Path(program).name == "cramp-atlas"
        ended = CliRunner().invoke(app, words)
        assert ended.exit_code == 0, ended.output


@pytest.mark.parametrize("query", [text for text, is_sql in TRIED if is_sql])
def test_a_query_of_the_pages_is_answered(atlas: Atlas, query: str) -> None:
    """The same question, of a source that needs no download."""
    with duckdb.connect(str(atlas.warehouse / "epi.duckdb"), read_only=True) as connection:
        asked = query.replace("'nhanes'", "'synthetic_survey'").replace("'pooled'", "'2024'")
        assert connection.sql(asked.strip().rstrip(";")).fetchall()


def recipe(target: str) -> list[str]:
    """The commands that make would run, without the set-up of .venv."""
    command = ["make", "--no-print-directory", "--dry-run", "--old-file", ".venv/.installed", target]
    printed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS)
    return printed.stdout.splitlines()


def test_what_is_listed_stands_on_a_page_and_its_test_is_there() -> None:
    unused = [start for start in LISTED if not any(one.text.startswith(start) for one in ALL)]
    assert unused == []
    for reason in LISTED.values():
        for file, _, name in re.findall(r"(tests/[\w/]+\.py)(::)?(\w+)?", reason):
            text = (REPOSITORY / file).read_text(encoding="utf-8")
            assert not name or f"def {name}(" in text, reason
    for page, test in FOLLOWED.items():
        assert Path(page).name in (REPOSITORY / test).read_text(encoding="utf-8")


def spans() -> Iterator[tuple[str, str]]:
    """Page and text of everything in prose that looks like one of our commands."""
    for page, text in TEXTS.items():
        for span in SPAN.findall(FENCE.sub("", text)):
            if OURS.fullmatch(span) or span.startswith("make "):
                yield page, span


def test_every_command_in_prose_is_there_with_its_options() -> None:
    listed = {target for line in (REPOSITORY / "Makefile").read_text(encoding="utf-8").splitlines() for target in _targets(line)}
    wrong = [f"{page}: {span}" for page, span in spans() if not _is_known(span, listed)]
    assert len(list(spans())) > 50
    assert wrong == []


def _targets(line: str) -> list[str]:
    return line.removeprefix(".PHONY:").split() if line.startswith(".PHONY:") else []


def _is_known(span: str, targets: set[str]) -> bool:
    if span.startswith("make "):
        return all(word in targets or "=" in word for word in span.split()[1:])
    command = get_command(app)
    for word in span.split("cramp-atlas ", 1)[1].split():
        below = getattr(command, "commands", None)
        if word.startswith("--"):
            names = {name for parameter in command.params for name in parameter.opts} | {"--help"}
            if word.partition("=")[0] not in names:
                return False
        elif below is not None and word.isupper():
            return True
        elif below is not None:
            if word not in below:
                return False
            command = below[word]
    return True
