"""A clock that is ahead, set back, in another zone, at midnight or on a leap day: releases stand in the order of publishing."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.release.kept import current_release, manifests
from pipelines.release.prune import prune
from pipelines.release.publish import Published, publish
from pipelines.release.rollback import resume, roll_back
from pipelines.release.verify import verify
from tests.atlas import Atlas
from tests.release.damages import run

FIRST = ("One row per column of every table.", "One row a column.")
SECOND = (FIRST[1], "A row per column.")
THIRD = (SECOND[1], "Rows of columns.")
"""Edits of a description, which are news and need no refresh."""

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def publish_at(atlas: Atlas, moment: datetime, news: tuple[str, str] | None = None) -> Published:
    """Publish while the clock says so, after an edit where there is one."""
    if news:
        atlas.edit("data_contracts/meta/columns.odcs.yaml", *news)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            assert tz is UTC
            return moment

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.release.publish.datetime", Clock)
        return publish(atlas.project)


def ids(atlas: Atlas) -> list[str]:
    return [str(manifest["release_id"]) for manifest in manifests(atlas.project)]


def test_after_a_night_with_a_clock_ahead_all_goes_on_in_the_order_of_publishing(synthetic: Atlas) -> None:
    first = current_release(synthetic.project)
    ahead = publish_at(synthetic, NOON + timedelta(days=400), FIRST)
    assert ahead.notes == ()
    # the clock is right again: nothing is published anew, and nothing is said of it
    again = publish_at(synthetic, NOON)
    assert (again.is_new, again.release_id, again.notes) == (False, ahead.release_id, ())
    # the next release is the newest, though the one before is dated later; that is said once
    news = publish_at(synthetic, NOON, SECOND)
    assert news.is_new
    [note] = news.notes
    assert f"it is 2027-03-01 12:00 UTC, and release {ahead.release_id} is dated 2028-04-04 12:00 UTC" in note
    assert ids(synthetic) == [first, ahead.release_id, news.release_id]
    assert not publish_at(synthetic, NOON + timedelta(days=1)).is_new
    last = publish_at(synthetic, NOON + timedelta(days=1), THIRD)
    assert last.notes == ()
    assert [manifest["compared_with"] for manifest in manifests(synthetic.project)][1:] == [first, *ids(synthetic)[1:3]]
    # who goes back and on is led to what was published last, and pruning keeps it
    roll_back(synthetic.project, ahead.release_id)
    assert not publish_at(synthetic, NOON + timedelta(days=2)).is_current
    assert resume(synthetic.project) == last.release_id
    listed = [line for line in run(synthetic, "releases list").output.splitlines() if "2027-" in line or "2028-" in line]
    assert [line[0] for line in listed] == [" ", " ", "*"]
    synthetic.edit("study.yaml", "  releases: 30", "  releases: 2")
    prune(synthetic.project)
    assert ids(synthetic) == [news.release_id, last.release_id]
    assert verify(synthetic.project, manifests(synthetic.project)[-1]) == []


def test_ids_and_times_are_of_utc_at_midnight_in_any_zone_and_on_a_leap_day(
    synthetic: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)]
    zones = ["Pacific/Kiritimati", "America/Los_Angeles"]
    made = []
    for number, (moment, zone) in enumerate(zip(moments, zones, strict=True)):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        made.append(publish_at(synthetic, moment, (FIRST, SECOND)[number]))
        assert made[-1].notes == ()
        listed = run(synthetic, "releases list").output
        assert f"* {made[-1].release_id}  {moment.isoformat(timespec='seconds')}" in listed
    monkeypatch.undo()
    time.tzset()
    assert [release.release_id.rpartition("-")[0] for release in made] == ["2028-02-29.1", "2028-03-01.1"]
    published = synthetic.query("select published_at from meta.releases order by published_at desc limit 2")
    assert [row[0] for row in published] == [moment.replace(tzinfo=None) for moment in reversed(moments)]
    # a day to which the clock comes back has ids of its own for each release
    again = publish_at(synthetic, moments[0], THIRD)
    assert again.release_id.rpartition("-")[0] == "2028-02-29.2"
    assert len(again.notes) == 1
