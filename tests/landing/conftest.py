"""A server for the downloader, on this machine."""

from collections.abc import Iterator

import pytest

from tests.http_server import (
    Served,
    Site,
    running_site,
)
from tests.landing.fetched import BODY, DEMO


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running_site() as running:
        running.files = {DEMO: Served(BODY)}
        yield running


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between attempts, in seconds, noted instead of taken."""
    taken: list[float] = []
    monkeypatch.setattr("pipelines.landing.fetch.origins.time.sleep", taken.append)
    return taken
