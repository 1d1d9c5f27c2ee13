"""Where the warehouse of a published database is: what a connection says, so that tables that are views find their files."""

from pathlib import Path

from pipelines.machine.quoting import literal
from pipelines.machine.sealed import Unsound, read_sealed

VARIABLE = "cramp_atlas_warehouse"
"""The DuckDB variable that says where the warehouse is, where it is not where it was."""

VIEWS = "views"
"""In a manifest: where the warehouse was, and which files of it which table reads. Not there where all tables are copied."""


def variable_here(warehouse: str) -> str:
    """What a connection runs, so that views find the warehouse."""
    return f"set variable {VARIABLE} = {literal(warehouse)}"


def variables_of(database: Path) -> list[str]:
    """What to run before a query of a published database: where its warehouse is, if it has views."""
    release = database.resolve().parent
    try:
        manifest = read_sealed(release / "manifest.json") or {}
    except Unsound:
        return []
    return [variable_here(str(release.parent.parent))] if VIEWS in manifest else []
