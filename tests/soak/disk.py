"""A refresh that runs out of space on a small disk of its own, and the one after space was made."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.release.prune import prune
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS
from tests.soak.nights import Fingerprint, fingerprint, new_delivery, orphans, problems_of_release, start_refresh

NIGHT = 502
DISK_MB = 512
SHARES = (0, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)
"""How much of the space that the night needs is there."""


class CannotMount(Exception):
    """A disk of a given size cannot be made here; the message says why."""


@dataclass(frozen=True)
class Full:
    """What a refresh without space said: the steps that failed, and what was wrong."""

    free: int
    steps: list[str]
    said: str
    problems: list[str]

    def in_words(self) -> str:
        return f"{self.free / 1e6:.2f} MB free: broke in {', '.join(self.steps) or 'no step'}; {len(self.problems)} wrong"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system in memory, mounted on the folder; raises CannotMount."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    if mounted.returncode:
        raise CannotMount(f"{mounted.stderr.strip()}: mounting needs root, or run it under `unshare --map-root-user --mount`")
    try:
        yield folder
    finally:
        # lazily: a connection of Dagster that met the full disk may still be open in this process
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=PATIENCE_SECONDS)


def fill(atlas: Atlas, folder: Path, free: int, *, is_all_on_it: bool, after: Fingerprint | None = None) -> Full:
    """Refresh a copy of the atlas whose warehouse, or whose whole project, is on a disk with so many bytes free.

    `after`: what the tables hold that are made where there is space.
    """
    copy = Atlas(folder / "on the disk")
    with small_disk(copy.folder if is_all_on_it else copy.warehouse) as disk:
        shutil.copytree(atlas.folder, copy.folder, symlinks=True, dirs_exist_ok=True)
        before = fingerprint(copy)
        new_delivery(copy, NIGHT)
        _take_all_but(disk, free)
        output = folder / "output.txt"
        code = start_refresh(copy, output).wait(timeout=PATIENCE_SECONDS)
        said = output.read_text(encoding="utf-8")
        problems = [*_problems_of_message(code, said), *problems_of_release(copy)]
        found = fingerprint(copy)
        (disk / "ballast").unlink()
        refreshed = copy.refresh()
        if not refreshed.success:
            problems.append(f"with space again: {refreshed.failures}")
        made = fingerprint(copy)
        if made == before:
            problems.append("the night had nothing new to do")
        if found not in (before, made):
            problems.append("readers had tables of neither release")
        if made != (after or made):
            problems.append("with space again other tables are made")
        prune(copy.project)
        problems += [*(f"{path} is left" for path in orphans(copy)), *problems_of_release(copy)]
    shutil.rmtree(copy.folder)
    return Full(free, re.findall(r"✗ (\w+)", said), said, problems)


def needed(atlas: Atlas, folder: Path) -> tuple[int, Fingerprint]:
    """By how many bytes the night makes a warehouse grow where there is space, and what its tables hold."""
    control = Atlas(folder)
    shutil.copytree(atlas.folder, folder, symlinks=True)
    new_delivery(control, NIGHT)
    assert control.refresh().success
    return _bytes(control.folder) - _bytes(atlas.folder), fingerprint(control)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _take_all_but(disk: Path, free: int) -> None:
    with (disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(4096, shutil.disk_usage(disk).free - free - 8192))


def _problems_of_message(code: int, said: str) -> list[str]:
    """A full disk is said as such: what, where, what to do; no traceback, and no delivery is blamed."""
    problems = [] if code == 3 else [f"exit code {code}"]
    problems += [
        f"{words!r} is not said"
        for words in ("no space is left on the disk of", "run cramp-atlas refresh again")
        if words not in said
    ]
    return problems + [f"{words!r} is said" for words in ("Traceback", "rejected:", "cannot be read") if words in said]
