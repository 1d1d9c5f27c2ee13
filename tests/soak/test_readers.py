"""Few readers through few releases; `make soak` takes many."""

from pathlib import Path

from tests.atlas import Atlas
from tests.soak.readers import watch


def test_every_answer_is_of_one_release_while_releases_follow_one_another(nightly: Atlas, tmp_path: Path) -> None:
    watched = watch(nightly, tmp_path, n_readers=4, n_releases=3, quiet_seconds=0.5, pause=0.2)
    assert watched.problems == []
    assert len(watched.seen) == 4
    assert watched.n_answers > 50
