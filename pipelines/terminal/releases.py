"""`cramp-atlas releases ...` and `cramp-atlas passport`: what was published, what changed, and how a number was made."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.machine.errors import WrongUsage
from pipelines.terminal.console import console, ends, explained, say
from pipelines.terminal.exit_codes import ExitCode

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="What was published: list it, compare it, check it, go back, go on."
)

CHANGES_SHOWN = 40

PASSPORT_ENDS = ends("cramp-atlas passport report.odds_ratios --source nhanes")

ReleaseId = Annotated[str, typer.Argument(metavar="ID", help="A release, as releases list names it.")]
OfCurrent = Annotated[str | None, typer.Argument(metavar="[ID]", help="A release; without one, that which readers see.")]


@app.command("list", epilog=ends("cramp-atlas releases list", "when something of the warehouse is damaged"))
def list_releases() -> None:
    """Every release that is kept, oldest first; readers see the one with the star.

    For the ids that the other commands want, and to see whether a rollback holds.
    """
    with explained():
        from pipelines.release.damage import standing_damage
        from pipelines.release.kept import current_release, held_release, manifests
        from pipelines.stages import load_project

        project = load_project()
        current, held = current_release(project), held_release(project)
        for manifest in manifests(project):
            release_id = manifest["release_id"]
            note = "  held by a rollback" if release_id == held else ""
            note += f"  {len(manifest['rejected'])} held back" if manifest.get("rejected") else ""
            say(f"{'*' if release_id == current else ' '} {release_id}  {manifest['published_at']}{note}")
        damage = standing_damage(project)
    for problem in damage:
        say(problem)
    raise typer.Exit(ExitCode.LOOK if damage else ExitCode.GOOD)


@app.command(epilog=ends("cramp-atlas releases show"))
def show(release_id: OfCurrent = None) -> None:
    """When it was published, what rests on what, contracts, verdicts, stale deliveries and sizes.

    For what to cite, and for which deliveries a release was made from.
    """
    with explained():
        from pipelines.release.kept import manifest_of
        from pipelines.stages import load_project
        from pipelines.terminal.printed import print_release

        project = load_project()
        print_release(project, manifest_of(project, release_id), console)


@app.command(epilog=ends("cramp-atlas releases diff 2026-11-23.1-74d62597 2026-11-24.1-88b39988 --limit 0"))
def diff(
    one: ReleaseId,
    other: ReleaseId,
    limit: Annotated[int, typer.Option(help="How many changes to print, the largest first; 0 for all.")] = CHANGES_SHOWN,
) -> None:
    """Every number that differs between two releases, and which ingredient of its making does.

    For when somebody asks why a number moved.
    """
    with explained():
        from pipelines.release.changes import Side, changes
        from pipelines.release.kept import manifest_of, releases_folder
        from pipelines.stages import load_project
        from pipelines.terminal.printed import print_changes

        project = load_project()
        sides = [Side(releases_folder(project) / name, manifest_of(project, name)) for name in (one, other)]
        print_changes(changes(sides[0], sides[1], project.contracts), limit, console)


@app.command(epilog=ends("cramp-atlas releases verify", "when a file, a mode or a link is wrong"))
def verify(release_id: OfCurrent = None) -> None:
    """Compute every hash anew: of the files of a release and of everything in the store.

    For after a restore, a crash or a doubt. Nothing is repaired: each problem says what is wrong and what to do.
    """
    with explained():
        from pipelines.release.kept import manifest_of
        from pipelines.release.verify import verify as problems_of
        from pipelines.stages import load_project

        project = load_project()
        manifest = manifest_of(project, release_id)
        problems = problems_of(project, manifest)
    for problem in problems:
        say(problem)
    objects = len([*manifest["objects"], *manifest.get("rests_on", [])])
    checked = f"{len(manifest['files'])} files, {objects} objects of the store, the links"
    say(f"release {manifest['release_id']}: {f'{len(problems)} problems' if problems else 'all is well'} ({checked})")
    raise typer.Exit(ExitCode.LOOK if problems else ExitCode.GOOD)


@app.command(epilog=ends("cramp-atlas releases prune --dry-run", "when something of the warehouse is damaged"))
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove what retention in study.yaml does not keep, as every night does.

    For when space is short before the night; --dry-run says what it would remove.
    """
    with explained():
        from pipelines.dagster.run_history import prune_history
        from pipelines.release.damage import standing_damage
        from pipelines.release.prune import prune as run
        from pipelines.stages import load_project

        project = load_project()
        pruned = run(project, dry_run=dry_run)
        n_runs = prune_history(project, dry_run=dry_run)
        damage = standing_damage(project)
    for release_id in pruned.releases:
        say(f"release {release_id}")
    for path in pruned.leftovers:
        say(f"left by a killed process: {path.name}")
    removed = (
        f"{len(pruned.releases)} releases, {len(pruned.swept.removed)} files of the store, {len(pruned.leftovers)} leftovers"
    )
    removed += f", {n_runs} runs of Dagster" if n_runs else ""
    say(f"{'would remove' if dry_run else 'removed'} {removed}: {pruned.n_bytes / 1e6:,.1f} MB")
    say(f"{pruned.swept.n_waiting} files that nothing needs wait for the end of their grace period")
    if pruned.swept.has_lost_note:
        say("the note of since when they wait could not be read: every grace period begins anew")
    for problem in damage:
        say(problem)
    raise typer.Exit(ExitCode.LOOK if damage else ExitCode.GOOD)


@app.command(epilog=ends("cramp-atlas releases rollback 2026-11-23.1-74d62597"))
def rollback(release_id: ReleaseId) -> None:
    """Let readers see an earlier release until `releases resume`.

    For when a release turns out to be wrong. The nights go on, publish, and do not undo it. A damaged release is refused.
    """
    with explained():
        from pipelines.release.rollback import roll_back
        from pipelines.stages import load_project

        roll_back(load_project(), release_id)
        say(f"readers see {release_id} until: cramp-atlas releases resume")


@app.command(epilog=ends("cramp-atlas releases resume"))
def resume() -> None:
    """End a rollback: readers see the newest release again.

    For when what was wrong is mended and published.
    """
    with explained():
        from pipelines.release.rollback import resume as run
        from pipelines.stages import load_project

        say(f"readers see {run(load_project())}")


def passport(
    table: Annotated[str, typer.Argument(help="A core or report table, such as report.odds_ratios.")],
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    release: Annotated[str | None, typer.Option(help="A release; without one, that which readers see.")] = None,
) -> None:
    """How a table was made, source by source: from delivered files to its rows.

    For a methods section, and for when somebody asks where a number comes from.
    """
    with explained():
        from pipelines.stages import load_project
        from pipelines.terminal.printed import print_passports, read_passports

        project = load_project()
        found = read_passports(project, table, source, release)
        if not found:
            of_source = f" of {source}" if source else ""
            raise WrongUsage(f"the release holds no passport of {table}{of_source}; try: cramp-atlas releases show")
        print_passports(found, console)


@app.command("export", epilog=ends("cramp-atlas releases export to_send"))
def export_release(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    release_id: Annotated[str | None, typer.Option("--release", metavar="ID", help="Default: the one that readers see.")] = None,
    microdata: Annotated[bool, typer.Option(help="Also epi.duckdb with all rows in it, which holds people.")] = False,
) -> None:
    """Write the report tables as Parquet, CSV and Excel, with data dictionary and citation.

    For people who have no SQL, and for a journal's supplement.
    """
    with explained():
        from pipelines.release.export import export
        from pipelines.stages import load_project

        say(f"release {export(load_project(), folder, release_id, microdata=microdata)} is in {folder}")


@app.command("site", epilog=ends("cramp-atlas releases site published"))
def site(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder, or that of an earlier site.")],
    earlier: Annotated[bool, typer.Option(help="Also the releases before the one that readers see.")] = True,
) -> None:
    """Write a static site: the releases, what changed, the data dictionary, tables to download, a page that answers SQL.

    For a web server, or a folder to hand on. It holds what the public report tables and pages of releases hold, and nothing else.
    """
    with explained():
        from pipelines.release.site.writing import in_words, write_site
        from pipelines.stages import load_project

        written = write_site(load_project(), folder, with_earlier=earlier)
    for line in written.left_out:
        say(line)
    if not written.answers_sql:
        say("query.html answers no SQL yet: make site-engine, and then write the site again")
    n_earlier = len(written.releases) - 1
    more = f" and {n_earlier} before it" if n_earlier else ""
    there = f"is in {folder} ({in_words(written.n_bytes)}): open {folder / 'index.html'}"
    say(f"the site of release {written.releases[0]}{more} {there}")
