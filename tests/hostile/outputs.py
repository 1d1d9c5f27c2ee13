"""What is made of a project, as text in which a hostile one is looked for: one function an output."""

import base64
import csv
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import openpyxl
import pytest
from typer.testing import CliRunner, Result

from pipelines.authoring.dictionary import write_pages
from pipelines.dagster.alerts import alert, try_sinks
from pipelines.dagster.assets.context import asset_spec, check_spec, materialisation
from pipelines.dagster.job import Refreshed
from pipelines.machine.console import PlainConsole
from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.stages import load_project
from pipelines.terminal.cli import app
from pipelines.terminal.summary import print_summary
from tests.atlas import Atlas
from tests.night.sinks import mail_server, web_hook
from tests.patience import PATIENCE_SECONDS

WIDTH = 1_000
"""No text is broken in two."""

MADE, JUDGED = dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION

COMMANDS = (
    ("status",),
    ("query",),
    ("contract", "lint"),
    ("releases", "list"),
    ("releases", "show"),
    ("passport", "core.respondents"),
    ("passport", "report.odds_ratios"),
)


def csv_cells(*folders: Path) -> list[str]:
    """Every cell of every CSV file below."""
    cells = []
    for path in [path for folder in folders for path in sorted(folder.rglob("*.csv"))]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    return cells


def workbook_cells(path: Path) -> list[Any]:
    """Every cell of a workbook, with what openpyxl makes of it."""
    book = openpyxl.load_workbook(path)
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def word_xml(path: Path) -> str:
    """The markup of a Word document."""
    with zipfile.ZipFile(path) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml"))


def markdown_of_dagster(project: Project) -> Iterator[str]:
    """All Markdown that Dagster shows of the project's assets: descriptions, and metadata before and after a run."""
    for table, contract in project.contracts.items():
        if contract.schema not in {"raw", "core", "report"}:
            continue
        spec = asset_spec(project, table, (), set())
        yield spec.description or ""
        yield check_spec(project, table).description or ""
        metadata = {**spec.metadata, **(materialisation(project, table, 0).metadata or {})}
        yield from (value.md_str or "" for value in metadata.values() if isinstance(value, dg.MarkdownMetadataValue))


def documents_of(project: Project, folder: Path) -> list[str]:
    """The data dictionary, as it is committed and as it is exported."""
    (folder / "dictionary").mkdir()
    write_pages(project, folder / "dictionary")
    pages = [*sorted((folder / "dictionary").glob("*.md")), folder / "exported" / "data_dictionary.md"]
    return [page.read_text(encoding="utf-8") for page in pages]


def said_in_a_terminal(atlas: Atlas) -> dict[tuple[str, ...], Result]:
    """How the commands end and what they print, by command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRAMP_ATLAS_PROJECT", str(atlas.folder))
        patch.setenv("DAGSTER_HOME", str(atlas.folder / ".dagster"))
        patch.setattr(os, "execv", lambda *_: None)
        return {command: CliRunner().invoke(app, list(command)) for command in COMMANDS}


def summary_of(atlas: Atlas, refreshed: Refreshed) -> str:
    """What is printed at the end of a refresh."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(atlas.folder / ".dagster"))
        out = io.StringIO()
        print_summary(atlas.project, refreshed, PlainConsole(file=out, width=WIDTH))
    return out.getvalue()


def answers_of(atlas: Atlas) -> dict[str, str]:
    """What DuckDB's own command line answers to queries: what the comments of one say, codes, and rules that were broken."""
    [hostile] = [path.stem for path in (atlas.folder / "sql" / "queries").glob("=*.sql")]
    environment = os.environ | {"CRAMP_ATLAS_PROJECT": str(atlas.folder)}
    answers = {}
    for query in ((hostile,), ("codes_of_a_variable", "variable=sex"), ("failed_rules",)):
        command = [str(Path(sys.executable).with_name("cramp-atlas")), "query", *query]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS)
        answers[query[0]] = done.stdout + done.stderr
    return answers


def tables_of_dagster(atlas: Atlas, refreshed: Refreshed) -> list[str]:
    """Every text in the metadata of the night's checks and objects that Dagster shows as text, in a table or alone."""
    texts: list[str] = []
    with dg.DagsterInstance.from_config(str(atlas.folder / ".dagster")) as instance:
        for record in instance.all_logs(refreshed.run_id, of_type={MADE, JUDGED}):
            event = record.dagster_event
            assert event
            found = (
                event.step_materialization_data.materialization if event.event_type is MADE else event.asset_check_evaluation_data
            )
            for value in found.metadata.values():
                if isinstance(value, dg.TableMetadataValue):
                    texts += [str(cell) for row in value.records for cell in row.data.values()]
                elif isinstance(value, dg.TextMetadataValue):
                    texts.append(value.text or "")
    return texts


def draft_of(atlas: Atlas, file: Path) -> tuple[int, str, dict[str, str]]:
    """How `contract init` ended, what it said, and the files that it wrote, of a new table of the source."""
    folder = atlas.folder / "data_contracts"
    before = set(folder.rglob("*.*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRAMP_ATLAS_PROJECT", str(atlas.folder))
        done = CliRunner().invoke(
            app, ["contract", "init", str(file), "--table", "drafted", "--source", "drafted", "--wave", "2030"]
        )
    written = {path.name: path.read_text(encoding="utf-8") for path in sorted(set(folder.rglob("*.*")) - before)}
    return done.exit_code, done.output, written


def pictures_of(*texts: str) -> list[bytes]:
    """The SVG inside every data URI."""
    coded = [found for text in texts for found in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", text)]
    return [base64.b64decode(picture) for picture in coded]


def alerts_of(atlas: Atlas) -> list[str]:
    """What a web hook and two mail boxes are told after the night: as text, and as Apprise sends mail of itself, as HTML."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("DAGSTER_HOME", str(atlas.folder / ".dagster"))
        hook, mail = stack.enter_context(web_hook()), stack.enter_context(mail_server())
        as_html = mail.url.replace("&format=text", "&format=html")
        settings = Settings(project=atlas.folder, alert_urls=" ".join([hook.url, mail.url, as_html]))
        project = load_project(settings)
        with dg.DagsterInstance.get() as instance:
            assert alert(instance, project) == 3
        assert try_sinks(project) == 3
        return [*(text for sink in (hook, mail) for message in sink.messages for text in message), *mail.html]
