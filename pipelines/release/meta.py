"""The meta tables of a release: what was delivered, judged, set aside and described."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from pipelines.contracts.columns import POLARS_TYPES
from pipelines.contracts.model import Contract
from pipelines.project.project import Project
from pipelines.project.sources import SHARED_WAVE
from pipelines.raw.drift.between import drift_rows
from pipelines.release.offending import Composed, query_of
from pipelines.store import Place, Sidecar
from pipelines.store.places import GENERATOR, WHOLE_DELIVERY, about, claims_place, rejected_rows_place

WHOLE_WAVE = {WHOLE_DELIVERY, GENERATOR}
"""What holds back all raw tables of a wave, and not a single table."""

TIMES = {"meta.deliveries": ["accepted_at", "rejected_at"]}
"""Columns that do not make a release a new one."""


def meta_tables(project: Project, objects: Mapping[Place, Sidecar]) -> dict[str, pl.DataFrame]:
    """Table name -> frame, but for meta.releases, which lists the release that it is in."""
    tables = {
        "meta.sources": _sources(project),
        "meta.deliveries": deliveries(project),
        "meta.check_results": _check_results(project, objects),
        "meta.rejected_rows": _rejected_rows(project, objects),
        "meta.drift": pl.DataFrame(drift_rows(project, objects), infer_schema_length=None),
        "meta.columns": _columns(project.released),
        "meta.codes": _codes(project.released),
        "meta.comparability": _comparability(project),
    }
    return {name: conforming(frame, project.contracts[name]) for name, frame in tables.items()}


def conforming(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The frame with exactly the contract's columns and types; instants become UTC."""
    empty = no_rows_of(contract)
    instants = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone]
    in_utc = frame.with_columns(pl.col(instants).dt.convert_time_zone("UTC").dt.replace_time_zone(None))
    return in_utc.select(empty.columns).cast(empty.schema) if frame.width else empty


def no_rows_of(contract: Contract) -> pl.DataFrame:
    """The table without rows: what there is of it where no source has anything to say."""
    return pl.DataFrame(schema={name: POLARS_TYPES[kind] for name, kind in contract.column_types().items()})


def deliveries(project: Project) -> pl.DataFrame:
    """One row per source and wave, and what stands in its way; report tables of a source stand with wave `all`.

    `verdict` is of the latest candidate: `accepted`, `rejected`, or `absent` where nothing was ever delivered.
    """
    rows: list[dict[str, Any]] = []
    for source in project.sources.values():
        for wave in dict.fromkeys([*source.waves, SHARED_WAVE]):
            acceptance = project.store.acceptance(source.source, wave)
            if wave not in source.waves and not acceptance.rejections:
                continue
            places = [Place("raw", table, source.source, wave) for table in source.tables if wave in source.waves_of(table)]
            accepted = [
                sidecar for place in places if (sidecar := project.store.accepted(place)) and sidecar.verdict == "accepted"
            ]
            rejections = acceptance.rejections.items()
            without_rejection = "accepted" if accepted else "absent"
            rows.append(
                {
                    "source": source.source,
                    "wave": wave,
                    "design": source.design,
                    "verdict": "rejected" if acceptance.rejections else without_rejection,
                    "is_stale": any(_has_older(project, source.source, wave, name) for name, _ in rejections),
                    "held_back": ", ".join(sorted(_held_back(name) for name, _ in rejections)) or None,
                    "cause": ", ".join(sorted({rejection.cause for _, rejection in rejections})) or None,
                    "reason": "\n".join(problem for _, rejection in rejections for problem in rejection.problems) or None,
                    "n_tables": len(accepted),
                    "n_rows": sum(sidecar.rows for sidecar in accepted),
                    "n_rejected_rows": sum(sidecar.n_rejected_rows for sidecar in accepted),
                    "accepted_at": max(
                        (acceptance.accepted_at[place.name] for place in places if place.name in acceptance.accepted_at),
                        default=None,
                    )
                    if accepted
                    else None,
                    "rejected_at": max((rejection.rejected_at for _, rejection in rejections), default=None),
                    "is_synthetic": source.is_synthetic,
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None) if rows else no_rows_of(project.contracts["meta.deliveries"])


def _has_older(project: Project, source: str, wave: str, held_back: str) -> bool:
    """Whether readers have an older state of what was rejected."""
    accepted = project.store.acceptance(source, wave).tables
    names = [name for name in accepted if (name.startswith("raw.") if held_back in WHOLE_WAVE else name == held_back)]
    sidecars = [project.store.accepted(Place.parse(f"{name} {source} {wave}")) for name in names]
    return any(sidecar is not None and sidecar.verdict == "accepted" for sidecar in sidecars)


def _held_back(name: str) -> str:
    return "the delivery" if name == WHOLE_DELIVERY else name


def _check_results(project: Project, objects: Mapping[Place, Sidecar]) -> pl.DataFrame:
    """One row per rule and object: of the objects in the release, and of the candidates that were rejected."""
    judged = {(place, sidecar.recipe): sidecar for place, sidecar in objects.items()}
    for place in objects:
        claims = project.store.accepted(claims_place(place)) if place.schema == "raw" else None
        if claims:
            judged[place, claims.recipe] = claims
    for source in project.sources.values():
        for wave in dict.fromkeys([*source.waves, SHARED_WAVE]):
            for rejection in project.store.acceptance(source.source, wave).rejections.values():
                for name, recipe in rejection.recipes.items():
                    place = Place.parse(f"{name} {source.source} {wave}")
                    if sidecar := project.store.sidecar(place, recipe):
                        judged[about(place), recipe] = sidecar
    published = Composed(project, objects)
    rows = [
        {
            "table_name": place.name,
            "source": place.source,
            "wave": place.wave,
            "is_in_release": sidecar.verdict != "rejected",
            "rule_id": result["rule_id"],
            "column_name": result["column"],
            "dimension": result.get("dimension"),
            "severity": result["severity"],
            "status": result["status"],
            "threshold": result.get("threshold"),
            "n_checked": result["n_checked"],
            "n_failed": result["n_failed"],
            "description": result["description"],
            "detail": result["detail"] or None,
            "query": query_of(published, place, sidecar, result),
        }
        for (place, recipe), sidecar in judged.items()
        for result in sidecar.results
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.sort("table_name", "source", "wave", "is_in_release", "rule_id") if rows else frame


def _rejected_rows(project: Project, objects: Mapping[Place, Sidecar]) -> pl.DataFrame:
    paths = [
        project.store.path(rejected_rows_place(place), sidecar.rejected_rows)
        for place, sidecar in objects.items()
        if sidecar.rejected_rows
    ]
    return pl.read_parquet(paths).sort(pl.all()) if paths else pl.DataFrame()


def _sources(project: Project) -> pl.DataFrame:
    """One row per source: design, citation and terms of use."""
    said = ["source", "title", "design", "classification", "is_synthetic", "homepage", "citation", "terms_of_use"]
    return pl.DataFrame([{name: getattr(source, name) for name in said} for source in project.sources.values()])


def _columns(contracts: Mapping[str, Contract]) -> pl.DataFrame:
    """The data dictionary: one row per column of every table."""
    return pl.DataFrame(
        [
            {
                "table_name": name,
                "position": position,
                "column_name": column.name,
                "data_type": column.type,
                "is_required": column.required,
                "unit": column.unit,
                "description": column.description,
                "question": column.question,
                "classification": column.classification,
                "codebook_variable": column.codebook_variable,
                "waves": ", ".join(column.waves) if column.waves else None,
                "contract_version": contract.version,
            }
            for name, contract in sorted(contracts.items())
            for position, column in enumerate(contract.columns, start=1)
        ],
        infer_schema_length=None,
    )


def _codes(contracts: Mapping[str, Contract]) -> pl.DataFrame:
    """The codebooks: one row per table, variable and received value."""
    return pl.DataFrame(
        [
            {"table_name": name, "position": position, **asdict(code)}
            for name, contract in sorted(contracts.items())
            for position, code in enumerate(contract.codebook.codes if contract.codebook else (), start=1)
        ],
        infer_schema_length=None,
    )


def _comparability(project: Project) -> pl.DataFrame:
    """One row per judged variable and pair of waves."""
    rows = [
        {
            "source": verdict.source,
            "variable": variable,
            "wave": wave,
            "other_wave": other_wave,
            "verdict": verdict.verdict,
            "reason": verdict.reason,
            "reference": verdict.reference,
            "condition": verdict.where,
        }
        for source in project.sources.values()
        for verdict in project.comparability_of(source)
        for variable, wave, other_wave in verdict.pairs()
    ]
    return (
        pl.DataFrame(rows, infer_schema_length=None).sort("source", "variable", "wave", "other_wave") if rows else pl.DataFrame()
    )
