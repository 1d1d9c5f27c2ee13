"""One DAGSTER_HOME for the terminal, the UI and the schedule, so that what the terminal ran is what the UI shows."""

import json
import os
import socket
import sqlite3
import time
from pathlib import Path

import dagster as dg
import psycopg2
import yaml

from pipelines.machine.errors import ConfigurationError

PROCESS_TAG = "cramp-atlas/process"

MACHINE_TAG = "cramp-atlas/machine"
"""The machine or container of PROCESS_TAG, whose number says nothing elsewhere."""

SILENT_SECONDS = 21_600.0
"""How long a run of another machine has logged nothing when it is taken for one that never ends."""

CODE_SERVER_TAG = ".dagster/grpc_info"
"""Dagster's own tag of a run that the UI or the schedule launched: the server that started its process, as JSON."""

DAMAGED_HISTORY = ("malformed", "not a database", "unable to open")
"""What SQLite says of a file that is damaged or none."""

TELEMETRY_OFF = """# Nothing about this project is sent to the makers of Dagster.
telemetry:
  enabled: false
"""


def prepare_dagster_home(project: Path) -> Path:
    """Make DAGSTER_HOME an absolute folder that has a dagster.yaml, by which Dagster sends no telemetry.

    Unless it is set, it is `.dagster/` of the project. Unless there is a dagster.yaml, it becomes a link to the project's:
    relative, so that a project that is moved or copied keeps its own. A dagster.yaml that does not speak of telemetry gains
    `enabled: false`.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or project / ".dagster").expanduser().resolve()
    os.environ["DAGSTER_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    ours = project.resolve() / "dagster.yaml"
    if not settings.exists() and ours.exists():
        settings.unlink(missing_ok=True)  # a link to nowhere
        settings.symlink_to(os.path.relpath(ours, home))
    _switch_off_telemetry(settings)
    return home


def _switch_off_telemetry(settings: Path) -> None:
    """In the settings, which alone keep Dagster and its page from sending, and for what this process starts."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    try:
        text = settings.read_text(encoding="utf-8") if settings.exists() else ""
        known = yaml.safe_load(text) or {}
    except (yaml.YAMLError, UnicodeDecodeError):
        return  # Dagster says what is wrong with it
    if not isinstance(known, dict) or "telemetry" in known or not _is_writable(settings):
        return
    settings.write_text(f"{text.rstrip()}\n\n{TELEMETRY_OFF}".lstrip(), encoding="utf-8")


def _is_yaml(settings: Path) -> bool:
    try:
        yaml.safe_load(settings.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError):
        return False
    return True


def _is_writable(settings: Path) -> bool:
    return os.access(settings if settings.exists() else settings.parent, os.W_OK)


def home_problem(error: BaseException) -> ConfigurationError | None:
    """What to mend where an error comes from the settings or the history in DAGSTER_HOME, or from PostgreSQL that does not let us
    in."""
    home = Path(os.environ.get("DAGSTER_HOME", "DAGSTER_HOME"))
    if isinstance(error, (yaml.YAMLError, IsADirectoryError, UnicodeDecodeError)) and not _is_yaml(home / "dagster.yaml"):
        return ConfigurationError(
            f"{home / 'dagster.yaml'} cannot be read as YAML: mend it, or move it away, and that of the project is used"
        )
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, sqlite3.DatabaseError) and any(words in str(found) for words in DAMAGED_HISTORY):
            return ConfigurationError(
                f"Dagster's history of runs cannot be read ({found}). Releases and what is accepted are not in it: move "
                f"{home / 'history'} and {home / 'schedules'} away, or restore them from a backup, and a new history begins"
            )
        if isinstance(found, psycopg2.OperationalError):
            reason = " ".join(str(found).split())
            return ConfigurationError(
                f"Dagster's storage cannot be used: {reason}. Does PostgreSQL run, and are the settings right that "
                f"{home / 'dagster.yaml'} reads from the environment (DAGSTER_POSTGRES_...)?"
            )
        if isinstance(found, dg.DagsterInvalidConfigError):
            said = (str(problem.message).partition("\nStack Trace")[0] for problem in found.errors)
            reasons = "\n- ".join(" ".join(text.split()) for text in said)
            return ConfigurationError(f"{home / 'dagster.yaml'} cannot be used:\n- {reasons}")
        found = found.__cause__ or found.__context__
    return None


def fail_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Report runs of this machine as failed whose process is gone; otherwise they block the queue for good.

    Of another machine that shares the storage nobody here knows the processes: such a run is failed when it is silent.
    """
    abandoned = []
    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
    )
    for run in instance.get_runs(unfinished):
        process, server = run.tags.get(PROCESS_TAG), run.tags.get(CODE_SERVER_TAG)
        if run.tags.get(MACHINE_TAG, socket.gethostname()) != socket.gethostname():
            if not _is_silent(instance, run):
                continue
            reason = f"process {process} on {run.tags[MACHINE_TAG]} has logged nothing for {SILENT_SECONDS / 3600:g} hours"
        elif process and not _is_alive(int(process)):
            reason = f"process {process} ended before the run did"
        elif server and not _listens(json.loads(server).get("socket")):
            reason = "the UI or scheduler that started the run ended before the run did"
        else:
            continue
        instance.report_run_failed(run, reason)
        abandoned.append(run.run_id)
    return abandoned


def _is_silent(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    last = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
    return bool(last) and time.time() - last[0].event_log_entry.timestamp > SILENT_SECONDS


def _is_alive(process: int) -> bool:
    """Whether a process other than this one has the number: a run that bears our own is of a process before us."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _listens(path: str | None) -> bool:
    """Whether a server answers on the Unix socket.

    One that is reached otherwise is not of this machine, and one that only another user may ask is none of ours: both are
    taken to be well.
    """
    if path is None:
        return True
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except PermissionError:
            return True
        except OSError:
            return False
    return True
