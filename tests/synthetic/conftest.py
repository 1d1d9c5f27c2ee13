"""The project as it stands, and its synthetic survey in small: the same select, 40,000 people and a sample of 1,500."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.stages import load_project
from tests.synthetic.changed_sources import with_generator

SURVEY = "synthetic_survey"
CASE_CONTROL = "synthetic_case_control"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    loaded = load_project(Settings(warehouse=tmp_path_factory.mktemp("warehouse")))
    small = with_generator(
        loaded.sources[SURVEY],
        population={"people": 40_000, "strata": 4, "psus_per_stratum": 8, "stratum_size": [0.6, 1.4], "psu_size": [0.5, 1.5]},
        sample={"people": 1_500, "weights": ["interview_weight", "exam_weight", "dietary_weight"]},
    )
    return replace(loaded, sources={**loaded.sources, SURVEY: small})


@pytest.fixture
def survey(project: Project) -> Source:
    return project.sources[SURVEY]


@pytest.fixture
def case_control(project: Project) -> Source:
    return project.sources[CASE_CONTROL]


@pytest.fixture
def landed(project: Project, tmp_path: Path) -> Project:
    """The project with a warehouse of its own, in which nothing has landed."""
    return replace(project, settings=project.settings.model_copy(update={"warehouse": tmp_path}))
