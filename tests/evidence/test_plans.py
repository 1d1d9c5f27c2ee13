"""What tables of the literature are made of: a night without news looks at it and computes nothing."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.project.project import Project
from pipelines.report.register import COMPUTED, FRAMES, columns_read, digests_read, frames_read
from tests.patience import PATIENCE_SECONDS

PLANNING = """
import json, sys
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.project.project import Project
from pipelines.report.register import FRAMES, digests_read
digests = digests_read(Project.read(Settings(project=REPOSITORY)), FRAMES)
print(json.dumps([sorted(digests), sorted(sys.modules)]))
"""


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.read(Settings(project=REPOSITORY))


def test_what_is_computed_of_the_literature_is_not_computed_to_see_that_nothing_is_new() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PLANNING], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
    )
    named, started = json.loads(ended.stdout)
    assert named == sorted(FRAMES)
    assert not {"scipy.special", "scipy.optimize", "scipy.linalg"} & set(started)


def test_columns_are_those_of_the_frames(project: Project) -> None:
    assert columns_read(project, FRAMES) == {name: frame.columns for name, frame in frames_read(project, FRAMES).items()}


CHANGES = {
    "studies": {"evidence.register", "evidence.syntheses", "evidence.synthesis_estimates"},
    "estimates": {"evidence.register", "evidence.syntheses", "evidence.synthesis_estimates"},
    "syntheses": {"evidence.syntheses", "evidence.synthesis_estimates"},
    "synthesis_estimates": {"evidence.syntheses", "evidence.synthesis_estimates"},
    "numbers": {"evidence.published_numbers"},
    "claims": {"evidence.claims"},
}
"""File -> frames that a row less in it changes."""


@pytest.mark.parametrize("file", CHANGES)
def test_a_row_less_changes_what_is_made_of_it_and_nothing_else(project: Project, file: str) -> None:
    assert project.evidence is not None
    fewer = replace(project.evidence, **{file: getattr(project.evidence, file)[:-1]})
    before, after = digests_read(project, FRAMES), digests_read(replace(project, evidence=fewer), FRAMES)
    assert {name for name in FRAMES if before[name] != after[name]} == CHANGES[file]
    assert COMPUTED.keys() <= before.keys()


def test_without_a_register_nothing_is_read(project: Project) -> None:
    without = replace(project, evidence=None)
    assert (digests_read(without, FRAMES), columns_read(without, FRAMES), frames_read(without, FRAMES)) == ({}, {}, {})
