"""What the selects of report tables read of the literature: frames in the schema `evidence`, made of the files of the analyst."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipelines.machine.code import libraries
from pipelines.making.ingredients import of_code
from pipelines.project.evidence import CLAIM_COLUMNS, NUMBER_COLUMNS, Evidence
from pipelines.project.literature import EVIDENCE
from pipelines.project.project import Project
from pipelines.project.study import EvidenceSettings
from pipelines.report.published_register import REGISTER, register
from pipelines.report.synthesis import Synthesis, synthesise
from pipelines.report.synthesis_frames import ESTIMATES, SYNTHESES, estimates_frame, syntheses_frame
from pipelines.store import digest

Row = dict[str, Any]

TEXT: pl.DataType = pl.String()

REGISTERED, SYNTHESISED, SYNTHESISED_FROM = (f"{EVIDENCE}{name}" for name in ("register", "syntheses", "synthesis_estimates"))


def _syntheses(evidence: Evidence) -> list[Synthesis]:
    return synthesise(evidence, register(evidence).to_dicts())


def _numbers(evidence: Evidence) -> pl.DataFrame:
    """One row per published number that a source must reproduce."""
    rows = [
        row
        | {
            "printed": float(row["printed"] or "nan"),
            "tolerance": float(row["tolerance"] or "nan"),
            "verified_on": date.fromisoformat(row["verified_on"] or ""),
        }
        for row in evidence.numbers
    ]
    types: dict[str, pl.DataType] = dict.fromkeys(NUMBER_COLUMNS, TEXT)
    types |= {"printed": pl.Float64(), "tolerance": pl.Float64(), "verified_on": pl.Date()}
    return pl.DataFrame(rows, schema=types)


def _claims(evidence: Evidence) -> pl.DataFrame:
    return pl.DataFrame(list(evidence.claims), schema=dict.fromkeys(CLAIM_COLUMNS, TEXT))


def _definitions(project: Project) -> pl.DataFrame:
    """One row per population, outcome and exposure that study.yaml defines for comparisons."""
    settings = project.study.evidence or EvidenceSettings()
    rows: list[Row] = [{"variable": name, "people": people} for name, people in settings.populations.items()]
    rows += [{"variable": name, **part.model_dump()} for name, part in [*settings.outcomes.items(), *settings.exposures.items()]]
    columns = ("variable", "people", "recall_window", "case_threshold", "instrument")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, TEXT))


def _sources(project: Project) -> pl.DataFrame:
    """One row per source: its design, and the columns that cases and controls were matched on."""
    rows = [
        {"source": name, "design": source.design, "matched_on": " ".join(source.matched_on), "is_synthetic": source.is_synthetic}
        for name, source in project.sources.items()
    ]
    return pl.DataFrame(rows, schema={"source": TEXT, "design": TEXT, "matched_on": TEXT, "is_synthetic": pl.Boolean()})


FRAMES: Mapping[str, Callable[[Project, Evidence], pl.DataFrame]] = {
    REGISTERED: lambda project, evidence: register(evidence),
    SYNTHESISED: lambda project, evidence: syntheses_frame(_syntheses(evidence)),
    SYNTHESISED_FROM: lambda project, evidence: estimates_frame(_syntheses(evidence)),
    f"{EVIDENCE}published_numbers": lambda project, evidence: _numbers(evidence),
    f"{EVIDENCE}claims": lambda project, evidence: _claims(evidence),
    f"{EVIDENCE}definitions": lambda project, evidence: _definitions(project),
    f"{EVIDENCE}sources": lambda project, evidence: _sources(project),
}
"""What the select of a report table can read of the literature, by name."""


@dataclass(frozen=True)
class Computed:
    """What a frame with computed numbers is made of: fields of Evidence and modules; and its columns."""

    files: tuple[str, ...]
    modules: tuple[str, ...]
    schema: Mapping[str, pl.DataType]


OF_REGISTER = ("studies", "estimates")
OF_SYNTHESES = (*OF_REGISTER, "syntheses", "synthesis_estimates")
COMPUTED: Mapping[str, Computed] = {
    REGISTERED: Computed(OF_REGISTER, ("report.published_register",), REGISTER),
    SYNTHESISED: Computed(OF_SYNTHESES, ("report.published_register", "report.synthesis_frames"), SYNTHESES),
    SYNTHESISED_FROM: Computed(OF_SYNTHESES, ("report.published_register", "report.synthesis_frames"), ESTIMATES),
}
"""A night without news computes none of these: it looks at what they are made of."""

COMPUTE_LIBRARIES = ("numpy", "polars", "scipy")


def digests_read(project: Project, reads: Collection[str]) -> dict[str, str]:
    """Name -> hash of each frame that a select reads; of one that is computed, of the files and the code that it is made by."""
    evidence = project.evidence
    if evidence is None:
        return {}
    named = {
        name: digest([*(getattr(evidence, file) for file in of.files), of_code(name, *of.modules), libraries(COMPUTE_LIBRARIES)])
        for name, of in COMPUTED.items()
        if name in reads
    }
    others = frames_read(project, set(reads) - COMPUTED.keys())
    return named | {name: digest(_without_dates(frame).to_dicts()) for name, frame in others.items()}


def _without_dates(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.selectors.date().cast(pl.String))


def columns_read(project: Project, reads: Collection[str]) -> dict[str, list[str]]:
    """Name -> columns of each frame that a select reads, without computing one."""
    computed = {name: list(of.schema) for name, of in COMPUTED.items() if name in reads and project.evidence}
    others = frames_read(project, set(reads) - COMPUTED.keys())
    return computed | {name: frame.columns for name, frame in others.items()}


def frames_read(project: Project, reads: Collection[str]) -> dict[str, pl.DataFrame]:
    """The frames of FRAMES among the names that a select reads; none without a register."""
    evidence = project.evidence
    return {name: make(project, evidence) for name, make in FRAMES.items() if name in reads} if evidence else {}
