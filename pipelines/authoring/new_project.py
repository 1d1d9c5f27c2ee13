"""A new project in a folder of its own: a study as it stands, or one to fill in, with what every study shares."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml

from pipelines.machine.errors import CrampAtlasError, WrongUsage
from pipelines.machine.settings import REPOSITORY

TEMPLATES = Path(__file__).parent / "studies"

SHARED = (
    "dagster.yaml",
    "workspace.yaml",
    "data_contracts/standard_populations.csv",
    "data_contracts/meta",
    "data_contracts/report",
    "sql/checks",
    "sql/queries",
)
"""What a study takes from the complete one unless it is about that one alone."""

NOT_SHARED = TEMPLATES / "not_shared.txt"
"""Names what, in the shared folders, speaks of the columns or the sources of the complete study."""

PARTS = ("study.yaml", "dagster.yaml", "workspace.yaml", "data_contracts", "sql")

IGNORED = """# Deliveries, stored objects and releases are no source code.
warehouse/
.dagster/
"""


def studies() -> list[str]:
    """The names of the studies that a project can begin with."""
    complete, _ = _complete()
    return sorted({complete, *(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())})


def write_project(folder: Path, study: str) -> None:
    """Write a project that `refresh` works on into a folder that is empty or not there.

    Nothing is overwritten. Raises WrongUsage for a study that does not exist, CrampAtlasError where something is in the folder.
    """
    if study not in studies():
        raise WrongUsage(f"there is no study {study} to begin with; there are: {', '.join(studies())}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CrampAtlasError(f"{folder} is there already and not empty: name a new folder. Nothing was written")
    complete, origin = _complete()
    folder.mkdir(parents=True, exist_ok=True)
    if study == complete:
        _copy(origin, folder, PARTS, ())
    else:
        _copy(origin, folder, SHARED, NOT_SHARED.read_text(encoding="utf-8").splitlines())
        shutil.copytree(TEMPLATES / study, folder, dirs_exist_ok=True)
    (folder / "data_contracts" / "sources").mkdir(exist_ok=True)
    (folder / ".gitignore").write_text(IGNORED, encoding="utf-8")


def _complete() -> tuple[str, Path]:
    """Name and folder of the study that the others share with: a checkout itself, or the template of a package that is whole."""
    whole = (folder for folder in TEMPLATES.iterdir() if (folder / "workspace.yaml").is_file())
    folder = next(whole, REPOSITORY)
    return yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))["study"].replace("_", "-"), folder


def _copy(origin: Path, folder: Path, parts: tuple[str, ...], left_out: Sequence[str]) -> None:
    for part in parts:
        for path in sorted((origin / part).rglob("*")) if (origin / part).is_dir() else [origin / part]:
            name = path.relative_to(origin)
            if path.is_file() and name.as_posix() not in left_out:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / name)
