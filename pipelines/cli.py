"""`cramp-atlas`: the commands. Each prints what happened and ends with 0, or with 1 where a person must look."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipelines import release_commands
from pipelines.contract_commands import contract_app, docs
from pipelines.errors import CrampAtlasError
from pipelines.terminal import console, explained

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Survey deliveries in, published report tables out.")
fetch_app = typer.Typer(no_args_is_help=True, help="Download deliveries into landing.")
app.add_typer(fetch_app, name="fetch")
app.add_typer(release_commands.app, name="releases")
app.command()(release_commands.passport)
app.add_typer(contract_app, name="contract")
app.command()(docs)


@app.command()
def refresh(
    reread: Annotated[
        list[str] | None,
        typer.Option(help="Read and judge again although nothing changed: SOURCE or SOURCE/WAVE; may be repeated."),
    ] = None,
) -> None:
    """Take in deliveries, judge, harmonise, estimate and publish: the nightly job, now."""
    with explained():
        from pipelines.project import Project
        from pipelines.refresh import refresh as run
        from pipelines.summary import print_summary

        project = Project.load()
        refreshed = run(project, reread or ())
        print_summary(project, refreshed, console)
    raise typer.Exit(0 if refreshed.success else 1)


@app.command()
def materialise(tables: Annotated[list[str], typer.Argument(help="Tables, such as raw.nhanes_slq or core.respondents.")]) -> None:
    """Bring single tables up to date, without publishing."""
    with explained():
        from pipelines.project import Project
        from pipelines.refresh import refresh as run

        project = Project.load()
        unknown = sorted(set(tables) - set(project.contracts))
        if unknown:
            raise CrampAtlasError(f"there is no table {', '.join(unknown)}; there are: {', '.join(sorted(project.contracts))}")
        refreshed = run(project, selection=tables)
    _print_failures(refreshed.failures)
    raise typer.Exit(0 if refreshed.success else 1)


@app.command()
def publish() -> None:
    """Publish what is accepted, if it is whole."""
    with explained():
        from pipelines.night import in_words, standing_causes
        from pipelines.project import Project
        from pipelines.releases.publish import publish as run

        project = Project.load()
        published = run(project)
        console.print(
            f"release {published.release_id}: {'published' if published.is_new else 'nothing new to publish'}", highlight=False
        )
        causes = standing_causes(project)
    _print_failures([in_words(project, causes)] if causes else [])
    raise typer.Exit(1 if causes else 0)


@app.command()
def test_alert() -> None:
    """Send a trial message to each sink of CRAMP_ATLAS_ALERT_URLS."""
    with explained():
        from pipelines.alerts import try_sinks
        from pipelines.project import Project

        n_sinks = try_sinks(Project.load())
        console.print(f"a trial message was sent to {n_sinks} {'sink' if n_sinks == 1 else 'sinks'}", highlight=False)


@app.command()
def status() -> None:
    """What is published, and what stands in the way of what is newer."""
    with explained():
        from pipelines.project import Project
        from pipelines.summary import print_status

        healthy = print_status(Project.load(), console)
    raise typer.Exit(0 if healthy else 1)


@app.command()
def sql() -> None:
    """A read-only SQL prompt on the published warehouse."""
    with explained():
        from pipelines.queries import load_queries, prompt_command
        from pipelines.settings import Settings

        settings = Settings()
        command = prompt_command(settings.warehouse_folder / "epi.duckdb")
        if sys.stdin.isatty():
            folder = os.path.relpath(settings.sql / "queries")
            console.print(
                f"Questions that are answered already, each with .read {folder}/NAME.sql:", highlight=False, soft_wrap=True
            )
            for query in load_queries(settings.sql / "queries").values():
                console.print(f"  [bold]{query.name}[/bold]  {escape(query.question)}", highlight=False, soft_wrap=True)
            sys.stdout.flush()
    os.execv(command[0], command)


@app.command()
def query(
    name: Annotated[str | None, typer.Argument(help="The query; without one, all are listed.")] = None,
    settings: Annotated[list[str] | None, typer.Argument(help="What the query lets you set, such as column=age_years.")] = None,
    output: Annotated[str, typer.Option("--format", help="duckbox, csv, json, markdown or line.")] = "duckbox",
) -> None:
    """Answer one of the questions in sql/queries from the published warehouse, or list them."""
    with explained():
        from pipelines.queries import load_queries, query_command
        from pipelines.settings import Settings

        project = Settings()
        queries = load_queries(project.sql / "queries")
        if name is None:
            for known in queries.values():
                console.print(f"[bold]{known.name}[/bold]\n  {escape(known.question)}", highlight=False, soft_wrap=True)
            return
        if name not in queries:
            raise CrampAtlasError(f"there is no query {name}; there are: {', '.join(queries)}")
        asked = queries[name]
        command = query_command(asked, settings or (), output, project.warehouse_folder / "epi.duckdb")
        print(f"{asked.question}\n{asked.how_to_read}", file=sys.stderr, flush=True)  # noqa: T201 - beside the answer, not in it
    os.execv(command[0], command)


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Dagster's web page with the runs of this terminal, and the schedule, on 127.0.0.1. Ctrl-C ends it."""
    with explained():
        import dagster as dg

        from pipelines.dagster_home import fail_abandoned_runs, prepare_dagster_home
        from pipelines.settings import Settings

        if not _is_free(port):
            raise CrampAtlasError(f"port {port} of 127.0.0.1 is taken, maybe by another UI: end that, or choose another --port")
        project = Settings().project.resolve()
        workspace = project / "workspace.yaml"
        if not workspace.exists():
            raise CrampAtlasError(f"{workspace} does not exist: CRAMP_ATLAS_PROJECT must name the folder of a project")
        home = prepare_dagster_home(project)
        with dg.DagsterInstance.get() as instance:
            fail_abandoned_runs(instance)
    console.print(
        f"Dagster will be at http://127.0.0.1:{port} in about 20 seconds; Ctrl-C ends it.", highlight=False, soft_wrap=True
    )
    sys.stdout.flush()
    os.environ["CRAMP_ATLAS_PROJECT"] = str(project)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    os.environ.setdefault("PYTHONWARNINGS", "ignore:Function `dev_command` is superseded")
    os.chdir(home)  # beside a dagster.yaml that is not in DAGSTER_HOME, Dagster warns that it is not used
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a script's background job inherits it ignored, and Dagster could not be ended
    command = Path(sys.executable).with_name("dagster")
    os.execv(command, [str(command), "dev", "-h", "127.0.0.1", "-p", str(port), "-w", str(workspace)])


@fetch_app.command("nhanes")
def fetch_nhanes() -> None:
    """Download the NHANES files from CRAMP_ATLAS_NHANES_URL (default: CDC's public folder)."""
    with explained():
        from pipelines.fetch import FetchFailed, fetch
        from pipelines.settings import Settings
        from pipelines.sources import load_sources

        settings = Settings()
        source = load_sources(settings.data_contracts / "sources")["nhanes"]
        files = [delivered.file for wave in source.waves.values() for delivered in wave.tables.values()]
        try:
            report = fetch(files, settings.nhanes_url, settings.landing_folder / source.source, console=console)
        except FetchFailed as error:
            raise CrampAtlasError(str(error)) from error
        console.print(
            f"{len(report.downloaded)} files downloaded ({report.bytes / 1e6:,.1f} MB), {len(report.unchanged)} unchanged. "
            "Next: cramp-atlas refresh",
            highlight=False,
        )


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _print_failures(failures: list[str]) -> None:
    for failure in failures:
        console.print(f"[red]{escape(failure)}[/red]", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    app()
