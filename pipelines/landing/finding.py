"""Finding the file of a delivered table in landing."""

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from pipelines.landing.readers.names import difference
from pipelines.landing.readers.unopened import why_not_opened
from pipelines.machine.files import sha256_of_file
from pipelines.project.project import Project
from pipelines.project.sources import DeliveredFile
from pipelines.store import Place

SHA256 = re.compile("[0-9a-f]{64}")


def find_file(project: Project, place: Place) -> Path | None:
    """The delivered file of a table, whatever the letter case and the Unicode form of its name and folders."""
    return found_below(project.settings.landing_folder / place.source, delivered_file(project, place).file)


def delivered_file(project: Project, place: Place) -> DeliveredFile:
    return project.sources[place.source].waves[place.wave].tables[place.table]


def digest_of(path: Path, within: Path | None = None, most: int | None = None) -> str:
    """SHA-256 of a delivered file; of what no reader opens, in words what it is instead: no file, a link out of the folder
    `within`, a file of more than `most` bytes, which may be endless."""
    fault = why_not_opened(path, within, most)
    return fault.found if fault else sha256_of_file(path)


def landed_digest(project: Project, path: Path) -> str:
    """What a delivered file is known by: it lies in landing, and is no larger than one may be."""
    settings = project.settings
    return digest_of(path, settings.landing_folder, settings.reader_decompressed_limit)


def is_sha256(digest: str) -> bool:
    """Whether it tells one file from every other, which the words for what is no file do not."""
    return SHA256.fullmatch(digest) is not None


def sign_of(path: Path) -> tuple[int, ...]:
    """What of a file, and of a link to it, is another after anything was written to it or put in its place; nothing of one that
    is gone."""
    return *_state(path.lstat), *_state(path.stat)


def _state(look: Callable[[], os.stat_result]) -> tuple[int, ...]:
    try:
        status = look()
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
