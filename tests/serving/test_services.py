"""A machine that is always on: PostgreSQL, page and daemon started as their units start them, and a terminal beside them."""

import hashlib
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.dagster.home import fail_abandoned_runs
from pipelines.machine.lock import warehouse_lock
from tests.atlas import Atlas
from tests.serving.machine import Machine, Service, wait_until
from tests.serving.postgres import Postgres

RUNS = "{ runsOrError { ... on Runs { results { runId jobName status } } } }"
LAUNCH = """
mutation ($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}"""
PARAMETERS = {
    "selector": {
        "repositoryLocationName": "pipelines.dagster.definitions",
        "repositoryName": "__repository__",
        "pipelineName": "nightly",
        "assetSelection": [{"path": ["report", "planted_truth"]}],
    },
    "runConfigData": {},
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def machine(postgres: Postgres, published_synthetic: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    machine = Machine(published_synthetic.copy(folder / "project"), folder, postgres)
    yield machine
    shutil.rmtree(machine.led["/run/cramp-atlas"])


@pytest.fixture(scope="module")
def services(machine: Machine) -> Iterator[dict[str, Service]]:
    """All, with room for those that a test starts anew; what a test leaves running is killed."""
    assert runs_in(machine.environment) == {}  # makes Dagster's tables, over which processes that start together may stumble
    started = {name: machine.start(name) for name in ("webserver", "reader", "daemon")}
    try:
        yield started
    finally:
        for service in started.values():
            service.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def refreshed(machine: Machine, services: dict[str, Service]) -> str:
    """The id of a run in a terminal, which began when the services did."""
    done = machine.run("cramp-atlas", "refresh")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("webserver", "reader"):
        services[name].wait_for("Serving dagster-webserver on")
    services["daemon"].wait_for("Instance is configured with the following daemons")
    return done.stdout.split("run ")[-1].split(":")[0]


def runs_in(environment: dict[str, str]) -> dict[str, str]:
    """Run -> status, as Dagster finds them with this environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with dg.DagsterInstance.get() as instance:
            return {run.run_id: run.status.value for run in instance.get_runs()}


def tree(folder: Path) -> dict[str, tuple[int, str]]:
    """Relative path -> mode and SHA-256 of each file, or the target of a link."""
    files = [path for path in folder.rglob("*") if path.name != ".lock" and "spill" not in path.parts]
    return {
        str(path.relative_to(folder)): (0, str(path.readlink()))
        if path.is_symlink()
        else (path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in files
    }


def status_of(machine: Machine, run: str) -> str:
    runs = machine.ask(RUNS)["runsOrError"]["results"]
    return str({found["runId"]: found["status"] for found in runs}[run])


def launch(machine: Machine) -> str:
    launched: dict[str, Any] = machine.ask(LAUNCH, parameters=PARAMETERS)["launchRun"]
    return str(launched["run"]["runId"])


def wait_for_status(machine: Machine, run: str, status: str) -> None:
    wait_until(lambda: status_of(machine, run) == status, lambda: f"{run} is {status_of(machine, run)}, not {status}")


def test_the_page_shows_the_run_of_the_terminal(machine: Machine, refreshed: str) -> None:
    [run] = machine.ask(RUNS)["runsOrError"]["results"]
    assert run == {"runId": refreshed, "jobName": "nightly", "status": "SUCCESS"}


def test_the_page_for_who_may_only_look_shows_the_run_and_launches_none(machine: Machine, refreshed: str) -> None:
    assert [run["runId"] for run in machine.ask(RUNS, reader=True)["runsOrError"]["results"]] == [refreshed]
    assert machine.ask(LAUNCH, reader=True, parameters=PARAMETERS)["launchRun"] == {"__typename": "UnauthorizedError"}


def test_a_run_of_a_killed_daemon_is_failed_when_the_daemon_starts_again(
    machine: Machine, services: dict[str, Service], refreshed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warehouse_lock(machine.warehouse):  # for which the run waits
        run = launch(machine)
        wait_for_status(machine, run, "STARTED")
        for name, value in machine.environment.items():
            monkeypatch.setenv(name, value)
        with dg.DagsterInstance.get() as instance:
            assert fail_abandoned_runs(instance) == []  # as a terminal asks while the daemon is at work
        services["daemon"].stop(signal.SIGKILL)
    assert status_of(machine, run) == "STARTED"
    services["daemon"] = machine.start("daemon")
    wait_for_status(machine, run, "FAILURE")


def test_a_run_that_the_page_launches_succeeds(machine: Machine, refreshed: str) -> None:
    wait_for_status(machine, launch(machine), "SUCCESS")


def test_a_back_up_becomes_another_machine_with_the_same_releases_and_runs(
    machine: Machine, refreshed: str, postgres: Postgres, tmp_path: Path
) -> None:
    backed_up = machine.run("cramp-atlas-backup", tmp_path)
    assert backed_up.returncode == 0, backed_up.stderr
    folder = Path(backed_up.stdout.strip())
    assert sorted(path.name for path in folder.iterdir()) == ["dagster.dump", "warehouse.tar"]

    postgres.create("restored")
    other = Machine(machine.atlas, tmp_path / "other", postgres, "restored")
    restored = other.run("cramp-atlas-restore", folder)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert "all is well" in restored.stdout
    assert tree(other.warehouse) == tree(machine.warehouse)
    assert runs_in(other.environment) == runs_in(machine.environment)
    again = other.run("cramp-atlas-restore", folder)
    assert again.returncode != 0
    assert "File exists" in again.stderr


def test_the_services_end_when_systemd_asks_them_to(machine: Machine, services: dict[str, Service], refreshed: str) -> None:
    """The last test of this module, because it ends them."""
    assert all(len(service.processes()) >= 2 for service in services.values())  # each with a server of the project's code
    assert [service.stop() for service in services.values()] == [0, 0, 0]
