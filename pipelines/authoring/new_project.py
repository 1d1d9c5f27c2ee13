"""A new project in a folder of its own: a study as it stands, or one to fill in, with what every study shares."""

import shutil
from pathlib import Path

from pipelines.machine.errors import CrampAtlasError, WrongUsage
from pipelines.machine.settings import REPOSITORY

TEMPLATES = Path(__file__).parent / "studies"

COMPLETE = "nocturnal-leg-cramps"
"""The study that this project itself is: in a checkout its top folder, in an installed package a template like the others."""

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

OF_THE_COMPLETE = (
    "data_contracts/report/claims.odcs.yaml",
    "data_contracts/report/diary_rates.odcs.yaml",
    "data_contracts/report/evidence.odcs.yaml",
    "data_contracts/report/evidence_comparison.odcs.yaml",
    "data_contracts/report/planted_sequence_ratios.odcs.yaml",
    "data_contracts/report/planted_truth.odcs.yaml",
    "data_contracts/report/published_numbers.odcs.yaml",
    "data_contracts/report/sequence_pairs_by_month.odcs.yaml",
    "data_contracts/report/sequence_ratios.odcs.yaml",
    "sql/checks/nhanes_slq__covers_everyone_16_and_older.sql",
    "sql/checks/nhanes_slq__everyone_is_in_demo.sql",
    "sql/checks/published_numbers__every_number_is_reproduced.sql",
    "sql/checks/respondents__activity_agrees_with_sedentary.sql",
    "sql/checks/respondents__unanswered_has_a_reason.sql",
    "sql/checks/sequence_ratios__interval_brackets_the_ratio.sql",
    "sql/queries/left_out_and_why.sql",
    "sql/queries/nhanes_and_9_34.sql",
    "sql/queries/planted_truth_recovered.sql",
    "sql/queries/weighted_share_by_hand.sql",
)
"""Of the shared folders, what speaks of its columns or its sources."""

PARTS = ("study.yaml", "dagster.yaml", "workspace.yaml", "data_contracts", "sql")

IGNORED = """# Deliveries, stored objects and releases are no source code.
warehouse/
.dagster/
"""


def studies() -> list[str]:
    """The names of the studies that a project can begin with."""
    return sorted({COMPLETE, *(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())})


def write_project(folder: Path, study: str) -> None:
    """Write a project that `refresh` works on into a folder that is empty or not there.

    Nothing is overwritten. Raises WrongUsage for a study that does not exist, CrampAtlasError where something is in the folder.
    """
    if study not in studies():
        raise WrongUsage(f"there is no study {study} to begin with; there are: {', '.join(studies())}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CrampAtlasError(f"{folder} is there already and not empty: name a new folder. Nothing was written")
    complete = _complete()
    folder.mkdir(parents=True, exist_ok=True)
    if study == COMPLETE:
        _copy(complete, folder, PARTS, ())
    else:
        _copy(complete, folder, SHARED, OF_THE_COMPLETE)
        shutil.copytree(TEMPLATES / study, folder, dirs_exist_ok=True)
    (folder / "data_contracts" / "sources").mkdir(exist_ok=True)
    (folder / ".gitignore").write_text(IGNORED, encoding="utf-8")


def _complete() -> Path:
    packaged = TEMPLATES / COMPLETE
    return packaged if packaged.is_dir() else REPOSITORY


def _copy(origin: Path, folder: Path, parts: tuple[str, ...], left_out: tuple[str, ...]) -> None:
    for part in parts:
        for path in sorted((origin / part).rglob("*")) if (origin / part).is_dir() else [origin / part]:
            name = path.relative_to(origin)
            if path.is_file() and name.as_posix() not in left_out:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, folder / name)
