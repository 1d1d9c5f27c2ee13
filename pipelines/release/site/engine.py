"""What answers SQL in a reader's browser: fetched once by `make site-engine`, and copied onto each site.

How the page uses it stands in templates/query.js and templates/query_worker.js.
"""

import json
import shutil
from pathlib import Path

from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.files import sha256_of_file

ENGINE = "engine"
"""The folder of a site that holds it."""

LIST = "engine.json"

MAKE = "make site-engine"


def copy_engine(folder: Path, site: Path) -> bool:
    """Copy the engine onto the site; whether there is one. Raises CrampAtlasError where it is not what was made."""
    if not (folder / LIST).is_file():
        return False
    (site / ENGINE).mkdir()
    for name, expected in _files(folder).items():
        if not (folder / name).is_file() or sha256_of_file(folder / name) != expected:
            raise CrampAtlasError(f"{folder / name} is not what {MAKE} made: remove {folder} and make it again")
        shutil.copyfile(folder / name, site / ENGINE / name)
    return True


def _files(folder: Path) -> dict[str, str]:
    """File -> hash."""
    try:
        files = json.loads((folder / LIST).read_text(encoding="utf-8"))["files"]
        named = {str(name): str(value) for name, value in files.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CrampAtlasError(f"{folder / LIST} cannot be read: remove {folder} and run {MAKE} again") from error
    if any(Path(name).name != name for name in named):
        raise CrampAtlasError(f"{folder / LIST} names a file of another folder: remove {folder} and run {MAKE} again")
    return named
