"""Writing files so that a crash at any moment leaves the old file or the new one, never half of either."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile

READ_ONLY = 0o444

SET_ASIDE = ".set-aside"
"""How the names of files end that stood where something else must stand."""

TEMPORARY = ".making-"
"""How the names of files begin that are not finished yet."""


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def make_folder(folder: Path) -> None:
    """Make a folder and those that it lies in; the name of each new one is durable."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


@contextmanager
def temporary_beside(folder: Path, suffix: str) -> Iterator[Path]:
    """A temporary path in `folder`, gone afterwards unless it was renamed."""
    make_folder(folder)
    with NamedTemporaryFile(dir=folder, prefix=TEMPORARY, suffix=suffix, delete=False) as file:
        path = Path(file.name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed process left half made. Only for who holds the lock."""
    for path in folder.rglob(f"{TEMPORARY}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Replace the file in one atomic, durable step."""
    with temporary_beside(path.parent, ".tmp") as temporary:
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o644)
        sync_file(temporary)
        if path.is_dir() and not path.is_symlink():
            set_aside(path)
        temporary.replace(path)
    sync_folder(path.parent)


def set_aside(path: Path) -> Path:
    """Rename what stands where it must not, so that nothing is lost; returns its new path."""
    others = (path.with_name(f"{path.name}{SET_ASIDE}{f'-{number}' if number else ''}") for number in count())
    aside = next(other for other in others if not other.exists() and not other.is_symlink())
    path.rename(aside)
    sync_folder(path.parent)
    return aside


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
