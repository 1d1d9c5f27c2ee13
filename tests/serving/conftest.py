"""The site is set up once for all tests of a file."""

from collections.abc import Iterator

import pytest

from tests.serving.site import Login, running_site


@pytest.fixture(scope="module")
def login() -> Iterator[Login]:
    with running_site() as site:
        yield site
