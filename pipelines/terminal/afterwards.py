"""The last lines of a refresh: whether anything is new to readers, and what a person looks at next."""

import duckdb

from pipelines.dagster.job import Refreshed
from pipelines.project.project import Project
from pipelines.release.kept import manifests, releases_folder
from pipelines.terminal.console import say


def say_what_is_new(project: Project, refreshed: Refreshed) -> None:
    """An object made before may be published again: what readers see can change although nothing was made."""
    if refreshed.n_made == 0 and not refreshed.is_new_release:
        say("nothing was new: no delivery was parsed, nothing was estimated")
    if refreshed.n_made == 0 and refreshed.is_new_release:
        say("no delivery was parsed and nothing was estimated: what was made before is published again")
    if refreshed.is_new_release:
        say(_changes(project))


def say_what_is_next(project: Project) -> None:
    """Where the page is, and how to see the rest."""
    page = project.settings.warehouse_folder / "current" / "report.html"
    if page.exists():
        say(f"page: {page}")
        ui, sql, rest = _commands(project, "make ui, make sql, make help", "cramp-atlas ui, cramp-atlas sql, cramp-atlas --help")
        say(f"next: {ui} shows tables and runs in Dagster, {sql} asks questions, {rest} lists the rest")
    landed = project.settings.landing_folder / "nhanes"
    if "nhanes" in project.sources and not landed.exists():
        [fetch] = _commands(project, "make nhanes", "cramp-atlas fetch nhanes")
        say(f"next: {fetch} downloads the real NHANES files, for numbers about people")


def _commands(project: Project, made: str, typed: str) -> list[str]:
    """As they are typed in a checkout, or in a project of its own."""
    return (made if (project.settings.project / "Makefile").is_file() else typed).split(", ")


def _changes(project: Project) -> str:
    manifest = manifests(project)[-1]
    release, before = str(manifest["release_id"]), manifest.get("compared_with")
    if not before:
        return f"new release {release}, the first to compare with"
    database = releases_folder(project) / release / "epi_public.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        [(n_changed, n_added, n_gone)] = connection.sql(
            "select count(*) filter (change = 'changed'), count(*) filter (change = 'added'), "
            "count(*) filter (change = 'vanished') from meta.release_changes"
        ).fetchall()
    counted = f"{n_changed:,} published numbers changed, {n_added:,} rows new, {n_gone:,} gone"
    return f"new release: {counted} since {before}; cramp-atlas releases diff {before} {release} lists them"
