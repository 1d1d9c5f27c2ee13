"""What can be said of a delivered file without opening it: whether a file is there at all, inside landing, and no larger than one
may be. A pipe or a device would keep its reader waiting for ever, and a sparse file may be endless."""

from pathlib import Path

from pipelines.landing.readers.delivered import Refused, RefusedHere
from pipelines.landing.readers.limits import in_bytes


def why_not_opened(path: Path, within: Path | None = None, most: int | None = None) -> Refused | None:
    """Why no reader opens what lies at a path: it is no file, a link leads out of the folder `within`, or it has more than
    `most` bytes; None for a file that may be opened."""
    if path.is_dir():
        return Refused("a folder", "Deliver one file: what wrote the folder can write its parts into one (Spark: coalesce(1))")
    if path.is_symlink() and not path.exists():
        return Refused("a link that leads nowhere", "Deliver the file itself")
    if path.exists() and not path.is_file():
        return Refused("a pipe, a socket or a device", "Deliver a file")
    if not path.is_file():
        return Refused("no file", "Deliver it, or correct its name in the source's file")
    if within and not path.resolve().is_relative_to(within.resolve()):
        return Refused("a link that leads out of the landing folder", "Deliver the file itself")
    if most is not None and path.stat().st_size > most:
        return RefusedHere(
            f"a file of more than {in_bytes(most)}", "If that is right, raise CRAMP_ATLAS_READER_DECOMPRESSED_LIMIT"
        )
    return None
