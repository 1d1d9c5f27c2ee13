"""`report.html` as a reader opens it: from disk, without a network, on a screen, on a phone and on paper."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pypdf
import pytest

from tests.atlas import Atlas
from tests.browser.conftest import ARTEFACTS
from tests.browser.report_page import A4_PIXELS, CUT_OFF, NEEDS_SCROLLING, WIDTHS, serious_barriers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def folder(published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page alone, without the files that stand beside it in a release."""
    folder = tmp_path_factory.mktemp("mailed")
    shutil.copy(published_synthetic.warehouse / "current" / "report.html", folder)
    return folder


@pytest.fixture
def opened(browser: "Browser", folder: Path, request: pytest.FixtureRequest) -> Iterator["Page"]:
    """The page in a browser without a network. It asked for nothing but itself, and no script or picture failed."""
    context = browser.new_context(viewport={"width": getattr(request, "param", WIDTHS[0]), "height": 900}, offline=True)
    page = context.new_page()
    problems: list[str] = []
    requested: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requested.append(request.url.partition(",")[0]))
    page.goto((folder / "report.html").as_uri())
    yield page
    context.close()
    assert problems == []
    assert [url for url in requested if not url.startswith("data:image/svg+xml")] == [(folder / "report.html").as_uri()]


@pytest.mark.parametrize("opened", WIDTHS, indirect=True)
def test_every_figure_is_there_and_nothing_is_cut_off(opened: "Page", published_synthetic: Atlas) -> None:
    study = published_synthetic.project.study
    pictures = opened.locator("figure img").all()
    assert len(pictures) == 2 * len(study.outcomes) + 1  # of the survey two an outcome, of the case-control study one
    for picture in pictures:
        assert picture.evaluate("image => image.complete && image.naturalWidth > 300")
        assert any(outcome.label in (picture.get_attribute("alt") or "") for outcome in study.outcomes.values())
    assert opened.locator("table").count() > 10
    assert opened.evaluate(CUT_OFF) == []
    assert opened.evaluate("document.documentElement.scrollWidth") == opened.evaluate("window.innerWidth")
    ARTEFACTS.mkdir(exist_ok=True)
    width = opened.evaluate("window.innerWidth")
    opened.screenshot(path=ARTEFACTS / f"report_{width}.png", full_page=True)
    if width == WIDTHS[0]:
        assert opened.evaluate(NEEDS_SCROLLING) == 0


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_holds_the_answer(browser: "Browser", published_nhanes: Atlas, width: int, height: int) -> None:
    """Of real data: both outcomes, each with its prevalence and the odds ratio of every exposure asked about."""
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    page = context.new_page()
    page.goto((published_nhanes.warehouse / "current" / "report.html").as_uri())
    said = page.locator("header .outcome .says, header .outcome li").all()
    study = published_nhanes.project.study
    assert len(said) == len(study.outcomes) * (2 + len(study.page.exposures))
    ends = [box["y"] + box["height"] for part in said if (box := part.bounding_box())]
    assert len(ends) == len(said)
    assert max(ends) <= height
    caveat = page.locator(".caveat").bounding_box()
    assert caveat is not None
    assert caveat["y"] < height
    context.close()


def test_a_wide_table_is_scrolled_with_the_keyboard(opened: "Page") -> None:
    opened.set_viewport_size({"width": WIDTHS[1], "height": 900})
    wide = opened.locator("#odds-ratios-synthetic_survey-has_cramps-adults_20_plus-crude-2024-name + .wide")
    assert wide.evaluate("box => box.scrollWidth > box.clientWidth")
    wide.focus()
    opened.keyboard.press("ArrowRight")
    opened.wait_for_function("box => box.scrollLeft > 0", arg=wide.element_handle())


def test_the_printed_page_holds_every_table_to_the_last_column(opened: "Page", tmp_path: Path) -> None:
    cells = [text.strip() for text in opened.locator("td.gt_right").all_inner_texts()]
    assert len(cells) > 500
    opened.set_viewport_size({"width": A4_PIXELS, "height": 900})
    opened.emulate_media(media="print")
    assert opened.evaluate(NEEDS_SCROLLING) == 0
    assert opened.evaluate(CUT_OFF) == []
    printed = tmp_path / "report.pdf"
    opened.pdf(path=printed, prefer_css_page_size=True)
    text = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(printed).pages)
    assert [cell for cell in cells if "".join(cell.split()) not in text] == []
    shutil.copy(printed, ARTEFACTS / "report.pdf")


@pytest.mark.parametrize("opened", WIDTHS, indirect=True)
def test_the_page_has_no_serious_barrier(opened: "Page") -> None:
    """By day, by night, and on paper that is printed at night; contrast is a part of it."""
    grounds = []
    for medium, scheme in (("screen", "light"), ("screen", "dark"), ("print", "dark")):
        opened.emulate_media(media=medium, color_scheme=scheme)  # type: ignore[arg-type]
        assert serious_barriers(opened) == [], (medium, scheme)
        grounds.append(opened.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] == grounds[2] == "rgb(255, 255, 255)"
    assert grounds[1] != grounds[0]
