"""Which modules are changed, and which tests should notice: those of the same subject, the quick ones first."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from pipelines.machine.settings import REPOSITORY
from tests.conftest import LONGEST

MOST_IMPORTING = 5

MODULES: Mapping[str, Sequence[str]] = {
    "contracts": (
        "contracts",
        "authoring/test_compare.py",
        "authoring/test_compare_codes.py",
        "project/test_broken_sources.py",
        "raw",
    ),
    "dagster/alerts.py": ("night/test_alerts.py", "night/test_broken_project.py"),
    "landing/readers": ("landing/readers", "authoring/test_draft.py"),
    "landing/fetch": ("landing/test_fetch.py", "landing/test_fetch_resumed.py", "landing/test_fetch_failed.py"),
    "landing/finding.py": ("landing/readers/test_packed.py", "raw", "night/test_landing.py"),
    "landing/watch.py": ("night/test_landing.py",),
    "release/disclosure": ("release/disclosure",),
    "release/disclosed.py": ("release/disclosure",),
    "release/export.py": ("release/test_export.py",),
    "release/spreadsheet.py": ("release/test_export.py",),
    "release/site": ("release/site",),
    "release/metadata": ("release/metadata",),
    "project/publication.py": ("project/test_publication.py",),
    "release/wording.py": ("release/test_export.py",),
    "release/changes.py": ("release/test_changes.py",),
    "release/graph.py": ("release/test_graph.py",),
    "release/passports.py": ("release/test_explained.py", "release/test_published.py"),
    "release/offending.py": ("release/test_check_results.py",),
    "release/prune.py": ("release/test_prune.py",),
    "release/figures": ("release/page/test_figures.py",),
    "release/page": ("release/page",),
    "release": (
        "release/test_published.py",
        "release/test_explained.py",
        "release/test_check_results.py",
        "release/test_changes.py",
        "release/test_codes.py",
        "release/test_prune.py",
        "release/disclosure/test_release.py",
        "terminal/test_held_back.py",
    ),
    "statistics": ("statistics", "golden"),
    "store": ("release/test_prune.py", "test_recipes.py", "release/test_published.py", "raw"),
}
"""Folder or file of pipelines/ -> folders and files of tests/. The longest that a module begins with counts."""


def files_of(module: str) -> list[Path]:
    """The files of a folder or a file of pipelines/ that hold code."""
    path = REPOSITORY / "pipelines" / module
    return [path] if path.is_file() else sorted(file for file in path.rglob("*.py") if file.name != "__init__.py")


def noticed_by(file: Path) -> list[tuple[Path, ...]]:
    """The tests that should notice a change of a file, as they are asked: those that import it, then all of its subject."""
    name = str(file.relative_to(REPOSITORY / "pipelines"))
    module = max((module for module in MODULES if name == module or name.startswith(f"{module}/")), key=len)
    tests = tuple(REPOSITORY / "tests" / test for test in MODULES[module])
    importing = tuple(test for test in _test_files() if _imports(test, name))
    return [asked for asked in (importing[:MOST_IMPORTING], tests) if asked]


@cache
def _test_files() -> list[Path]:
    """All but those that take minutes."""
    longest = [REPOSITORY / name for name in LONGEST]
    found = sorted((REPOSITORY / "tests").rglob("test_*.py"))
    return [test for test in found if not any(test.is_relative_to(long) for long in longest)]


def _imports(test: Path, name: str) -> bool:
    dotted = "pipelines." + name.removesuffix(".py").replace("/", ".")
    package, _, last = dotted.rpartition(".")
    text = test.read_text(encoding="utf-8")
    return f"{dotted} import" in text or f"{dotted}." in text or f"from {package} import {last}" in text
