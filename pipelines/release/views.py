"""Large raw and core tables of a release are views over the store's Parquet: nothing is copied, and what they read is pinned.

A view names the warehouse by its place when the release was made. Whoever finds it elsewhere says so in a variable of the
connection. Small tables are copied, and `releases export --microdata` copies all of them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.machine.quoting import literal
from pipelines.project.project import Project
from pipelines.release.whereabouts import VARIABLE, VIEWS, variable_here
from pipelines.store import Place, Sidecar
from pipelines.store.objects import is_whole

NOT_SAFE = (
    "readers of that table get an error: cramp-atlas refresh makes an object that is accepted again, if its delivery is in "
    "landing; otherwise restore the store from a backup"
)


def views_of(project: Project, objects: Mapping[Place, Sidecar]) -> dict[str, Any]:
    """What a manifest says of the views of `epi.duckdb`: of the raw and core tables with more rows than the setting allows.

    Rows and files of sources whose microdata are withheld are in no view.
    """
    shown = {
        place: sidecar
        for place, sidecar in objects.items()
        if place.schema in {"raw", "core"} and sidecar.content and not project.sources[place.source].is_withheld
    }
    rows: dict[str, int] = {}
    for place, sidecar in shown.items():
        rows[place.name] = rows.get(place.name, 0) + sidecar.rows
    warehouse = project.settings.warehouse_folder
    tables: dict[str, list[str]] = {}
    for place, sidecar in shown.items():
        if rows[place.name] > project.settings.views_above_rows:
            path = project.store.path(place, str(sidecar.content))
            tables.setdefault(place.name, []).append(path.relative_to(warehouse).as_posix())
    return {VIEWS: {"warehouse": str(warehouse.resolve()), "tables": tables}} if tables else {}


def selects_of(views: Mapping[str, Any]) -> dict[str, str]:
    """Table -> the select of its rows from the store."""
    told = views.get(VIEWS, {"tables": {}})
    return {table: _select(told["warehouse"], files) for table, files in told["tables"].items()}


def _select(warehouse: str, files: list[str]) -> str:
    here = f"coalesce(getvariable({literal(VARIABLE)}), {literal(warehouse)})"
    paths = ", ".join(f"{here} || {literal(f'/{file}')}" for file in files)
    return f"select * from read_parquet([{paths}], union_by_name = true)"


def viewed_files(project: Project, manifest: Mapping[str, Any]) -> dict[Path, str]:
    """Files of the store that the views of a release read -> the table that reads them."""
    tables = manifest.get(VIEWS, {"tables": {}})["tables"]
    return {project.settings.warehouse_folder / file: table for table, files in tables.items() for file in files}


def damaged_views(project: Project, manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong with the files that the views of a release read, a line each."""
    return [
        f"{manifest['release_id']}: the object {path.stem[:12]}, which {table} of epi.duckdb reads from the store, "
        f"{'is damaged (another SHA-256 than its name)' if path.is_file() else 'is gone'}: {NOT_SAFE}"
        for path, table in viewed_files(project, manifest).items()
        if not is_whole(path)
    ]


def moved(project: Project, manifest: Mapping[str, Any]) -> Iterator[str]:
    """That the views of a release lead to where the warehouse was."""
    here = str(project.settings.warehouse_folder.resolve())
    if VIEWS in manifest and manifest[VIEWS]["warehouse"] != here:
        there = manifest[VIEWS]["warehouse"]
        yield (
            f"the views of {manifest['release_id']}/epi.duckdb lead to {there}, and the warehouse is at {here}: run cramp-atlas "
            "publish, which makes a release that leads here; until then, and for older releases, a reader's connection begins "
            f"with: {variable_here(here)}"
        )
