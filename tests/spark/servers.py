"""A server of Spark Connect in a process of its own: Sail, which needs no Java."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.patience import PATIENCE_SECONDS

SERVING = """
import sys
from pysail.spark import SparkConnectServer
server = SparkConnectServer(ip="127.0.0.1", port=0)
server.start(background=True)
print(server.listening_address[1], flush=True)
sys.stdin.read()
"""


@dataclass
class Sail:
    """A running server, and where it listens."""

    process: subprocess.Popen[str]
    remote: str

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=PATIENCE_SECONDS)


@contextmanager
def sail() -> Iterator[Sail]:
    """A server of Sail, killed at the end. It ends by itself when this process does."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        running = Sail(process, f"sc://127.0.0.1:{int(process.stdout.readline())}")
        try:
            yield running
        finally:
            running.kill()
