"""What is remembered of each fetched file: `manifest.json` beside the files, and the one step that puts a file in its place."""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from pipelines.landing.fetch.origins import Version

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Record:
    """`bytes` and `sha256` of what was kept of one file, where it came from and under which validators; UTC."""

    url: str
    bytes: int
    sha256: str
    etag: str | None
    last_modified: str | None
    fetched_at: datetime

    def describes(self, file: Path) -> bool:
        """Whether `file` still holds what was fetched."""
        return file.is_file() and file.stat().st_size == self.bytes and sha256_of(file) == self.sha256

    @property
    def version(self) -> Version | None:
        """What the origin can recognise the file by; None where it gave neither an entity tag nor a date."""
        return Version(self.url, self.bytes, self.etag, self.last_modified) if self.etag or self.last_modified else None


_RECORDS = TypeAdapter(dict[str, Record])


def read_manifest(folder: Path) -> dict[str, Record]:
    """File -> record. An unreadable manifest is as good as none: its files are fetched again."""
    try:
        return _RECORDS.validate_json((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}


def write_manifest(folder: Path, records: dict[str, Record]) -> None:
    """Replace the manifest in one step, in the order of the file names."""
    written = folder / f"{MANIFEST}.part"
    with written.open("wb") as stream:
        stream.write(_RECORDS.dump_json(dict(sorted(records.items())), indent=2) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    move_into_place(written, folder / MANIFEST)


def move_into_place(written: Path, target: Path) -> None:
    """Put a flushed file where `target` is, in one step that a power cut does not undo."""
    os.replace(written, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
