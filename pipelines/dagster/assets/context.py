"""What every asset shows in Dagster: columns, owners, row counts, the verdict of its contract."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from pipelines.dagster.assets.described import definition_metadata, read_by_estimator
from pipelines.dagster.assets.shown import report_metadata
from pipelines.machine.visible import markdown
from pipelines.project.literature import PUBLISHED
from pipelines.project.project import Project
from pipelines.release.disclosed import HELD_BACK
from pipelines.release.formatting import SYNTHETIC
from pipelines.store import Place, Sidecar, digest

CHECK = "contract"

N_MADE = "objects_made"
"""Metadata of a materialisation: how many objects were parsed or computed rather than found by their recipe."""


TO_DO = {
    "reject": "ask for a corrected delivery, or change the contract or the select if they are wrong",
    "set_aside": "nothing, if the records are few: they are listed in meta.rejected_rows",
    "warn": "look at the rows: they are published",
}

VERDICTS = {"not_applicable": "nothing delivered"}
"""Verdicts in other words than the store's."""


def asset_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(table.split("."))


def check_spec(project: Project, table: str) -> dg.AssetCheckSpec:
    contract = project.contracts[table]
    claims = [markdown(f"`{check.name}`") for check in project.checks.get(contract.table, ())]
    description = f"{table} meets its contract: {len(contract.rules)} rules"
    if claims:
        description += f", and no row contradicts {', '.join(claims)}"
    return dg.AssetCheckSpec(CHECK, asset=asset_key(table), description=f"{description}.")


def asset_spec(project: Project, table: str, deps: Iterable[str], kinds: set[str]) -> dg.AssetSpec:
    contract = project.contracts[table]
    is_synthetic = contract.schema == "raw" and project.raw_source(table).is_synthetic
    return dg.AssetSpec(
        asset_key(table),
        deps=[asset_key(dep) for dep in deps],
        description=markdown(f"{contract.description} {SYNTHETIC.capitalize()}." if is_synthetic else contract.description),
        group_name=contract.schema,
        owners=contract.owners,
        kinds=kinds,
        tags={"synthetic": ""} if is_synthetic else {},
        metadata=definition_metadata(project, table),
    )


def materialisation(
    project: Project, table: str, n_made: int, instance: dg.DagsterInstance | None = None
) -> dg.MaterializeResult[Any]:
    """The state of a table after its turn: what is accepted of it, over all its places, and how many objects were made now."""
    accepted = {place: sidecar for place in project.places(table) if (sidecar := project.store.accepted(place))}
    metadata: dict[str, Any] = {N_MADE: n_made}
    if table.startswith("report."):
        metadata |= report_metadata(project, table, accepted, _metadata_before(table, instance))
        of_sources = {place.source: sidecar for place, sidecar in accepted.items() if place.source != PUBLISHED}
        metadata |= read_by_estimator(project, table, of_sources)
    metadata["objects"] = dg.MetadataValue.table(
        [dg.TableRecord(_object(project, place, sidecar)) for place, sidecar in accepted.items()]
        or [dg.TableRecord({"source": "none", "wave": "", "rows": 0, "verdict": "nothing accepted yet"})]
    )
    if not any(_hides(project, place) for place, sidecar in accepted.items() if sidecar.rows):
        metadata["dagster/row_count"] = sum(sidecar.rows for sidecar in accepted.values())
    contents = {str(place): sidecar.content for place, sidecar in accepted.items()}
    return dg.MaterializeResult(asset_key(table), metadata=metadata, data_version=dg.DataVersion(digest(contents)))


def _metadata_before(table: str, instance: dg.DagsterInstance | None) -> Mapping[str, Any]:
    event = instance.get_latest_materialization_event(asset_key(table)) if instance else None
    return event.asset_materialization.metadata if event and event.asset_materialization else {}


def _hides(project: Project, place: Place) -> bool:
    """Whether the rows of a place are people of a restricted source, of whom nothing is counted here."""
    return place.schema != "report" and project.sources[place.source].is_restricted


def _object(project: Project, place: Place, sidecar: Sidecar) -> dict[str, Any]:
    is_synthetic = place.source != PUBLISHED and project.sources[place.source].is_synthetic
    synthetic = ", synthetic" if is_synthetic else ""
    return {
        "source": f"{place.source}{synthetic}",
        "wave": place.wave,
        "rows": HELD_BACK if _hides(project, place) else sidecar.rows,
        "verdict": VERDICTS.get(sidecar.verdict, sidecar.verdict),
    }


def check_result(
    project: Project,
    table: str,
    candidates: Mapping[Place, Sequence[Sidecar]],
    problems: Mapping[str, Sequence[str]],
    drift: Sequence[Mapping[str, Any]] = (),
    postponed: Sequence[str] = (),
) -> dg.AssetCheckResult:
    """One check a table: failed where a candidate was rejected, with every rule that did not pass; a warning where something is
    `postponed`, with the reasons.

    `candidates` are all verdicts on a place: of its contract, and of claims that are judged apart. `problems` go by source.
    `drift` holds rows of meta.drift: those beyond their thresholds are shown and fail nothing. Of a restricted source nothing
    is counted.
    """
    restricted = {name for name, source in project.sources.items() if source.is_restricted}
    results = [
        dg.TableRecord(_not_passed(place, result, place.source in restricted))
        for place, sidecars in candidates.items()
        for sidecar in sidecars
        for result in sidecar.results
        if result["status"] in {"failed", "error"}
    ]
    judged = [_judged(place, sidecars, place.source in restricted) for place, sidecars in candidates.items()]
    texts = [
        text if source not in restricted else f"{source}: {HELD_BACK}; cramp-atlas status says what it is"
        for source, found in problems.items()
        for text in found
    ]
    metadata: dict[str, Any] = {"rules_judged": sum(row["rules"] for row in judged)}
    if texts:
        metadata["problems"] = dg.MetadataValue.table([dg.TableRecord({"problem": text}) for text in dict.fromkeys(texts)])
    if postponed:
        metadata["not_judged"] = dg.MetadataValue.table([dg.TableRecord({"reason": text}) for text in postponed])
    if results:
        metadata["not_passed"] = dg.MetadataValue.table(results)
    if judged:
        metadata["rules_by_object"] = dg.MetadataValue.table([dg.TableRecord(row) for row in judged])
    beyond = [row for row in drift if row["is_beyond"] and row["source"] not in restricted]
    if beyond:
        shown = ("wave", "compared_with", "finding", "detail")
        records = [dg.TableRecord({name: row[name] for name in shown} | {"statistic": _drifted(row)}) for row in beyond]
        metadata["drift"] = dg.MetadataValue.table(records)
    return dg.AssetCheckResult(
        asset_key=asset_key(table),
        check_name=CHECK,
        passed=not texts and not postponed,
        severity=dg.AssetCheckSeverity.WARN if postponed and not texts else dg.AssetCheckSeverity.ERROR,
        description=_in_words(judged, len(texts), len(postponed)),
        metadata=metadata,
    )


def _in_words(judged: Sequence[Mapping[str, Any]], n_problems: int, n_postponed: int) -> str:
    if n_postponed and not n_problems:
        return f"{n_postponed:,} could not be judged, which says nothing against them: the next night tries again"
    if not judged and not n_problems:
        return "nothing was delivered: there was nothing to judge"
    rules, passed, failed = (sum(row[name] for row in judged) for name in ("rules", "passed", "not passed"))
    outcome = "rejected: readers keep what was accepted before" if n_problems else "accepted"
    return f"{rules:,} rules: {passed:,} passed, {failed:,} did not, {rules - passed - failed:,} had nothing to judge; {outcome}"


def _judged(place: Place, sidecars: Sequence[Sidecar], is_restricted: bool) -> dict[str, Any]:
    statuses = [result["status"] for sidecar in sidecars for result in sidecar.results]
    passed, failed = statuses.count("passed"), sum(status in {"failed", "error"} for status in statuses)
    return {
        "object": f"{place.source} {place.wave}",
        "rows": HELD_BACK if is_restricted else f"{sum(sidecar.rows + sidecar.n_rejected_rows for sidecar in sidecars):,}",
        "rules": len(statuses),
        "passed": passed,
        "not passed": failed,
        "nothing to judge": len(statuses) - passed - failed,
    }


def _not_passed(place: Place, result: Mapping[str, Any], is_restricted: bool) -> dict[str, Any]:
    of = f" of {result['n_checked']:,}" if result["n_checked"] else ""
    return {
        "object": f"{place.source} {place.wave}",
        "claim": result["description"],
        "failed": HELD_BACK if is_restricted else f"{result['n_failed']:,}{of}",
        "allowed": result["threshold"],
        "severity": result["severity"],
        "what to do": _to_do(result),
    }


def _drifted(row: Mapping[str, Any]) -> str:
    return "" if row["statistic"] is None else f"{row['statistic']:.3f}, more than {row['threshold']:.3f}"


def _to_do(result: Mapping[str, Any]) -> str:
    """What a person does about a rule that did not pass."""
    if result["status"] == "error":
        return f"mend the check, it could not be judged: {result['detail']}"
    look = f"; its query is in meta.check_results, rule {result['rule_id']}" if result["query"] else ""
    return f"{TO_DO[result['severity']]}{look}"
