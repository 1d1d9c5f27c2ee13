"""One full disk; `make soak` fills many, so that every part of a refresh meets one."""

import tempfile
from pathlib import Path

import pytest

from tests.atlas import Atlas
from tests.soak.disk import CannotMount, fill

BYTES_FREE = 3_000_000


def test_a_refresh_without_space_says_so_and_blames_no_delivery(nightly: Atlas) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            full = fill(nightly, Path(folder), BYTES_FREE, is_all_on_it=True)
        except CannotMount as error:
            pytest.skip(str(error))
        assert full.problems == [], full.said
