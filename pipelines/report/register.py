"""What the selects of report tables read of the literature: frames in the schema `evidence`, made of the files of the analyst.

Counts that were printed are counted again here, so that a register cannot say what its own counts do not.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

import polars as pl

from pipelines.project.evidence import CLAIM_COLUMNS, COUNTS, DOMAINS, NUMBER_COLUMNS, Evidence
from pipelines.project.literature import EVIDENCE, PUBLISHED
from pipelines.project.literature_files import NUMBER
from pipelines.project.literature_files import Row as Cells
from pipelines.project.project import Project
from pipelines.project.study import EvidenceSettings
from pipelines.report.published_ratios import (
    ADJUSTED,
    AGREES,
    DIFFERS,
    NO_COUNTS,
    NOTHING_PRINTED,
    ratio_of_counts,
    same_digits,
)
from pipelines.report.synthesis import Synthesis, synthesise
from pipelines.report.synthesis_frames import estimates_frame, syntheses_frame
from pipelines.statistics.binomial import binomial_interval
from pipelines.statistics.presentation import STANDARD_LEVEL
from pipelines.store import digest

PERCENT = "percent"

Row = dict[str, Any]

TEXT: pl.DataType = pl.String()

REGISTER: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("source", "evidence_id", "study_id", "study", "citation", "doi", "pmid"), TEXT),
    "year": pl.Int64(),
    **dict.fromkeys(("country", "design", "design_in_words", "matched_on", "population"), TEXT),
    "n": pl.Int64(),
    **dict.fromkeys(("exposure", "exposure_definition", "exposure_instrument", "comparator"), TEXT),
    **dict.fromkeys(("outcome", "outcome_definition", "recall_window", "case_threshold", "people", "adjusted_for"), TEXT),
    "measure": TEXT,
    "is_adjusted": pl.Boolean(),
    "printed": TEXT,
    **dict.fromkeys(("estimate", "lower", "upper"), pl.Float64()),
    **dict.fromkeys(("unit", "p_value_printed"), TEXT),
    **dict.fromkeys(COUNTS, pl.Int64()),
    "counts_basis": TEXT,
    **dict.fromkeys(("recomputed", "recomputed_lower", "recomputed_upper"), pl.Float64()),
    **dict.fromkeys(("recomputation", "recomputation_reason", "where_in_source", "verified"), TEXT),
    "verified_on": pl.Date(),
    "source_url": TEXT,
    **dict.fromkeys((f"rob_{domain}" for domain in DOMAINS), TEXT),
    **dict.fromkeys(("rob_reason", "certainty", "certainty_reason", "note"), TEXT),
    "is_synthetic": pl.Boolean(),
}
"""Column -> type of `evidence.register`, which report.evidence is."""


def register(evidence: Evidence) -> pl.DataFrame:
    """One row per published estimate, with its study, and what its counts give by statistics of our own."""
    studies = {study["study_id"]: study for study in evidence.studies}
    rows = [_row(estimate, studies[estimate["study_id"]]) for estimate in evidence.estimates]
    return pl.DataFrame(rows, schema=dict(REGISTER)).sort("evidence_id")


def _row(estimate: Cells, study: Cells) -> Row:
    scale = 0.01 if (estimate["unit"] or "").startswith(PERCENT) else 1.0
    printed = {name: estimate[cell] for name, cell in PRINTED.items()}
    numbers = {name: _number(text, scale) for name, text in printed.items()}
    return {
        **{name: value for name, value in (study | estimate).items() if name in REGISTER},
        **(NO_EFFECT if estimate["measure"] in NO_EXPOSURE else {}),
        "source": PUBLISHED,
        "year": _whole(study["year"]),
        "n": _whole(estimate["n"]),
        "is_adjusted": {"yes": True, "no": False}.get(estimate["is_adjusted"] or ""),
        "printed": _as_printed(estimate),
        **numbers,
        "p_value_printed": estimate["p_value"],
        **{name: _whole(estimate[name]) for name in COUNTS},
        **_recomputed(estimate, scale),
        "verified_on": date.fromisoformat(estimate["verified_on"]) if estimate["verified_on"] else None,
        "is_synthetic": False,
    }


NO_EXPOSURE = ("prevalence", "share", "people")
NO_EFFECT = {
    **dict.fromkeys((f"rob_{domain}" for domain in DOMAINS), "not applicable"),
    "rob_reason": "estimates no effect of an exposure, so the tool does not apply",
}
"""Judgements of bias of a study are about its effects, and not about the shares that it prints beside them."""

PRINTED = {"estimate": "printed", "lower": "printed_lower", "upper": "printed_upper"}


def _number(text: str | None, scale: float) -> float | None:
    return float(text) * scale if text is not None and NUMBER.fullmatch(text) else None


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def _as_printed(estimate: Cells) -> str | None:
    """The words of the source: the number, and its interval where it has one."""
    lower, upper = estimate["printed_lower"], estimate["printed_upper"]
    return estimate["printed"] if lower is None else f"{estimate['printed']} ({lower} to {upper})"


def _recomputed(estimate: Cells, scale: float) -> Row:
    """What the counts give, on the scale of the register, and whether it is what was printed, to its digits."""
    counts = [_whole(estimate[name]) for name in COUNTS]
    found = _from_counts(str(estimate["measure"]), counts)
    if found is None:
        return {"recomputation": NO_COUNTS}
    numbers = dict(zip(("recomputed", "recomputed_lower", "recomputed_upper"), found, strict=True))
    if _number(estimate["printed"], scale) is None:
        return numbers | {"recomputation": NOTHING_PRINTED}
    if estimate["is_adjusted"] == "yes":
        return numbers | {"recomputation": ADJUSTED, "recomputation_reason": "the counts give the crude ratio"}
    pairs = zip(found, [estimate[cell] for cell in PRINTED.values()], strict=True)
    agrees = all(same_digits(value / scale, text) for value, text in pairs if text is not None and value is not None)
    return numbers | {"recomputation": AGREES if agrees else DIFFERS, "recomputation_reason": estimate["disagreement"]}


def _from_counts(measure: str, counts: list[int | None]) -> tuple[float | None, float | None, float | None] | None:
    exposed_cases, exposed_noncases, unexposed_cases, unexposed_noncases = counts
    if exposed_cases is None or exposed_noncases is None:
        return None
    if measure in ("prevalence", "share"):
        n = exposed_cases + exposed_noncases
        interval = binomial_interval(exposed_cases, n, confidence_level=STANDARD_LEVEL)
        return exposed_cases / n, interval.lower, interval.upper
    if unexposed_cases is None or unexposed_noncases is None:
        return None
    return ratio_of_counts(measure, (exposed_cases, exposed_noncases, unexposed_cases, unexposed_noncases))


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
    f"{EVIDENCE}register": lambda project, evidence: register(evidence),
    f"{EVIDENCE}syntheses": lambda project, evidence: syntheses_frame(_syntheses(evidence)),
    f"{EVIDENCE}synthesis_estimates": lambda project, evidence: estimates_frame(_syntheses(evidence)),
    f"{EVIDENCE}published_numbers": lambda project, evidence: _numbers(evidence),
    f"{EVIDENCE}claims": lambda project, evidence: _claims(evidence),
    f"{EVIDENCE}definitions": lambda project, evidence: _definitions(project),
    f"{EVIDENCE}sources": lambda project, evidence: _sources(project),
}
"""What the select of a report table can read of the literature, by name."""


def digests_read(project: Project, reads: Collection[str]) -> dict[str, str]:
    """Name -> hash of each frame that a select reads."""
    return {
        name: digest(frame.with_columns(pl.selectors.date().cast(pl.String)).to_dicts())
        for name, frame in frames_read(project, reads).items()
    }


def frames_read(project: Project, reads: Collection[str]) -> dict[str, pl.DataFrame]:
    """The frames of FRAMES among the names that a select reads; none without a register."""
    evidence = project.evidence
    return {name: make(project, evidence) for name, make in FRAMES.items() if name in reads} if evidence else {}
