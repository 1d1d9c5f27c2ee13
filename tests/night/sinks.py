"""Sinks of alerts on this machine: a web hook and a mail server that keep what they are sent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.browser.served import free_port

PASSWORD = "Wdq7-Zk3x"


@dataclass
class Sink:
    """Its Apprise URL, with a password in it, and the messages that came, as title and body. It refuses while it is down.

    `kinds`: what each message is marked as, where the sink is told. `html`: mail as HTML, where it was sent so.
    """

    url: str
    messages: list[tuple[str, str]] = field(default_factory=list)
    is_down: bool = False
    kinds: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


@contextmanager
def web_hook() -> Iterator[Sink]:
    """Apprise's `json://`."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not sink.is_down:
                sink.messages.append((content["title"], content["message"]))
                sink.kinds.append(content["type"])
            self.send_response(503 if sink.is_down else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    sink = Sink(f"json://atlas:{PASSWORD}@127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def mail_server() -> Iterator[Sink]:
    """Apprise's `mailto://`, with a password."""

    class Mailbox:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
            mail = message_from_bytes(envelope.content)
            parts = {part.get_content_type(): part.get_payload(decode=True) for part in mail.walk()}
            sink.messages.append((str(mail["Subject"]), bytes(parts["text/plain"]).decode()))
            sink.html += [bytes(parts[kind]).decode() for kind in parts if kind == "text/html"]
            return "250 OK"

    port = free_port()
    sink = Sink(f"mailto://atlas:{PASSWORD}@127.0.0.1:{port}/?from=atlas@example.org&to=analyst@example.org&format=text")
    controller = Controller(
        Mailbox(),
        hostname="127.0.0.1",
        port=port,
        auth_required=True,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=True),
    )
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
