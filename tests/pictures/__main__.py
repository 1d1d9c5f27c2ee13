"""Draw docs/pictures from the release that readers see: `make pictures`.

The first screen of the report, and Dagster as `make ui` shows it, in Chromium; diagrams, where their text has changed, by
mermaid, which npm installs and nothing else needs.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.machine.settings import REPOSITORY
from tests.atlas import Atlas
from tests.browser.chromium import chromium
from tests.browser.served import ServedUi
from tests.pictures.shown import DAGSTER, PICTURES, REPORT, SHOWN_IN_DAGSTER, Diagram, diagrams, record, recorded, shown_now

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDTH, HEIGHT = 1280, 800
"""Pixels of a screen."""

PATIENCE_MILLISECONDS = 120_000

SETTLED_MILLISECONDS = 5_000
"""Until Dagster has coloured the tables and moved the graph to its place."""

MERMAID = REPOSITORY / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
HOW = "mermaid is missing: npm install --no-save --no-package-lock --prefix . mermaid@12"

DRAW = """
async text => {
  mermaid.initialize({
    startOnLoad: false, theme: 'neutral', fontFamily: 'sans-serif', htmlLabels: false, flowchart: {htmlLabels: false}
  })
  return (await mermaid.render('diagram', text)).svg
}
"""


def main() -> int:
    page = REPOSITORY / "warehouse" / "current" / "report.html"
    if not page.exists():
        sys.stderr.write("there is no release to draw: make refresh\n")
        return 3
    if undrawn := json.loads((page.parent / "manifest.json").read_text(encoding="utf-8")).get("undrawn"):
        sys.stderr.write(f"the page of the release is not whole: {undrawn[0]}\n")
        return 3
    shown, before = shown_now(), recorded()
    PICTURES.mkdir(exist_ok=True)
    with chromium() as browser:
        for diagram in diagrams():
            path = PICTURES / diagram.name
            if not path.exists() or before.get(diagram.name) != shown[diagram.name]:
                path.write_text(drawn(browser, diagram), encoding="utf-8")
        draw_report(browser, page, PICTURES / REPORT)
        draw_dagster(browser, PICTURES / DAGSTER)
    for path in PICTURES.iterdir():
        if path.suffix in {".png", ".svg"} and path.name not in shown:
            path.unlink()
    record(shown)
    sizes = (f"{path.name} {path.stat().st_size / 1000:,.0f} kB" for path in sorted(PICTURES.iterdir()))
    sys.stdout.write(f"{PICTURES.relative_to(REPOSITORY)}: {', '.join(sizes)}\n")
    return 0


def draw_report(browser: "Browser", report: Path, picture: Path) -> None:
    """The first screen of the report, as it opens from disk."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.goto(report.as_uri())
    page.wait_for_load_state("networkidle")
    page.screenshot(path=picture, animations="disabled")


def draw_dagster(browser: "Browser", picture: Path) -> None:
    """What the respondent table is made from and what is made from it, as `make ui` shows it."""
    served = ServedUi(Atlas(REPOSITORY))
    try:
        served.wait_until_up()
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.goto(f"{served.url}/assets/{SHOWN_IN_DAGSTER.to_user_string()}?view=lineage")
        for table in ("nhanes_slq", "respondents", "odds_ratios"):
            page.locator("svg").get_by_text(table, exact=True).first.wait_for()
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(SETTLED_MILLISECONDS)
        page.screenshot(path=picture, animations="disabled")
    finally:
        served.kill()
        (REPOSITORY / "ui.log").unlink(missing_ok=True)


def drawn(browser: "Browser", diagram: Diagram) -> str:
    """A diagram as SVG on white, which both schemes of the site can show."""
    if not MERMAID.exists():
        raise SystemExit(HOW)
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.add_script_tag(path=MERMAID)
    svg = str(page.evaluate(DRAW, diagram.text))
    svg = svg.replace('style="', 'style="background: white; ', 1)
    ElementTree.fromstring(svg)  # a browser shows nothing of an image that is no XML
    return svg + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
