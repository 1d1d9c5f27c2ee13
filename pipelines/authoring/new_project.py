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

TAKEN = "taken.txt"
"""In a template: names what it takes beside that, files of the complete study that the two have in common."""

PARTS = ("study.yaml", "dagster.yaml", "workspace.yaml", "data_contracts", "sql")

IGNORED = """# Deliveries, stored objects and releases are no source code.
warehouse/
.dagster/
"""

README = """# {title}

{question}

## Tables out of deliveries

```sh
{fetch}cramp-atlas refresh                 # take in deliveries, judge, harmonise, estimate, publish
cramp-atlas status                  # what is published, and what is held back
cramp-atlas sql                     # a read-only SQL prompt on what is published
cramp-atlas ui                      # tables and runs in Dagster
```

Commands work on the project of the folder that they are typed in. The page of the latest release is
`warehouse/current/report.html`.

## Where things are

{files}
"""

FETCH = "cramp-atlas fetch nhanes            # download the files of NHANES that the project names\n"

FILES = """
| | |
|---|---|
| `study.yaml` | outcomes, exposures, populations, age bands, the night |
| `data_contracts/sources/` | a file a survey: design, waves and their files, whether waves are comparable |
| `data_contracts/raw/`, `codebooks/` | what each delivered table promises, and what its codes mean |
| `data_contracts/core/` | the respondents: one vocabulary for all surveys |
| `data_contracts/report/`, `meta/` | the tables that are published |
| `sql/core/respondents/` | a select a survey, which puts its answers into that vocabulary |
| `sql/checks/` | claims that must hold: `<table>__<claim>.sql` returns the rows against it |
| `sql/queries/` | questions to the published tables: `cramp-atlas query` lists them |
| `warehouse/` | deliveries (`landing/`), stored objects and releases; not under version control |
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
        taken = _lines(TEMPLATES / study / TAKEN)
        _copy(origin, folder, (*SHARED, *taken), _lines(NOT_SHARED))
        shutil.copytree(TEMPLATES / study, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(TAKEN))
    (folder / "data_contracts" / "sources").mkdir(exist_ok=True)
    (folder / ".gitignore").write_text(IGNORED, encoding="utf-8")
    (folder / "README.md").write_text(_readme(folder), encoding="utf-8")


def has_nhanes(folder: Path) -> bool:
    """Whether a project has files that `fetch nhanes` downloads."""
    return (folder / "data_contracts" / "sources" / "nhanes.yaml").is_file()


def _readme(folder: Path) -> str:
    study = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    return README.format(
        title=study["title"], question=study["question"], fetch=FETCH if has_nhanes(folder) else "", files=FILES.strip()
    )


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []


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
