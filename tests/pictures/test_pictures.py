"""README opens with pictures of what a person gets, and no picture is older than what it shows."""

import re
import struct

import pytest

from pipelines.machine.settings import REPOSITORY
from tests.pictures.shown import DAGSTER, PICTURES, REPORT, recorded, shown_now

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

MOST_LINES = 120

MOST_BYTES = 300_000
"""Of one picture: a clone and a page with both open at once."""

SHOWN = shown_now()


def test_the_readme_is_short_and_opens_with_the_page_and_dagster() -> None:
    assert len(README.splitlines()) <= MOST_LINES
    opening = README.split("\n## ")[0]
    assert re.findall(r"!\[[^\]]+\]\(docs/pictures/(.+)\)", opening) == [REPORT, DAGSTER]


@pytest.mark.parametrize("picture", sorted(SHOWN))
def test_no_picture_is_older_than_what_it_shows(picture: str) -> None:
    assert recorded().get(picture) == SHOWN[picture], f"docs/pictures/{picture} shows what was once: make pictures"


def test_the_folder_holds_the_pictures_and_nothing_else() -> None:
    assert {path.name for path in PICTURES.iterdir()} == {*SHOWN, "shown.json"}


@pytest.mark.parametrize("picture", [REPORT, DAGSTER])
def test_a_picture_is_a_screen_and_small(picture: str) -> None:
    content = (PICTURES / picture).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (1280, 800)
    assert len(content) < MOST_BYTES
