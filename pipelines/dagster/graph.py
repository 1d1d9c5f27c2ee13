"""Assembles what Dagster shows and runs of a project. Nothing is decided here."""

import dagster as dg

from pipelines.dagster.assets.built import built_asset
from pipelines.dagster.assets.raw import raw_assets
from pipelines.dagster.assets.release import release_asset
from pipelines.dagster.freshness import nightly_freshness
from pipelines.dagster.home import fail_abandoned_runs
from pipelines.dagster.progress import terminal_logger
from pipelines.dagster.runs import JOB
from pipelines.dagster.sensors import alert_sensor, landing_sensor
from pipelines.project.project import Project


def definitions(project: Project) -> dg.Definitions:
    """One graph, one job, one schedule, and what watches landing and the nights."""
    assets = [
        *(raw_assets(project, source) for source in project.sources.values()),
        *(built_asset(project, table) for table in [*project.core_tables, *project.report_tables]),
        release_asset(project),
    ]
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="From deliveries to a published release; `make refresh` runs it, and so does the night.",
        executor_def=dg.in_process_executor,
    )

    @dg.schedule(
        name=JOB,
        job=job,
        cron_schedule=project.study.nightly.cron,
        execution_timezone=project.study.nightly.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        fail_abandoned_runs(context.instance)  # behind a run that never ends the night would wait for ever
        return dg.RunRequest()

    return dg.Definitions(
        assets=nightly_freshness(project, assets),
        jobs=[job],
        schedules=[nightly],
        sensors=[landing_sensor(project, job), alert_sensor(project)],
        executor=dg.in_process_executor,
        loggers={"terminal": terminal_logger},
    )
