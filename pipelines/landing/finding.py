"""Finding the file of a delivered table in landing."""

import os
from pathlib import Path, PurePosixPath

from pipelines.landing.readers.names import difference
from pipelines.machine.files import sha256_of_file
from pipelines.project.project import Project
from pipelines.project.sources import DeliveredFile
from pipelines.store import Place

NO_FILE = "no file"


def find_file(project: Project, place: Place) -> Path | None:
    """The delivered file of a table, whatever the letter case and the Unicode form of its name and folders."""
    return found_below(project.settings.landing_folder / place.source, delivered_file(project, place).file)


def delivered_file(project: Project, place: Place) -> DeliveredFile:
    return project.sources[place.source].waves[place.wave].tables[place.table]


def digest_of(path: Path, within: Path | None = None, most: int | None = None) -> str:
    """SHA-256 of a delivered file. What no reader opens is told apart by a word: what is no file, what a link out of the folder
    `within` leads to, and a file of more than `most` bytes, which may be endless."""
    if not path.is_file() or (within and leads_out(path, within)):
        return NO_FILE
    size = path.stat().st_size
    return sha256_of_file(path) if most is None or size <= most else f"{size} bytes"


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a path is, or goes through, a link out of the folder."""
    return not path.resolve().is_relative_to(folder.resolve())


def sign_of(path: Path) -> tuple[int, ...]:
    """What of a file is another after anything was written to it or put in its place; nothing of one that is gone."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def found_below(folder: Path, name: str) -> Path | None:
    """What lies below a folder under a name such as 2024/people.csv; None where nothing does.

    The name itself goes first, then one that differs in Unicode form only (macOS writes another than most), then in letter case
    only; of several such the first by alphabet.
    """
    path = folder / name
    if os.path.lexists(path):
        return path
    found = folder
    for part in PurePosixPath(name).parts:
        entry = _entry(found, part)
        if entry is None:
            return None
        found = entry
    return found


def _entry(folder: Path, name: str) -> Path | None:
    if not folder.is_dir():
        return None
    if os.path.lexists(folder / name):
        return folder / name
    others = {other: how for other in sorted(folder.iterdir()) if (how := difference(name, other.name))}
    for wanted in ("in Unicode form only", "in letter case only"):
        for other, how in others.items():
            if how == wanted:
                return other
    return None
