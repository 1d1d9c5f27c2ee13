"""What every asset shows in Dagster: columns, row counts, the verdict of its contract."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from pipelines.contracts.dagster_schema import table_schema
from pipelines.project import Project
from pipelines.store import Place, Sidecar, digest

CHECK = "contract"

N_MADE = "objects_made"
"""Metadata of a materialisation: how many objects were parsed or computed rather than found by their recipe."""


TO_DO = {
    "reject": "ask for a corrected delivery, or change the contract or the select if they are wrong",
    "set_aside": "nothing, if the records are few: they are listed in meta.rejected_rows",
    "warn": "look at the rows: they are published",
}


def asset_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(table.split("."))


def check_spec(table: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        CHECK, asset=asset_key(table), description=f"{table} meets its contract and the claims in sql/checks."
    )


def asset_spec(project: Project, table: str, deps: Iterable[str], kinds: set[str]) -> dg.AssetSpec:
    contract = project.contracts[table]
    schema = table.partition(".")[0]
    sources = [project.raw_source(table)] if schema == "raw" else []
    tags = {"synthetic": ""} if any(source.is_synthetic for source in sources) else {}
    return dg.AssetSpec(
        asset_key(table),
        deps=[asset_key(dep) for dep in deps],
        description=contract.description,
        group_name=schema,
        kinds=kinds,
        tags=tags,
        metadata={"dagster/column_schema": table_schema(contract), "contract_version": contract.version},
    )


def materialisation(project: Project, table: str, n_made: int) -> dg.MaterializeResult[Any]:
    """The state of a table after its turn: what is accepted of it, over all its places, and how many objects were made now."""
    accepted = {place: sidecar for place in project.places(table) if (sidecar := project.store.accepted(place))}
    metadata: dict[str, Any] = {
        N_MADE: n_made,
        "dagster/row_count": sum(sidecar.rows for sidecar in accepted.values()),
        "objects": dg.MetadataValue.table(
            [
                dg.TableRecord({"source": place.source, "wave": place.wave, "rows": sidecar.rows, "verdict": sidecar.verdict})
                for place, sidecar in accepted.items()
            ]
            or [dg.TableRecord({"source": "none", "wave": "", "rows": 0, "verdict": "nothing accepted yet"})]
        ),
    }
    contents = {str(place): sidecar.content for place, sidecar in accepted.items()}
    return dg.MaterializeResult(asset_key(table), metadata=metadata, data_version=dg.DataVersion(digest(contents)))


def check_result(
    project: Project,
    table: str,
    candidates: dict[Place, Sidecar],
    problems: Sequence[str],
    drift: Sequence[Mapping[str, Any]] = (),
) -> dg.AssetCheckResult:
    """One check a table: failed where a candidate was rejected, with every rule that did not pass.

    `drift` holds rows of meta.drift: those beyond their thresholds are shown and fail nothing.
    """
    results = [
        dg.TableRecord(
            {
                "source": place.source,
                "wave": place.wave,
                "claim": result["description"],
                "severity": result["severity"],
                "failed": result["n_failed"],
                "of": result["n_checked"],
                "allowed": result["threshold"],
                "what to do": _to_do(result),
            }
        )
        for place, sidecar in candidates.items()
        for result in sidecar.results
        if result["status"] in {"failed", "error"}
    ]
    judged = sum(len(sidecar.results) for sidecar in candidates.values())
    metadata: dict[str, Any] = {"rules_judged": judged}
    if problems:
        metadata["problems"] = dg.MetadataValue.table([dg.TableRecord({"problem": text}) for text in problems])
    if results:
        metadata["not_passed"] = dg.MetadataValue.table(results)
    beyond = [row for row in drift if row["is_beyond"]]
    if beyond:
        shown = ("wave", "compared_with", "finding", "detail")
        records = [dg.TableRecord({name: row[name] for name in shown} | {"statistic": _drifted(row)}) for row in beyond]
        metadata["drift"] = dg.MetadataValue.table(records)
    return dg.AssetCheckResult(
        asset_key=asset_key(table),
        check_name=CHECK,
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=metadata,
    )


def _drifted(row: Mapping[str, Any]) -> str:
    return "" if row["statistic"] is None else f"{row['statistic']:.3f}, more than {row['threshold']:.3f}"


def _to_do(result: Mapping[str, Any]) -> str:
    """What a person does about a rule that did not pass."""
    if result["status"] == "error":
        return f"mend the check, it could not be judged: {result['detail']}"
    look = f"; its query is in meta.check_results, rule {result['rule_id']}" if result["query"] else ""
    return f"{TO_DO[result['severity']]}{look}"
