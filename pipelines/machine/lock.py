"""One process at work on the warehouse at a time. The kernel frees the lock of a process that died, so none is ever stale.

The lock is the kernel's, not the number in the file: it holds between containers, and between machines where the file system
has locks (NFS 4 has).
"""

import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from pipelines.machine.errors import WarehouseBusy

PATIENCE_SECONDS = 900.0
"""How long a step of the nightly job waits for another process: longer than a whole refresh takes."""

POLL_SECONDS = 0.2

_held: dict[Path, tuple[TextIO, int]] = {}
"""Lock file -> the open file that holds it, and how deep this process has nested it."""


@contextmanager
def warehouse_lock(warehouse: Path, patience: float = 0) -> Iterator[None]:
    """Hold the warehouse for this process. Nests within one process.

    Raises WarehouseBusy, which says who holds it, where another process does not let go within `patience` seconds.
    """
    warehouse.mkdir(parents=True, exist_ok=True)
    path = (warehouse / ".lock").resolve()
    if path in _held:
        file, depth = _held[path]
    else:
        file, depth = _locked(path, warehouse, time.monotonic() + patience), 0
    _held[path] = (file, depth + 1)
    try:
        yield
    finally:
        if path in _held and depth:
            _held[path] = (file, depth)
        elif path in _held:
            del _held[path]
            file.close()


def _locked(path: Path, warehouse: Path, until: float) -> TextIO:
    """The lock file, locked, with this process named in it."""
    if path.is_dir():
        raise WarehouseBusy(f"{path} is a folder, and must be the file that a process holds while it works: remove the folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8", errors="replace")
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as error:
            if time.monotonic() >= until:
                file.seek(0)
                holder, _, where = file.read().strip().partition("\n")
                file.close()
                elsewhere = f" on {where.partition(' ')[0]}, another machine or container," if where not in {"", _here()} else ""
                raise WarehouseBusy(
                    f"process {holder or 'unknown'}{elsewhere} is at work on {warehouse}: wait for it to end, then try again"
                ) from error
            time.sleep(POLL_SECONDS)
    file.truncate(0)
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]]).strip() or "python"
    file.write(f"{os.getpid()} ({command}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC)\n{_here()}\n")
    file.flush()
    return file


def _here() -> str:
    """The machine, and the space of process numbers in it: a number says nothing elsewhere."""
    space = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {space.readlink() if space.is_symlink() else ''}".strip()


def _let_go_in_child() -> None:
    """A forked child must neither believe that it holds the lock nor keep it when its parent has died."""
    for file, _ in _held.values():
        file.close()
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)
