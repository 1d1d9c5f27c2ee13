"""Projects that several tests share. They are made once; a test that changes one works on a copy."""

from pathlib import Path

import pytest

from tests.atlas import Atlas, make_atlas
from tests.nhanes_files import nhanes_folder


@pytest.fixture(scope="session")
def published_synthetic(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The embedded default after one refresh. Read only."""
    atlas = make_atlas(tmp_path_factory.mktemp("synthetic") / "project")
    assert atlas.refresh().success
    return atlas


@pytest.fixture(scope="session")
def published_nhanes(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """All three sources after one refresh, NHANES from its real files. Read only."""
    atlas = make_atlas(tmp_path_factory.mktemp("nhanes") / "project")
    atlas.fetch_nhanes(str(nhanes_folder()))
    assert atlas.refresh().success
    return atlas


@pytest.fixture
def synthetic(published_synthetic: Atlas, tmp_path: Path) -> Atlas:
    """The refreshed embedded default, to change."""
    return published_synthetic.copy(tmp_path / "project")


@pytest.fixture
def nhanes(published_nhanes: Atlas, tmp_path: Path) -> Atlas:
    """The refreshed project with NHANES, to change."""
    return published_nhanes.copy(tmp_path / "project")
