"""What is kept of Dagster's own storage. The runs are of a job of its own, on SQLite as every project has it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from pipelines.dagster.run_history import prune_runs

ROWS = dg.AssetKey("rows")
CHECK = dg.AssetCheckKey(ROWS, "contract")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@dg.asset
def people() -> None:
    """A table of which one run was made."""


@dg.asset(check_specs=[dg.AssetCheckSpec("contract", asset=ROWS)])
def rows() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """A table with its check."""
    yield dg.MaterializeResult(metadata={"note": "x" * 100_000})
    yield dg.AssetCheckResult(passed=True)


def run(instance: dg.DagsterInstance, job: str = "nightly", asset: dg.AssetsDefinition = rows) -> str:
    defined = dg.Definitions([rows, people], jobs=[dg.define_asset_job(job, selection=[asset.key])])
    return defined.resolve_job_def(job).execute_in_process(instance=instance).run_id


def files(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    home = Path(instance.root_directory)
    return [*home.glob(f"history/runs/{run_id}.db*"), *home.glob(f"storage/{run_id}")]


def kept(instance: dg.DagsterInstance) -> list[str]:
    """Oldest first."""
    return [found.run_id for found in reversed(instance.get_runs())]


def test_the_newest_stay_and_of_the_others_neither_events_nor_files_nor_checks(instance: dg.DagsterInstance) -> None:
    runs = [run(instance) for _ in range(4)]
    index = Path(instance.root_directory) / "history/runs/index.db"
    size = index.stat().st_size
    assert all(files(instance, run_id) for run_id in runs)
    pruned = prune_runs(instance, 1)
    assert sorted(pruned.removed) == sorted(runs[:3])
    assert kept(instance) == runs[3:]
    assert [bool(files(instance, run_id)) for run_id in runs] == [False, False, False, True]
    with sqlite3.connect(index) as connection:
        for table in ("event_logs", "asset_check_executions"):
            assert connection.execute(f"select distinct run_id from {table}").fetchall() == [(runs[3],)]
    assert index in pruned.compacted
    assert index.stat().st_size < size / 2
    assert prune_runs(instance, 1).compacted == []


def test_pages_of_assets_still_show_their_latest_materialisation_and_check(instance: dg.DagsterInstance) -> None:
    first = run(instance, asset=people, job="people")
    run(instance, asset=people, job="people")
    made = run(instance, asset=people, job="people")
    checked = [run(instance, job=job) for job in ("nightly", "nightly", "other")]
    assert first in prune_runs(instance, 1).removed
    assert kept(instance) == [made, *checked[1:]]
    event = instance.get_latest_materialization_event(people.key)
    assert event is not None
    assert event.run_id == made
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECK])[CHECK]
    assert (latest.run_id, latest.status.value) == (checked[2], "SUCCEEDED")


def test_what_is_at_work_or_held_stays(instance: dg.DagsterInstance) -> None:
    @dg.job
    def nightly() -> None:
        """At work."""

    starting = instance.create_run_for_job(nightly, status=dg.DagsterRunStatus.STARTING).run_id
    started = instance.create_run_for_job(nightly, status=dg.DagsterRunStatus.STARTED).run_id
    failed = instance.create_run_for_job(nightly, status=dg.DagsterRunStatus.FAILURE).run_id
    other = instance.create_run_for_job(nightly, status=dg.DagsterRunStatus.FAILURE).run_id
    newest = run(instance)
    assert prune_runs(instance, 1, {failed}, dry_run=True).removed == [other]
    assert kept(instance) == [starting, started, failed, other, newest]
    prune_runs(instance, 1, {failed})
    assert kept(instance) == [starting, started, failed, newest]


def test_files_of_runs_that_are_not_there_go_and_nothing_else(instance: dg.DagsterInstance) -> None:
    run_id = run(instance)
    home = Path(instance.root_directory)
    orphan = "00000000-0000-4000-8000-000000000000"
    (home / f"history/runs/{orphan}.db").touch()
    (home / f"history/runs/{orphan}.db-wal").touch()
    (home / "storage" / orphan / "compute_logs").mkdir(parents=True)
    (home / "storage/notes").mkdir()
    prune_runs(instance, 1)
    assert files(instance, orphan) == []
    assert files(instance, run_id)
    assert (home / "storage/notes").is_dir()


def test_what_a_job_was_at_runs_that_are_gone_goes_and_what_a_run_that_begins_has_stored_stays(
    instance: dg.DagsterInstance,
) -> None:
    def nightly(description: str) -> dg.JobDefinition:
        @dg.op(description=description)
        def step() -> None:
            """The one step."""

        @dg.job(name="nightly")
        def job() -> None:
            step()

        return job

    def night(description: str) -> None:
        nightly(description).execute_in_process(instance=instance)
        part = nightly(description).get_subset(op_selection=["step"])
        instance.create_run_for_job(part, status=dg.DagsterRunStatus.SUCCESS)

    def stored() -> list[int]:
        with sqlite3.connect(Path(instance.root_directory) / "history/runs.db") as connection:
            return [number for (number,) in connection.execute("select id from snapshots order by id")]

    for number in range(3):
        night(f"definition {number}")
    n_before = len(stored())
    night("definition 3")
    instance.run_storage.add_job_snapshot(nightly("definition 4").get_job_snapshot())
    last = stored()[n_before:]
    assert len(last) == n_before // 3 + 1
    prune_runs(instance, 2)
    assert stored() == last
    for found in instance.get_runs():
        assert found.job_snapshot_id
        assert instance.get_historical_job(found.job_snapshot_id)
    part, whole = instance.get_runs()
    instance.delete_run(whole.run_id)
    prune_runs(instance, 2)
    assert instance.get_historical_job(str(part.job_snapshot_id)).parent_job_snapshot, "a part of a job names the whole"
    with sqlite3.connect(Path(instance.root_directory) / "history/runs.db") as connection:
        connection.execute("delete from snapshots")
    assert prune_runs(instance, 2).removed == [], "what is lost fails no night"


def test_a_file_that_somebody_writes_to_is_compacted_another_night_and_a_reader_sees_no_change(
    instance: dg.DagsterInstance,
) -> None:
    index = Path(instance.root_directory) / "history/runs/index.db"
    runs = [run(instance) for _ in range(3)]
    count = "select count(*) from event_logs"
    with sqlite3.connect(index, isolation_level=None) as reader:
        reader.execute("begin")
        [before] = reader.execute(count).fetchone()
        for run_id in runs[:2]:
            instance.delete_run(run_id)
        with sqlite3.connect(index, isolation_level=None) as writer:
            writer.execute("begin immediate")
            assert index not in _prune_while_written(instance, writer)
        assert reader.execute(count).fetchone() == (before,)
        reader.execute("commit")
        assert reader.execute(count).fetchone()[0] < before
    assert index in prune_runs(instance, 1).compacted
    assert kept(instance) == runs[2:]


@pytest.mark.parametrize("error", [OperationalError, IntegrityError])
def test_a_storage_that_is_busy_for_too_long_fails_no_night(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, error: type[OperationalError | IntegrityError]
) -> None:
    runs = [run(instance) for _ in range(2)]

    def busy(_: str) -> None:
        raise error("delete", {}, sqlite3.OperationalError("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(instance, "delete_run", busy)
        assert prune_runs(instance, 1).removed == []
    assert kept(instance) == runs
    assert prune_runs(instance, 1).removed == runs[:1]


def _prune_while_written(instance: dg.DagsterInstance, writer: sqlite3.Connection) -> list[Path]:
    """The compaction alone: to delete, Dagster itself waits for the writer."""
    from pipelines.dagster.run_history import _compact, _databases

    assert writer.in_transaction
    return [path for path in _databases(instance) if _compact(path)]
