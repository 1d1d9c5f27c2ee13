"""What others found, claims, sequence ratios and the diary in `report.html`: on a screen, on a phone and on paper, labelled."""

import base64
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdf
import pytest
from lxml import etree, html

from pipelines.release.formatting import SYNTHETIC
from tests.atlas import Atlas
from tests.browser.conftest import ARTEFACTS
from tests.browser.report_page import A4_PIXELS, CUT_OFF, NEEDS_SCROLLING, WIDTHS, serious_barriers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = {
    "published_evidence": ("others",),
    "published_events": ("synthetic_dispensings", "synthetic_diary"),
}
"""Project -> the sections of its page that are looked at."""

LABELS = (SYNTHETIC, "(synthetic)", ", SYNTHETIC: ")
"""How a source that is synthetic is named as such."""

LOOKED_AT = pytest.mark.parametrize("project", PAGES)


@pytest.fixture
def page_of(project: str, request: pytest.FixtureRequest) -> Path:
    atlas: Atlas = request.getfixturevalue(project)
    return atlas.warehouse / "current" / "report.html"


def section(page: Path, name: str) -> Any:
    return html.fromstring(page.read_text(encoding="utf-8")).get_element_by_id(name)


@LOOKED_AT
def test_the_sections_are_whole_at_any_width_and_on_paper_and_have_no_serious_barrier(
    browser: "Browser", page_of: Path, project: str, tmp_path: Path
) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(page_of.as_uri())
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(CUT_OFF) == []
        for part in PAGES[project]:
            assert page.locator(f"#{part} figure img").count() >= 1
            for picture in page.locator(f"#{part} figure img").all():
                assert picture.evaluate("image => image.complete && image.naturalWidth > 300")
            ARTEFACTS.mkdir(exist_ok=True)
            page.locator(f"#{part}").screenshot(path=ARTEFACTS / f"{part}_{width}.png")
        assert serious_barriers(page, *(f"#{part}" for part in PAGES[project])) == []
    page.set_viewport_size({"width": A4_PIXELS, "height": 900})
    page.emulate_media(media="print")
    assert page.evaluate(NEEDS_SCROLLING) == 0
    assert page.evaluate(CUT_OFF) == []
    printed = tmp_path / "report.pdf"
    page.pdf(path=printed, prefer_css_page_size=True)
    text = _compact(" ".join(sheet.extract_text() for sheet in pypdf.PdfReader(printed).pages))
    cells = [cell.text_content() for part in PAGES[project] for cell in section(page_of, part).iter("td")]
    assert len(cells) > 20
    assert [cell for cell in cells if _compact(cell) not in text] == []
    context.close()
    assert problems == []


def _compact(text: str) -> str:
    """Without spaces, and with the letters of ligatures apart."""
    return unicodedata.normalize("NFKC", "".join(text.split()))


def test_a_figure_that_is_wider_than_the_screen_is_scrolled_with_the_keyboard(
    browser: "Browser", published_evidence: Atlas
) -> None:
    context = browser.new_context(viewport={"width": WIDTHS[1], "height": 900}, offline=True)
    page = context.new_page()
    page.goto((published_evidence.warehouse / "current" / "report.html").as_uri())
    wide = page.locator("#others figure.wide").first
    assert wide.evaluate("box => box.scrollWidth > box.clientWidth")
    wide.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("box => box.scrollLeft > 0", arg=wide.element_handle())
    context.close()


@LOOKED_AT
def test_nothing_synthetic_stands_without_its_label(page_of: Path, project: str, request: pytest.FixtureRequest) -> None:
    """Every heading, title of a table and figure of a synthetic source says so, and no other one names such a source."""
    atlas: Atlas = request.getfixturevalue(project)
    document = html.fromstring(page_of.read_text(encoding="utf-8"))
    sources = {name: source for name, source in atlas.project.sources.items() if document.xpath(f"//section[@id='{name}']")}
    synthetic = {source.title for source in sources.values() if source.is_synthetic}
    assert synthetic
    labelled = 0
    for name, source in sources.items():
        of_source = document.get_element_by_id(name)
        said = [*of_source.iter("h2"), *of_source.find_class("title")]
        texts = [element.text_content() for element in said]
        for picture in of_source.iter("img"):
            texts += [picture.get("alt"), _drawn(picture)]
        assert len(texts) > 2, name
        assert {SYNTHETIC in " ".join(text.split()) for text in texts} == {source.is_synthetic}, name
        labelled += len(texts) * source.is_synthetic
        if not source.is_synthetic:
            assert not [title for title in synthetic if title in of_source.text_content()]
    assert labelled > 10
    others = document.get_element_by_id("others") if atlas.project.evidence else None
    if others is not None:
        assert not [title for title in synthetic if title in others.text_content()]
        assert SYNTHETIC not in others.text_content()
    listed = [*document.get_element_by_id("data").iter("th"), *document.get_element_by_id("cite").iter("p")]
    named = [(title, element.text_content()) for title in synthetic for element in listed if title in element.text_content()]
    assert len(named) >= 2 * len(synthetic)
    assert [text for _, text in named if not any(label in text for label in LABELS)] == []


def _drawn(picture: Any) -> str:
    """The texts in a figure, a space between lines."""
    svg = base64.b64decode(picture.get("src").partition("base64,")[2])
    return " ".join(line for element in etree.fromstring(svg).iter("{*}text") for line in element.itertext())


def test_numbers_of_ours_beside_published_ones_are_of_real_sources(published_evidence: Atlas) -> None:
    """What stands on the page is what the tables hold of real sources, and of no other."""
    real = [source.title for source in published_evidence.project.sources.values() if not source.is_synthetic]
    others = section(published_evidence.warehouse / "current" / "report.html", "others")
    tables = {table.find_class("title")[0].get("id"): table for table in others.find_class("table")}
    for name in ("evidence-others-name", "evidence-claims-name"):
        heads = [cell.text_content() for cell in tables[name].iter("th") if cell.get("scope") == "col"]
        ours = heads.index("Ours" if "Ours" in heads else "Our data") - 1
        rows = [row for body in tables[name].iter("tbody") for row in body.iter("tr") if row.find("td") is not None]
        cells = [row.findall("td")[ours].text_content() for row in rows]
        shown = [cell for cell in cells if not cell.startswith("–")]
        assert len(shown) > 3
        assert all(any(title in cell for title in real) for cell in shown)
    assert len(list(others.iter("img"))) == 11
