"""`cramp-atlas`: the commands. Each prints what happened and ends with one of the numbers of pipelines.terminal.exit_codes."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from pipelines.machine.errors import CrampAtlasError, WrongUsage
from pipelines.machine.typed import as_typed, typed_name
from pipelines.machine.visible import visible
from pipelines.terminal import ask as ask_commands
from pipelines.terminal import releases as release_commands
from pipelines.terminal.console import Commands, console, ends, explained
from pipelines.terminal.contracts import DOCS_ENDS, contract_app, docs
from pipelines.terminal.exit_codes import ExitCode, exit_code_of
from pipelines.terminal.serve import UI_ENDS, serve_app, ui

WORK, LOOK, CONTRACTS, SERVERS = "Make tables", "Look at them", "Contracts", "Dagster"

app = Commands(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Survey deliveries in, published report tables out.",
    epilog=(
        f"New here? `{typed_name()} refresh`, then `{typed_name()} ui`. Every command has a `--help` with an example.\n\n"
        "docs/results.md says what the tables hold, docs/commands.md has settings and exit codes."
    ),
)
fetch_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Download deliveries into landing.")
app.add_typer(fetch_app, name="fetch", rich_help_panel=WORK)


@app.callback()
def _named(context: typer.Context) -> None:
    """Say which project a command works on, before it does anything."""
    if context.invoked_subcommand == "init" or "--help" in sys.argv:
        return
    with explained():
        from pipelines.machine.settings import Settings

        print(f"project {visible(str(Settings().project.resolve()))}", file=sys.stderr, flush=True)  # noqa: T201 - no answer


@app.command(rich_help_panel=WORK, epilog=ends("cramp-atlas init my-study --study empty"))
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write; it must be empty or not there yet.")],
    study: Annotated[
        str, typer.Option(help="What to begin with: empty, or a study that the package carries; a name that is none lists them.")
    ] = "empty",
) -> None:
    """Write a new project: study.yaml, contracts and selects, in a folder of its own.

    For a study of your own. Commands that are typed in that folder, or below it, work on that project.
    """
    with explained():
        from pipelines.authoring.new_project import has_nhanes, write_project

        write_project(folder, study)
    then = "cramp-atlas fetch nhanes" if has_nhanes(folder) else "edit study.yaml"
    next_steps = as_typed(f"cd {folder}, {then}, cramp-atlas refresh", elsewhere=True)
    console.print(f"{folder} is a project of the study {study}. Next: {next_steps}", soft_wrap=True)


@app.command(
    rich_help_panel=WORK,
    epilog=ends("cramp-atlas refresh --reread nhanes/2005-2006", "when something was rejected and the rest was published"),
)
def refresh(
    reread: Annotated[
        list[str] | None,
        typer.Option(help="Read and judge again although nothing changed: SOURCE or SOURCE/WAVE; may be repeated."),
    ] = None,
) -> None:
    """Take in deliveries, judge, harmonise, estimate and publish: the nightly job, now.

    For when a delivery has landed, or study.yaml, a contract or a select has changed, and the night is too far off. What has not
    changed is not made again.
    """
    with explained():
        from pipelines.dagster.job import refresh as run
        from pipelines.stages import load_project
        from pipelines.terminal.summary import print_summary

        project = load_project()
        refreshed = run(project, reread or ())
        print_summary(project, refreshed, console)
    raise typer.Exit(exit_code_of(refreshed))


@app.command(
    rich_help_panel=WORK,
    epilog=ends("cramp-atlas materialise core.respondents report.odds_ratios", "when a table is rejected"),
)
def materialise(tables: Annotated[list[str], typer.Argument(help="Tables, such as raw.nhanes_slq or core.respondents.")]) -> None:
    """Bring single tables up to date, without publishing.

    For work on a select or a contract: only the named tables are made, from what is accepted, and readers see nothing of it.
    """
    with explained():
        from pipelines.dagster.job import refresh as run
        from pipelines.stages import load_project

        project = load_project()
        unknown = sorted(set(tables) - set(project.contracts))
        if unknown:
            raise WrongUsage(f"there is no table {', '.join(unknown)}; there are: {', '.join(sorted(project.contracts))}")
        refreshed = run(project, selection=tables)
    _print_failures([*refreshed.failures, *(f"{table} is rejected: cramp-atlas status says why" for table in refreshed.rejected)])
    raise typer.Exit(exit_code_of(refreshed))


@app.command(rich_help_panel=WORK, epilog=ends("cramp-atlas publish", "when it published, and something stands rejected"))
def publish() -> None:
    """Publish what is accepted, if it is whole.

    For after materialise. Tables that rest on older ones than are accepted are refused, and what to make first is named.
    """
    with explained():
        from pipelines.release.publish import publish as run
        from pipelines.release.standing import in_words, standing_causes
        from pipelines.stages import load_project

        project = load_project()
        published = run(project)
        console.print(f"release {published.release_id}: {'published' if published.is_new else 'nothing new to publish'}")
        for note in published.notes:
            console.print(note)
        causes = standing_causes(project, is_terminal=True)
    _print_failures([in_words(project, causes)] if causes else [])
    raise typer.Exit(ExitCode.LOOK if causes else ExitCode.GOOD)


@app.command(rich_help_panel=WORK, epilog=ends("cramp-atlas test-alert"))
def test_alert() -> None:
    """Send a trial message to each sink of CRAMP_ATLAS_ALERT_URLS.

    For after a change of the sinks: a wrong address or password is better found by day.
    """
    with explained():
        from pipelines.dagster.alerts import try_sinks
        from pipelines.stages import load_project

        n_sinks = try_sinks(load_project())
        console.print(f"a trial message was sent to {n_sinks} {'sink' if n_sinks == 1 else 'sinks'}")


@app.command(rich_help_panel=LOOK, epilog=ends("cramp-atlas status", "when something stands in the way"))
def status() -> None:
    """What is published, and what stands in the way of what is newer."""
    with explained():
        from pipelines.stages import load_project
        from pipelines.terminal.summary import print_status

        healthy = print_status(load_project(), console)
    raise typer.Exit(ExitCode.GOOD if healthy else ExitCode.LOOK)


@app.command(
    rich_help_panel=LOOK,
    epilog=ends("echo 'from report.trends' | cramp-atlas sql", "when DuckDB refuses a statement from a pipe"),
)
def sql() -> None:
    """A read-only SQL prompt on the published warehouse.

    For questions that cramp-atlas query has no answer to. It is DuckDB's own prompt: .tables lists the tables, .quit ends it.
    """
    with explained():
        from pipelines.machine.settings import Settings
        from pipelines.terminal.queries import load_queries, prompt_command

        settings = Settings()
        command = prompt_command(settings.warehouse_folder / "epi.duckdb")
        if sys.stdin.isatty():
            folder = os.path.relpath(settings.sql / "queries")
            console.print(f"Questions that are answered already, each with .read {folder}/NAME.sql:", soft_wrap=True)
            for query in load_queries(settings.sql / "queries").values():
                console.print(Text.assemble("  ", (query.name, "bold"), f"  {query.question}"), soft_wrap=True)
            sys.stdout.flush()
    os.execv(command[0], command)


@app.command(
    rich_help_panel=LOOK,
    epilog=ends("cramp-atlas query largest_odds_ratio --format csv", "when DuckDB cannot answer"),
)
def query(
    name: Annotated[str | None, typer.Argument(help="The query; without one, all are listed.")] = None,
    settings: Annotated[list[str] | None, typer.Argument(help="What the query lets you set, such as column=age_years.")] = None,
    output: Annotated[str, typer.Option("--format", help="duckbox, csv, json, markdown or line.")] = "duckbox",
) -> None:
    """Answer one of the questions in sql/queries from the published warehouse, or list them.

    For the question before you write SQL. The answer goes to the standard output, how to read it to the error output.
    """
    with explained():
        from pipelines.machine.settings import Settings
        from pipelines.terminal.queries import load_queries, query_command

        project = Settings()
        queries = load_queries(project.sql / "queries")
        if name is None:
            for known in queries.values():
                console.print(Text.assemble((known.name, "bold"), f"\n  {known.question}"), soft_wrap=True)
            return
        if name not in queries:
            raise WrongUsage(f"there is no query {name}; there are: {', '.join(queries)}")
        asked = queries[name]
        command = query_command(asked, settings or (), output, project.warehouse_folder / "epi.duckdb")
        beside = visible(f"{asked.question}\n{asked.how_to_read}")
        print(beside, file=sys.stderr, flush=True)  # noqa: T201 - the answer goes to the standard output
    os.execv(command[0], command)


@fetch_app.command("nhanes", epilog=ends("cramp-atlas fetch nhanes"))
def fetch_nhanes() -> None:
    """Download the NHANES files from CRAMP_ATLAS_NHANES_URL (default: CDC's public folder).

    For the first refresh on real data. What is there and unchanged is not downloaded again, and what broke off goes on.
    """
    with explained():
        from pipelines.landing.fetch.fetching import FetchFailed, fetch
        from pipelines.machine.settings import Settings
        from pipelines.project.sources import load_sources

        settings = Settings()
        sources = load_sources(settings.data_contracts / "sources")
        if "nhanes" not in sources:
            raise WrongUsage("this project has no source nhanes: data_contracts/sources/nhanes.yaml is not there")
        source = sources["nhanes"]
        files = [delivered.file for wave in source.waves.values() for delivered in wave.tables.values()]
        try:
            report = fetch(files, settings.nhanes_url, settings.landing_folder / source.source, console=console)
        except FetchFailed as error:
            raise CrampAtlasError(str(error)) from error
        console.print(
            f"{len(report.downloaded)} files downloaded ({report.bytes / 1e6:,.1f} MB), {len(report.unchanged)} unchanged. "
            "Next: cramp-atlas refresh",
        )


def _print_failures(failures: list[str]) -> None:
    for failure in failures:
        console.print(failure, style="red", soft_wrap=True)


app.add_typer(ask_commands.app, name="ask", rich_help_panel=LOOK)
app.command(rich_help_panel=LOOK, epilog=release_commands.PASSPORT_ENDS)(release_commands.passport)
app.add_typer(release_commands.app, name="releases", rich_help_panel=LOOK)
app.add_typer(contract_app, name="contract", rich_help_panel=CONTRACTS)
app.command(rich_help_panel=CONTRACTS, epilog=DOCS_ENDS)(docs)
app.command(rich_help_panel=SERVERS, epilog=UI_ENDS)(ui)
app.add_typer(serve_app, name="serve", rich_help_panel=SERVERS)


if __name__ == "__main__":
    app()
