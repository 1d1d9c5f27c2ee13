import pytest

from tests.atlas import Atlas
from tests.soak.nights import keep_little


@pytest.fixture
def nightly(synthetic: Atlas) -> Atlas:
    """The refreshed embedded default, which keeps nothing for longer than something needs it."""
    keep_little(synthetic)
    return synthetic
