"""How the nights ended, read from Dagster's runs: those of the schedule, of the sensor, of the UI and of a terminal."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from pipelines.dagster.home import PROCESS_TAG
from pipelines.machine.code import subclasses_of
from pipelines.machine.disk import OUT_OF_MEMORY, fault_said, machine_fault, no_space, tells_of_it
from pipelines.machine.errors import CrampAtlasError
from pipelines.project.project import Project

JOB = "nightly"

PUBLISH = "publish"
"""The last step. Only a run that has it is a night."""

RELEASE = dg.AssetKey(["release", "warehouse"])

CAUSES = "causes"
"""Metadata of the last step's failure: what stands rejected, `<source> <wave>` -> words."""

RUN = "the run"
"""What a failure is about that belongs to no step."""

STEP = "step "
"""How the names of failures begin that a step raised, not a delivery."""

SAME_MOMENT_SECONDS = 5.0
"""By how much two clocks of one machine and its database may differ."""

SPEAKS_OF_THE_MACHINE = ("OSError", "BlockingIOError", "TimeoutError", "MemoryError", "IOException")
"""Errors, not ours, of which the system's own words are told."""

FAILED, SUCCEEDED = dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.STEP_SUCCESS
RUN_FAILED, BESIDE_STEPS = dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.ENGINE_EVENT


@dataclass(frozen=True)
class Cause:
    """Why a night failed, in words. Two nights with the same `sign` failed for the same reason: words may hold free space."""

    words: str
    sign: str


@dataclass(frozen=True)
class Night:
    """One finished run that had to publish.

    `causes` is what a person must look at: `<source> <wave>`, `step <name>` or `the run` -> cause. Where `has_told` is false
    the run did not come far enough to know what stands rejected.
    """

    run_id: str
    ended_at: float
    causes: Mapping[str, Cause]
    succeeded: frozenset[str]
    has_told: bool
    is_whole: bool

    def settles(self, about: str) -> bool:
        """Whether the run shows that an earlier cause is gone, unless it is among its own."""
        if about.startswith(STEP) and not self.is_whole:
            return about.removeprefix(STEP) in self.succeeded
        return self.has_told


def nights_after(instance: dg.DagsterInstance, project: Project, moment: float) -> list[Night]:
    """The nights that ended after a moment (seconds since 1970), oldest first. None is a run that somebody cancelled
    or, in a terminal, interrupted."""
    return sorted(_nights(instance, project, moment), key=lambda night: night.ended_at)


def last_night(instance: dg.DagsterInstance, project: Project) -> Night | None:
    """The night that ended last, if there was one."""
    return next(_nights(instance, project, 0), None)


def set_back_to(instance: dg.DagsterInstance) -> tuple[float, list[str]]:
    """After the clock was set back: the moment after which nights are still to be told, and the runs that ended ahead of it.

    Runs are numbered in the order in which they were made: what was made before those ahead was told before them.
    """
    now = time.time() + SAME_MOMENT_SECONDS
    finished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE])
    ends = {
        (record.storage_id, record.dagster_run.run_id): record.end_time or record.update_timestamp.timestamp()
        for record in instance.get_run_records(finished)
    }
    ahead = {number: run_id for (number, run_id), end in ends.items() if end > now}
    before = [end for (number, _), end in ends.items() if end <= now and number < max(ahead, default=0)]
    return max(before, default=0.0), list(ahead.values())


def _nights(instance: dg.DagsterInstance, project: Project, moment: float) -> Iterator[Night]:
    """Newest first. What ended ahead of the clock did so while the clock was wrong: it is not told before its time."""
    now = time.time() + SAME_MOMENT_SECONDS
    finished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE], updated_after=datetime.fromtimestamp(moment, UTC)
    )
    for record in instance.get_run_records(finished, order_by="update_timestamp"):
        run, ended_at = record.dagster_run, record.end_time or record.update_timestamp.timestamp()
        if moment < ended_at <= now and (_is_whole(run) or RELEASE in (run.asset_selection or ())):
            events = _events(instance, run)
            if PROCESS_TAG not in run.tags or not any(map(is_interruption, events)):
                yield _night(events, project, run, ended_at)


def is_interruption(event: dg.DagsterEvent) -> bool:
    """Whether a step ended because the process was asked to end."""
    if event.event_type != FAILED or event.step_failure_data.error is None:
        return False
    return event.step_failure_data.error.cls_name == "DagsterExecutionInterruptedError"


def _events(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[dg.DagsterEvent]:
    logged = instance.all_logs(run.run_id, of_type={SUCCEEDED, FAILED, RUN_FAILED, BESIDE_STEPS})
    return [entry.dagster_event for entry in logged if entry.dagster_event]


def _night(events: Sequence[dg.DagsterEvent], project: Project, run: dg.DagsterRun, ended_at: float) -> Night:
    succeeded = frozenset(str(event.step_key) for event in events if event.event_type == SUCCEEDED)
    causes: dict[str, Cause] = {}
    has_told = PUBLISH in succeeded
    for event in events:
        if event.event_type != FAILED:
            continue
        rejected = rejected_by(event)
        has_told = has_told or bool(rejected)
        causes |= {about: Cause(words, words) for about, words in rejected.items()}
        if not rejected:
            causes[f"{STEP}{event.step_key}"] = step_failure(event, project)
    if run.status == dg.DagsterRunStatus.FAILURE and not causes:
        causes[RUN] = _of_run(events, project)
    return Night(run.run_id, ended_at, causes, succeeded, has_told, is_whole=_is_whole(run))


def _is_whole(run: dg.DagsterRun) -> bool:
    """Whether it is of the whole job, not of chosen tables or checks."""
    return run.job_name == JOB and not run.asset_selection and not run.asset_check_selection


def rejected_by(event: dg.DagsterEvent) -> dict[str, str]:
    """What the last step says stands rejected; nothing of a failure of another kind."""
    raised = event.step_failure_data.user_failure_data
    causes = raised.metadata.get(CAUSES) if raised else None
    return dict(causes.value) if isinstance(causes, dg.JsonMetadataValue) and isinstance(causes.value, dict) else {}


def step_failure(event: dg.DagsterEvent, project: Project) -> Cause:
    """Why a step failed. Of an error that is not ours only its kind is said: its text may quote a delivery."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return Cause(*[str(data.user_failure_data.description)] * 2)
    error = data.error.cause or data.error if data.error else None
    return Cause(f"{event.step_key} failed: {_of_error(error, project)}", str(error and error.cls_name))


def _of_run(events: Sequence[dg.DagsterEvent], project: Project) -> Cause:
    """Why a run failed outside its steps. Dagster notes the error beside the failure: a project that cannot be used is one."""
    outside = sorted((event for event in events if event.event_type in {RUN_FAILED, BESIDE_STEPS}), key=_is_failure)
    for event in outside:
        error = getattr(event.event_specific_data, "error", None)
        if error:
            names = subclasses_of(CrampAtlasError.__name__)
            ours = next((found for found in _chain(error) if found.cls_name in names), None)
            words = _of_error(ours or error, project)
            return Cause(f"the run ended before its last step: {words}", words if ours else "")
    said = next((str(event.message) for event in outside if event.event_type == RUN_FAILED), _of_error(None, project))
    return Cause(f"the run ended before its last step: {said}", "")


def _is_failure(event: dg.DagsterEvent) -> bool:
    return event.event_type == RUN_FAILED


def _chain(error: Any) -> Iterator[Any]:
    """An error and what it came from."""
    while error is not None:
        yield error
        error = error.cause or error.context


def _of_error(error: Any, project: Project) -> str:
    if error is None:
        return "no reason is recorded; the log of the run in Dagster tells more"
    if tells_of_it(error.message):
        return str(no_space(project.settings.warehouse_folder))
    said = OUT_OF_MEMORY if error.cls_name == "MemoryError" else fault_said(error.message)
    if said and error.cls_name in SPEAKS_OF_THE_MACHINE:
        return str(machine_fault(said))
    if error.cls_name in subclasses_of(CrampAtlasError.__name__):  # their texts never hold a respondent's value
        return str(error.message).strip().partition(": ")[2]
    return f"{error.cls_name}; the log of the run in Dagster has its text"
