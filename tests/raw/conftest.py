"""A source whose files are delivered and were taken in, without a release: what a test of one delivery needs, and no more."""

from pathlib import Path

import pytest

from pipelines.raw.take_in import take_in
from pipelines.synthetic.delivery import deliver
from tests.atlas import Atlas, make_atlas
from tests.night.small import generated_no_more
from tests.raw.landed import SOURCE, WAVE, Landed


@pytest.fixture(scope="session")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    atlas = make_atlas(tmp_path_factory.mktemp("landed") / "project")
    deliver(atlas.project, atlas.project.sources[SOURCE])
    generated_no_more(atlas)
    assert not take_in(atlas.project, SOURCE, WAVE).problems
    return atlas


@pytest.fixture
def landed(taken_in: Atlas, tmp_path: Path) -> Landed:
    """The same, to change."""
    return Landed(taken_in.copy(tmp_path / "project"))
