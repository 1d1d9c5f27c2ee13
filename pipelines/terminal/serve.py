"""`cramp-atlas ui` for a laptop, `cramp-atlas serve ...` for a machine that is always on: Dagster's servers on 127.0.0.1."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipelines.machine.errors import CrampAtlasError
from pipelines.terminal.console import console, ends, explained
from pipelines.terminal.page_server import serve_beside

serve_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Dagster's page and its scheduler as two services: docs/serving.md sets them up.",
)

UI_ENDS = ends("cramp-atlas ui --port 3001")

Port = Annotated[int | None, typer.Option(help="Port on 127.0.0.1; otherwise that of CRAMP_ATLAS_PORT, or 3000.")]


def ui(port: Port = None) -> None:
    """Dagster's web page with the runs of this terminal, and the schedule, on 127.0.0.1. Ctrl-C ends it.

    For a laptop. A machine that is always on has its servers as services instead: cramp-atlas serve, docs/serving.md.
    """
    with explained():
        from pipelines.stages import load_project

        port = _free_port(port)
        workspace = _prepare()
        project = load_project()  # better refused here than on a page that has nothing else to show
    console.print(f"Dagster will be at http://127.0.0.1:{port} in about 20 seconds; Ctrl-C ends it.", soft_wrap=True)
    if not project.settings.page_url:
        os.environ["CRAMP_ATLAS_PAGE_URL"] = serve_beside(project.settings.warehouse_folder / "current")
    os.environ.setdefault("PYTHONWARNINGS", "ignore:Function `dev_command` is superseded")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a script's background job inherits it ignored, and Dagster could not be ended
    _become("dagster", "dev", "-h", "127.0.0.1", "-p", str(port), "-w", str(workspace))


@serve_app.command("webserver", epilog=ends("cramp-atlas serve webserver --port 3000"))
def serve_webserver(
    port: Port = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="The page shows, and launches nothing.")] = False,
) -> None:
    """Dagster's web page alone, on 127.0.0.1. It shows and launches runs; the daemon executes them.

    For a service of systemd, behind a login: docs/serving.md.
    """
    with explained():
        port = _free_port(port)
        workspace = _prepare()
    only = ["--read-only"] if read_only else []
    _become("dagster-webserver", "-h", "127.0.0.1", "-p", str(port), "-w", str(workspace), *only)


@serve_app.command("daemon", epilog=ends("cramp-atlas serve daemon"))
def serve_daemon() -> None:
    """Dagster's daemon: the nightly schedule, and the runs that the page launches. There must be only one.

    For a service of systemd: docs/serving.md. When it starts, runs that a killed daemon left are reported as failed.
    """
    with explained():
        workspace = _prepare()
    _become("dagster-daemon", "run", "-w", str(workspace))


def _free_port(wanted: int | None) -> int:
    """The port that was asked for, or that of the settings; raises CrampAtlasError where it is taken."""
    from pipelines.machine.settings import Settings

    port = Settings().port if wanted is None else wanted
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise CrampAtlasError(
                f"port {port} of 127.0.0.1 is taken, maybe by another UI: end that, or choose another --port or CRAMP_ATLAS_PORT"
            ) from error
    return port


def _prepare() -> Path:
    """Make DAGSTER_HOME ready, and report the runs as failed that a killed server left; returns the project's workspace file."""
    import dagster as dg

    from pipelines.dagster.home import fail_abandoned_runs, prepare_dagster_home
    from pipelines.machine.settings import Settings

    project = Settings().project.resolve()
    workspace = project / "workspace.yaml"
    if not workspace.exists():
        raise CrampAtlasError(f"{workspace} does not exist: CRAMP_ATLAS_PROJECT must name the folder of a project")
    home = prepare_dagster_home(project)
    with dg.DagsterInstance.get() as instance:
        fail_abandoned_runs(instance)
    os.environ["CRAMP_ATLAS_PROJECT"] = str(project)
    os.chdir(home)  # beside a dagster.yaml that is not in DAGSTER_HOME, Dagster warns that it is not used
    return workspace


def _become(program: str, *arguments: str) -> NoReturn:
    sys.stdout.flush()
    command = Path(sys.executable).with_name(program)
    os.execv(command, [str(command), *arguments])
