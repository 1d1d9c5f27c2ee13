"""Finding the file of a delivered table in landing."""

from pathlib import Path

from pipelines.machine.files import sha256_of_file
from pipelines.project.project import Project
from pipelines.project.sources import DeliveredFile
from pipelines.store import Place

NO_FILE = "no file"


def find_file(project: Project, place: Place) -> Path | None:
    """The delivered file of a table, whatever the letter case of its name."""
    path = project.settings.landing_folder / place.source / delivered_file(project, place).file
    if path.is_file():
        return path
    if not path.parent.is_dir():
        return None
    return next((other for other in sorted(path.parent.iterdir()) if other.name.lower() == path.name.lower()), None)


def delivered_file(project: Project, place: Place) -> DeliveredFile:
    return project.sources[place.source].waves[place.wave].tables[place.table]


def digest_of(path: Path) -> str:
    """SHA-256 of a delivered file. What is no file is told apart by a word, because no reader opens it."""
    return sha256_of_file(path) if path.is_file() else NO_FILE
