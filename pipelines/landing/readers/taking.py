"""A copy of a delivered file that nobody else writes to: what is read of it is what was hashed, whatever becomes of the file."""

import hashlib
import os
import stat
from pathlib import Path

from pipelines.landing.readers.delivered import StillArriving
from pipelines.machine.disk import FAULTS

CHUNK_BYTES = 2**20


def own_copy(path: Path, folder: Path, sha256: str, most: int) -> Path:
    """Copy a file into `folder` under its own name; raises StillArriving where the copy has not this SHA-256.

    Nothing is waited for, be it a pipe by now, and nothing is copied beyond `most` bytes. Raises OSError where the machine fails.
    """
    target = folder / "delivered" / path.name
    target.parent.mkdir()
    hashed = hashlib.sha256()
    descriptor = _opened(path)
    with os.fdopen(descriptor, "rb") as source, target.open("wb") as copy:
        while copy.tell() <= most and (piece := source.read(CHUNK_BYTES)):
            hashed.update(piece)
            copy.write(piece)
    if hashed.hexdigest() != sha256:
        raise StillArriving
    return target


def _opened(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in FAULTS:
            raise
        raise StillArriving from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StillArriving
    return descriptor
