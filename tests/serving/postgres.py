"""A PostgreSQL server of the test's own, on 127.0.0.1."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.cannot_run import cannot_run

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
        password = self._folder / "password"
        password.write_text(PASSWORD, encoding="ascii")
        data = self._folder / "data"
        self._run("initdb", "-D", data, "-U", USER, "--auth=scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--no-sync")
        listening = f"-h 127.0.0.1 -p {self.port} -k {self._folder} -F"
        self._run("pg_ctl", "start", "-w", "-D", data, "-l", self._folder / "log", "-o", listening)
        self.create(DATABASE)

    def create(self, database: str) -> None:
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, database)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", self._folder / "data")
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        if os.geteuid() == ROOT:
            command = ["runuser", "-u", "postgres", "--", "env", f"PGPASSWORD={PASSWORD}", *command]
        environment = os.environ | {"PGPASSWORD": PASSWORD}
        done = subprocess.run(
            command, cwd=self._folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
