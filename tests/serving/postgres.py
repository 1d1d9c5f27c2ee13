"""A PostgreSQL server of the test's own, on 127.0.0.1."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.cannot_run import cannot_run
from tests.patience import PATIENCE_SECONDS

USER = "cramp_atlas"
DATABASE = "cramp_atlas"
PASSWORD = "not-a-secret"
ROOT = 0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def programs() -> Path:
    """The folder of initdb and pg_ctl; Debian keeps them out of PATH."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found is None:
        cannot_run("PostgreSQL is missing: apt-get install postgresql")
    return Path(found).parent


class Postgres:
    """A cluster in a folder that its user owns; it does not run as root, so root runs it as `postgres`."""

    def __init__(self) -> None:
        self.programs = programs()
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if os.geteuid() == ROOT:
            shutil.chown(self._folder, "postgres")
        data = self._folder / "data"
        self._run("initdb", "-D", data, "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "-N")
        listening = f"-h 127.0.0.1 -p {self.port} -k {self._folder} -F"
        self._run("pg_ctl", "start", "-w", "-D", data, "-l", self._folder / "log", "-o", listening)
        self._run("psql", *self._administrator, "-c", f"create role {USER} login password '{PASSWORD}'")
        self.create(DATABASE)

    @property
    def _administrator(self) -> tuple[str, ...]:
        """Options that reach the server as who may do everything; over TCP everybody needs a password."""
        return ("-h", str(self._folder), "-p", str(self.port), "-U", "postgres")

    def create(self, database: str) -> None:
        """An empty database that the user owns, who may do nothing else."""
        self._run("createdb", *self._administrator, "--owner", USER, database)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", self._folder / "data")
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        if os.geteuid() == ROOT:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=PATIENCE_SECONDS
        )
        assert done.returncode == 0, command
