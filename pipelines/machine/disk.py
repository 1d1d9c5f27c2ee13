"""A disk without space, told apart from what is wrong with a delivery or a select: nothing of it may be recorded as a verdict."""

import errno
import os
import shutil
import sqlite3
from pathlib import Path

import duckdb

from pipelines.machine.errors import MachineFault, NoSpace

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

FAULTS = frozenset(
    {errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ESTALE, errno.EROFS, errno.ENODEV, errno.ETIMEDOUT}
)
"""What the system says of itself, and not of a file."""

FAULTS_SAID = tuple(os.strerror(number) for number in sorted(FAULTS))

OUT_OF_MEMORY = "out of memory"
MORE_MEMORY = (
    "raise CRAMP_ATLAS_MEMORY_LIMIT (CRAMP_ATLAS_DELIVERY_MEMORY_LIMIT for deliveries), or give this machine more memory"
)
LOOK = "look at the disks of this machine, at who may read landing, and at how many files may be open (ulimit -n)"

PANIC = "PanicException"
"""How polars calls its own end."""

SAID = (
    "No space left on device",
    "Disk quota exceeded",
    "disk is full",
    "max_temp_directory_size",
    "no space is left on the disk of",
)
"""What libraries say of a full disk; DuckDB names its own limit, which is a share of the free space, where it spills."""

SQLITE_SAID = "disk I/O error"
SCARCE_BYTES = 2**20

SPEAKING = (OSError, duckdb.IOException, duckdb.OutOfMemoryException, sqlite3.OperationalError)
"""Errors whose text is believed. The text of others may quote a delivery."""


def is_full(error: BaseException) -> bool:
    """Whether the error, or one that it came from, is a disk without space."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno in FULL:
            return True
        if (isinstance(found, SPEAKING) and tells_of_it(str(found))) or _is_home_full(found):
            return True
        found = found.__cause__ or found.__context__
    return False


def _is_home_full(error: BaseException) -> bool:
    """Whether Dagster's SQLite cannot work for want of space: its shared memory does not fit, an I/O error."""
    if not isinstance(error, sqlite3.OperationalError) or SQLITE_SAID not in str(error):
        return False
    home = Path(os.environ.get("DAGSTER_HOME", "."))
    return home.exists() and shutil.disk_usage(home).free < SCARCE_BYTES


def fault_of_the_machine(error: BaseException) -> str | None:
    """What the system says where the error, or one that it came from, is a fault of the machine; None where it is none.

    Such are an I/O error, no descriptor left, no memory.
    """
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno in FAULTS:
            return os.strerror(found.errno)
        if isinstance(found, (duckdb.OutOfMemoryException, MemoryError)):
            return OUT_OF_MEMORY
        if _says_what_the_system_said(found) and (said := fault_said(str(found))):
            return said
        found = found.__cause__ or found.__context__
    return None


def _says_what_the_system_said(error: BaseException) -> bool:
    """Whether its text is the system's: of DuckDB, of libraries that hand on no number, of polars when it gets no threads."""
    has_no_number = isinstance(error, OSError) and error.errno is None
    return isinstance(error, duckdb.IOException) or has_no_number or type(error).__name__ == PANIC


def fault_said(text: str) -> str | None:
    """The fault of the machine that a text names, if it names one."""
    return next((words for words in FAULTS_SAID if words in text), None)


def machine_fault(said: str) -> MachineFault:
    """The error of a machine that failed: what the system says, what that means for the night, and what to do."""
    remedy = MORE_MEMORY if said in (OUT_OF_MEMORY, os.strerror(errno.ENOMEM)) else LOOK
    return MachineFault(
        f"the machine failed ({said}): nothing was judged by it, readers keep the last release, and the next night tries again; "
        f"if it stays, {remedy}"
    )


def tells_of_it(text: str) -> bool:
    return any(words in text for words in SAID)


def no_space(folder: Path) -> NoSpace:
    """The error of a full disk under `folder`: what, where, and what to do."""
    there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path("/"))
    free = shutil.disk_usage(there).free
    return NoSpace(
        f"no space is left on the disk of {folder} ({free / 1e6:,.1f} MB free when it stopped): readers keep the last release, "
        "and no delivery was judged by it; make space (cramp-atlas releases list and retention in study.yaml say what is kept), "
        "then run cramp-atlas refresh again"
    )


def raise_if_full(error: BaseException, folder: Path) -> None:
    """Raise NoSpace where the error comes from a full disk."""
    if is_full(error):
        raise no_space(folder) from error
