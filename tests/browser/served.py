"""`cramp-atlas ui` as a user starts it, with the project in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS

START_SECONDS = 120
"""The UI is up in 15 s on an idle machine."""

STOP_SECONDS = 60
"""It ends in 5 s on an idle machine."""


def command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("cramp-atlas")), *arguments]


def environment(atlas: Atlas) -> dict[str, str]:
    """Only the project is named: that DAGSTER_HOME is the same for every command is what is tested."""
    return {**_without("DAGSTER_HOME", "CRAMP_ATLAS_WAREHOUSE", "CRAMP_ATLAS_LANDING"), "CRAMP_ATLAS_PROJECT": str(atlas.folder)}


class ServedUi:
    """A running UI and all its processes."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = atlas.folder / "ui.log"
        with self._log.open("wb") as log:
            # a session of its own, so that all processes can be found; SIGINT ignored, as for a background job of a script
            self._process = subprocess.Popen(
                command("ui", "--port", str(self.port)),
                env=environment(atlas),
                cwd=atlas.folder.parent,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
            )

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the UI did not start:\n{self.log}")
            time.sleep(0.2)

    def processes(self) -> dict[int, str]:
        """Process number -> command line of everything that the UI started and that still runs."""
        listed = subprocess.run(
            ["ps", "-eo", "pid=,sid=,stat=,args="], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
        ).stdout
        found = [line.split(maxsplit=3) for line in listed.splitlines()]
        return {int(pid): args for pid, session, state, args in found if int(session) == self._process.pid and state[0] != "Z"}

    def listening(self) -> set[str]:
        """The addresses of this machine that a process of the UI listens on, as the kernel lists them."""
        own = set()
        for process in self.processes():
            with suppress(OSError):  # it has just ended
                own |= {link.readlink().name for link in Path(f"/proc/{process}/fd").iterdir()}
        addresses = set()
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                    addresses.add(fields[1])
        return addresses

    def end(self, how: signal.Signals) -> dict[int, str]:
        """Signal the process that was started, as Ctrl-C or `kill` do, and say what is left in the end."""
        self._process.send_signal(how)
        deadline = time.monotonic() + STOP_SECONDS
        while (left := self.processes()) and time.monotonic() < deadline:
            self._process.poll()
            time.sleep(0.1)
        return left

    def kill(self) -> None:
        """What a crash of the machine does."""
        if self.processes():
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=PATIENCE_SECONDS)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/server_info", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _without(*names: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in names}
