from collections.abc import Iterator

import pytest

from tests.night.sinks import Sink, mail_server, web_hook


@pytest.fixture
def hook() -> Iterator[Sink]:
    with web_hook() as sink:
        yield sink


@pytest.fixture
def mail() -> Iterator[Sink]:
    with mail_server() as sink:
        yield sink
