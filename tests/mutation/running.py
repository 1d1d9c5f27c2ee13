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


class Fate(StrEnum):
    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant, and in how many seconds."""

    fate: Fate
    seconds: float


class Copy:
    """A copy of the repository in which one file at a time is changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            shutil.copytree(REPOSITORY / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        for name in FILES:
            shutil.copy(REPOSITORY / name, folder / name)
        for library in LIBRARIES:
            importlib.import_module(library)

    def judge(self, file: Path, code: str, tests: Sequence[Sequence[Path]], limit: float) -> Outcome:
        """Run groups of tests with other code in the place of a file, until one fails."""
        path = self.folder / file.relative_to(REPOSITORY)
        kept = path.read_bytes()
        path.write_text(code, encoding="utf-8")
        try:
            seconds = 0.0
            for group in tests:
                outcome = self._run([str(self.folder / test.relative_to(REPOSITORY)) for test in group], limit)
                seconds += outcome.seconds
                if outcome.fate is not Fate.SURVIVED:
                    break
            return Outcome(outcome.fate, seconds)
        finally:
            path.write_bytes(kept)

    def _run(self, tests: Sequence[str], limit: float) -> Outcome:
        began = time.monotonic()
        process = os.fork()
        if process == 0:
            os.setsid()
            self._test(tests)
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
        os.chdir(self.folder)
        sys.path = [str(self.folder), *(path for path in sys.path if Path(path or ".").resolve() != REPOSITORY)]
        os.environ |= {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        sys.dont_write_bytecode = True
        for name in [name for name in sys.modules if name.partition(".")[0] in {"pipelines", "tests"}]:
            del sys.modules[name]
        import pytest

        code = 1
        try:
            code = pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--rootdir", str(self.folder), *tests])
        finally:
            os._exit(int(code))
