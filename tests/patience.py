"""How long a test waits for a process: one that does not end fails its test in words, and never stops all of them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

PATIENCE_SECONDS = 600
"""Longer than anything takes on a busy machine."""


@contextmanager
def killed_at_last(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Who reads what a process writes waits no longer than that either: it is killed, and its end is seen."""
    timer = Timer(PATIENCE_SECONDS, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
