"""What Dagster's daemon does beside the schedule: it looks for deliveries, and tells what a night did."""

import time

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.dagster.alerts import VARIABLE, alert, urls
from pipelines.dagster.home import fail_abandoned_runs
from pipelines.landing.watch import Seen, look
from pipelines.project.project import Project

LANDING, ALERTS = "landing", "alerts"

LANDED_TAG = "cramp-atlas/landed"
"""On a run that the sensor requested: the sources that had arrived."""

LONGEST_INTERVAL_SECONDS = 30
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
        tags = {LANDED_TAG: ", ".join(found.arrived)}
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=found.key, tags=tags)], cursor=cursor)

    return landing


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
