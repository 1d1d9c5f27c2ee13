"""The parent's side of the worker: started on first use, watched, killed where it is over its limits, ended with the parent."""

import atexit
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

from pipelines.landing.readers.delivered import BeyondTheMachine, Refused, RefusedHere, StillArriving
from pipelines.landing.readers.limits import Limits, in_bytes
from pipelines.machine.disk import no_space
from pipelines.machine.settings import REPOSITORY
from pipelines.project.form import Form

FOLDER_PREFIX = "reading-"
LEFT_OVER_AFTER_SECONDS = 86_400
"""A folder this old was left by a process that was killed."""

NOT_WITHIN_MEMORY = "Deliver it in parts or as Parquet, or raise CRAMP_ATLAS_READER_MEMORY_LIMIT"

NEXT_NIGHT = "It is tried again the next night; look at the disks and the memory of this machine if that does not help"

CRASHES = frozenset({signal.SIGSEGV, signal.SIGILL, signal.SIGFPE})
"""Signals of a reader that fails on what a file holds. By any other the system ended it, such as for want of memory; and one that
ends by itself, as no reader does on a file, could not start or was ended."""


class Desk:
    """Hands files to one worker, one at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        atexit.register(self.close)

    def ask(
        self,
        task: str,
        path: Path,
        form: Form,
        limits: Limits,
        folder: Path,
        n_records: int | None = None,
        sha256: str | None = None,
    ) -> dict[str, Any]:
        """The worker's answer about a file, of which it must have the content `sha256`; raises Refused where it refuses the file
        or crashes on it.

        What says nothing about the file raises BeyondTheMachine (it takes too long or too much memory, the system ends the
        worker, the machine fails, the file changes) and NoSpace where the disk of `folder` is full.
        """
        request = {
            "task": task,
            "path": str(path.absolute()),
            "form": form.model_dump(exclude_defaults=True),
            "limits": asdict(limits),
            "folder": str(folder.absolute()),
            "n_records": n_records,
            "sha256": sha256,
        }
        with self._lock:
            try:
                answer = self._answered(request, limits)
            except BaseException:  # an interrupted worker still owes an answer, which the next file must not get
                self.close()
                raise
            if answer["is_spent"]:
                self.close()
        if answer.get("outcome") == "disk":
            raise no_space(folder.parent)
        if "found" in answer:
            raise (RefusedHere if answer.get("is_here") else Refused)(answer["found"], answer["remedy"])
        return answer

    def _answered(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        line = _exchange(self._worker(), json.dumps(request).encode() + b"\n", limits.seconds)
        if line is None:
            raise _silent(limits)
        if not line.endswith(b"\n"):
            raise _ended(self.close(), limits)
        answer: dict[str, Any] = json.loads(line)
        if answer.get("outcome") == "memory":
            raise BeyondTheMachine(f"more than {in_bytes(limits.memory)} of memory needed for it", NOT_WITHIN_MEMORY)
        if answer.get("outcome") == "machine":
            raise BeyondTheMachine(f"an error of this machine ({answer['error']})", NEXT_NIGHT)
        if answer.get("outcome") == "arriving":
            raise StillArriving
        return answer

    def close(self) -> int:
        """End the worker at once; the next file gets a new one. Returns its exit code."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return 0
        if process.poll() is None:
            process.kill()
        code = process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
        return code

    def _worker(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.close()
            self._owner = os.getpid()
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        return self._process


def _exchange(process: subprocess.Popen[bytes], request: bytes, seconds: float) -> bytes | None:
    """The worker's line; cut where the worker ended before; None where the time was over."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(request)
        process.stdin.flush()
    except BrokenPipeError:
        return b""
    received = b""
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not received.endswith(b"\n"):
            if not selector.select(max(0, until - time.monotonic())):
                return None
            part = os.read(process.stdout.fileno(), 2**16)
            if not part:
                return received
            received += part
    return received


def _silent(limits: Limits) -> BeyondTheMachine:
    return BeyondTheMachine(
        f"a file that is not read within {limits.seconds} seconds",
        "Look at it, or raise CRAMP_ATLAS_READER_SECONDS_LIMIT",
    )


def _ended(code: int, limits: Limits) -> Refused:
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    found = f"a file that ended its reader's process ({how}): damaged, or more than {in_bytes(limits.memory)} of memory needed"
    if -code in CRASHES:
        return RefusedHere(found, f"Fetch it again. {NOT_WITHIN_MEMORY}")
    return BeyondTheMachine(found, f"{NEXT_NIGHT}. Fetch it again. {NOT_WITHIN_MEMORY}")


@contextmanager
def temporary_folder(spill: Path) -> Iterator[Path]:
    """A folder in `spill` for one file, removed afterwards; what killed processes left there goes with it."""
    spill.mkdir(parents=True, exist_ok=True)
    for left in spill.glob(f"{FOLDER_PREFIX}*"):
        if time.time() - left.stat().st_mtime > LEFT_OVER_AFTER_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=spill, prefix=FOLDER_PREFIX) as folder:
        yield Path(folder)


DESK = Desk([sys.executable, "-m", "pipelines.landing.readers.worker"])
