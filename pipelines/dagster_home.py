"""One DAGSTER_HOME for the terminal, the UI and the schedule, so that what the terminal ran is what the UI shows."""

import os
from pathlib import Path

import dagster as dg

PROCESS_TAG = "cramp-atlas/process"


def prepare_dagster_home(project: Path) -> Path:
    """Set DAGSTER_HOME, unless it is set, to `.dagster/` of the project, which holds the project's dagster.yaml."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(project / ".dagster")))
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    ours = project / "dagster.yaml"
    if not settings.exists() and ours.exists():
        settings.symlink_to(ours)
    return home


def fail_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Report runs of this machine's terminals as failed whose process is gone; otherwise they block the queue for good."""
    abandoned = []
    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
    )
    for run in instance.get_runs(unfinished):
        process = run.tags.get(PROCESS_TAG)
        if process and not _is_alive(int(process)):
            instance.report_run_failed(run, f"process {process} ended before the run did")
            abandoned.append(run.run_id)
    return abandoned


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
