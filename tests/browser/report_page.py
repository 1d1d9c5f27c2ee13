"""What is asked of `report.html` in a browser, whatever stands in it."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pipelines.machine.settings import REPOSITORY

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"

WIDTHS = (1280, 390)

A4_PIXELS = 688
"""The width of an A4 sheet within its margins of 14 mm, at 96 pixels an inch."""

CUT_OFF = """
() => [...document.querySelectorAll('table, figure img')].filter(shown => {
  for (let box = shown.parentElement; box; box = box.parentElement)
    if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== 'auto') return true
  return false
}).map(shown => shown.id || shown.alt)
"""
"""What is wider than its box where the box cannot be scrolled."""

NEEDS_SCROLLING = "() => [...document.querySelectorAll('.wide')].filter(box => box.scrollWidth > box.clientWidth + 1).length"


def serious_barriers(page: "Page", *parts: str) -> Sequence[tuple[str, str, str]]:
    """What axe-core finds serious or critical in the page, or in parts of it: rule, what it asks for, and the first place."""
    if not AXE.exists():
        reason = "axe-core is missing: npm install --no-save --no-package-lock --prefix . axe-core@4.14"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    page.evaluate(AXE.read_text(encoding="utf-8"))  # as a script of the page it would be forbidden
    found = page.evaluate("parts => axe.run(parts.length ? {include: parts} : document)", list(parts))
    assert len(found["passes"]) > 10
    serious = [rule for rule in found["violations"] if rule["impact"] in {"serious", "critical"}]
    return [(rule["id"], rule["help"], rule["nodes"][0]["html"][:200]) for rule in serious]
