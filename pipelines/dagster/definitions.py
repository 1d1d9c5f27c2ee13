"""What Dagster loads by its name: the project on disk, read as this module is imported."""

import dagster as dg

from pipelines.dagster.graph import definitions
from pipelines.dagster.unusable import is_of_a_run, unusable
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.settings import Settings
from pipelines.stages import load_project


def loaded() -> dg.Definitions:
    """What the project on disk asks for. Where it cannot be used, Dagster's page and its daemon start and say why.

    A run was asked for when the project could be used: it fails with the reason, which the alert and the status then name.
    """
    settings = Settings()
    try:
        project = load_project(settings)
    except CrampAtlasError as error:
        if is_of_a_run():
            raise
        return unusable(settings, error)
    return definitions(project)


defs = loaded()
