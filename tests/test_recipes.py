"""What a change of code, contracts or SQL makes anew, and whether a release follows it: neither more nor less.

A recipe says what must be made again. Whether what rests on that is made again too is decided by its content, later.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from pipelines.machine import code
from pipelines.machine.settings import REPOSITORY
from pipelines.project.project import Project
from pipelines.release.composition import compose
from pipelines.release.meta import meta_tables
from pipelines.release.publish import content_hash
from pipelines.stages import plan
from pipelines.store import Place, Sidecar
from tests.atlas import Atlas

RAW = {
    "raw.synthetic_case_control_participants",
    "raw.synthetic_case_control_planted",
    "raw.synthetic_survey_planted",
    "raw.synthetic_survey_respondents",
}
CORE = {"core.respondents"}
PREVALENCES = {"report.prevalence_by_age_band", "report.prevalence_by_age_band_and_sex", "report.prevalence_by_exposure"}
ESTIMATED = {
    *PREVALENCES,
    "report.prevalence_age_standardised",
    "report.trends",
    "report.odds_ratios",
    "report.respondent_flow",
    "report.characteristics_by_outcome",
}
SELECTED = {"report.planted_truth"}
REPORTS = ESTIMATED | SELECTED


@dataclass(frozen=True)
class Change:
    """One place of a file: `before` becomes `after`, or `after` is added at the end where nothing is named."""

    file: str
    before: str
    after: str
    anew: set[str] = field(default_factory=set)
    release: bool = False


LINE = "\n\nPLANTED = 1\n"
COMMENT = "\n# planted\n"

CHANGES = {
    "a label in study code": Change(
        "pipelines/project/study.py", '"{lower}+"', '"{lower} and older"', CORE | REPORTS, release=True
    ),
    "store code": Change("pipelines/store/objects.py", '"zstd"', '"snappy"', RAW | CORE | REPORTS, release=True),
    "the estimator of prevalences, which standardising works with": Change(
        "pipelines/report/prevalence.py", "", LINE, PREVALENCES | {"report.prevalence_age_standardised"}
    ),
    "the standardising estimator": Change("pipelines/report/standardised.py", "", LINE, {"report.prevalence_age_standardised"}),
    "the estimator of trends": Change("pipelines/report/trends.py", "", LINE, {"report.trends"}),
    "the estimator of odds ratios": Change("pipelines/report/odds_ratios.py", "", LINE, {"report.odds_ratios"}),
    "the estimator of matched odds ratios": Change("pipelines/report/matched.py", "", LINE, {"report.odds_ratios"}),
    "the estimator of the flow": Change("pipelines/report/flow.py", "", LINE, {"report.respondent_flow"}),
    "the estimator of characteristics": Change(
        "pipelines/report/characteristics.py", "", LINE, {"report.characteristics_by_outcome"}
    ),
    "what standard errors rest on": Change("pipelines/statistics/collapse.py", "", LINE, CORE | ESTIMATED, release=True),
    "an estimator that nobody calls": Change("pipelines/statistics/firth.py", "", LINE),
    "what harmonises": Change("pipelines/core/harmonise.py", "", LINE, CORE),
    "what adds respondents up": Change("pipelines/core/cells.py", "", LINE, ESTIMATED),
    "which cells there are": Change("pipelines/making/cells.py", "", LINE, ESTIMATED, release=True),
    "who reads cells": Change("pipelines/report/held.py", "", LINE, ESTIMATED, release=True),
    "a reader": Change("pipelines/landing/readers/text.py", "", LINE, RAW),
    "what judges": Change("pipelines/making/judging.py", "", LINE, RAW | CORE | REPORTS),
    "a comment": Change("pipelines/contracts/rules.py", "", COMMENT),
    "a comment in an estimator": Change("pipelines/report/trends.py", "", COMMENT),
    "a docstring": Change(
        "pipelines/making/judging.py", '"""Judging a candidate object', '"""Planted. Judging a candidate object'
    ),
    "how contracts are drafted": Change("pipelines/authoring/draft.py", "", LINE),
    "a Dagster file": Change("pipelines/dagster/assets/shown.py", "", LINE),
    "the page's template": Change("pipelines/release/page/templates/report.html.j2", "", "<!-- planted -->", release=True),
    "the words of comments": Change(
        "pipelines/contracts/columns.py", '"Unit: ', '"Measured in: ', RAW | CORE | REPORTS, release=True
    ),
    "a column comment": Change(
        "data_contracts/core/respondents.odcs.yaml",
        "Sex as recorded by the source.",
        "Sex as the source recorded it.",
        release=True,
    ),
    "a line of a codebook": Change(
        "data_contracts/codebooks/synthetic_case_control_participants.csv",
        "",
        "night_cramps,9,planted,Planted,\n",
        {"raw.synthetic_case_control_participants", "core.respondents"},
        release=True,
    ),
    "a check of a report table": Change(
        "sql/checks/odds_ratios__interval_brackets_the_estimate.sql", "", "-- planted\n", {"report.odds_ratios"}
    ),
    "a harmonising select": Change("sql/core/respondents/synthetic_survey.sql", "", "-- planted\n", {"core.respondents"}),
}


@dataclass(frozen=True)
class Released:
    """What is published: its objects, the meta tables about them, the recipe of every object, and the hash of it all."""

    project: Project
    objects: dict[Place, Sidecar]
    frames: dict[str, pl.DataFrame]
    recipes: dict[Place, str]
    name: str

    def planned(self, project: Project) -> dict[Place, str]:
        """The recipes that a project, and the code as it is now, have for these objects."""
        plans = {place: plan(project, place) for place in self.recipes}
        return {place: planned.recipe for place, planned in plans.items() if planned}


@pytest.fixture(scope="module")
def released(published_synthetic: Atlas) -> Released:
    project = published_synthetic.project
    objects = compose(project)
    recipes = {
        place: sidecar.recipe
        for table in project.contracts
        if not table.startswith("meta.")
        for place in project.places(table)
        if (sidecar := project.store.accepted(place)) and place.source != "nhanes"
    }
    frames = meta_tables(project, objects)
    return Released(project, objects, frames, recipes, content_hash(project, objects, frames))


@pytest.fixture
def tree(tmp_path: Path, released: Released, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the code and of the published project, without its warehouse."""
    shutil.copytree(REPOSITORY / "pipelines", tmp_path / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("data_contracts", "sql"):
        shutil.copytree(released.project.settings.project / part, tmp_path / part)
    shutil.copy(released.project.settings.project / "study.yaml", tmp_path)
    monkeypatch.setattr(code, "PACKAGE", tmp_path / "pipelines")
    yield tmp_path
    shutil.rmtree(tmp_path / "pipelines")


def test_what_is_published_is_up_to_date(released: Released) -> None:
    assert released.planned(released.project) == released.recipes


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_makes_anew_what_rests_on_it_and_nothing_else(change: Change, tree: Path, released: Released) -> None:
    path = tree / change.file
    text = path.read_text(encoding="utf-8")
    assert not change.before or text.count(change.before) == 1
    path.write_text(text.replace(change.before, change.after) if change.before else text + change.after, encoding="utf-8")
    settings = released.project.settings
    changed = Project.read(settings.model_copy(update={"project": tree, "warehouse": settings.warehouse_folder}))
    recipes = released.planned(changed)
    anew = {place.name for place, recipe in released.recipes.items() if recipes[place] != recipe}
    is_released = content_hash(changed, released.objects, released.frames) != released.name
    assert (anew, is_released) == (change.anew, change.release)


def test_every_reader_is_in_the_recipe_of_what_it_reads() -> None:
    readers = {path.stem for path in (REPOSITORY / "pipelines" / "landing" / "readers").glob("*.py")} - {"__init__"}
    found = code.imported(["raw.candidate", "landing.readers.worker"])
    assert {f"landing.readers.{name}" for name in readers} <= found


def test_an_error_of_ours_is_known_before_it_is_imported() -> None:
    ours = code.subclasses_of("CrampAtlasError")
    assert {"CrampAtlasError", "ContractError", "DeliveryUnreadable", "FetchFailed", "SchemaProblems", "StoreDamaged"} <= ours
    assert not {"StatsError", "RuntimeError", "Plan"} & ours
