"""The main job from a terminal: the very job that the schedule runs, in this process, on the same Dagster instance."""

import gc
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from pipelines.dagster.assets.context import N_MADE
from pipelines.dagster.assets.raw import EVERY_WAVE
from pipelines.dagster.home import MACHINE_TAG, PROCESS_TAG, fail_abandoned_runs, prepare_dagster_home
from pipelines.dagster.kept_open import kept_open
from pipelines.dagster.progress import shown
from pipelines.dagster.runs import JOB, RELEASE, is_interruption, rejected_by, step_failure
from pipelines.machine.errors import WrongUsage
from pipelines.machine.files import remove_unfinished
from pipelines.machine.lock import warehouse_lock
from pipelines.project.project import Project

SELDOM = (100_000, 50, 100)
"""Thresholds of Python's collection of garbage while a night is at work: nearly all of its objects live until its end."""


@dataclass(frozen=True)
class Refreshed:
    """How a run ended: the objects made, the seconds of each step, the tables whose check failed, and what its steps failed with.

    `broken` are those of the failures that kept the run from its work; the others only say what stands rejected.
    """

    success: bool
    run_id: str
    n_made: int
    step_seconds: dict[str, float]
    rejected: list[str]
    failures: list[str]
    broken: list[str]
    is_new_release: bool = False


def refresh(project: Project, reread: Sequence[str] = (), selection: Sequence[str] | None = None) -> Refreshed:
    """Run the nightly job, or the selected tables of it. `reread` names `<source>` or `<source>/<wave>` to read again.

    Raises WrongUsage where there is no such source or wave, WarehouseBusy, and KeyboardInterrupt after an interruption,
    of which the run is reported as failed.
    """
    run_config = {"loggers": {"terminal": {}}, "ops": _reread_config(project, reread)}
    prepare_dagster_home(project.settings.project)
    from pipelines.dagster.graph import definitions

    lock = warehouse_lock(project.settings.warehouse_folder)
    with _seldom_collected(), lock, kept_open(), dg.DagsterInstance.get() as instance:
        remove_unfinished(project.settings.warehouse_folder)
        fail_abandoned_runs(instance)
        job = definitions(project).resolve_job_def(JOB)
        with shown(), _interruptible():
            result = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config=run_config,
                asset_selection=[dg.AssetKey(name.split(".")) for name in selection] if selection else None,
                tags={
                    ".dagster/repository": "__repository__@pipelines.dagster.definitions",
                    PROCESS_TAG: str(os.getpid()),
                    MACHINE_TAG: socket.gethostname(),
                },
            )
    events = result.all_events
    failed = [event for event in events if event.event_type == dg.DagsterEventType.STEP_FAILURE]
    if any(is_interruption(event) for event in events):
        raise KeyboardInterrupt
    return Refreshed(
        success=result.success,
        run_id=result.run_id,
        n_made=sum(_n_made(event) for event in events),
        step_seconds={
            str(event.step_key): event.step_success_data.duration_ms / 1000
            for event in events
            if event.event_type == dg.DagsterEventType.STEP_SUCCESS
        },
        rejected=sorted(table for event in events for table in _rejected(event)),
        is_new_release=any(_publishes(event) for event in events),
        failures=[step_failure(event, project).words for event in failed],
        broken=[step_failure(event, project).words for event in failed if not rejected_by(event)],
    )


def _n_made(event: dg.DagsterEvent) -> int:
    if event.event_type != dg.DagsterEventType.ASSET_MATERIALIZATION:
        return 0
    made = event.step_materialization_data.materialization.metadata.get(N_MADE)
    return (made.value or 0) if isinstance(made, dg.IntMetadataValue) else 0


def _publishes(event: dg.DagsterEvent) -> bool:
    """Whether a release was made, if this is what the event says."""
    if event.event_type != dg.DagsterEventType.ASSET_MATERIALIZATION or event.asset_key != RELEASE:
        return False
    is_new = event.step_materialization_data.materialization.metadata.get("is_new")
    return bool(is_new and is_new.value)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Dagster's interruption, where it leaves Dagster at all, as everybody else's."""
    try:
        yield
    except dg.DagsterExecutionInterruptedError as error:
        raise KeyboardInterrupt from error


def _rejected(event: dg.DagsterEvent) -> list[str]:
    """The table of which a check failed, if this is what the event says."""
    if event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return []
    check = event.asset_check_evaluation_data
    failed = not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    return [check.asset_key.to_user_string().replace("/", ".")] if failed else []


def _reread_config(project: Project, reread: Sequence[str]) -> dict[str, object]:
    wanted: dict[str, list[str]] = {}
    for name in reread:
        source, slash, wave = name.partition("/")
        if source not in project.sources:
            raise WrongUsage(f"there is no source {source} to read again; there are: {', '.join(project.sources)}")
        if slash and wave not in project.sources[source].waves:
            raise WrongUsage(f"{source} has no wave {wave} to read again; it has: {', '.join(project.sources[source].waves)}")
        wanted.setdefault(source, []).append(wave or EVERY_WAVE)
    return {f"take_in_{source}": {"config": {"reread": waves}} for source, waves in wanted.items()}
