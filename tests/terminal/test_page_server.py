"""The report beside `cramp-atlas ui`: handed out to this machine by its name, no database with it, and ended with the UI."""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.patience import PATIENCE_SECONDS

UI = """
import sys, time
from pathlib import Path
from pipelines.terminal.page_server import serve_beside
print(serve_beside(Path(sys.argv[1])), flush=True)
time.sleep(600)
"""
"""What stands in for the UI."""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """What readers see: a link to the folder of a release."""
    for name in ("first", "second"):
        (tmp_path / name / "report_tables").mkdir(parents=True)
        (tmp_path / name / "report.html").write_text(name, encoding="utf-8")
        (tmp_path / name / "report_tables" / "trends.csv").write_text("a\n1\n", encoding="utf-8")
        (tmp_path / name / "epi.duckdb").write_text("people", encoding="utf-8")
    (tmp_path / "current").symlink_to("first")
    return tmp_path / "current"


@pytest.fixture
def served(release: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen([sys.executable, "-c", UI, str(release)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = urlsplit(process.stdout.readline().strip())
    assert (address.hostname, address.path) == ("127.0.0.1", "/report.html")
    yield process, int(address.port or 0)
    process.kill()
    process.wait(timeout=PATIENCE_SECONDS)


def asked(port: int, path: str, host: str | None = None, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request(method, path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_it_hands_out_the_report_that_readers_see_and_ends_with_the_ui(
    served: tuple[subprocess.Popen[str], int], release: Path
) -> None:
    process, port = served
    assert asked(port, "/report.html") == (200, "first")
    assert asked(port, "/report_tables/trends.csv") == (200, "a\n1\n")
    for refused in (
        "/epi.duckdb",
        "/",
        "/report_tables/",
        "/../first/epi.duckdb",
        "/report_tables/../epi.duckdb",
        "/%65pi.duckdb",
    ):
        assert asked(port, refused)[0] == 404, refused
    assert asked(port, "/report.html", host=f"elsewhere.example:{port}")[0] == 404
    assert asked(port, "/report.html", method="POST")[0] == 501
    release.unlink()
    release.symlink_to("second")
    assert asked(port, "/report.html") == (200, "second")
    process.kill()
    process.wait(timeout=PATIENCE_SECONDS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with suppress(ConnectionError, TimeoutError):
        while time.monotonic() < deadline:
            asked(port, "/report.html")
            time.sleep(0.1)
        pytest.fail("it outlived the UI")
