"""The downloader against a real server on this machine; what it saved is compared with what was served."""

import errno
import hashlib
import json
import os
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from fcntl import LOCK_EX, flock
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from pipelines.landing.fetch import origins
from pipelines.landing.fetch.fetching import FetchFailed, FetchReport, fetch
from tests.http_server import (
    Fault,
    Served,
    Site,
    chunked,
    compressed,
    dropped_after,
    only_bytes,
    page,
    redirect,
    replaced_by,
    running_site,
    stalled,
    status,
    without_length,
)

FOLDER = "Nchs/Data/Nhanes/Public/2005/DataFiles"
DEMO, SLQ = f"{FOLDER}/DEMO_D.xpt", f"{FOLDER}/SLQ_D.xpt"
OLD_DATE = "Tue, 01 Sep 2009 10:00:00 GMT"
NO_SUCH_PAGE = "\n<!DOCTYPE html><html><title>Page not found</title></html>"


def transport_file(seed: int, records: int = 50) -> bytes:
    """80-byte records behind the first one of a SAS transport file."""
    first = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  "
    return first + random.Random(seed).randbytes(80 * records)


BODY, OTHER_BODY, OLD_BODY = transport_file(1), transport_file(2), transport_file(3, records=20)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running_site() as running:
        running.files = {DEMO: Served(BODY)}
        yield running


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between attempts, in seconds, noted instead of taken."""
    taken: list[float] = []
    monkeypatch.setattr("pipelines.landing.fetch.origins.time.sleep", taken.append)
    return taken


def quick(base_url: str, destination: Path, files: Sequence[str] = (DEMO,), attempts: int = 5, **options: Any) -> FetchReport:
    return fetch(files, base_url, destination, attempts=attempts, backoff_seconds=0.01, **options)


def failing(base_url: str, destination: Path, files: Sequence[str] = (DEMO,), attempts: int = 5) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        quick(base_url, destination, files, attempts)
    return caught.value


def put(folder: Path, file: str, body: bytes) -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def files_in(folder: Path) -> dict[str, bytes]:
    """Everything under `folder` but the manifest."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop("manifest.json", None)
    return found


def manifest_of(folder: Path) -> dict[str, dict[str, Any]]:
    manifest: dict[str, dict[str, Any]] = json.loads((folder / "manifest.json").read_text())
    return manifest


# --- what arrives, and what is remembered of it


def test_files_arrive_under_their_own_paths_and_the_manifest_describes_them(site: Site, tmp_path: Path) -> None:
    site.files[SLQ] = Served(OTHER_BODY, etag=None, last_modified=OLD_DATE)
    before = datetime.now(UTC)
    report = quick(site.url, tmp_path, [DEMO, SLQ])
    assert files_in(tmp_path) == {DEMO: BODY, SLQ: OTHER_BODY}
    assert (report.downloaded, report.unchanged, report.bytes) == ((DEMO, SLQ), (), len(BODY) + len(OTHER_BODY))
    assert report.seconds > 0
    manifest = manifest_of(tmp_path)
    assert before <= datetime.fromisoformat(manifest[DEMO].pop("fetched_at")) <= datetime.now(UTC)
    assert manifest[DEMO] == {
        "url": f"{site.url}/{DEMO}",
        "bytes": len(BODY),
        "sha256": hashlib.sha256(BODY).hexdigest(),
        "etag": '"v1"',
        "last_modified": None,
    }
    assert (manifest[SLQ]["etag"], manifest[SLQ]["last_modified"]) == (None, OLD_DATE)


@pytest.mark.parametrize("form", ["absolute folder", "relative folder", "file URL"])
def test_a_folder_is_as_good_as_a_site(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a copy", DEMO, BODY)
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "a copy"
    base = {"absolute folder": str(source), "relative folder": "a copy", "file URL": source.as_uri()}[form]
    first, second = quick(base, tmp_path / "landing"), quick(base, tmp_path / "landing")
    assert files_in(tmp_path / "landing") == {DEMO: BODY}
    assert (first.downloaded, first.bytes) == ((DEMO,), len(BODY))
    assert (second.downloaded, second.unchanged, second.bytes) == ((), (DEMO,), 0)


def test_a_file_that_changed_in_a_folder_is_fetched_again_even_at_the_same_size(tmp_path: Path) -> None:
    put(tmp_path / "source", DEMO, BODY)
    quick(str(tmp_path / "source"), tmp_path / "landing")
    os.utime(put(tmp_path / "source", DEMO, OTHER_BODY), (0, 0))
    assert quick(str(tmp_path / "source"), tmp_path / "landing").downloaded == (DEMO,)
    assert files_in(tmp_path / "landing") == {DEMO: OTHER_BODY}


@pytest.mark.parametrize(
    "served", [Served(BODY), Served(BODY, etag='W/"v1"'), Served(BODY, None, OLD_DATE)], ids=["tag", "weak", "date"]
)
@pytest.mark.parametrize("heeds_conditions", [True, False])
def test_a_second_fetch_downloads_nothing(site: Site, tmp_path: Path, served: Served, heeds_conditions: bool) -> None:
    site.files[DEMO] = served
    site.heeds_conditions = heeds_conditions
    quick(site.url, tmp_path)
    remembered = manifest_of(tmp_path)
    report = quick(site.url, tmp_path)
    assert (report.downloaded, report.unchanged, report.bytes) == ((), (DEMO,), 0)
    assert manifest_of(tmp_path) == remembered
    assert files_in(tmp_path) == {DEMO: BODY}


def test_a_new_version_replaces_the_old_one(site: Site, tmp_path: Path) -> None:
    quick(site.url, tmp_path)
    site.files[DEMO] = Served(OTHER_BODY, etag='"v2"')
    assert quick(site.url, tmp_path).downloaded == (DEMO,)
    assert files_in(tmp_path) == {DEMO: OTHER_BODY}
    assert manifest_of(tmp_path)[DEMO]["etag"] == '"v2"'


def test_a_file_without_validators_is_always_fetched_again(site: Site, tmp_path: Path) -> None:
    site.files[DEMO] = Served(BODY, etag=None)
    quick(site.url, tmp_path)
    assert quick(site.url, tmp_path).downloaded == (DEMO,)


@pytest.mark.parametrize("spoil", ["edit the file", "delete the file", "break the manifest", "delete the manifest"])
def test_what_the_manifest_does_not_vouch_for_is_fetched_again(site: Site, tmp_path: Path, spoil: str) -> None:
    quick(site.url, tmp_path)
    match spoil:
        case "edit the file":
            (tmp_path / DEMO).write_bytes(BODY[:-1] + b"?")
        case "delete the file":
            (tmp_path / DEMO).unlink()
        case "break the manifest":
            (tmp_path / "manifest.json").write_text('{"half": ')
        case "delete the manifest":
            (tmp_path / "manifest.json").unlink()
    assert quick(site.url, tmp_path).downloaded == (DEMO,)
    assert files_in(tmp_path) == {DEMO: BODY}
    assert quick(site.url, tmp_path).unchanged == (DEMO,)


def test_the_same_file_from_another_address_is_fetched_again(site: Site, tmp_path: Path) -> None:
    put(tmp_path / "source", DEMO, BODY)
    quick(str(tmp_path / "source"), tmp_path / "landing")
    assert quick(site.url, tmp_path / "landing").downloaded == (DEMO,)


# --- broken connections, and going on


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


# --- other spellings, and pages in place of files


@pytest.mark.parametrize("spelling", ["DEMO_D.XPT", "demo_d.xpt", "demo_d.XPT"])
def test_another_spelling_is_found_and_saved_under_the_name_asked_for(site: Site, tmp_path: Path, spelling: str) -> None:
    site.files = {f"{FOLDER}/{spelling}": Served(BODY)}
    quick(site.url, tmp_path)
    assert files_in(tmp_path) == {DEMO: BODY}
    site.requests.clear()
    assert quick(site.url, tmp_path).unchanged == (DEMO,)
    assert site.asked() == [f"{FOLDER}/{spelling}"]


def test_a_folder_may_spell_otherwise_too(tmp_path: Path) -> None:
    put(tmp_path / "source", f"{FOLDER}/DEMO_D.XPT", BODY)
    quick(str(tmp_path / "source"), tmp_path / "landing")
    assert files_in(tmp_path / "landing") == {DEMO: BODY}


def test_a_web_page_is_not_taken_for_a_file(site: Site, tmp_path: Path) -> None:
    put(tmp_path, DEMO, OLD_BODY)
    site.faults[DEMO] = [page(NO_SUCH_PAGE)]
    error = failing(site.url, tmp_path)
    assert error.failures[0].reason.startswith(f"what came from {site.url}/{DEMO} is not a SAS transport file but a web page")
    assert files_in(tmp_path) == {DEMO: OLD_BODY}


def test_behind_a_web_page_another_spelling_is_tried(site: Site, tmp_path: Path) -> None:
    site.faults[DEMO] = [page(NO_SUCH_PAGE)]
    site.files = {f"{FOLDER}/DEMO_D.XPT": Served(BODY)}
    quick(site.url, tmp_path)
    assert files_in(tmp_path) == {DEMO: BODY}


def test_what_is_not_a_transport_file_is_refused_without_showing_it(tmp_path: Path) -> None:
    put(tmp_path / "source", DEMO, b"id,age\n31127,44\n")
    error = failing(str(tmp_path / "source"), tmp_path / "landing")
    assert "not a SAS transport file but something else" in str(error)
    assert "31127" not in str(error)
    assert files_in(tmp_path / "landing") == {}


def test_only_transport_files_have_a_header_to_check(site: Site, tmp_path: Path) -> None:
    site.files["docs/read me.txt"] = site.files["docs/read%20me.txt"] = Served(b"<b>terms of use</b>")
    quick(site.url, tmp_path, ["docs/read me.txt"])
    assert files_in(tmp_path) == {"docs/read me.txt": b"<b>terms of use</b>"}


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


# --- what is shown


@pytest.fixture
def capable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that can draw."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.usefixtures("capable")
def test_progress_is_shown_on_a_terminal_and_nowhere_else(site: Site, tmp_path: Path) -> None:
    shown, piped = StringIO(), StringIO()
    quick(site.url, tmp_path / "one", console=Console(file=shown, force_terminal=True, width=120))
    quick(site.url, tmp_path / "two", console=Console(file=piped))
    assert "1 of 1 files" in shown.getvalue()
    assert piped.getvalue() == ""


@pytest.mark.usefixtures("capable")
@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_progress_is_drawn_where_plain_text_is_asked_for(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    shown = StringIO()
    quick(site.url, tmp_path, console=Console(file=shown, force_terminal=True, width=120))
    assert shown.getvalue().strip() == ""


@pytest.mark.usefixtures("capable")
def test_what_a_pause_is_for_is_shown(site: Site, tmp_path: Path) -> None:
    shown = StringIO()
    site.faults[DEMO] = [status(503)]
    quick(site.url, tmp_path, console=Console(file=shown, force_terminal=True, width=160))
    assert "DEMO_D.xpt: 127.0.0.1" in shown.getvalue()
    assert "answered 503" in shown.getvalue()
