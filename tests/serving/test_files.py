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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from pipelines.machine.settings import REPOSITORY
from tests.cannot_run import cannot_run
from tests.serving.machine import FILES, assignments
from tests.serving.postgres import free_port

UNITS = ("cramp-atlas-webserver.service", "cramp-atlas-daemon.service")
MOST_EXPOSED = 20
"""In tenths, of the scale of `systemd-analyze security` from 0 to 10: what systemd itself calls OK ends at 4."""
NAME = "atlas.example.org"
LOGIN = "Basic " + base64.b64encode(b"analyst:correct horse").decode()


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
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", tmp_path / unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout


class Page(BaseHTTPRequestHandler):
    """Stands for Dagster's page, and answers with what it was told of the visitor."""

    def do_GET(self) -> None:
        told = repr({name: self.headers[name] for name in ("Host", "Authorization", "Upgrade", "Connection")})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(told.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def login() -> Iterator[tuple[int, ssl.SSLContext]]:
    """Port of nginx with the committed site, in front of a page, and who trusts its certificate."""
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        cannot_run("nginx or openssl is missing: apt-get install nginx-light openssl")
    page = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))  # where workers of another user can read
    folder.chmod(0o755)
    (folder / "tls").mkdir()
    tls = ["-newkey", "rsa:2048", "-nodes", "-keyout", "tls/privkey.pem", "-out", "tls/fullchain.pem"]
    named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run(["openssl", "req", "-x509", *tls, *named], cwd=folder, check=True, capture_output=True)
    hashed = subprocess.run(["openssl", "passwd", "-6", "correct horse"], check=True, capture_output=True, text=True).stdout
    (folder / "htpasswd").write_text(f"analyst:{hashed}", encoding="ascii")
    site = (FILES / "nginx.conf").read_text(encoding="utf-8").replace("/etc/nginx/cramp-atlas.", f"{folder}/")
    site = (
        site.replace("/etc/ssl/cramp-atlas", f"{folder}/tls")
        .replace("listen 443", f"listen 127.0.0.1:{port}")
        .replace("127.0.0.1:3000", f"127.0.0.1:{page.server_port}")
    )
    kept = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = folder / "whole.conf"
    configuration.write_text(
        f"pid {folder}/pid;\nerror_log {folder}/errors;\nevents {{}}\nhttp {{\naccess_log off;\n{kept}{site}}}\n",
        encoding="utf-8",
    )
    command = ["nginx", "-p", str(folder), "-e", f"{folder}/errors", "-c", str(configuration)]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    nginx = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        wait_for_port(port)
        yield port, ssl.create_default_context(cafile=str(folder / "tls" / "fullchain.pem"))
    finally:
        nginx.terminate()
        nginx.wait(timeout=30)
        page.shutdown()
        shutil.rmtree(folder)


def wait_for_port(port: int) -> None:
    for _ in range(100):
        with socket.socket() as connection:
            connection.settimeout(0.1)
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.05)
    raise AssertionError("nginx does not listen")


def ask(login: tuple[int, ssl.SSLContext], method: str = "GET", **headers: str) -> tuple[int, str]:
    """Status and body of the answer to a visitor who knows the machine by its name."""
    port, trust = login
    raw = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection = http.client.HTTPConnection(NAME, port)
    connection.sock = trust.wrap_socket(raw, server_hostname=NAME)
    connection.request(
        method, "/graphql", headers={"Host": NAME} | {name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_nobody_reaches_the_page_without_a_login(login: tuple[int, ssl.SSLContext]) -> None:
    wrong = "Basic " + base64.b64encode(b"analyst:wrong").decode()
    assert ask(login)[0] == 401
    assert ask(login, "POST")[0] == 401
    assert ask(login, Authorization=wrong)[0] == 401


def test_who_logs_in_reaches_the_page_which_does_not_see_the_password(login: tuple[int, ssl.SSLContext]) -> None:
    told = {"Host": NAME, "Authorization": None, "Upgrade": None, "Connection": "close"}
    assert ask(login, Authorization=LOGIN) == (200, repr(told))
    told |= {"Upgrade": "websocket", "Connection": "upgrade"}
    assert ask(login, Authorization=LOGIN, Upgrade="websocket", Connection="Upgrade") == (200, repr(told))


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (f"https://{NAME}", 200),
        (f"https://{NAME}:8443", 200),
        (f"http://{NAME}", 403),
        ("https://elsewhere.example.org", 403),
        (f"https://{NAME}.elsewhere.org", 403),
        ("null", 403),
    ],
)
def test_a_page_of_another_site_cannot_use_the_login_of_a_browser(
    login: tuple[int, ssl.SSLContext], origin: str, status: int
) -> None:
    assert ask(login, "POST", Authorization=LOGIN, Origin=origin)[0] == status
