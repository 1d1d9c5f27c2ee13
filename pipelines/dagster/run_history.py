"""Keeping Dagster's own storage small: the newest runs stay, and whatever its pages still show as the latest.

Safe while Dagster's servers run: only finished runs go, each connection of Dagster to SQLite lasts one statement, and a file
is compacted only where nobody is writing to it at that moment; otherwise it is left to the next night.
"""

import re
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs.schema import SnapshotsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from pipelines.dagster.alerts import read_state
from pipelines.dagster.home import prepare_dagster_home
from pipelines.project.project import Project

UNFINISHED = frozenset(
    {
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.MANAGED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    }
)

RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

FREE_SHARE = 0.25
"""A SQLite file is compacted when so much of it is free; less is filled again by the next night."""

LOCK_SECONDS = 1.0
"""How long a compaction waits for a writer."""


@dataclass(frozen=True)
class PrunedRuns:
    """Ids of the runs removed, and the SQLite files that were compacted."""

    removed: list[str]
    compacted: list[Path]


def prune_history(project: Project, *, dry_run: bool = False) -> int:
    """What the night does, from a terminal: returns how many runs it removed, or would remove."""
    prepare_dagster_home(project.settings.project)
    with dg.DagsterInstance.get() as instance:
        held = read_state(instance).held_runs()
        return len(prune_runs(instance, project.study.retention.runs, held, dry_run=dry_run).removed)


def prune_runs(instance: dg.DagsterInstance, keep: int, held: Collection[str] = (), *, dry_run: bool = False) -> PrunedRuns:
    """Remove all but the newest `keep` runs, with their events and logs.

    Never one that has not finished, the latest of its job, one that holds the latest materialisation or check of an asset, or
    one that is `held`. With Postgres as Dagster's storage its own vacuum does the rest.
    """
    runs = instance.get_runs()
    kept = {run.run_id for run in runs[:keep]} | {run.run_id for run in runs if run.status in UNFINISHED} | set(held)
    kept |= {*_latest_of_jobs(runs), *_latest_of_assets(instance)}
    removed = [run.run_id for run in runs if run.run_id not in kept]
    if dry_run:
        return PrunedRuns(removed, [])
    try:
        for run_id in removed:
            instance.delete_run(run_id)
        _forget_checks(instance, removed)
        _forget_definitions(instance)
    except (OperationalError, IntegrityError):  # somebody else has been writing, or has begun a run: no reason to fail a night
        removed = [run_id for run_id in removed if not instance.has_run(run_id)]
    _remove_orphans(instance)
    return PrunedRuns(removed, [path for path in _databases(instance) if _compact(path)])


def _latest_of_jobs(runs: Sequence[dg.DagsterRun]) -> Iterable[str]:
    """`runs` are newest first."""
    return {run.job_name: run.run_id for run in reversed(runs)}.values()


def _latest_of_assets(instance: dg.DagsterInstance) -> Iterator[str]:
    """The runs of which Dagster's page of an asset shows the materialisation or the check."""
    for event in instance.get_latest_materialization_events(instance.all_asset_keys()).values():
        if event:
            yield event.run_id
    storage, table = instance.event_log_storage, AssetCheckExecutionsTable
    if isinstance(storage, SqlEventLogStorage):
        evaluated = table.c.execution_status != AssetCheckExecutionRecordStatus.PLANNED.value
        newest = select(func.max(table.c.id)).where(evaluated).group_by(table.c.asset_key, table.c.check_name)
        with storage.index_connection() as connection:
            yield from connection.execute(select(table.c.run_id).where(table.c.id.in_(newest))).scalars()


def _forget_checks(instance: dg.DagsterInstance, removed: Collection[str]) -> None:
    """Dagster keeps the evaluations of checks, a large part of its index, when it deletes their run."""
    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id.in_(removed)))


def _forget_definitions(instance: dg.DagsterInstance) -> None:
    """Dagster keeps what a job and its plan were at each run, and keeps it when it deletes the run.

    It stores them before the run that names them, so what is newer than all that is named belongs to a run that is beginning.
    """
    storage, table = instance.run_storage, SnapshotsTable
    if not isinstance(storage, SqlRunStorage):
        return
    runs = instance.get_runs()
    jobs = {run.job_snapshot_id for run in runs if run.job_snapshot_id}
    known = [storage.get_job_snapshot(job) for job in jobs]  # None where it is lost or of another version of Dagster
    named = jobs | {run.execution_plan_snapshot_id for run in runs if run.execution_plan_snapshot_id}
    named |= {job.lineage_snapshot.parent_snapshot_id for job in known if job and job.lineage_snapshot}
    with storage.connect() as connection:
        newest = select(func.max(table.c.id)).where(table.c.snapshot_id.in_(named)).scalar_subquery()
        connection.execute(table.delete().where(table.c.id < newest, table.c.snapshot_id.not_in(named)))


def _remove_orphans(instance: dg.DagsterInstance) -> None:
    """Remove files of runs that are not there. They are listed before the runs: who starts a run makes its files after it."""
    home = Path(instance.storage_directory())
    files = [path for path in (*_events(instance).glob("*.db*"), *home.glob("*")) if RUN_ID.match(path.name)]
    known = {run.run_id for run in instance.get_runs()}
    for path in files:
        if path.name[:36] in known:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _events(instance: dg.DagsterInstance) -> Path:
    """Where SQLite has one file a run; it is not there with another storage."""
    return Path(instance.root_directory) / "history" / "runs"


def _databases(instance: dg.DagsterInstance) -> list[Path]:
    home = Path(instance.root_directory)
    files = (home / "history" / "runs" / "index.db", home / "history" / "runs.db", home / "schedules" / "schedules.db")
    return [path for path in files if path.exists()]


def _compact(path: Path) -> bool:
    """Give free pages back to the disk, if there are many and nobody is writing."""
    with closing(sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
        try:
            [[free], [pages]] = (connection.execute(f"pragma {name}").fetchone() for name in ("freelist_count", "page_count"))
            if free < FREE_SHARE * pages:
                return False
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")
        except sqlite3.OperationalError:
            return False
    return True
