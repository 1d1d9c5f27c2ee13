"""The folder of a site: what may be replaced, and how, so that a kill at any moment leaves the old site whole or the new one.

What a site holds is not known here.
"""

import ctypes
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipelines.machine.errors import CrampAtlasError, WrongUsage
from pipelines.machine.files import sha256_of_file, sync_folder

LISTED = "site.json"
"""The file by which a folder is known as a site of ours: what was written, with hashes."""

WRITTEN_BY = "cramp-atlas releases site"

ANOTHER = "name a new or empty folder"

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Of Linux's renameat2: paths are those of this process; two names change places."""


@contextmanager
def appearing_site(folder: Path) -> Iterator[Path]:
    """A folder beside the wanted one that takes its place when all went well, and is gone otherwise.

    Raises WrongUsage where that would lose what is not of an earlier site, CrampAtlasError where it cannot be written.
    """
    target = folder.resolve()
    require_replaceable(target, folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=_unfinished(target)))
        try:
            with _held(fresh):
                yield fresh
                _list_files(fresh)
                fresh.chmod(0o755)
                require_replaceable(target, folder)  # writing takes a while
                _take_place(fresh, target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise CrampAtlasError(f"{folder} could not be written: {error.strerror or error}") from error


def require_replaceable(target: Path, named: Path) -> None:
    """Raise WrongUsage unless there is nothing, an empty folder, or a site of ours as it was written."""
    if not target.exists():
        return
    if not target.is_dir():
        raise WrongUsage(f"{named} is a file, and nothing is overwritten: {ANOTHER}")
    there = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file() or path.is_symlink()}
    if not there and not any(target.iterdir()):
        return
    written = _written(target / LISTED)
    if written is None:
        raise WrongUsage(f"{named} holds something that is no site of releases, and nothing is overwritten: {ANOTHER}")
    strange = sorted(there - written.keys() - {LISTED})
    if strange:
        raise WrongUsage(f"{named} holds {strange[0]}, which no site wrote, and nothing is lost: move it away, or {ANOTHER}")
    changed = sorted(name for name in there & written.keys() if sha256_of_file(target / name) != written[name])
    if changed:
        raise WrongUsage(f"{named}: {changed[0]} was changed since the site was written: move it away, or {ANOTHER}")


def _written(path: Path) -> Mapping[str, str] | None:
    """File -> hash of a site of ours; None where there is none."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(listed, dict) or listed.get("written_by") != WRITTEN_BY or not isinstance(listed.get("files"), dict):
        return None
    return {str(name): str(value) for name, value in listed["files"].items()}


def _list_files(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in paths}
    (folder / LISTED).write_text(json.dumps({"written_by": WRITTEN_BY, "files": files}, indent=1) + "\n", encoding="utf-8")


def _unfinished(target: Path) -> str:
    return f".{target.name}.writing-"


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the folder, so that nobody else takes it for what a killed process left."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_leftovers(target: Path) -> None:
    """Remove what killed processes left; what somebody is writing is held."""
    for left in target.parent.glob(f"{_unfinished(target)}*"):
        descriptor = os.open(left, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)


def _take_place(fresh: Path, target: Path) -> None:
    """Give the folder its name; what had it is where the folder was."""
    if not target.exists():
        fresh.rename(target)
    elif not _exchanged(fresh, target):
        before = fresh.with_name(f"{fresh.name}.before")
        target.rename(before)
        fresh.rename(target)
        shutil.rmtree(before)
    sync_folder(target.parent)


def _exchanged(one: Path, other: Path) -> bool:
    """Let two folders change their names in one step; whether the system and its file system can."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    return bool(rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0)
