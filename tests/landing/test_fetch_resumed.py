"""Connections that break and files that change while they are downloaded: the downloader goes on, and splices nothing."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from pipelines.landing.fetch import origins
from tests.http_server import (
    Fault,
    Served,
    Site,
    chunked,
    compressed,
    dropped_after,
    only_bytes,
    replaced_by,
    stalled,
    without_length,
)
from tests.landing.fetched import BODY, DEMO, OLD_DATE, OTHER_BODY, failing, files_in, put, quick


def test_a_dropped_connection_is_resumed_where_it_stopped(site: Site, tmp_path: Path) -> None:
    site.faults[DEMO] = [dropped_after(1000)]
    report = quick(site.url, tmp_path)
    assert files_in(tmp_path) == {DEMO: BODY}
    assert report.bytes == len(BODY)
    assert site.ranges() == [None, "bytes=1000-"]
    assert site.requests[1].headers["if-range"] == '"v1"'


def test_a_resumed_transfer_that_drops_again_goes_on_from_there(site: Site, tmp_path: Path) -> None:
    site.files[DEMO] = Served(BODY, None, OLD_DATE)
    site.faults[DEMO] = [dropped_after(1000), dropped_after(500), dropped_after(0)]
    assert quick(site.url, tmp_path).bytes == len(BODY)
    assert files_in(tmp_path) == {DEMO: BODY}
    assert site.ranges() == [None, "bytes=1000-", "bytes=1500-", "bytes=1500-"]
    assert site.requests[1].headers["if-range"] == OLD_DATE


def test_a_shorter_range_than_asked_for_is_completed(site: Site, tmp_path: Path) -> None:
    site.faults[DEMO] = [dropped_after(1000), only_bytes(1000, 1500)]
    assert quick(site.url, tmp_path).bytes == len(BODY)
    assert site.ranges() == [None, "bytes=1000-", "bytes=1500-"]
    assert files_in(tmp_path) == {DEMO: BODY}


def test_another_range_than_asked_for_is_not_used(site: Site, tmp_path: Path) -> None:
    site.faults[DEMO] = [dropped_after(1000), only_bytes(0, len(BODY))]
    quick(site.url, tmp_path)
    assert files_in(tmp_path) == {DEMO: BODY}


def test_a_server_that_ignores_range_is_listened_to_from_the_start(site: Site, tmp_path: Path) -> None:
    site.heeds_range = False
    site.faults[DEMO] = [dropped_after(1000)]
    assert quick(site.url, tmp_path).bytes == 1000 + len(BODY)
    assert files_in(tmp_path) == {DEMO: BODY}


@pytest.mark.parametrize("heeds_if_range", [True, False])
@pytest.mark.parametrize(
    "newer", [Served(OTHER_BODY, '"v2"'), Served(OTHER_BODY[:2000], '"v2"'), Served(OTHER_BODY + BODY, None)]
)
def test_two_versions_of_a_file_are_never_spliced(site: Site, tmp_path: Path, newer: Served, heeds_if_range: bool) -> None:
    site.heeds_if_range = heeds_if_range
    site.faults[DEMO] = [replaced_by(newer, DEMO, cut_at=1000)]
    quick(site.url, tmp_path)
    assert site.ranges()[1] == "bytes=1000-"
    assert files_in(tmp_path) == {DEMO: newer.body}


@pytest.mark.parametrize(
    "served",
    [
        Served(BODY, etag=None),
        Served(BODY, etag='W/"v1"', last_modified=OLD_DATE),
        # Two versions may be made within the second that such a date stands for.
        Served(BODY, etag=None, last_modified=format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)),
    ],
    ids=["no validator", "weak tag", "date too young"],
)
def test_a_file_that_cannot_be_recognised_safely_is_started_over(site: Site, tmp_path: Path, served: Served) -> None:
    site.files[DEMO] = served
    site.faults[DEMO] = [dropped_after(1000)]
    quick(site.url, tmp_path)
    assert site.ranges() == [None, None]
    assert files_in(tmp_path) == {DEMO: BODY}


def test_the_next_fetch_goes_on_where_a_failed_one_stopped(site: Site, tmp_path: Path) -> None:
    site.faults[DEMO] = [dropped_after(1000)]
    failing(site.url, tmp_path, attempts=1)
    assert quick(site.url, tmp_path).bytes == len(BODY) - 1000
    assert files_in(tmp_path) == {DEMO: BODY}


def test_a_beginning_from_another_address_is_not_continued(site: Site, tmp_path: Path) -> None:
    site.faults[DEMO] = [dropped_after(1000)]
    failing(site.url, tmp_path, attempts=1)
    site.files[f"mirror/{DEMO}"] = Served(OTHER_BODY)
    quick(f"{site.url}/mirror", tmp_path)
    assert site.ranges() == [None, None]
    assert files_in(tmp_path) == {DEMO: OTHER_BODY}


@pytest.mark.parametrize("size", [len(BODY), len(BODY) + 80])
def test_a_beginning_that_is_too_long_is_thrown_away(site: Site, tmp_path: Path, size: int) -> None:
    site.faults[DEMO] = [dropped_after(1000)]
    failing(site.url, tmp_path, attempts=1)
    put(tmp_path, f"{DEMO}.part", bytes(size))
    quick(site.url, tmp_path)
    assert files_in(tmp_path) == {DEMO: BODY}


def test_a_body_without_announced_length_is_whole_only_with_its_end_mark(site: Site, tmp_path: Path) -> None:
    site.faults[DEMO] = [chunked(cut_short=True), chunked(cut_short=False)]
    assert quick(site.url, tmp_path).bytes == 2 * len(BODY)
    assert site.ranges() == [None, None]
    assert files_in(tmp_path) == {DEMO: BODY}


@pytest.mark.parametrize(("fault", "reason"), [(without_length, "does not say how long"), (compressed, "compressed")])
def test_an_answer_whose_wholeness_cannot_be_checked_is_refused(site: Site, tmp_path: Path, fault: Fault, reason: str) -> None:
    site.faults[DEMO] = [fault]
    assert reason in failing(site.url, tmp_path).failures[0].reason
    assert files_in(tmp_path) == {}


def test_a_server_that_stops_answering_is_asked_again(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins, "TIMEOUT", httpx.Timeout(0.1))
    site.faults[DEMO] = [stalled(0.3)]
    quick(site.url, tmp_path)
    assert files_in(tmp_path) == {DEMO: BODY}
