"""The last asset: it publishes what passed, and then fails the run if anything was rejected, because a person must look."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from pipelines.dagster.alerts import read_state
from pipelines.dagster.assets.context import asset_key
from pipelines.dagster.assets.described import PACKAGE, code_references
from pipelines.dagster.run_history import prune_runs
from pipelines.dagster.runs import CAUSES, PUBLISH, RELEASE
from pipelines.machine.errors import NotClosed
from pipelines.machine.lock import PATIENCE_SECONDS, warehouse_lock
from pipelines.project.project import Project
from pipelines.release.prune import prune
from pipelines.release.publish import publish
from pipelines.release.standing import in_words, standing_causes

NOT_UP_TO_DATE = "not up to date"
"""Metadata of the release: what of it is older than what was delivered, and why."""


def not_up_to_date(causes: Mapping[str, str]) -> dg.TextMetadataValue | dg.TableMetadataValue:
    """What stands rejected, in words (`standing_causes`), as a table beside the release that was published all the same."""
    if not causes:
        return dg.MetadataValue.text("nothing: every source is at what was delivered last")
    return dg.MetadataValue.table([dg.TableRecord({"of": name, "why, and what to do": words}) for name, words in causes.items()])


def _page(project: Project) -> dg.UrlMetadataValue | dg.PathMetadataValue:
    """The report: a link where it is served, otherwise where it lies: no browser follows a link from Dagster to a file."""
    settings = project.settings
    if settings.page_url:
        return dg.MetadataValue.url(settings.page_url)
    return dg.MetadataValue.path(settings.warehouse_folder / "current" / "report.html")


def release_asset(project: Project) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        RELEASE,
        deps=[asset_key(table) for table in project.report_tables],
        description="The published warehouse: epi.duckdb, epi_public.duckdb, the report tables as Parquet, and report.html.",
        group_name="release",
        owners=sorted({owner for table in project.report_tables for owner in project.contracts[table].owners}),
        kinds={"duckdb", "parquet"},
        metadata={"dagster/code_references": code_references({PACKAGE / "release" / "publish.py": None}), "page": _page(project)},
    )

    @dg.multi_asset(name=PUBLISH, specs=[spec])
    def publish_release(context: dg.AssetExecutionContext) -> Iterator[Any]:
        try:
            with warehouse_lock(project.settings.warehouse_folder, PATIENCE_SECONDS):
                published = publish(project)
        except NotClosed as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.log.info(f"release {published.release_id}: {'published' if published.is_new else 'nothing new to publish'}")
        for note in published.notes:
            context.log.warning(note)
        causes = standing_causes(project)
        yield dg.MaterializeResult(
            RELEASE,
            metadata={
                "release_id": published.release_id,
                "is_new": published.is_new,
                "is_current": published.is_current,
                NOT_UP_TO_DATE: not_up_to_date(causes),
            },
            data_version=dg.DataVersion(published.release_id),
        )
        with warehouse_lock(project.settings.warehouse_folder, PATIENCE_SECONDS):
            pruned = prune(project)
        runs = prune_runs(context.instance, project.study.retention.runs, read_state(context.instance).held_runs())
        removed = f"{len(pruned.releases)} releases, {len(pruned.swept.removed)} files of the store, {len(runs.removed)} runs"
        context.log.info(f"removed: {removed}")
        if causes:
            raise dg.Failure(in_words(project, causes), metadata={CAUSES: dg.MetadataValue.json(causes)}, allow_retries=False)

    return publish_release
