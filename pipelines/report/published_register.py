"""The register of published estimates as a frame: each with its study.

Printed counts are counted again here, so that a register cannot say what its own counts do not.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from pipelines.project.evidence import COUNTS, DOMAINS, Evidence
from pipelines.project.literature import PUBLISHED
from pipelines.project.literature_files import NUMBER
from pipelines.project.literature_files import Row as Cells
from pipelines.report.published_ratios import (
    ADJUSTED,
    AGREES,
    DIFFERS,
    NO_COUNTS,
    NOTHING_PRINTED,
    ratio_of_counts,
    same_digits,
)
from pipelines.statistics.binomial import binomial_interval
from pipelines.statistics.presentation import STANDARD_LEVEL

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
