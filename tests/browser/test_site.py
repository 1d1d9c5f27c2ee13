"""The site that `make site` makes of README and docs/: every page, no broken link, opened from disk without a network."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from pipelines.machine.settings import REPOSITORY
from tests.cannot_run import cannot_run
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FETCHED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*?\bsrc=\"?([^\"> ]+)|<link\b[^>]*?\brel=\"?stylesheet[^>]*?\bhref=\"?([^\"> ]+)"
)
LED_TO = re.compile(r"<a\b[^>]*?\bhref=(?:\"([^\"]*)\"|([^\"> ]+))")
ANCHOR = re.compile(r"\bid=(?:\"([^\"]*)\"|([^\"> ]+))")

FOUND = ".md-search-result__link"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    program = Path(sys.executable).with_name("mkdocs")
    if not program.exists():
        cannot_run("mkdocs is missing: make .venv/.installed")
    command = [str(program), "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_every_page_is_there_and_in_reach(site: Path, pages: dict[Path, str]) -> None:
    written = {path.relative_to(REPOSITORY / "docs").with_suffix(".html") for path in (REPOSITORY / "docs").rglob("*.md")}
    written = {path.with_name("index.html") if path.name == "README.html" else path for path in written}
    written |= {Path("index.html"), Path("GLOSSARY.html"), Path("SECURITY.html"), Path("CHANGELOG.html")}
    assert {path.relative_to(site) for path in pages} == written | {Path("404.html")}
    named = {target.partition("#")[0] for target in links(pages[site / "index.html"])}
    assert {path.as_posix() for path in written} - {"index.html"} <= named


def test_no_page_fetches_anything_from_elsewhere(pages: dict[Path, str]) -> None:
    fetched = {address for text in pages.values() for found in FETCHED.findall(text) for address in found if address}
    assert len(fetched) > 5
    assert [address for address in fetched if re.match(r"[a-z]+:|//", address)] == []


def test_every_diagram_is_drawn(site: Path, pages: dict[Path, str]) -> None:
    """MkDocs itself has seen to it that each picture is there."""
    assert [path.name for path, text in pages.items() if "accTitle:" in text] == []
    assert pages[site / "index.html"].count("pictures/") == 3


def test_every_link_leads_to_a_page_and_a_place_on_it(site: Path, pages: dict[Path, str]) -> None:
    """Beside what MkDocs looks at: the finished pages, with what their hooks made of the links."""
    broken = []
    places = {path: {html.unescape("".join(found)) for found in ANCHOR.findall(text)} for path, text in pages.items()}
    for path, text in pages.items():
        for target in links(text):
            file, _, anchor = target.partition("#")
            there = (path.parent / unquote(file)).resolve() if file else path
            if path.name != "404.html" and (not there.exists() or (anchor and unquote(anchor) not in places[there])):
                broken.append(f"{path.relative_to(site)}: {target}")
    assert broken == []


def links(text: str) -> list[str]:
    """Where a page leads to on the site."""
    found = [html.unescape("".join(parts)) for parts in LED_TO.findall(text)]
    return [target for target in found if target and not re.match(r"[a-z]+:|//", target)]


@pytest.fixture
def opened(browser: "Browser", site: Path) -> Iterator["Page"]:
    """The first page from disk, in a browser without a network: nothing is asked for that does not lie in the folder."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "index.html").as_uri())
    yield page
    context.close()
    assert asked
    assert [url for url in asked if not url.startswith((site.as_uri(), "data:", "blob:"))] == []


def test_the_site_is_read_and_searched_from_disk(opened: "Page") -> None:
    assert opened.locator("h1").inner_text().startswith("Cramp Atlas")
    opened.get_by_role("textbox", name="Search").fill("exit codes")
    result = opened.locator(FOUND).first
    result.wait_for()
    result.click()
    opened.wait_for_url(re.compile(r"commands\.html"))
    assert opened.locator("h2#exit-codes").count() == 1
