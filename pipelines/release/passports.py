"""Passports: from any row of a report table, by its table and source, to everything that its making rests on."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from pipelines.project.project import Project
from pipelines.release.graph import Graph, Making
from pipelines.report.estimators import ESTIMATORS, EVENT_ESTIMATORS
from pipelines.store import Place, Sidecar, digest

FLOW = "report.respondent_flow"

OTHER_CONTRACT = "another one than that of the release: it was held back"

Record = dict[str, Any]


def passports(project: Project, objects: Mapping[Place, Sidecar], manifest: Mapping[str, Any]) -> pl.DataFrame:
    """One row per core and report object of the release. Lists are JSON text, so that any tool reads them."""
    graph = Graph.of(manifest)
    if graph is None:
        raise ValueError(f"the manifest of {manifest['release_id']} does not say what its objects rest on")
    entries = {(entry["place"], entry["content"]): entry for entry in [*manifest["rests_on"], *manifest["objects"]]}
    exclusions = _exclusions(project, objects)
    rows = []
    for place, sidecar in objects.items():
        if place.schema not in {"core", "report"}:
            continue
        under = sorted(graph.under(str(place)), key=lambda making: making.place)
        made_by, sql_text = _made_by(project, place, sidecar)
        rows.append(
            {
                "table_name": place.name,
                "source": place.source,
                "wave": place.wave,
                "content": sidecar.content,
                "recipe": sidecar.recipe,
                "n_rows": sidecar.rows,
                "verdict": sidecar.verdict,
                "made_by": made_by,
                "sql_text": sql_text,
                "inputs": _json([{"object": name, "sha256": content} for name, content in sorted(sidecar.inputs.items())]),
                "contracts": _json(dict(_contract(project, making) for making in under)),
                "deliveries": _json(list(_deliveries(under, entries))),
                "exclusions": _json([part for making in under for part in exclusions.get(str(making.place), [])]),
                "ingredients": _json(dict(sorted(sidecar.ingredients.items()))),
                "code": next((value for name, value in sidecar.ingredients.items() if name.endswith(" code")), None),
                "package_version": manifest["code"]["package"],
                "libraries": sidecar.ingredients.get("libraries"),
                "made_at": sidecar.made_at,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _made_by(project: Project, place: Place, sidecar: Sidecar) -> tuple[str | None, str | None]:
    """The SQL file and its text, or the estimator. No text where the file has changed since: the object is an older one."""
    if estimator := ESTIMATORS.get(place.name) or EVENT_ESTIMATORS.get(place.name):
        return f"{estimator.__module__}.{estimator.__qualname__}", None
    select = project.selects[place.name if place.schema == "report" else f"{place.name}/{place.source}"]
    return select.name, select.text if sidecar.ingredients.get(select.name) == digest(select.text) else None


def _contract(project: Project, making: Making) -> tuple[str, str]:
    name = making.place.name
    contract = project.contracts.get(name)
    is_same = contract is not None and making.ingredients.get("contract") == contract.digest_of_demands
    return name, contract.version if contract and is_same else OTHER_CONTRACT


def _deliveries(under: list[Making], entries: Mapping[tuple[str, str | None], Record]) -> Iterator[Record]:
    """What was delivered, how many records were received and how many of them set aside; no numbers of a restricted source."""
    for making in under:
        if making.place.schema == "raw" and not making.is_absent:
            entry = entries[str(making.place), making.content]
            rows, set_aside = entry["rows"], entry["n_rejected_rows"]
            yield {
                "object": str(making.place),
                "sha256": making.ingredients["delivery"],
                "received": None if rows is None else rows + set_aside,
                "set_aside": set_aside,
            }


def _exclusions(project: Project, objects: Mapping[Place, Sidecar]) -> dict[str, list[Record]]:
    """Place of a wave's respondents -> for each population and outcome: out of scope, without an answer, and analysed.

    Read off report.respondent_flow, where that rests on the very respondents of the release.
    """
    exclusions: dict[str, list[Record]] = {}
    for flow, sidecar in objects.items():
        if flow.name != FLOW or sidecar.verdict != "accepted" or sidecar.content is None:
            continue
        counted = pl.read_parquet(project.store.path(flow, sidecar.content)).drop_nulls("n_received")
        for place, respondents in objects.items():
            if sidecar.inputs.get(str(place)) == respondents.content:
                exclusions[str(place)] = [
                    {
                        "wave": row["wave"],
                        "population": row["population"],
                        "outcome": row["outcome"],
                        "respondents": row["n_received"] - row["n_set_aside"],
                        "out_of_scope": row["n_out_of_scope"],
                        "no_answer": row["n_missing"],
                        "with_answer": row["n_analysed"],
                    }
                    for row in counted.filter(wave=place.wave).iter_rows(named=True)
                ]
    return exclusions
