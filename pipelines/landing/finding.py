"""Finding the file of a delivered table in landing."""

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


def digest_of(path: Path) -> str:
    """SHA-256 of a delivered file. What is no file is told apart by a word, because no reader opens it."""
    return sha256_of_file(path) if path.is_file() else NO_FILE


def found_below(folder: Path, name: str) -> Path | None:
    """What lies below a folder under a name such as 2024/people.csv; None where nothing does.

    The name itself goes first, then one that differs in Unicode form only (macOS writes another than most), then in letter case
    only; of several such the first by alphabet.
    """
    path = folder / name
    if path.exists():
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
    if (folder / name).exists():
        return folder / name
    others = {other: how for other in sorted(folder.iterdir()) if (how := difference(name, other.name))}
    for wanted in ("in Unicode form only", "in letter case only"):
        for other, how in others.items():
            if how == wanted:
                return other
    return None
