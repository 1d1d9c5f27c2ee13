"""The committed site of nginx in front of stand-ins for Dagster's pages, which note what they are asked."""

import base64
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from tests.cannot_run import cannot_run
from tests.patience import PATIENCE_SECONDS
from tests.serving.machine import FILES
from tests.serving.postgres import free_port

NAME = "atlas.example.org"
OPERATOR, ANALYST = ("Basic " + base64.b64encode(f"{name}:correct horse".encode()).decode() for name in ("operator", "analyst"))


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
    """nginx with the committed site: its port, who trusts its certificate, and the pages behind it: one launches, one shows.

    `open_port`: the same site, but that it refuses no request of somebody with a login.
    """

    port: int
    open_port: int
    trust: ssl.SSLContext
    certificate: ssl.SSLContext
    launching: int
    showing: int


@contextmanager
def running_site() -> Iterator[Login]:
    """nginx with the committed site on a free port, until the block ends."""
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        cannot_run("nginx or openssl is missing: apt-get install nginx-light openssl")
    launching, showing = served(Page), served(Page)
    port, open_port = free_port(), free_port()
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
        .replace("127.0.0.1:3000", f"127.0.0.1:{launching.server_port}")
        .replace("127.0.0.1:3001", f"127.0.0.1:{showing.server_port}")
    )
    maps, server, rest = site.partition("server {")
    committed, refuses_nothing = server + rest, server + re.sub(r"if \([^{]*\{[^}]*\}|add_header [^;]*;", "", rest)
    site = maps + "".join(
        block.replace("listen 443", f"listen 127.0.0.1:{at}") for block, at in ((committed, port), (refuses_nothing, open_port))
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
        certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.load_cert_chain(folder / "tls" / "fullchain.pem", folder / "tls" / "privkey.pem")
        yield Login(port, open_port, trust, certificate, launching.server_port, showing.server_port)
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


def served(handler: type[BaseHTTPRequestHandler], certificate: ssl.SSLContext | None = None) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate:
        server.socket = certificate.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
