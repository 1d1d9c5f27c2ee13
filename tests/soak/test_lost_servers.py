"""One server of Spark Connect that is lost while a night runs on it; `make soak` loses ten."""

from pathlib import Path

from tests.atlas import Atlas
from tests.soak.lost_servers import lose_servers


def test_a_night_whose_server_is_killed_leaves_the_release_and_the_next_one_works(nightly: Atlas, tmp_path: Path) -> None:
    lost = lose_servers(nightly, tmp_path, 1, seconds=8.0)
    assert lost.problems == []
    assert lost.n_killed == 1
