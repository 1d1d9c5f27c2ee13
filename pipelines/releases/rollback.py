"""Going back to an earlier release, and on again. A rollback holds until it is resumed."""

import json
from datetime import UTC, datetime

from pipelines.errors import CrampAtlasError
from pipelines.lock import warehouse_lock
from pipelines.project import Project
from pipelines.releases.publish import hold_file, manifests, point_to
from pipelines.store.files import replace_text


def roll_back(project: Project, release_id: str) -> None:
    """Let readers see an earlier release. The nights go on, but readers stay there until `resume`."""
    known = [manifest["release_id"] for manifest in manifests(project)]
    if release_id not in known:
        raise CrampAtlasError(f"there is no release {release_id}; there are: {', '.join(known) or 'none yet'}")
    with warehouse_lock(project.settings.warehouse_folder):
        since = datetime.now(UTC).isoformat(timespec="seconds")
        replace_text(hold_file(project), json.dumps({"release_id": release_id, "since": since}))
        point_to(project, release_id)


def resume(project: Project) -> str:
    """End a rollback: readers see the newest release again. Returns its id."""
    known = manifests(project)
    if not known:
        raise CrampAtlasError("there is no release yet: run cramp-atlas refresh")
    with warehouse_lock(project.settings.warehouse_folder):
        point_to(project, known[-1]["release_id"])
        hold_file(project).unlink(missing_ok=True)
    return str(known[-1]["release_id"])
