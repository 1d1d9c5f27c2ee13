"""Going back to an earlier release, and on again. A rollback holds until it is resumed."""

import json
from datetime import UTC, datetime

from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.files import replace_text
from pipelines.machine.lock import warehouse_lock
from pipelines.machine.sealed import sealed
from pipelines.project.project import Project
from pipelines.release.kept import DATABASES, hold_file, let_go, manifest_of, manifests, point_to
from pipelines.release.verify import file_problems


def roll_back(project: Project, release_id: str) -> None:
    """Let readers see an earlier release, exactly as it was. The nights go on, but readers stay there until `resume`.

    Raises CrampAtlasError where there is no such release, or where its databases are not what was published.
    """
    with warehouse_lock(project.settings.warehouse_folder):
        manifest = manifest_of(project, release_id)
        damaged = [problem for name in DATABASES for problem in file_problems(project, manifest, name)]
        if damaged:
            raise CrampAtlasError("readers stay where they are:\n- " + "\n- ".join(damaged))
        since = datetime.now(UTC).isoformat(timespec="seconds")
        replace_text(hold_file(project), sealed(json.dumps({"release_id": release_id, "since": since})))
        point_to(project, release_id)


def resume(project: Project) -> str:
    """End a rollback: readers see the newest release again. Returns its id."""
    with warehouse_lock(project.settings.warehouse_folder):
        known = manifests(project)
        if not known:
            raise CrampAtlasError("there is no release yet: run cramp-atlas refresh")
        # a resume that is killed in between is finished by the next night
        let_go(project)
        point_to(project, known[-1]["release_id"])
    return str(known[-1]["release_id"])
