"""The last asset: it publishes what passed, and then fails the run if anything was rejected, because a person must look."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipelines.assets.context import asset_key
from pipelines.assets.described import PACKAGE, code_references
from pipelines.errors import NotClosed
from pipelines.lock import PATIENCE_SECONDS, warehouse_lock
from pipelines.project import Project
from pipelines.releases.meta import deliveries
from pipelines.releases.prune import prune
from pipelines.releases.publish import publish

REJECTED = "rejected, and left at the last accepted state:"

RELEASE = dg.AssetKey(["release", "warehouse"])


def release_asset(project: Project) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        RELEASE,
        deps=[asset_key(table) for table in project.report_tables],
        description="The published warehouse: epi.duckdb, epi_public.duckdb, the report tables as Parquet, and report.html.",
        group_name="release",
        owners=sorted({owner for table in project.report_tables for owner in project.contracts[table].owners}),
        kinds={"duckdb", "parquet"},
        metadata={"dagster/code_references": code_references({PACKAGE / "releases" / "publish.py": None})},
    )

    @dg.multi_asset(name="publish", specs=[spec])
    def publish_release(context: dg.AssetExecutionContext) -> Iterator[Any]:
        try:
            with warehouse_lock(project.settings.warehouse_folder, PATIENCE_SECONDS):
                published = publish(project)
        except NotClosed as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.log.info(f"release {published.release_id}: {'published' if published.is_new else 'nothing new to publish'}")
        yield dg.MaterializeResult(
            RELEASE,
            metadata={"release_id": published.release_id, "is_new": published.is_new, "is_current": published.is_current},
            data_version=dg.DataVersion(published.release_id),
        )
        with warehouse_lock(project.settings.warehouse_folder, PATIENCE_SECONDS):
            pruned = prune(project)
        context.log.info(f"{len(pruned.releases)} releases and {len(pruned.swept.removed)} files of the store removed")
        rejected = rejections(project)
        if rejected:
            raise dg.Failure("\n".join([REJECTED, *rejected]), allow_retries=False)

    return publish_release


def rejections(project: Project) -> list[str]:
    """What stands rejected, one line a problem; empty after a good night."""
    rejected = deliveries(project).filter(verdict="rejected")
    return [
        f"{row['source']} {row['wave']} ({row['cause']}): {problem}"
        for row in rejected.iter_rows(named=True)
        for problem in row["reason"].splitlines()
    ]
