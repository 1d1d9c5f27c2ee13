"""The site of the releases in Chromium, from a web server on this machine: SQL is answered there, and nobody else is asked."""

import csv
import io
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pytest

from pipelines.machine.settings import Settings
from pipelines.release.site.writing import write_site
from tests.atlas import Atlas
from tests.browser.conftest import ARTEFACTS, PATIENCE_MILLISECONDS
from tests.browser.report_page import CUT_OFF, WIDTHS, serious_barriers
from tests.http_server import Served, Site, running_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RUN = "#run:enabled"

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

QUERY = """select source, wave, outcome, n_respondents, prevalence, presentation_reason
from report.prevalence_by_age_band where population = 'adults_20_plus' order by all"""

REFUSED = {
    "selec 1": 'syntax error at or near "selec"',
    "select 1\nfrom nothing_of_the_kind": "LINE 2: from nothing_of_the_kind",
    "load icu": "Loading external extensions is disabled",
    "install httpfs; load httpfs": "Loading external extensions is disabled",
    "from 'https://example.org/x.parquet'": "Loading external extensions is disabled",
    "from read_csv('data/csv/trends.csv')": "file system operations are disabled",
    "attach 'https://example.org/x.duckdb'": "file system operations are disabled",
    "set enable_external_access = true": "the configuration has been locked",
    " ; ": "There is no query",
}
"""Query -> what is said of it. Nothing is fetched for any of them."""


@pytest.fixture(scope="module")
def folder(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (Settings().query_engine / "engine.json").exists():
        pytest.skip("what answers SQL on a site is missing: make site-engine")  # a registry that does not answer is no fault
    folder = tmp_path_factory.mktemp("site") / "published"
    assert write_site(published_synthetic.project, folder).answers_sql
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Site]:
    with running_site() as site:
        for path in folder.rglob("*"):
            if path.is_file():
                kind = mimetypes.guess_type(path.name)[0]
                site.files[path.relative_to(folder).as_posix()] = Served(path.read_bytes(), content_type=kind)
        yield site


@pytest.fixture
def asking(page: "Page", served: Site) -> "Page":
    """The page with its engine started; in the end nobody but this machine was asked."""
    page.goto(f"{served.url}/query.html")
    page.locator(RUN).wait_for(timeout=3 * PATIENCE_MILLISECONDS)
    assert "is ready, with 9 tables" in page.locator("#state").inner_text()
    return page


def ask(page: "Page", query: str) -> None:
    """Type the query, and press Ctrl+Enter."""
    page.locator("#sql").fill("")
    page.locator("#sql").press_sequentially(query)
    page.keyboard.press("Control+Enter")
    page.locator(RUN).wait_for(timeout=PATIENCE_MILLISECONDS)


def shown(page: "Page") -> list[list[str]]:
    rows: list[list[str]] = page.locator("#answer tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    return rows


def answered(atlas: Atlas, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows by the DuckDB of this machine from the public database of the release."""
    with duckdb.connect(str(atlas.warehouse / "epi_public.duckdb"), read_only=True) as connection:
        answer = connection.sql(query)
        return answer.columns, answer.fetchall()


def assert_same(cell: str, value: object, null: str) -> None:
    if isinstance(value, float):
        assert float(cell) == value
    else:
        assert cell == (null if value is None else str(value))


def test_a_typed_query_answers_as_the_release_does_and_can_be_taken_along(
    asking: "Page", served: Site, published_synthetic: Atlas
) -> None:
    started = len(served.requests)
    columns, rows = answered(published_synthetic, QUERY)
    ask(asking, QUERY)
    heading, *body = shown(asking)
    assert (heading, len(body)) == (columns, len(rows))
    for line, row in zip(body, rows, strict=True):
        for cell, value in zip(line, row, strict=True):
            assert_same(cell, value, "NULL")
    assert any(None in row for row in rows)
    with asking.expect_download() as download:
        asking.locator("#download").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    taken = list(csv.reader(io.StringIO(text)))
    assert (taken[0], len(taken)) == (columns, len(rows) + 1)
    for line, row in zip(taken[1:], rows, strict=True):
        for cell, value in zip(line, row, strict=True):
            assert_same(cell, value, "")

    names = sorted(path for path in served.files if path.startswith("data/parquet/"))
    counts = " union all ".join(f"select '{Path(name).stem}' as t, count(*) as n from {Path(name).stem}" for name in names)
    asking.locator("#sql").fill(f"{counts} order by t")
    asking.locator("#run").click()
    asking.locator(RUN).wait_for(timeout=PATIENCE_MILLISECONDS)
    expected = [
        answered(published_synthetic, f"select '{Path(name).stem}', count(*) from report.{Path(name).stem}")[1][0]
        for name in names
    ]
    assert shown(asking)[1:] == [[name, str(n)] for name, n in expected]

    for query, said in REFUSED.items():
        ask(asking, query)
        assert said in asking.locator("#error").inner_text(), query
        assert asking.locator("#answer").is_hidden()
    assert asking.locator("#state").inner_text() == "No answer."

    ask(asking, "create table mine as select '=1+1' as text, null as nothing")
    ask(asking, "from mine")
    assert shown(asking) == [["text", "nothing"], ["=1+1", "NULL"]]
    with asking.expect_download() as download:
        asking.locator("#download").click()
    assert Path(download.value.path()).read_bytes() == b"\xef\xbb\xbftext,nothing\n'=1+1,\n"
    assert len(served.requests) == started

    asking.locator("#sql").fill("select count(*) from range(100000000) a, range(1000000) b")
    asking.locator("#run").click()
    asking.locator("#stop:enabled").click()
    asking.locator(RUN).wait_for(timeout=3 * PATIENCE_MILLISECONDS)
    ask(asking, "select 1 as one")
    assert shown(asking) == [["one"], ["1"]]


def test_pages_of_the_site_are_whole_and_have_no_serious_barrier(browser: "Browser", served: Site) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    for name in ("changes.html", "dictionary.html", "index.html", "query.html"):
        page.goto(f"{served.url}/{name}")
        if name == "query.html":
            page.locator(RUN).wait_for(timeout=3 * PATIENCE_MILLISECONDS)
            page.locator("summary").last.click()
            ask(page, "from trends limit 5")
        schemes = SCHEMES if name in {"index.html", "query.html"} else SCHEMES[:1]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width, name
            assert page.evaluate(CUT_OFF) == []
            for scheme in schemes:
                page.emulate_media(color_scheme=scheme)
                background = page.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (background == "rgb(255, 255, 255)") is (scheme == "light")
                ARTEFACTS.mkdir(exist_ok=True)
                page.screenshot(path=ARTEFACTS / f"site_{name.partition('.')[0]}_{width}_{scheme}.png")
                assert serious_barriers(page) == [], (name, width, scheme)
    ask(page, "selec")
    assert page.locator("#error").is_visible()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert serious_barriers(page, "main") == []
    context.close()
    assert problems == []


def test_from_a_disk_everything_opens_and_the_page_for_sql_says_what_it_needs(browser: "Browser", folder: Path) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    page.locator("header a").first.click()
    assert page.locator("h1").inner_text() == "Nocturnal leg cramps"
    page.goto((folder / "query.html").as_uri())
    assert "python3 -m http.server --bind 127.0.0.1" in page.locator("#state").inner_text()
    assert page.locator(RUN).count() == 0
    context.close()
