"""One process at work on the warehouse: the other waits or says who it is, and a dead one holds nobody up."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.machine.errors import WarehouseBusy
from pipelines.machine.lock import warehouse_lock
from tests.cannot_run import cannot_run
from tests.patience import PATIENCE_SECONDS

HOLDER = """
import sys, time
from pathlib import Path
from pipelines.machine.lock import warehouse_lock
with warehouse_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(warehouse: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process that holds the warehouse by now."""
    command = [sys.executable, "-c", HOLDER, str(warehouse), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_comes_second_is_told_who_holds_the_warehouse_since_when(tmp_path: Path) -> None:
    process = hold(tmp_path, 60)
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    said = rf"process {process.pid} \(-c .*, since {when}\) is at work on {re.escape(str(tmp_path))}: wait"
    with pytest.raises(WarehouseBusy, match=said), warehouse_lock(tmp_path):
        pass
    process.kill()
    process.wait(timeout=PATIENCE_SECONDS)


def test_a_warehouse_that_another_container_holds_is_busy_and_free_when_that_is_killed(tmp_path: Path) -> None:
    """Two spaces of process numbers on one warehouse: the number in the file says nothing here, the lock does."""
    unshare = ["unshare", "--pid", "--fork", "--kill-child"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*unshare, "true"], check=False, capture_output=True, timeout=PATIENCE_SECONDS).returncode
    ):
        cannot_run("no space of process numbers can be made here: unshare of util-linux is needed, and the right to use it")
    command = [*unshare, sys.executable, "-c", HOLDER, str(tmp_path), "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        said = rf"process 1 \(.* UTC\) on {re.escape(socket.gethostname())}, another machine or container, is at work on"
        with pytest.raises(WarehouseBusy, match=said), warehouse_lock(tmp_path):
            pass
        other.kill()
    with warehouse_lock(tmp_path, patience=PATIENCE_SECONDS):
        assert (tmp_path / ".lock").read_text(encoding="utf-8").startswith(f"{os.getpid()} (")


def test_who_is_patient_gets_the_warehouse_when_the_other_lets_go(tmp_path: Path) -> None:
    process = hold(tmp_path, 1)
    with warehouse_lock(tmp_path, patience=PATIENCE_SECONDS):
        process.wait(timeout=PATIENCE_SECONDS)
        assert (tmp_path / ".lock").read_text(encoding="utf-8").startswith(f"{os.getpid()} (")


def test_patience_ends(tmp_path: Path) -> None:
    process = hold(tmp_path, PATIENCE_SECONDS)
    started = time.monotonic()
    with pytest.raises(WarehouseBusy), warehouse_lock(tmp_path, patience=0.5):
        pass
    assert 0.5 <= time.monotonic() - started < 60
    process.kill()
    process.wait(timeout=PATIENCE_SECONDS)


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    process = hold(tmp_path, 60)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=PATIENCE_SECONDS)
    assert (tmp_path / ".lock").read_text(encoding="utf-8").startswith(f"{process.pid} (")
    with warehouse_lock(tmp_path):
        assert (tmp_path / ".lock").read_text(encoding="utf-8").startswith(f"{os.getpid()} (")


def test_a_forked_child_does_not_keep_the_lock_of_its_dead_parent(tmp_path: Path) -> None:
    script = HOLDER.replace(
        "time.sleep(float(sys.argv[2]))", "import os\n    if os.fork():\n        os._exit(0)\n    time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True, start_new_session=True)
    parent.wait(timeout=PATIENCE_SECONDS)
    with warehouse_lock(tmp_path, patience=60):
        pass
    os.killpg(parent.pid, signal.SIGKILL)


def test_a_process_may_take_what_it_holds_again_and_keeps_it_until_the_end(tmp_path: Path) -> None:
    attempt = [sys.executable, "-c", HOLDER, str(tmp_path), "0"]
    with warehouse_lock(tmp_path):
        with warehouse_lock(tmp_path):
            pass
        assert subprocess.run(attempt, capture_output=True, check=False, timeout=PATIENCE_SECONDS).returncode == 1
    assert subprocess.run(attempt, capture_output=True, check=False, timeout=PATIENCE_SECONDS).returncode == 0
