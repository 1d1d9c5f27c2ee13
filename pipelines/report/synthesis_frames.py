"""Syntheses of published estimates as frames that selects of report tables read."""

import math
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from pipelines.project.evidence import COUNTS, DOMAINS
from pipelines.project.literature import PUBLISHED
from pipelines.report.synthesis import Row, Synthesis
from pipelines.statistics.meta_analysis import Limits, MetaAnalysis
from pipelines.statistics.presentation import STANDARD_LEVEL

TEXT: pl.DataType = pl.String()

SYNTHESES: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("source", "synthesis_id", "question", "design", "measure", "exposed", "unexposed"), TEXT),
    **dict.fromkeys(("lower_means", "higher_means"), TEXT),
    **dict.fromkeys(("n_estimates", "n_pooled"), pl.Int64()),
    "evidence_ids": TEXT,
    **dict.fromkeys(("estimate", "lower", "upper"), pl.Float64()),
    "interval_method": TEXT,
    **dict.fromkeys(("normal_lower", "normal_upper", "prediction_lower", "prediction_upper"), pl.Float64()),
    "prediction_degrees_freedom": pl.Int64(),
    **dict.fromkeys(("tau_squared", "tau_squared_lower", "tau_squared_upper"), pl.Float64()),
    **dict.fromkeys(("i_squared", "i_squared_lower", "i_squared_upper", "q", "q_p_value"), pl.Float64()),
    "tau_method": TEXT,
    "confidence_level": pl.Float64(),
    **dict.fromkeys(("reason", "certainty", "certainty_reason"), TEXT),
    "is_synthetic": pl.Boolean(),
}
"""Column -> type of `evidence.syntheses`, which report.evidence_synthesis is."""

ESTIMATES: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("source", "synthesis_id", "evidence_id", "study_id", "study", "design"), TEXT),
    "year": pl.Int64(),
    **dict.fromkeys(("taken_from", "measure"), TEXT),
    **dict.fromkeys(("estimate", "lower", "upper"), pl.Float64()),
    **dict.fromkeys(COUNTS, pl.Int64()),
    "weight": pl.Float64(),
    "is_pooled": pl.Boolean(),
    **dict.fromkeys(("reason", "note", "verified"), TEXT),
    **dict.fromkeys((f"rob_{domain}" for domain in DOMAINS), TEXT),
    "is_synthetic": pl.Boolean(),
}
"""Column -> type of `evidence.synthesis_estimates`, which report.evidence_synthesis_estimates is."""


def syntheses_frame(syntheses: Sequence[Synthesis]) -> pl.DataFrame:
    """One row per synthesis: the pooled ratio, its intervals and the heterogeneity, or why there is none."""
    return pl.DataFrame([_row(synthesis) for synthesis in syntheses], schema=dict(SYNTHESES)).sort("synthesis_id")


def _row(synthesis: Synthesis) -> Row:
    question, pooled = synthesis.question, synthesis.pooled
    used = [candidate for candidate in synthesis.candidates if candidate.reason is None]
    named = ("synthesis_id", "question", "measure", "exposed", "unexposed", "lower_means", "higher_means")
    return {
        **{name: question[name] for name in (*named, "certainty", "certainty_reason")},
        "source": PUBLISHED,
        "design": synthesis.candidates[0].register["design"],
        "n_estimates": len(synthesis.candidates),
        "n_pooled": len(used),
        "evidence_ids": " ".join(candidate.register["evidence_id"] for candidate in used) or None,
        **({} if pooled is None else _pooled(pooled)),
        "confidence_level": STANDARD_LEVEL,
        "reason": synthesis.reason,
        "is_synthetic": False,
    }


def _pooled(pooled: MetaAnalysis) -> Row:
    spread, k = pooled.heterogeneity, pooled.n_studies
    if spread is None:
        raise ValueError("a synthesis pools two estimates or more")
    prediction, degrees_freedom = (pooled.prediction, k - 2) if pooled.prediction else (pooled.prediction_k_minus_1, k - 1)
    return {
        "estimate": math.exp(pooled.estimate),
        **_exponentials("", pooled.reported),
        "interval_method": pooled.reported_by,
        **_exponentials("normal_", pooled.normal),
        **_exponentials("prediction_", prediction),
        "prediction_degrees_freedom": degrees_freedom,
        "tau_squared": spread.tau_squared,
        "tau_squared_lower": spread.tau_squared_lower,
        "tau_squared_upper": spread.tau_squared_upper,
        "i_squared": spread.i_squared,
        "i_squared_lower": spread.i_squared_lower,
        "i_squared_upper": spread.i_squared_upper,
        "q": spread.q,
        "q_p_value": spread.q_p,
        "tau_method": pooled.tau_method,
    }


def _exponentials(prefix: str, limits: Limits | None) -> Row:
    return {} if limits is None else {f"{prefix}lower": math.exp(limits.lower), f"{prefix}upper": math.exp(limits.upper)}


def estimates_frame(syntheses: Sequence[Synthesis]) -> pl.DataFrame:
    """One row per synthesis and estimate that answers its question: its ratio, and its weight or why it is not pooled."""
    rows = [row for synthesis in syntheses for row in _rows_of(synthesis)]
    return pl.DataFrame(rows, schema=dict(ESTIMATES)).sort("synthesis_id", "evidence_id")


def _rows_of(synthesis: Synthesis) -> Iterator[Row]:
    used = [candidate for candidate in synthesis.candidates if candidate.reason is None]
    weights = dict(
        zip((candidate.register["evidence_id"] for candidate in used), synthesis.pooled.weights.tolist(), strict=True)
        if synthesis.pooled
        else ()
    )
    for candidate in synthesis.candidates:
        row = candidate.register
        estimate, lower, upper = candidate.ratio or (None, None, None)
        yield {
            **{name: row[name] for name in ("evidence_id", "study_id", "study", "design", "year", "verified")},
            **{f"rob_{domain}": row[f"rob_{domain}"] for domain in DOMAINS},
            "source": PUBLISHED,
            "synthesis_id": synthesis.question["synthesis_id"],
            "taken_from": candidate.use["taken_from"],
            "measure": synthesis.question["measure"] if candidate.ratio else row["measure"],
            "estimate": estimate,
            "lower": lower,
            "upper": upper,
            **dict(zip(COUNTS, candidate.counts or (None,) * len(COUNTS), strict=True)),
            "weight": weights.get(row["evidence_id"]),
            "is_pooled": candidate.reason is None,
            "reason": candidate.reason,
            "note": candidate.use["reason"],
            "is_synthetic": False,
        }
