"""Running the tests of a module against a mutant of it, in a copy of the repository: processes that tests start see it, too."""

import importlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipelines.machine.settings import REPOSITORY

COPIED = ("pipelines", "tests", "sql", "data_contracts", "docs", ".ci")
FILES = (
    "pyproject.toml",
    "study.yaml",
    "dagster.yaml",
    "workspace.yaml",
    "requirements.lock",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "GLOSSARY.md",
    "CHANGELOG.md",
    "mkdocs.yml",
)

LIBRARIES = (
    "numpy",
    "polars",
    "pyarrow.parquet",
    "duckdb",
    "scipy.stats",
    "pytest",
    "_pytest.assertion.rewrite",
    "yaml",
    "pydantic",
)
"""Imported once, before a process is forked for each mutant: to import them anew would take longer than most tests."""

TIMES, AT_LEAST = 8, 60.0
"""A mutant that takes so many times as long as the module itself does not end; and so many seconds are always given."""

MOST_SECONDS = 1_800.0
"""Of tests without a change."""


class Fate(StrEnum):
    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NOT_JUDGED = "NOT JUDGED"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant, and in how many seconds."""

    fate: Fate
    seconds: float


Group = tuple[Path, ...]
"""Tests that are run together."""


def copied(folder: Path) -> "Copy":
    """A copy of this repository in a folder, and the libraries imported."""
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(REPOSITORY / name, folder / name)
    for library in LIBRARIES:
        importlib.import_module(library)
    return Copy(REPOSITORY, folder)


class Copy:
    """A copy of a repository in which one file at a time is changed."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self._repository = repository
        self._folder = folder
        self._limits: dict[Group, float | None] = {}

    def judge(self, file: Path, code: str, groups: Sequence[Group]) -> Outcome:
        """Run groups of tests with other code in the place of a file, until one fails; NOT_JUDGED where one does as it is."""
        limits = [self.limit(group) for group in groups]
        path = self._folder / file.relative_to(self._repository)
        kept = path.read_bytes()
        path.write_text(code, encoding="utf-8")
        try:
            seconds = 0.0
            for group, limit in zip(groups, limits, strict=True):
                if limit is None:
                    return Outcome(Fate.NOT_JUDGED, seconds)
                outcome = self.run(group, limit)
                seconds += outcome.seconds
                if outcome.fate is not Fate.SURVIVED:
                    return Outcome(outcome.fate, seconds)
            return Outcome(Fate.SURVIVED, seconds)
        finally:
            path.write_bytes(kept)

    def limit(self, group: Group) -> float | None:
        """How many seconds tests are given, by how long they take without a change; None where they fail without one."""
        if group not in self._limits:
            outcome = self.run(group, MOST_SECONDS)
            self._limits[group] = max(AT_LEAST, TIMES * outcome.seconds) if outcome.fate is Fate.SURVIVED else None
        return self._limits[group]

    def run(self, group: Group, limit: float) -> Outcome:
        """Run tests in a process of their own, as the copy is now; at the limit it and all that it started are ended."""
        began = time.monotonic()
        process = os.fork()
        if process == 0:
            os.setsid()
            self._test([str(self._folder / test.relative_to(self._repository)) for test in group])
        while (ended := os.waitpid(process, os.WNOHANG)) == (0, 0):
            if time.monotonic() - began > limit:
                os.killpg(process, signal.SIGKILL)
                os.waitpid(process, 0)
                return Outcome(Fate.TIMED_OUT, limit)
            time.sleep(0.05)
        return Outcome(Fate.SURVIVED if ended[1] == 0 else Fate.KILLED, time.monotonic() - began)

    def _test(self, tests: Sequence[str]) -> None:
        """In the forked process: the tests, quietly, up to the first that fails."""
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        os.chdir(self._folder)
        sys.path = [str(self._folder), *(path for path in sys.path if Path(path or ".").resolve() != self._repository)]
        os.environ |= {"PYTHONPATH": str(self._folder), "PYTHONDONTWRITEBYTECODE": "1"}
        sys.dont_write_bytecode = True
        for name in [name for name in sys.modules if name.partition(".")[0] in {"pipelines", "tests"}]:
            del sys.modules[name]
        import pytest

        code = 1
        try:
            code = pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--rootdir", str(self._folder), *tests])
        finally:
            os._exit(int(code))
