"""A short form of each soak; `make soak` runs long."""

import tempfile
from pathlib import Path

import pytest

from tests.atlas import Atlas
from tests.soak.disk import CannotMount, fill
from tests.soak.kills import kill_many, refresh_twice_at_once
from tests.soak.nights import keep_little
from tests.soak.readers import watch

SECONDS = 6.0
"""Kills are spread over so many seconds: less than a refresh takes."""


@pytest.fixture
def nightly(synthetic: Atlas) -> Atlas:
    keep_little(synthetic)
    return synthetic


def test_every_answer_is_of_one_release_while_releases_follow_one_another(nightly: Atlas, tmp_path: Path) -> None:
    watched = watch(nightly, tmp_path, n_readers=4, n_releases=3, quiet_seconds=0.5, pause=0.05)
    assert watched.problems == []
    assert len(watched.seen) == 4
    assert watched.n_answers > 50


def test_a_refresh_killed_at_any_moment_leaves_one_of_two_releases_and_nothing_else(nightly: Atlas, tmp_path: Path) -> None:
    killed = kill_many(nightly, tmp_path, 3, seconds=SECONDS)
    assert killed.problems == []
    assert killed.n_killed == 3


def test_of_two_refreshes_at_once_one_works_and_the_other_says_who_does(nightly: Atlas, tmp_path: Path) -> None:
    assert refresh_twice_at_once(nightly, tmp_path) == []


def test_a_refresh_without_space_says_so_and_blames_no_delivery(nightly: Atlas) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for share, is_all_on_it in ((0.1, False), (0.03, True)):
            try:
                full = fill(nightly, Path(folder), share, is_all_on_it=is_all_on_it)
            except CannotMount as error:
                pytest.skip(str(error))
            assert full.problems == [], full.said
