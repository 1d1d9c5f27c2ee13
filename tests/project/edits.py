"""A project with one change in a file of its analyst, and what loading and lint say of it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipelines.authoring import lint as linting
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import Settings
from pipelines.stages import load_project

Edit = Callable[[str], str]

Cases = Mapping[str, tuple[Edit, str, Sequence[str]]]
"""Name -> the change, where the sentence says that it stands, and words of the sentence."""

FOREIGN_WORDS = (
    "pydantic",
    "Input should",
    "validation error",
    "Traceback",
    "http://",
    "errors.pydantic",
    "datetime.",
    "Fault(",
    "duckdb.",
    "Binder",
    "Catalog",
    "Conversion Error",
    "<unicode string>",
    "ValueError",
    "None",
)
"""What belongs to a library and not into a sentence to an analyst."""


def complaints(settings: Settings) -> list[str]:
    """What loading says, one sentence a line; lint says the same."""
    said: list[str] = []
    try:
        load_project(settings)
    except ConfigurationError as error:
        said = str(error).splitlines()
    assert linting.lint(settings) == said
    return said


def said_of(settings: Settings, file: str, edit: Edit) -> list[str]:
    """What is said where one file is changed so; it is as before afterwards."""
    path: Path = settings.project / file
    before = path.read_bytes()
    try:
        path.write_text(edit(before.decode()), encoding="utf-8", newline="")
        return complaints(settings)
    finally:
        path.write_bytes(before)


def assert_one_sentence(said: Sequence[str], file: str, place: str, words: Sequence[str]) -> None:
    """Exactly one, which begins with its place and has the words, none of them a library's."""
    [sentence] = said
    assert sentence.startswith(f"{file}, {place}"), sentence
    assert [word for word in words if word not in sentence] == [], sentence
    assert [word for word in FOREIGN_WORDS if word in sentence] == [], sentence


def changed(before: str, after: str) -> Edit:
    """One place of a file; the text must be there exactly once."""

    def edit(text: str) -> str:
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times"
        return text.replace(before, after)

    return edit


def one_where(condition: str) -> Edit:
    """Another condition of the last population."""
    return changed("where: sex = 'female' and age_years >= 20 and age_years < 45", f"where: {condition}")


def folded_where(condition: str) -> Edit:
    """The same, whatever characters the condition has."""
    return one_where(f">-\n      {condition}")
