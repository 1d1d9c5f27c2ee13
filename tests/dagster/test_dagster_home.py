"""One DAGSTER_HOME for every command, and runs whose process is gone."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from pipelines.dagster.graph import definitions
from pipelines.dagster.home import CODE_SERVER_TAG, MACHINE_TAG, PROCESS_TAG, fail_abandoned_runs, prepare_dagster_home
from pipelines.stages import load_project
from pipelines.terminal.cli import app
from tests.patience import PATIENCE_SECONDS


@dg.job
def night() -> None:
    """Does nothing."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a dagster.yaml; nothing else is read here. The environment is put back afterwards."""
    monkeypatch.setenv("DAGSTER_HOME", "to be put back")
    monkeypatch.delenv("DAGSTER_HOME")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    return folder


def unfinished_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    return instance.create_run_for_job(night, status=dg.DagsterRunStatus.STARTED, tags=tags).run_id


def server_tag(path: Path) -> dict[str, str]:
    return {CODE_SERVER_TAG: json.dumps({"host": "localhost", "socket": str(path)})}


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(timeout=PATIENCE_SECONDS)
    return process.pid


def test_the_home_is_in_the_project_and_reads_the_settings_of_the_project(project: Path) -> None:
    home = prepare_dagster_home(project)
    assert home == project / ".dagster"
    assert os.environ["DAGSTER_HOME"] == str(home)
    assert (home / "dagster.yaml").read_bytes() == (project / "dagster.yaml").read_bytes()


@pytest.mark.parametrize("named", ["project", "."])
def test_a_relative_project_has_an_absolute_home(project: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.chdir(project if named == "." else project.parent)
    assert prepare_dagster_home(Path(named)) == project / ".dagster"


def test_a_home_that_is_set_is_kept_and_made_absolute(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)
    monkeypatch.setenv("DAGSTER_HOME", "elsewhere")
    elsewhere = project.parent / "elsewhere"
    assert prepare_dagster_home(project) == elsewhere
    assert os.environ["DAGSTER_HOME"] == str(elsewhere)
    assert (elsewhere / "dagster.yaml").resolve() == project / "dagster.yaml"


@pytest.mark.parametrize("said", ["storage: {}\ntelemetry: {enabled: false}\n", "telemetry: [\n"])
def test_settings_of_its_own_are_left_alone(project: Path, said: str) -> None:
    (project / ".dagster").mkdir()
    own = project / ".dagster" / "dagster.yaml"
    own.write_text(said, encoding="utf-8")
    prepare_dagster_home(project)
    assert own.read_text(encoding="utf-8") == said


@pytest.mark.parametrize(
    "said", [None, "", "nux: {enabled: false}", "# telemetry: off\nconcurrency:\n  runs: {max_concurrent_runs: 1}\n"]
)
@pytest.mark.parametrize("whose", ["the project's", "the home's"])
def test_no_home_has_telemetry_on(project: Path, said: str | None, whose: str) -> None:
    (project / "dagster.yaml").unlink()
    (project / ".dagster").mkdir()
    if said is not None:
        (project / ("dagster.yaml" if whose == "the project's" else ".dagster/dagster.yaml")).write_text(said, encoding="utf-8")
    for _ in range(2):
        home = prepare_dagster_home(project)
        settings = (home / "dagster.yaml").read_text(encoding="utf-8")
        assert settings.startswith(said or "")
        assert settings.count("telemetry:\n") == 1
        with dg.DagsterInstance.get() as instance:
            assert not instance.telemetry_enabled


def test_a_copied_project_reads_its_own_settings(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_dagster_home(project)
    copied = project.parent / "copied"
    shutil.copytree(project, copied, symlinks=True)
    monkeypatch.delenv("DAGSTER_HOME")
    prepare_dagster_home(copied)
    assert (copied / ".dagster" / "dagster.yaml").resolve() == copied / "dagster.yaml"


def test_a_link_to_settings_that_are_gone_is_made_anew(project: Path) -> None:
    (project / ".dagster").mkdir()
    (project / ".dagster" / "dagster.yaml").symlink_to(project / "gone.yaml")
    prepare_dagster_home(project)
    assert (project / ".dagster" / "dagster.yaml").resolve() == project / "dagster.yaml"


def test_a_run_whose_terminal_is_gone_is_failed(instance: dg.DagsterInstance) -> None:
    run = unfinished_run(instance, {PROCESS_TAG: str(ended_process())})
    assert fail_abandoned_runs(instance) == [run]
    assert instance.get_run_by_id(run).status == dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]


def test_a_run_with_the_number_of_this_process_was_of_an_earlier_one(instance: dg.DagsterInstance) -> None:
    """In a container every start has the same few numbers."""
    run = unfinished_run(instance, {PROCESS_TAG: str(os.getpid())})
    assert fail_abandoned_runs(instance) == [run]


def test_a_run_whose_terminal_is_at_work_is_left(instance: dg.DagsterInstance) -> None:
    unfinished_run(instance, {PROCESS_TAG: str(os.getppid())})
    assert fail_abandoned_runs(instance) == []


def test_a_run_of_another_machine_is_left_until_it_is_silent(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines with one storage: the number of a process there is nobody's here."""
    run = unfinished_run(instance, {PROCESS_TAG: str(ended_process()), MACHINE_TAG: "elsewhere"})
    instance.report_engine_event("at work", instance.get_run_by_id(run))
    assert fail_abandoned_runs(instance) == []
    later = time.time() + 7 * 3600
    monkeypatch.setattr("pipelines.dagster.home.time.time", lambda: later)
    assert fail_abandoned_runs(instance) == [run]


def test_a_run_of_a_ui_is_failed_when_the_ui_is_gone_and_left_while_it_is_there(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    path = tmp_path / "s"
    run = unfinished_run(instance, server_tag(path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert fail_abandoned_runs(instance) == []
    assert path.exists()  # a server that is killed leaves its socket, on which nobody listens
    assert fail_abandoned_runs(instance) == [run]


def test_a_run_of_another_users_server_is_left(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forbidden(socket.socket):
        def connect(self, _: object) -> None:
            raise PermissionError

    unfinished_run(instance, server_tag(tmp_path / "s"))
    monkeypatch.setattr("pipelines.dagster.home.socket.socket", Forbidden)
    assert fail_abandoned_runs(instance) == []


def test_a_run_of_unknown_origin_is_left(instance: dg.DagsterInstance) -> None:
    unfinished_run(instance, {})
    unfinished_run(instance, {CODE_SERVER_TAG: json.dumps({"host": "elsewhere", "port": 4000})})
    assert fail_abandoned_runs(instance) == []


def test_the_ui_says_that_its_port_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = CliRunner().invoke(app, ["ui", "--port", str(port)])
    assert result.exit_code == 3
    assert f"port {port} of 127.0.0.1 is taken" in result.output


def test_the_ui_of_a_folder_that_is_no_project_says_so_and_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAMP_ATLAS_PROJECT", str(tmp_path / "typo"))
    result = CliRunner().invoke(app, ["ui", "--port", "0"])
    assert result.exit_code == 3
    assert "CRAMP_ATLAS_PROJECT must name the folder of a project" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_night_does_not_wait_behind_a_run_that_never_ends(tmp_path: Path) -> None:
    schedule = definitions(load_project()).get_repository_def().get_schedule_def("nightly")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = unfinished_run(instance, {PROCESS_TAG: str(ended_process())})
        tick = schedule.evaluate_tick(dg.build_schedule_context(instance))
        assert len(tick.run_requests or []) == 1
        assert instance.get_run_by_id(run).status == dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
