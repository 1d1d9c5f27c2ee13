"""What each picture in docs/pictures shows, as digests, and what was recorded when it was drawn.

A picture of the report's first screen shows what `release/page` and its templates make of the words of `study.yaml`; one of
Dagster shows the tables around the respondents in the version of Dagster that is pinned; a diagram shows its text. Numbers are
not compared: the pictures are of the release of the day on which they were drawn.
"""

import ast
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import yaml

from pipelines.dagster.graph import definitions
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.stages import load_project

PICTURES = REPOSITORY / "docs" / "pictures"
RECORD = PICTURES / "shown.json"

REPORT, DAGSTER = "report.png", "dagster.png"

SHOWN_IN_DAGSTER = dg.AssetKey(["core", "respondents"])
"""The table of which Dagster shows what it is made from and what is made of it."""

PAGE = REPOSITORY / "pipelines" / "release" / "page"
WORDS = ("outcomes", "exposures", "populations")
"""Sections of study.yaml whose labels stand on the page."""

DIAGRAM = re.compile(r"^```mermaid\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"^\s*accTitle: (?P<title>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Diagram:
    """One diagram of a page: its title, which names its file, and its text in the language of mermaid."""

    title: str
    text: str

    @property
    def name(self) -> str:
        return re.sub(r"\W+", "-", self.title.lower()) + ".svg"


def shown_now() -> dict[str, str]:
    """Picture -> digest of what it would show today."""
    return {REPORT: _of_report(), DAGSTER: _of_dagster()} | {one.name: _digest(one.text) for one in diagrams()}


def recorded() -> dict[str, str]:
    """Picture -> digest of what it showed when it was drawn."""
    return dict(json.loads(RECORD.read_text(encoding="utf-8"))) if RECORD.exists() else {}


def record(shown: dict[str, str]) -> None:
    RECORD.write_text(json.dumps(shown, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def diagrams() -> Iterator[Diagram]:
    """Every diagram of README and docs; raises ValueError for one without a title, which is what those read who cannot see it."""
    for page in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))):
        for fence in DIAGRAM.finditer(page.read_text(encoding="utf-8")):
            title = TITLE.search(fence["text"])
            if title is None:
                raise ValueError(f"a diagram of {page.name} has no accTitle")
            yield Diagram(title["title"].strip(), fence["text"])


def _of_report() -> str:
    files = sorted(path for path in PAGE.rglob("*") if path.suffix in {".py", ".j2", ".css", ".js"})
    study = yaml.safe_load((REPOSITORY / "study.yaml").read_text(encoding="utf-8"))
    labels = {section: {name: one.get("label") for name, one in study[section].items()} for section in WORDS}
    return _digest(json.dumps([[path.name, _meaning(path)] for path in files] + [labels]))


def _of_dagster() -> str:
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    [version] = re.findall(r"^dagster-webserver==(\S+)", lock, re.MULTILINE)
    specs = {spec.key: spec for spec in definitions(load_project(Settings(project=REPOSITORY))).resolve_all_asset_specs()}
    made_from = {dep.asset_key for dep in specs[SHOWN_IN_DAGSTER].deps}
    made_of_it = {key for key, spec in specs.items() if SHOWN_IN_DAGSTER in {dep.asset_key for dep in spec.deps}}
    return _digest(json.dumps([version, *(sorted(key.to_user_string() for key in keys) for keys in (made_from, made_of_it))]))


def _meaning(path: Path) -> str:
    """The text of a file; of Python what it does, so that comments and layout do not count."""
    text = path.read_text(encoding="utf-8")
    return ast.dump(ast.parse(text)) if path.suffix == ".py" else text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
