"""Servers of Spark Connect, each a process of its own: Sail, which needs no Java, and Apache Spark."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.patience import PATIENCE_SECONDS, killed_at_last

SERVING = """
import sys
from pysail.spark import SparkConnectServer
server = SparkConnectServer(ip="127.0.0.1", port=0)
server.start(background=True)
print(server.listening_address[1], flush=True)
sys.stdin.read()
"""

APACHE_SPARK = Path(__file__).parents[2] / ".venv-spark"
"""Where `make apache-spark` puts it."""

WHILE_ASKED_FOR = 'exec 3<&0; "$@" </dev/null & server=$!; cat <&3 >/dev/null & wait -n; kill -9 $server'
"""A shell that ends a server as soon as nobody holds its standard input, and itself as soon as the server has ended."""

LISTENS = "Spark Connect server started at: 127.0.0.1:"

SETTINGS = {
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.grpc.binding.port": "0",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
}


@dataclass
class Running:
    """A running server, and where it listens."""

    process: subprocess.Popen[str]
    remote: str

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=PATIENCE_SECONDS)


@contextmanager
def sail() -> Iterator[Running]:
    """A server of Sail, killed at the end. It ends by itself when this process does."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        with killed_at_last(process):
            port = int(process.stdout.readline())
        running = Running(process, f"sc://127.0.0.1:{port}")
        try:
            yield running
        finally:
            running.kill()


def no_apache_spark() -> str | None:
    """Why there is no Apache Spark on this machine, and what to do; None where there is one."""
    if not (APACHE_SPARK / ".installed").exists():
        return "Apache Spark is not installed: make apache-spark (Java 17 or 21 is needed, and 450 MB to download)"
    return None if shutil.which("java") else "Apache Spark needs Java 17 or 21, and there is no java on the path"


@contextmanager
def apache_spark(folder: Path) -> Iterator[str]:
    """Where a server of Apache Spark listens that works in an empty folder, on two cores and with at most 2 GB.

    It is killed at the end, and ends by itself when this process does.
    """
    [submit] = APACHE_SPARK.glob("lib/python3*/site-packages/pyspark/bin/spark-submit")
    settings = {**SETTINGS, "spark.local.dir": str(folder), "spark.sql.warehouse.dir": str(folder / "warehouse")}
    command = [str(submit), "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]"]
    command += [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    log = folder / "log"
    with (
        log.open("w", encoding="utf-8") as written,
        subprocess.Popen(
            ["bash", "-c", WHILE_ASKED_FOR, "bash", *command, "spark-internal"],
            cwd=folder,
            env=environment_of(submit, folder),
            stdin=subprocess.PIPE,
            stdout=written,
            stderr=written,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        try:
            yield f"sc://127.0.0.1:{port_said(process, log)}"
        finally:
            process.stdin.close()
            process.wait(timeout=PATIENCE_SECONDS)


def environment_of(submit: Path, folder: Path) -> dict[str, str]:
    """Nothing of another Spark that this machine may have, and temporary files in the folder."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    return {**ours, "SPARK_HOME": str(submit.parents[1]), "SPARK_SUBMIT_OPTS": f"-Djava.io.tmpdir={folder}"}


def port_said(process: subprocess.Popen[str], log: Path) -> int:
    """The port that a server says it listens on, as soon as it does."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        has_ended, said = process.poll() is not None, log.read_text(encoding="utf-8", errors="replace")
        if LISTENS in said and (line := said.partition(LISTENS)[2]).partition("\n")[1]:
            return int(line.partition("\n")[0])
        assert not has_ended, f"Apache Spark ended: {said[-2000:]}"
        time.sleep(0.1)
    raise AssertionError(f"Apache Spark did not begin to listen: {said[-2000:]}")
