"""The downloader against a real server on this machine; what it saved is compared with what was served."""

import hashlib
import os
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.http_server import (
    Served,
    Site,
    page,
    status,
)
from tests.landing.fetched import (
    BODY,
    DEMO,
    FOLDER,
    NO_SUCH_PAGE,
    OLD_BODY,
    OLD_DATE,
    OTHER_BODY,
    SLQ,
    failing,
    files_in,
    manifest_of,
    put,
    quick,
)

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
