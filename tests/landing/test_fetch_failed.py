"""What the downloader asks for again and when it gives up, and what it then leaves."""

import errno
import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

import pytest

from pipelines.landing.fetch import origins
from tests.http_server import (
    Served,
    Site,
    dropped_after,
    redirect,
    running_site,
    status,
)
from tests.landing.fetched import (
    BODY,
    DEMO,
    FOLDER,
    OLD_BODY,
    OTHER_BODY,
    SLQ,
    failing,
    files_in,
    manifest_of,
    put,
    quick,
)

# --- what is asked again, and when


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_met_with_another_request(site: Site, tmp_path: Path, code: int) -> None:
    site.faults[DEMO] = [status(code)]
    assert quick(site.url, tmp_path).downloaded == (DEMO,)
    assert files_in(tmp_path) == {DEMO: BODY}


def test_pauses_double_until_the_attempts_are_used_up(site: Site, tmp_path: Path, pauses: list[float]) -> None:
    site.faults[DEMO] = [status(503)] * 9
    failure = failing(site.url, tmp_path).failures[0]
    assert pauses == [0.01, 0.02, 0.04, 0.08]
    assert len(site.requests) == 5
    assert "answered 503" in failure.reason
    assert "attempts: 5" in failure.reason


def test_retry_after_is_honoured_as_seconds_and_as_a_date(site: Site, tmp_path: Path, pauses: list[float]) -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    site.faults[DEMO] = [status(503, Retry_After="7"), status(429, Retry_After=in_a_minute), status(503, Retry_After="soon")]
    quick(site.url, tmp_path)
    assert pauses[0] == 7
    assert 55 <= pauses[1] <= 60
    assert pauses[2] == 0.04


def test_a_pause_of_an_hour_is_reported_instead_of_taken(site: Site, tmp_path: Path, pauses: list[float]) -> None:
    site.faults[DEMO] = [status(503, Retry_After="3600")]
    assert "asks for a pause of 3600 s" in failing(site.url, tmp_path).failures[0].reason
    assert pauses == []


@pytest.mark.parametrize("code", [400, 401, 403, 410])
def test_a_refusal_is_final(site: Site, tmp_path: Path, code: int) -> None:
    site.faults[DEMO] = [status(code)]
    assert f"answered {code}" in failing(site.url, tmp_path).failures[0].reason
    assert site.asked() == [DEMO]


def test_an_absent_file_is_asked_for_once_in_each_spelling(site: Site, tmp_path: Path) -> None:
    site.files.clear()
    failure = failing(site.url, tmp_path).failures[0]
    assert site.asked() == [f"{FOLDER}/{name}" for name in ("DEMO_D.xpt", "DEMO_D.XPT", "demo_d.xpt", "demo_d.XPT")]
    assert "answered 404" in failure.reason
    assert "spellings tried: 4" in failure.reason
    assert files_in(tmp_path) == {}


def test_a_server_that_cannot_be_reached_is_not_waited_for_again_with_every_file(tmp_path: Path, pauses: list[float]) -> None:
    with running_site() as gone:
        url = gone.url
    failed = failing(url, tmp_path, [DEMO, SLQ])
    failures = failed.failures
    assert pauses == [0.01, 0.02, 0.04, 0.08]
    assert [failure.file for failure in failures] == [DEMO, SLQ]
    assert all("no connection to 127.0.0.1" in failure.reason for failure in failures)
    lines = str(failed).splitlines()[1:]
    assert [line.partition(": ")[0].strip() for line in lines[:2]] == [DEMO, SLQ]
    assert lines[1].endswith(": the same")
    assert lines[2:] == ["    -> check the connection and fetch again: what is complete is not downloaded twice"]


# --- failures


def test_a_body_that_is_always_short_leaves_the_old_file(site: Site, tmp_path: Path) -> None:
    put(tmp_path, DEMO, OLD_BODY)
    site.heeds_range = False
    site.faults[DEMO] = [dropped_after(1000)] * 5
    failure = failing(site.url, tmp_path).failures[0]
    assert "dropped the connection" in failure.reason
    assert (tmp_path / DEMO).read_bytes() == OLD_BODY
    assert not (tmp_path / "manifest.json").exists()


def test_all_files_are_tried_and_all_failures_are_told_together(site: Site, tmp_path: Path) -> None:
    gone, forbidden = f"{FOLDER}/GONE_D.xpt", f"{FOLDER}/FORBIDDEN_D.xpt"
    put(tmp_path, SLQ, OLD_BODY)
    site.files[SLQ] = Served(OTHER_BODY)
    site.faults = {SLQ: [status(503)] * 5, forbidden: [status(403)]}
    error = failing(site.url, tmp_path, [gone, SLQ, forbidden, DEMO])
    assert [failure.file for failure in error.failures] == [gone, SLQ, forbidden]
    assert error.report.downloaded == (DEMO,)
    assert list(manifest_of(tmp_path)) == [DEMO]
    assert files_in(tmp_path) == {DEMO: BODY, SLQ: OLD_BODY}
    for told in (
        "3 of 4 files",
        *(part for failure in error.failures for part in (failure.file, failure.reason, failure.remedy)),
    ):
        assert told in str(error)


def test_a_full_disk_leaves_the_old_file(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    put(tmp_path, DEMO, OLD_BODY)
    monkeypatch.setattr(origins, "fsync", fail)
    failure = failing(site.url, tmp_path).failures[0]
    assert "No space left" in failure.reason
    assert "free space" in failure.remedy
    assert (tmp_path / DEMO).read_bytes() == OLD_BODY


def test_the_old_file_is_in_place_until_the_new_one_is_whole(site: Site, tmp_path: Path) -> None:
    def look(handler: Any, served: Served) -> None:
        seen.append((tmp_path / DEMO).read_bytes())
        handler.serve(served)

    seen: list[bytes] = []
    put(tmp_path, DEMO, OLD_BODY)
    site.faults[DEMO] = [dropped_after(1000), look]
    quick(site.url, tmp_path)
    assert seen == [OLD_BODY]
    assert files_in(tmp_path) == {DEMO: BODY}


def test_a_file_that_changes_while_it_is_copied_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = put(tmp_path / "source", DEMO, BODY)
    put(tmp_path / "landing", DEMO, OLD_BODY)
    monkeypatch.setattr(origins, "fsync", lambda descriptor: source.write_bytes(OTHER_BODY + BODY))
    assert "changed while it was being copied" in failing(str(tmp_path / "source"), tmp_path / "landing").failures[0].reason
    assert (tmp_path / "landing" / DEMO).read_bytes() == OLD_BODY


@pytest.mark.parametrize(
    "name", ["../DEMO_D.xpt", "a/../../b.xpt", "/etc/b.xpt", "a\\..\\b.xpt", "a//b.xpt", "", ".", "a\n.xpt", "manifest.json"]
)
def test_a_name_that_leads_out_of_the_destination_is_refused(site: Site, tmp_path: Path, name: str) -> None:
    error = failing(site.url, tmp_path / "landing", [name, DEMO])
    assert [failure.file for failure in error.failures] == [name]
    assert "not a plain path" in error.failures[0].reason
    assert site.asked() == [DEMO]
    assert files_in(tmp_path) == {
        f"landing/{DEMO}": BODY,
        "landing/manifest.json": (tmp_path / "landing/manifest.json").read_bytes(),
    }


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("ftp://127.0.0.1/pub", "http, https and file:"),
        ("file://elsewhere/pub", "http, https and file:"),
        ("", "http, https and file:"),
        ("http://[::1/pub", "cannot be read"),
        ("https://someone:secret@127.0.0.1", "user name or a password"),
        ("no/such/folder", "there is no folder"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_for_every_file(base: str, reason: str, tmp_path: Path) -> None:
    error = failing(base, tmp_path, [DEMO, SLQ])
    assert [failure.file for failure in error.failures] == [DEMO, SLQ]
    assert reason in error.failures[0].reason
    assert "secret" not in str(error)


def test_a_redirect_is_followed(site: Site, tmp_path: Path) -> None:
    site.faults["old/DEMO_D.xpt"] = [redirect(f"/{DEMO}")]
    quick(f"{site.url}/old", tmp_path, ["DEMO_D.xpt"])
    assert files_in(tmp_path) == {"DEMO_D.xpt": BODY}


@pytest.mark.parametrize("scheme", ["file", "ftp"])
def test_a_redirect_away_from_http_is_refused(site: Site, tmp_path: Path, scheme: str) -> None:
    secret = put(tmp_path, "secret.xpt", OTHER_BODY)
    site.faults[DEMO] = [redirect(f"{scheme}://{secret}")]
    assert "cannot be followed" in failing(site.url, tmp_path / "landing").failures[0].reason
    assert files_in(tmp_path / "landing") == {}


def test_redirects_in_a_circle_are_given_up(site: Site, tmp_path: Path) -> None:
    site.faults[DEMO] = [redirect(f"/{DEMO}")] * 50
    assert "cannot be followed" in failing(site.url, tmp_path).failures[0].reason


def test_a_second_fetch_into_the_same_folder_at_the_same_time_is_refused(site: Site, tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        flock(folder, LOCK_EX)
        assert "another fetch" in failing(site.url, tmp_path).failures[0].reason
    finally:
        os.close(folder)
    assert quick(site.url, tmp_path).downloaded == (DEMO,)


def test_a_destination_that_is_a_file_is_reported(site: Site, tmp_path: Path) -> None:
    assert "cannot be used" in failing(site.url, put(tmp_path, "landing", b"")).failures[0].reason
