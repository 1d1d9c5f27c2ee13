"""Data files that installed packages bring: R's, SPSS's, Python's. None of them is part of the project."""

import hashlib
import os
import sysconfig
from pathlib import Path

FOLDERS = [
    Path(sysconfig.get_path("purelib")),
    *(Path(folder) for folder in ("/usr/lib/R", "/usr/local/lib/R", "/usr/share/pspp", "/usr/lib/python3/dist-packages")),
]
MORE_FOLDERS = "CRAMP_ATLAS_REAL_FILES"
"""An environment variable: further folders, separated by a colon."""

SUFFIXES = {".sav", ".zsav", ".por", ".dta", ".xpt", ".sas7bdat", ".parquet", ".xlsx", ".csv", ".tsv"}
MAX_BYTES = 1_000_000
"""Larger ones are the same formats once more, and slow."""


def real_files() -> list[Path]:
    """The files, each content once, in the order of their paths."""
    more = [Path(folder) for folder in os.environ.get(MORE_FOLDERS, "").split(":") if folder]
    found = {
        path
        for folder in [*FOLDERS, *more]
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and 0 < path.stat().st_size <= MAX_BYTES
    }
    once = {hashlib.sha256(path.read_bytes()).digest(): path for path in sorted(found, reverse=True)}
    return sorted(once.values())
