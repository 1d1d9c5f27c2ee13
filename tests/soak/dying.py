"""`python -m tests.soak.dying FOLDER MOMENT`: publish the project, and die just before a change of a file.

MOMENT is the number of the change, or its words. A change is a file opened for writing, an fsync, and whatever makes, names or
removes a file, folder or link below the warehouse. Without that moment nobody dies, and the changes are printed, one a line.
"""

import os
import signal
import sys
from pathlib import Path

from pipelines.machine.settings import Settings
from pipelines.release.publish import publish
from pipelines.stages import load_project

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Moments:
    """Counts the changes below a folder, and kills its own process before one of them."""

    def __init__(self, folder: Path, fatal: str) -> None:
        self.folder, self.fatal = str(folder), fatal
        self.changes: list[str] = []

    def audited(self, event: str, arguments: tuple[object, ...]) -> None:
        """What Python says of each call (`sys.addaudithook`)."""
        if event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING):
            self._come_to(event, arguments[1] if event == "os.symlink" else arguments[0])

    def synced(self, descriptor: int) -> None:
        """In place of `os.fsync`, of which Python says nothing."""
        self._come_to("fsync", Path(f"/proc/self/fd/{descriptor}").readlink())
        real_fsync(descriptor)

    def _come_to(self, event: str, path: object) -> None:
        if not str(path).startswith(self.folder):
            return
        self.changes.append(words := f"{event} {str(path).removeprefix(self.folder)}")
        if self.fatal in (words, str(len(self.changes))):
            os.kill(os.getpid(), signal.SIGKILL)


real_fsync = os.fsync


def main(folder: str, moment: str) -> None:
    """Publish, up to the moment."""
    project = load_project(Settings(project=Path(folder)))
    moments = Moments(project.settings.warehouse_folder, moment)
    setattr(os, "fsync", moments.synced)  # noqa: B010
    sys.addaudithook(moments.audited)
    publish(project)
    sys.stdout.write("\n".join(moments.changes))


if __name__ == "__main__":
    main(*sys.argv[1:])
