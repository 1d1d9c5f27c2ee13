"""A real web server on 127.0.0.1 that serves files from memory and misbehaves on demand."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.patience import PATIENCE_SECONDS

Fault = Callable[["Handler", "Served"], None]


@dataclass(frozen=True)
class Served:
    """A file as the server has it now."""

    body: bytes
    etag: str | None = '"v1"'
    last_modified: str | None = None
    content_type: str | None = None

    @property
    def validators(self) -> dict[str, str]:
        headers = {"ETag": self.etag, "Last-Modified": self.last_modified, "Content-Type": self.content_type}
        return {name: value for name, value in headers.items() if value}


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]


@dataclass
class Site:
    """What the server has, how it behaves, and what it was asked. Each fault spoils one answer; then the file is served."""

    url: str = ""
    files: dict[str, Served] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    heeds_range: bool = True
    heeds_if_range: bool = True
    heeds_conditions: bool = True

    def asked(self) -> list[str]:
        """Paths, in the order of the requests."""
        return [request.path for request in self.requests]

    def ranges(self) -> list[str | None]:
        """The Range header of each request."""
        return [request.headers.get("range") for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.site.requests.append(Request(path, {name.lower(): value for name, value in self.headers.items()}))
        served = self.site.files.get(path)
        faults = self.site.faults.get(path, [])
        if faults:
            faults.pop(0)(self, served or Served(b""))
        elif served is None:
            self.answer(404, b"not found")
        else:
            self.serve(served)

    def serve(self, served: Served, cut_at: int | None = None) -> None:
        """The whole file, the part asked for, or 304."""
        asked, validator = self.headers.get("Range"), served.etag or served.last_modified
        conditions = (self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since"))
        if self.site.heeds_conditions and validator and validator in conditions:
            self.answer(304, b"", served.validators)
        elif (
            asked
            and self.site.heeds_range
            and (not self.site.heeds_if_range or self.headers.get("If-Range") in (None, validator))
        ):
            place = re.fullmatch(r"bytes=(\d+)-", asked)
            start = int(place[1]) if place else 0
            if start >= len(served.body):
                self.answer(416, b"", {"Content-Range": f"bytes */{len(served.body)}"})
            else:
                content_range = f"bytes {start}-{len(served.body) - 1}/{len(served.body)}"
                self.answer(206, served.body[start:], {**served.validators, "Content-Range": content_range}, cut_at)
        else:
            self.answer(200, served.body, served.validators, cut_at)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut_at: int | None = None) -> None:
        """An answer that announces the whole body; with `cut_at` the connection ends after so many bytes of it."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut_at])
        if cut_at is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Tests are quiet."""


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has seen enough hangs up: that is its right."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def dropped_after(size: int) -> Fault:
    return lambda handler, served: handler.serve(served, cut_at=size)


def only_bytes(start: int, stop: int) -> Fault:
    """A shorter range than the one asked for, which a server may choose to send."""

    def send(handler: Handler, served: Served) -> None:
        content_range = f"bytes {start}-{stop - 1}/{len(served.body)}"
        handler.answer(206, served.body[start:stop], {**served.validators, "Content-Range": content_range})

    return send


def status(code: int, **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, served: handler.answer(code, b"", named)


def page(text: str) -> Fault:
    return lambda handler, served: handler.answer(200, text.encode(), {"Content-Type": "text/html", "ETag": '"page"'})


def redirect(location: str) -> Fault:
    return lambda handler, served: handler.answer(302, b"", {"Location": location})


def stalled(seconds: float) -> Fault:
    def stall(handler: Handler, served: Served) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return stall


def replaced_by(newer: Served, path: str, cut_at: int) -> Fault:
    """The file changes while it is being sent: `cut_at` bytes of the old one arrive, and the new one is there afterwards."""

    def replace(handler: Handler, served: Served) -> None:
        handler.serve(served, cut_at)
        handler.site.files[path] = newer

    return replace


def chunked(cut_short: bool) -> Fault:
    """The length is not announced but marked in the body."""

    def send(handler: Handler, served: Served) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        for name, value in served.validators.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(served.body), served.body) + (b"" if cut_short else b"0\r\n\r\n"))
        handler.close_connection = cut_short

    return send


def without_length(handler: Handler, served: Served) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(served.body)
    handler.close_connection = True


def compressed(handler: Handler, served: Served) -> None:
    handler.answer(200, served.body, {"Content-Encoding": "gzip"})


@contextmanager
def running_site() -> Iterator[Site]:
    """A site without files, on a free port, until the block ends."""
    site = Site()
    server = QuietServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": site}))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=PATIENCE_SECONDS)
        assert not thread.is_alive()
