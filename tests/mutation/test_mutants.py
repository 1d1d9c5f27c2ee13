"""What the mutation runner changes, and what it leaves alone."""

import ast

import pytest

from tests.mutation.modules import MODULES, files_of, noticed_by
from tests.mutation.mutants import mutant, places

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
