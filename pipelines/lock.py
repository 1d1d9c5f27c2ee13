"""One process at work on the warehouse at a time. The kernel frees the lock of a process that died."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import WarehouseBusy

_held: dict[Path, int] = {}


@contextmanager
def warehouse_lock(warehouse: Path) -> Iterator[None]:
    """Hold the warehouse for this process; raises WarehouseBusy that says who holds it. Nests within one process."""
    warehouse.mkdir(parents=True, exist_ok=True)
    path = (warehouse / ".lock").resolve()
    if path in _held:
        _held[path] += 1
        try:
            yield
        finally:
            _held[path] -= 1
        return
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise WarehouseBusy(
                f"process {file.read().strip() or 'unknown'} is at work on {warehouse}: wait for it to end, then try again"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        _held[path] = 1
        try:
            yield
        finally:
            del _held[path]
