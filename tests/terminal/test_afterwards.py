"""A refresh ends with whether published numbers changed, even when nothing was made anew."""

import dataclasses

import pytest

from pipelines.dagster.job import Refreshed
from pipelines.terminal.afterwards import say_what_is_new, say_what_is_next
from tests.atlas import Atlas

NOTHING = Refreshed(success=True, run_id="r", n_made=0, step_seconds={}, rejected=[], failures=[], broken=[])


def test_a_refresh_says_whether_readers_see_something_new(published_synthetic: Atlas, capsys: pytest.CaptureFixture[str]) -> None:
    say_what_is_new(published_synthetic.project, NOTHING)
    assert capsys.readouterr().out == "nothing was new: no delivery was parsed, nothing was estimated\n"
    say_what_is_new(published_synthetic.project, dataclasses.replace(NOTHING, is_new_release=True))
    said = capsys.readouterr().out
    assert "what was made before is published again" in said
    assert "nothing was new" not in said
    assert "new release" in said


def test_a_refresh_names_the_page_and_what_comes_next(synthetic: Atlas, capsys: pytest.CaptureFixture[str]) -> None:
    say_what_is_next(synthetic.project)
    said = capsys.readouterr().out
    assert str(synthetic.warehouse / "current" / "report.html") in said
    assert "next: cramp-atlas ui shows tables and runs in Dagster, cramp-atlas sql asks questions" in said
    (synthetic.folder / "Makefile").touch()
    say_what_is_next(synthetic.project)
    assert "next: make ui shows tables and runs in Dagster, make sql asks questions" in capsys.readouterr().out
