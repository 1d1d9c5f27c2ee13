"""The report of the release that readers see, for the browser that shows Dagster: a page of 127.0.0.1 may not link to a file.

A process of its own beside `cramp-atlas ui`, which ends with it. It hands out the report and its tables, no database.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = "report.html"
HANDED_OUT = re.compile(r"/(?:[\w-]+/)?[\w-]+\.(?:html|docx|csv)")
"""Of a release these hold nothing that disclosure control hides."""

LOOK_SECONDS = 0.5
"""How often it looks whether the process that it stands beside is still there."""


def serve_beside(release: Path) -> str:
    """Hand out the report in a folder (the link that leads to the current release) as long as this process lives.

    Returns the address of the page, on a port of 127.0.0.1 that was free.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        command = [sys.executable, "-m", __name__, str(listener.fileno()), str(os.getpid()), str(release)]
        subprocess.Popen(command, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/{PAGE}"


class ReportHandler(SimpleHTTPRequestHandler):
    """GET and HEAD of the report, by the name of this machine only, so that no other site can read it by a name of its own."""

    def send_head(self):  # type: ignore[no-untyped-def]
        host, path = self.headers.get("Host", ""), self.path.partition("?")[0]
        if host.partition(":")[0] != "127.0.0.1" or not HANDED_OUT.fullmatch(path):
            self.send_error(404)
            return None
        return super().send_head()

    def log_message(self, *_: object) -> None:
        """Nothing: the terminal is Dagster's."""


def serve(listener: socket.socket, parent: int, release: Path) -> None:
    """Answer until the parent is gone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(ReportHandler, directory=str(release)), bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for Dagster, and with it this ends
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3]))
