"""What the mutation runner changes, what it leaves alone, and how it judges."""

import ast
import shutil
import time
from pathlib import Path

import pytest

from tests.mutation import running
from tests.mutation.__main__ import verdict
from tests.mutation.modules import MODULES, files_of, noticed_by
from tests.mutation.mutants import mutant, places
from tests.mutation.running import Copy, Fate, Outcome

CHANGED = {
    "a < b": ["a <= b"],
    "a == b": ["a != b"],
    "a in b": ["a not in b"],
    "a and b": ["a or b"],
    "a - b": ["a + b"],
    "a * 2": ["a * 3", "a / 2"],
    "min(a, b)": ["max(a, b)"],
    "f(x=True)": ["f(x=False)"],
    "[a for a in b if a]": ["[a for a in b]"],
    "x = 0.5": ["x = 0.75"],
    "x = 0.0": ["x = 1.0"],
    "a if b else c": ["a if not b else c"],
    "'a' + b": [],
    "f'{a:>10} of {b + 1}'": [],
    "zip(a, b, strict=True)": [],
    "@dataclass(frozen=True)\nclass X:\n    pass": [],
    "def f(a: Literal[1]) -> int | None:\n    return a": [],
}
"""Code -> what becomes of it, in one place at a time."""


@pytest.mark.parametrize(("code", "changed"), CHANGED.items())
def test_each_place_is_changed_once(code: str, changed: list[str]) -> None:
    assert sorted(mutant(code, place) for place in places(code)) == sorted(ast.unparse(ast.parse(text)) for text in changed)


def test_every_module_that_is_judged_has_tests() -> None:
    found = {path for module in MODULES for path in files_of(module)}
    assert len(found) > 100
    assert [path for path in found if not all(test.exists() for group in noticed_by(path) for test in group)] == []


WANTED = """from room import half


def test_half():
    assert half(8) == 4
"""


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A repository of one module and two files of tests, one of which notices nothing; and its copy."""
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "room.py").write_text(ROOM, encoding="utf-8")
    (repository / "test_half.py").write_text(WANTED, encoding="utf-8")
    (repository / "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
    (repository / "test_wrong.py").write_text("def test_wrong():\n    assert False\n", encoding="utf-8")
    shutil.copytree(repository, tmp_path / "copy")
    return Copy(repository, tmp_path / "copy")


ROOM = "def half(x):\n    return x / 2\n"
OTHER = ROOM.replace("/", "*")
UNJUDGED = "not judged, for their tests fail without a change"


@pytest.mark.parametrize(
    ("code", "groups", "fate"),
    [
        (ROOM, ["test_half"], Fate.SURVIVED),
        (OTHER, ["test_half"], Fate.KILLED),
        (OTHER, ["test_nothing"], Fate.SURVIVED),
        (OTHER, ["test_nothing", "test_half"], Fate.KILLED),
        (OTHER, ["test_half", "test_wrong"], Fate.KILLED),
        (OTHER, ["test_nothing", "test_wrong"], Fate.NOT_JUDGED),
        (ROOM, ["test_missing"], Fate.NOT_JUDGED),
    ],
)
def test_a_change_is_killed_by_tests_that_are_asked(tmp_path: Path, copy: Copy, code: str, groups: list[str], fate: Fate) -> None:
    repository = tmp_path / "repository"
    asked = [(repository / f"{group}.py",) for group in groups]
    assert copy.judge(repository / "room.py", code, asked).fate is fate
    assert (tmp_path / "copy" / "room.py").read_text(encoding="utf-8") == ROOM


def test_a_change_that_does_not_end_is_ended(tmp_path: Path, copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "AT_LEAST", 4.0)
    monkeypatch.setattr(running, "TIMES", 0)
    room = tmp_path / "repository" / "room.py"
    began = time.monotonic()
    outcome = copy.judge(room, "while True:\n    pass\n", [(room.with_name("test_half.py"),)])
    assert outcome == Outcome(Fate.TIMED_OUT, 4.0)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("fates", "said", "is_enough"),
    [
        ({Fate.KILLED: 9, Fate.SURVIVED: 1}, "9 of 10 noticed: 90 %", True),
        ({Fate.KILLED: 8, Fate.TIMED_OUT: 1, Fate.SURVIVED: 1}, "9 of 10 noticed: 90 %", True),
        ({Fate.KILLED: 8, Fate.SURVIVED: 1}, "8 of 9 noticed: 89 %", False),
        (
            {Fate.KILLED: 9, Fate.NOT_JUDGED: 1},
            f"9 of 9 noticed: 100 %; 1 {UNJUDGED}",
            False,
        ),
        ({Fate.NOT_JUDGED: 2}, f"0 of 0 noticed: 0 %; 2 {UNJUDGED}", False),
        ({}, "0 of 0 noticed: 0 %", False),
    ],
)
def test_a_change_that_is_not_judged_is_not_enough(fates: dict[Fate, int], said: str, is_enough: bool) -> None:
    assert verdict([fate for fate, number in fates.items() for _ in range(number)]) == (said, is_enough)
