"""One published project of samples drawn in unlike ways."""

from pathlib import Path

import pytest

from tests.atlas import Atlas
from tests.conftest import shared
from tests.designs.study import make_study


def _published(folder: Path) -> Atlas:
    atlas = make_study(folder)
    assert atlas.refresh().success
    return atlas


@pytest.fixture(scope="session")
def published_designs(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The small study of designs after one refresh. Read only."""
    return shared(tmp_path_factory, "designs", _published)
