"""Few kills, at any moment and aimed ones, and two refreshes at once; `make soak` kills many."""

from pathlib import Path

from tests.atlas import Atlas
from tests.soak.aimed import die_before
from tests.soak.kills import kill_many, refresh_twice_at_once

SECONDS = 6.0
"""Kills are spread over so many seconds: less than a refresh takes."""


def test_a_refresh_killed_at_any_moment_leaves_one_of_two_releases_and_nothing_else(nightly: Atlas, tmp_path: Path) -> None:
    killed = kill_many(nightly, tmp_path, 2, seconds=SECONDS)
    assert killed.problems == []
    assert killed.n_killed == 2


def test_publishing_that_dies_just_before_the_swap_leaves_the_release_before(nightly: Atlas) -> None:
    assert die_before(nightly, 1, "os.rename /.current.fresh") == (False, [])


def test_of_two_refreshes_at_once_one_works_and_the_other_says_who_does(nightly: Atlas, tmp_path: Path) -> None:
    assert refresh_twice_at_once(nightly, tmp_path) == []
