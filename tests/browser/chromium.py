"""Debian's Chromium without a window, which asks nobody but this machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.cannot_run import cannot_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

ONLY_THIS_MACHINE = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
EVERY_NAME_IS_THIS_MACHINE = "MAP * 127.0.0.1"


@contextmanager
def chromium(names: str = ONLY_THIS_MACHINE) -> Iterator["Browser"]:
    """A browser that is closed at the end; the test cannot run where it is not there. `names`: how it resolves host names."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        cannot_run("the Python package playwright is missing: pip install playwright")
    path = shutil.which("chromium")
    if path is None:
        cannot_run("Chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, f"--host-resolver-rules={names}"])
        yield browser
        browser.close()
