"""One multi-asset a source: it takes in whole deliveries and yields the selected tables."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipelines.dagster.assets.context import CHECK, asset_key, asset_spec, check_result, check_spec, materialisation
from pipelines.landing.watch import is_arriving
from pipelines.machine.lock import PATIENCE_SECONDS, warehouse_lock
from pipelines.machine.visible import markdown
from pipelines.making.faults import ANY, verdict_on
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.raw.drift.between import accepted_drift, note_drift
from pipelines.raw.take_in import Delivery, take_in
from pipelines.release.damage import mend
from pipelines.store.acceptance import with_accepted, with_rejection
from pipelines.store.places import GENERATOR
from pipelines.synthetic.delivery import deliver

EVERY_WAVE = "*"

UNATTENDED = {"dagster/schedule_name", "dagster/sensor_name"}
"""Dagster's tags of runs that nobody started: they leave alone what is still arriving, which a person may want now."""


def reread_config(source: Source) -> dict[str, dg.Field]:
    """The run configuration of a source: which waves to read and judge again.

    Dagster refuses another wave before the run starts, and names the type: so the type is named by what it holds.
    """
    waves = {wave: f"Wave {wave} of {source.title}" for wave in source.waves} | {EVERY_WAVE: f"Every wave of {source.title}"}
    listed = ", ".join(f'"{wave}"' for wave in waves)
    values = [dg.EnumValue(wave, description=words) for wave, words in waves.items()]
    kind = dg.Enum(f"wave of {source.source} (one of {listed}, in quotation marks)", values)
    description = f"Waves to read and judge again although nothing about them has changed: any of {listed}, in quotation marks."
    return {"reread": dg.Field(dg.Array(kind), default_value=[], description=description)}


def raw_assets(project: Project, source: Source) -> dg.AssetsDefinition:
    tables = [f"raw.{table}" for table in source.tables]

    @dg.multi_asset(
        name=f"take_in_{source.source}",
        specs=[asset_spec(project, table, [], {"parquet", "python"}) for table in tables],
        check_specs=[check_spec(project, table) for table in tables],
        can_subset=True,
        config_schema=reread_config(source),
        description=f"Takes in what {markdown(source.title)} delivered.",
    )
    def take_in_source(context: dg.AssetExecutionContext) -> Iterator[Any]:
        reread = set(context.op_execution_context.op_config["reread"])
        with warehouse_lock(project.settings.warehouse_folder, PATIENCE_SECONDS):
            for words in mend(project, source.source):
                context.log.warning(words)
            if source.generator:
                context.log.info(f"{source.source}: {_generate(project, source)}")
            left = _left_alone(project, source) if UNATTENDED & set(context.run.tags) else []
            deliveries = [
                take_in(project, source.source, wave, reread=bool({wave, EVERY_WAVE} & reread))
                for wave in source.waves
                if wave not in left
            ]
            undrifted = note_drift(project, source)
        for delivery in deliveries:
            context.log.info(_in_words(delivery))
        for wave in left:
            context.log.warning(
                f"{source.source} {wave}: still arriving, left as it was; the sensor on landing takes it in later"
            )
        for problem in undrifted:
            context.log.warning(problem)
        selected = {key.to_user_string().replace("/", ".") for key in context.selected_asset_keys}
        for table in tables:
            if table in selected:
                yield materialisation(
                    project, table, sum(place.name == table for delivery in deliveries for place in delivery.parsed)
                )
            if dg.AssetCheckKey(asset_key(table), CHECK) in context.selected_asset_check_keys:
                yield _check(project, table, deliveries)

    return take_in_source


def _left_alone(project: Project, source: Source) -> list[str]:
    """The waves that somebody is copying at this moment."""
    return [] if source.generator else [wave for wave in source.waves if is_arriving(project, source, wave, time.time())]


def _generate(project: Project, source: Source) -> str:
    """Deliver a synthetic source. Where that fails, what landed before is taken in, and the failure stands with every wave."""
    try:
        outcome = "generated a delivery" if deliver(project, source) else "the generated delivery is there already"
        problem = None
    except ANY as error:
        outcome = problem = f"nothing could be generated: {verdict_on(error, project.settings.warehouse_folder)}"
    for wave in source.waves:
        acceptance = project.store.acceptance(source.source, wave)
        if problem:
            acceptance = with_rejection(acceptance, GENERATOR, "harmonisation", [problem], {})
        else:
            acceptance = with_accepted(acceptance, GENERATOR, {})
        project.store.set_acceptance(source.source, wave, acceptance)
    return outcome


def _in_words(delivery: Delivery) -> str:
    name = f"{delivery.source} {delivery.wave}"
    if delivery.postponed:
        return f"{name}: not judged, and left as it was: {'; '.join(delivery.postponed)}"
    if delivery.is_absent:
        return f"{name}: nothing has landed"
    verdict = f"rejected, {len(delivery.problems)} problems" if delivery.problems else "accepted"
    return f"{name}: {verdict}; {len(delivery.parsed)} of {len(delivery.candidates)} files parsed"


def _check(project: Project, table: str, deliveries: list[Delivery]) -> dg.AssetCheckResult:
    """A table's check fails with its delivery where the problem is its own; the reasons are the problems of its places."""
    candidates = {
        place: [sidecar, *([delivery.claims[place]] if place in delivery.claims else [])]
        for delivery in deliveries
        for place, sidecar in delivery.candidates.items()
        if place.name == table
    }
    problems = [problem.text for delivery in deliveries for problem in delivery.found if problem.place.name == table]
    waves = project.raw_source(table).waves_of(table.removeprefix("raw."))
    postponed = [text for delivery in deliveries if delivery.wave in waves for text in delivery.postponed]
    source = project.raw_source(table).source
    return check_result(project, table, candidates, {source: problems}, accepted_drift(project, table), postponed)
