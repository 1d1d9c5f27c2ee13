"""The project as it stands."""

import pytest

from pipelines.project.project import Project
from pipelines.stages import load_project


@pytest.fixture(scope="session")
def project() -> Project:
    return load_project()
