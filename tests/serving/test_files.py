"""The committed files of the always-on set-up: what systemd, nginx and Dagster make of them, and a request to each address."""

import base64
import http.client
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from pipelines.machine.settings import REPOSITORY
from tests.browser.chromium import EVERY_NAME_IS_THIS_MACHINE, chromium
from tests.cannot_run import cannot_run
from tests.patience import PATIENCE_SECONDS
from tests.serving.machine import FILES, assignments
from tests.serving.postgres import free_port

UNITS = ("cramp-atlas-webserver.service", "cramp-atlas-reader.service", "cramp-atlas-daemon.service")
MOST_EXPOSED = 20
"""In tenths, of the scale of `systemd-analyze security` from 0 to 10: what systemd itself calls OK ends at 4."""
NAME = "atlas.example.org"
OPERATOR, ANALYST = ("Basic " + base64.b64encode(f"{name}:correct horse".encode()).decode() for name in ("operator", "analyst"))
LAUNCH = "mutation{launchRun}"
OTHER_SITE = f"""
<!doctype html><title>a page of another site</title>
<img src="AT/graphql?query={LAUNCH}"><script src="AT/graphql?query={LAUNCH}"></script>
<iframe src="AT/graphql?query={LAUNCH}"></iframe><iframe name="hidden"></iframe>
<form method="post" action="AT/graphql" target="hidden"><input name="query" value="{LAUNCH}"></form>
<script>
  document.forms[0].submit()
  const tries = [
    fetch("AT/graphql?query={LAUNCH}", {{mode: "no-cors", credentials: "include"}}),
    fetch("AT/graphql", {{method: "POST", mode: "no-cors", credentials: "include", body: "{LAUNCH}"}}),
    fetch("AT/report_asset_materialization/x", {{method: "POST", mode: "no-cors", credentials: "include"}}),
    new Promise(done => {{ const socket = new WebSocket("wss" + "AT/graphql".slice(5)); socket.onerror = socket.onopen = done }}),
  ]
  Promise.allSettled(tries).then(() => document.title = "tried")
</script>
"""
"""All ways in which a page makes a browser ask another site with the login that it keeps."""

OWN_SITE = f"""
async () => {{
  const post = await fetch("/graphql", {{method: "POST", body: "{LAUNCH}"}})
  const socket = new WebSocket("wss://" + location.host + "/graphql")
  await new Promise(done => {{ socket.onerror = socket.onopen = done }})
  return post.status
}}
"""


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


class Page(BaseHTTPRequestHandler):
    """Stands for Dagster's page, notes what it is asked, and answers with what it was told of the visitor."""

    asked: ClassVar[list[tuple[int, str, str]]] = []

    def do_GET(self) -> None:
        assert isinstance(self.server, ThreadingHTTPServer)
        self.asked.append((self.server.server_port, self.command, self.path))
        told = repr({name: self.headers[name] for name in ("Host", "Authorization", "Upgrade", "Connection")})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(told.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Login:
    """nginx with the committed site: its port, who trusts its certificate, and the pages behind it: one launches, one shows."""

    port: int
    trust: ssl.SSLContext
    launching: int
    showing: int


@pytest.fixture(scope="module")
def login() -> Iterator[Login]:
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        cannot_run("nginx or openssl is missing: apt-get install nginx-light openssl")
    launching, showing = served(Page), served(Page)
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))  # where workers of another user can read
    folder.chmod(0o755)
    (folder / "tls").mkdir()
    tls = ["-newkey", "rsa:2048", "-nodes", "-keyout", "tls/privkey.pem", "-out", "tls/fullchain.pem"]
    named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run(
        ["openssl", "req", "-x509", *tls, *named], cwd=folder, check=True, capture_output=True, timeout=PATIENCE_SECONDS
    )
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "correct horse"], check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    ).stdout
    (folder / "htpasswd").write_text(f"operator:{hashed}analyst:{hashed}", encoding="ascii")
    site = (FILES / "nginx.conf").read_text(encoding="utf-8").replace("/etc/nginx/cramp-atlas.", f"{folder}/")
    site = (
        site.replace("/etc/ssl/cramp-atlas", f"{folder}/tls")
        .replace("listen 443", f"listen 127.0.0.1:{port}")
        .replace("127.0.0.1:3000", f"127.0.0.1:{launching.server_port}")
        .replace("127.0.0.1:3001", f"127.0.0.1:{showing.server_port}")
    )
    kept = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = folder / "whole.conf"
    configuration.write_text(
        f"pid {folder}/pid;\nerror_log {folder}/errors;\nevents {{}}\nhttp {{\naccess_log off;\n{kept}{site}}}\n",
        encoding="utf-8",
    )
    command = ["nginx", "-p", str(folder), "-e", f"{folder}/errors", "-c", str(configuration)]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert tested.returncode == 0, tested.stderr
    nginx = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        wait_for_port(port)
        trust = ssl.create_default_context(cafile=str(folder / "tls" / "fullchain.pem"))
        yield Login(port, trust, launching.server_port, showing.server_port)
    finally:
        nginx.terminate()
        nginx.wait(timeout=30)
        launching.shutdown()
        showing.shutdown()
        shutil.rmtree(folder)


def wait_for_port(port: int) -> None:
    for _ in range(100):
        with socket.socket() as connection:
            connection.settimeout(0.1)
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.05)
    raise AssertionError("nginx does not listen")


def served(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


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


def test_in_a_browser_a_page_of_another_site_launches_nothing(login: Login) -> None:
    """The browser keeps the login of an operator; the other site tries all that a page can do."""
    here = f"https://{NAME}:{login.port}"

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(OTHER_SITE.replace("AT", here).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    other = served(Other)
    with chromium(EVERY_NAME_IS_THIS_MACHINE) as browser:
        context = browser.new_context(
            ignore_https_errors=True, http_credentials={"username": "operator", "password": "correct horse"}
        )
        page = context.new_page()
        page.goto(f"{here}/")
        Page.asked.clear()
        assert page.evaluate(OWN_SITE) == 200
        assert orders() == [(login.launching, "POST", "/graphql"), (login.launching, "GET", "/graphql")]
        Page.asked.clear()
        page.goto(f"http://elsewhere.example.net:{other.server_port}/")
        page.wait_for_function("document.title == 'tried'")
        page.goto(f"http://elsewhere.example.net:{other.server_port}/")
        page.evaluate("address => { location = address }", f"{here}/graphql?query={LAUNCH}")
        page.wait_for_url(f"{here}/**")
        assert "403" in page.content()
    other.shutdown()
    assert orders() == []


def orders() -> list[tuple[int, str, str]]:
    """What the pages behind the login were asked, but for what is only shown."""
    return [asked for asked in Page.asked if asked[1] != "GET" or "graphql" in asked[2].lower()]
