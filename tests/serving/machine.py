"""The machine that docs/serving.md sets up, in folders of the test: the committed files, with their paths led elsewhere."""

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from pipelines.machine.settings import REPOSITORY
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS
from tests.serving.postgres import DATABASE, PASSWORD, USER, Postgres, free_port

FILES = REPOSITORY / "docs" / "serving"
UP_SECONDS = 90
"""A server is up in 15 s on an idle machine, and a run of one table ends in 8 s."""


def assignments(text: str) -> dict[str, str]:
    """The lines NAME=value of a unit file or an environment file."""
    lines = [line.partition("=") for line in text.splitlines() if line[:1].isalpha()]
    return {name: value for name, _, value in lines}


def settings_of(unit: str) -> dict[str, str]:
    """The settings of a committed unit file; of one that stands there twice, the last."""
    return assignments((FILES / unit).read_text(encoding="utf-8"))


class Machine:
    """`atlas` as it lies in /opt/cramp-atlas, with its own /etc, /run and /var/lib, and a database in `postgres`."""

    def __init__(self, atlas: Atlas, folder: Path, postgres: Postgres, database: str = DATABASE) -> None:
        self.atlas = atlas
        self.state = folder / "state"
        self.port, self.reader_port = free_port(), free_port()
        self.led = {
            "/opt/cramp-atlas/.venv/bin": str(Path(sys.executable).parent),
            "/opt/cramp-atlas": str(atlas.folder),
            "/etc/cramp-atlas": str(folder / "etc"),
            "/var/lib/cramp-atlas": str(self.state),
            "/run/cramp-atlas": tempfile.mkdtemp(prefix="run-"),  # a socket's path must be short
            "--port 3000": f"--port {self.port}",
            "--port 3001": f"--port {self.reader_port}",
            "127.0.0.1:3000": f"127.0.0.1:{self.port}",
        }
        for name in ("etc", "bin", "state/dagster"):
            (folder / name).mkdir(parents=True)
        (self.state / "dagster" / "dagster.yaml").symlink_to(FILES / "dagster.yaml")
        self.warehouse = self.state / "warehouse"
        if atlas.warehouse.exists():
            atlas.warehouse.rename(self.warehouse)
        of_database = {"PORT": str(postgres.port), "DB": database, "USER": USER, "PASSWORD": PASSWORD}
        self.environment = assignments(self.lead((FILES / "environment").read_text(encoding="utf-8"))) | {
            f"DAGSTER_POSTGRES_{name}": value for name, value in of_database.items()
        }
        lines = [f"{name}={value}\n" for name, value in self.environment.items()]
        (folder / "etc" / "environment").write_text("".join(lines), encoding="utf-8")
        for name in ("cramp-atlas", "cramp-atlas-backup", "cramp-atlas-restore"):
            path = folder / "bin" / name
            path.write_text(self.lead((FILES / name).read_text(encoding="utf-8")), encoding="utf-8")
            path.chmod(0o755)
        self._bin = folder / "bin"
        self._path = f"{postgres.programs}{os.pathsep}{os.environ['PATH']}"

    def lead(self, text: str) -> str:
        """A text of the committed files with the paths of this machine."""
        for there, here in self.led.items():
            text = text.replace(there, here)
        return text

    def start(self, name: str) -> "Service":
        """The unit's ExecStart, with its environment, as systemd starts it."""
        settings = settings_of(f"cramp-atlas-{name}.service")
        environment = {"PATH": self._path} | self.environment | assignments(self.lead(settings["Environment"]))
        command = shlex.split(self.lead(settings["ExecStart"]))
        return Service(command, environment, Path(self.lead(settings["WorkingDirectory"])), self.state / f"{name}.log")

    def run(self, name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """A committed script in a terminal."""
        command = [str(self._bin / name), *map(str, arguments)]
        environment = {"PATH": self._path, "COLUMNS": "200"}
        return subprocess.run(
            command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )

    def ask(self, query: str, *, reader: bool = False, **variables: Any) -> dict[str, Any]:
        """The answer of the GraphQL of the page, or of the page for who may only look."""
        port = self.reader_port if reader else self.port
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            said = json.load(answer)
        assert "errors" not in said, said
        return dict(said["data"])


class Service:
    """The processes of one unit: a session of their own, as a unit has a control group."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path, log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        """Wait until the service says so."""
        wait_until(lambda: text in self.log, lambda: self.log)

    def processes(self) -> dict[int, str]:
        listed = subprocess.run(
            ["ps", "-eo", "pid=,sid=,stat=,args="], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
        ).stdout
        found = [line.split(maxsplit=3) for line in listed.splitlines()]
        return {int(pid): args for pid, session, state, args in found if int(session) == self._process.pid and state[0] != "Z"}

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Signal every process, as systemd does; returns how the first of them ended, when all have."""
        for process in self.processes():
            os.kill(process, how)
        wait_until(lambda: self._process.poll() is not None and not self.processes(), lambda: str(self.processes()))
        return self._process.wait(timeout=PATIENCE_SECONDS)


def wait_until(is_so: Any, explanation: Any) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, explanation()
        time.sleep(0.1)
