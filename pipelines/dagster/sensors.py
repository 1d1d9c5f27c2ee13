"""What Dagster's daemon does beside the schedule: it looks for deliveries, and tells what a night did."""

import time

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.dagster.alerts import VARIABLE, alert, urls
from pipelines.dagster.home import fail_abandoned_runs
from pipelines.landing.watch import Seen, look
from pipelines.machine.errors import CrampAtlasError
from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.stages import load_project
from pipelines.store import digest

LANDING, ALERTS = "landing", "alerts"

LANDED_TAG = "cramp-atlas/landed"
"""On a run that the sensor requested: the sources that had arrived."""

LONGEST_INTERVAL_SECONDS = 30
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60, 3_600
"""How long after a second run that did not judge what has arrived the next one is asked for; it doubles with each."""

RUN_KEY_TAG = "dagster/run_key"
"""Dagster's own tag of a run that a sensor asked for."""

SIGN_LENGTH = 12
"""Hexadecimal digits by which two reasons are told apart."""

ALERT_SECONDS = 30


def landing_sensor(project: Project, job: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Requests one refresh when a delivery is whole and quiet and was not judged yet."""
    quiet = project.study.nightly.quiet_seconds

    @dg.sensor(
        name=LANDING,
        job=job,
        minimum_interval_seconds=int(min(LONGEST_INTERVAL_SECONDS, max(1, quiet / 2))),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"A refresh when a whole delivery has been in landing for {quiet:g} s without a change.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = look(project, Seen.model_validate_json(context.cursor or "{}"), time.time())
        cursor = found.seen.model_dump_json()
        if not found.is_due:
            return dg.SensorResult(skip_reason="; ".join(found.waiting) or "nothing new is in landing", cursor=cursor)
        fail_abandoned_runs(context.instance)
        asked = next_try(context.instance, project.settings, found.key, time.time())
        if isinstance(asked, dg.SkipReason):
            return dg.SensorResult(skip_reason=asked, cursor=cursor)
        tags = {LANDED_TAG: ", ".join(found.arrived)}
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=asked, tags=tags)], cursor=cursor)

    return landing


def next_try(instance: dg.DagsterInstance, settings: Settings, key: str, now: float) -> str | dg.SkipReason:
    """The run key that asks for a refresh of what was not judged, or why none is asked for; `now` is in seconds since 1970.

    Dagster runs a key once. What a run left unjudged is tried again: at the next tick, then with longer and longer pauses. Of a
    project that cannot be used one run fails for each reason, so that the reason is told, and the next waits until it is mended.
    """
    reason = _unusable(settings)
    if reason:
        key_of_reason = f"{key}-{digest(reason)[:SIGN_LENGTH]}"
        return dg.SkipReason(reason) if _run_of(instance, key_of_reason) else key_of_reason
    number = 0
    while True:
        asked = f"{key}-{number}" if number else key
        run = _run_of(instance, asked)
        if run is None:
            return asked
        if not run.dagster_run.is_finished:
            return dg.SkipReason(f"run {run.dagster_run.run_id} is asked for already")
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (number - 1)) if number else 0
        if now < min(run.end_time or now, now) + pause and not _run_of(instance, f"{key}-{number + 1}"):
            return dg.SkipReason(f"{number + 1} runs did not judge what has arrived: the next try is in less than {pause:g} s")
        number += 1


def _unusable(settings: Settings) -> str | None:
    """Why the project on disk cannot be used; the one that the sensor holds may be older."""
    try:
        load_project(settings)
    except CrampAtlasError as error:
        return str(error)
    return None


def _run_of(instance: dg.DagsterInstance, key: str) -> dg.RunRecord | None:
    records = instance.get_run_records(dg.RunsFilter(tags={RUN_KEY_TAG: key}), limit=1)
    return records[0] if records else None


def alert_sensor(project: Project) -> dg.SensorDefinition:
    """Sends what is news after each night, however it was started."""

    @dg.sensor(
        name=ALERTS,
        minimum_interval_seconds=ALERT_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"One message a night to the sinks of {VARIABLE}: failures, recoveries, numbers that moved.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        if not urls(project.settings.alert_urls):
            return dg.SkipReason(f"nobody is told: {VARIABLE} is not set")
        return dg.SkipReason(f"{alert(context.instance, project)} messages sent")

    return alerts
