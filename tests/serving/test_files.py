"""The committed files of the always-on set-up: what systemd, nginx and Dagster make of them, and a request to each address."""

import base64
import http.client
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from pipelines.machine.settings import REPOSITORY
from tests.cannot_run import cannot_run
from tests.patience import PATIENCE_SECONDS
from tests.serving.machine import FILES, assignments
from tests.serving.site import ANALYST, NAME, OPERATOR, Login, Page

UNITS = ("cramp-atlas-webserver.service", "cramp-atlas-reader.service", "cramp-atlas-daemon.service")
MOST_EXPOSED = 20
"""In tenths, of the scale of `systemd-analyze security` from 0 to 10: what systemd itself calls OK ends at 4."""


def test_dagster_is_set_as_on_a_laptop_but_for_the_storage() -> None:
    always_on = yaml.safe_load((FILES / "dagster.yaml").read_text(encoding="utf-8"))
    assert list(always_on.pop("storage")) == ["postgres"]
    assert always_on == yaml.safe_load((REPOSITORY / "dagster.yaml").read_text(encoding="utf-8"))


def test_no_password_is_committed() -> None:
    named = assignments((FILES / "environment").read_text(encoding="utf-8"))
    assert named["DAGSTER_POSTGRES_PASSWORD"] == ""
    storage = yaml.safe_load((FILES / "dagster.yaml").read_text(encoding="utf-8"))["storage"]["postgres"]["postgres_db"]
    assert storage.pop("scheme") == "postgresql+psycopg2"  # without it SQLAlchemy looks for a driver that is not there
    assert {setting["env"] for setting in storage.values()} == {name for name in named if name.startswith("DAGSTER_POSTGRES_")}


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_and_little_exposed(unit: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        cannot_run("systemd-analyze is missing: apt-get install systemd")
    text = (
        (FILES / unit).read_text(encoding="utf-8").replace("/opt/cramp-atlas/.venv/bin/cramp-atlas", shutil.which("true") or "")
    )
    (tmp_path / unit).write_text(text, encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", tmp_path / unit],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert judged.returncode == 0, judged.stdout


def ask(login: Login, method: str = "GET", path: str = "/", **headers: str) -> tuple[int, str]:
    """Status and body of the answer to a visitor who knows the machine by its name."""
    raw = socket.create_connection(("127.0.0.1", login.port), timeout=10)
    connection = http.client.HTTPConnection(NAME, login.port)
    connection.sock = login.trust.wrap_socket(raw, server_hostname=NAME)
    connection.request(method, path, headers={"Host": NAME} | {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_nobody_reaches_the_page_without_a_login(login: Login) -> None:
    wrong = "Basic " + base64.b64encode(b"analyst:wrong").decode()
    assert ask(login)[0] == 401
    assert ask(login, Authorization=wrong)[0] == 401
    assert ask(login, "POST", "/graphql", Sec_Fetch_Site="same-origin")[0] == 401


def test_who_logs_in_reaches_the_page_which_does_not_see_the_password(login: Login) -> None:
    told = {"Host": NAME, "Authorization": None, "Upgrade": None, "Connection": "close"}
    assert ask(login, Authorization=ANALYST) == (200, repr(told))
    told |= {"Upgrade": "websocket", "Connection": "upgrade"}
    socket_of_the_page = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": f"https://{NAME}"}
    assert ask(login, "GET", "/graphql", Authorization=ANALYST, **socket_of_the_page) == (200, repr(told))


def test_an_analyst_gets_the_page_that_only_shows(login: Login) -> None:
    Page.asked.clear()
    for who in (ANALYST, OPERATOR):
        assert ask(login, "POST", "/graphql", Authorization=who, Origin=f"https://{NAME}")[0] == 200
    assert Page.asked == [(login.showing, "POST", "/graphql"), (login.launching, "POST", "/graphql")]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/graphql", {"Origin": f"https://{NAME}"}, 200),
        ("POST", "/graphql", {"Origin": f"https://{NAME}", "Sec-Fetch-Site": "same-origin"}, 200),
        ("POST", "/graphql", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("POST", "/graphql", {}, 403),
        ("POST", "/graphql", {"Origin": f"https://{NAME}", "Sec-Fetch-Site": "same-site"}, 403),
        ("POST", "/graphql", {"Sec-Fetch-Site": "none"}, 403),
        ("POST", "/graphql", {"Origin": f"https://{NAME}:8443"}, 403),
        ("POST", "/graphql", {"Origin": f"http://{NAME}"}, 403),
        ("POST", "/graphql", {"Origin": "https://elsewhere.example.org"}, 403),
        ("POST", "/graphql", {"Origin": f"https://{NAME}.elsewhere.org"}, 403),
        ("POST", "/graphql", {"Origin": "null"}, 403),
        ("POST", "/report_asset_materialization/x", {}, 403),
        ("POST", "/report_asset_materialization/x", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("GET", "/graphql?query=mutation", {}, 403),
        ("GET", "/graphql?query=mutation", {"Origin": f"https://{NAME}"}, 405),
        ("GET", "/graphql?query=mutation", {"Sec-Fetch-Site": "same-origin"}, 405),
        ("GET", "/graphql?query=mutation", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ("GET", "//graphql?query=mutation", {}, 403),
        ("GET", "/%67raphql?query=mutation", {}, 403),
        ("GET", "/graphql/?query=mutation", {}, 403),
        ("GET", "/graphql", {"Upgrade": "websocket", "Connection": "Upgrade"}, 403),
        ("GET", "/graphql", {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "https://elsewhere.example.org"}, 403),
        ("GET", "/graphql", {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": f"https://{NAME}"}, 200),
        ("PUT", "/", {}, 403),
        ("OPTIONS", "/graphql", {"Origin": "https://elsewhere.example.org"}, 403),
        ("GET", "/assets", {}, 200),
        ("GET", "/assets", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
        ("GET", "/assets", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ("GET", "/assets", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ("GET", "/assets", {"Origin": "https://elsewhere.example.org"}, 403),
    ],
)
def test_only_our_own_page_asks_and_orders(login: Login, method: str, path: str, headers: dict[str, str], status: int) -> None:
    assert ask(login, method, path, Authorization=OPERATOR, **headers)[0] == status
