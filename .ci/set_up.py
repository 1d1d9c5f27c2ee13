"""Install what requirements.lock pins into a virtual environment, and say how far it is: pip alone is silent for minutes.

python .ci/set_up.py .venv/bin/python requirements.lock ...
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

PINNED = re.compile(r"^[A-Za-z0-9._-]+(?:\[[^\]]*\])?==", re.MULTILINE)

FOUND = re.compile(r"^(?:Collecting|Processing|Requirement already satisfied:) (?:\S*/)?(?P<name>[A-Za-z0-9._-]+)")
"""Of an index, of a folder, and what is installed."""

EVERY = 20
"""Packages between two lines of progress."""


def progress(printed: Iterable[str], n_packages: int, started: float) -> Iterator[str]:
    """What a person is told of the lines that pip prints."""
    n_found = 0
    for line in printed:
        if found := FOUND.match(line):
            n_found += 1
            if n_found % EVERY == 0:
                yield f"  {n_found} of {n_packages} packages are here, last {found['name']} ({time.monotonic() - started:.0f} s)"
        elif line.startswith("Installing collected packages"):
            yield f"  unpacking them, the longest part ({time.monotonic() - started:.0f} s)"


def main(python: str, *locks: str) -> int:
    """Install every lock; returns pip's exit code, after its own words where it failed."""
    for lock in locks:
        n_packages = len(PINNED.findall(Path(lock).read_text(encoding="utf-8")))
        print(f"installing {n_packages} packages of {lock}, once: about 2 GB of disk, some minutes", flush=True)  # noqa: T201
        command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
        command += ["--require-hashes", "--no-deps", "-r", lock]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=None, text=True) as pip:
            assert pip.stdout is not None
            for line in progress(pip.stdout, n_packages, time.monotonic()):
                print(line, flush=True)  # noqa: T201
        if pip.returncode:
            return pip.returncode
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    return subprocess.run([*command, "--editable", "."], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
