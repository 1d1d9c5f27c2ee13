"""One asset for each core and each report table."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipelines.core.cells import build_cells, places_of_cells
from pipelines.core.harmonise import build_core
from pipelines.dagster.assets.context import asset_spec, check_result, check_spec, materialisation
from pipelines.machine.lock import PATIENCE_SECONDS, warehouse_lock
from pipelines.machine.working import parts
from pipelines.making.build import Built
from pipelines.project.project import Project
from pipelines.project.respondents import CELLS
from pipelines.report.estimators import ESTIMATORS
from pipelines.report.make import build_report
from pipelines.store import Place, Sidecar


def built_asset(project: Project, table: str) -> dg.AssetsDefinition:
    """A core or report table: every source and wave is brought up to date; one that fails keeps its accepted object."""
    schema = table.partition(".")[0]
    is_select = schema == "core" or table in project.selects
    deps = [read for read in project.reads(table) if read.partition(".")[0] in {"raw", "core", "report"}]
    if table in ESTIMATORS and CELLS in project.contracts:
        deps.append(CELLS)
    spec = asset_spec(project, table, deps, {"duckdb", "sql"} if is_select else {"duckdb", "polars"})

    @dg.multi_asset(name=table.replace(".", "__"), specs=[spec], check_specs=[check_spec(project, table)])
    def build_table(context: dg.AssetExecutionContext) -> Iterator[Any]:
        candidates: dict[Place, Sidecar] = {}
        n_made = 0
        with warehouse_lock(project.settings.warehouse_folder, PATIENCE_SECONDS):
            for place in parts(places_of_cells(project) if table == CELLS else project.places(table)):
                built = _built(project, place)
                candidates[place] = built.sidecar
                n_made += built.is_new
                context.log.info(f"{place}: {'made' if built.is_new else 'unchanged'}, {built.sidecar.verdict}")
        problems: dict[str, list[str]] = {}
        for place, sidecar in candidates.items():
            problems.setdefault(place.source, []).extend(sidecar.problems)
        yield materialisation(project, table, n_made, context.instance)
        yield check_result(project, table, {place: [sidecar] for place, sidecar in candidates.items()}, problems)

    return build_table


def _built(project: Project, place: Place) -> Built:
    if place.name == CELLS:
        return build_cells(project, place)
    return build_core(project, place) if place.schema == "core" else build_report(project, place)
