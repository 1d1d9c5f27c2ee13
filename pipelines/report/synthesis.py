"""Published estimates of one question and one design, pooled, or why they are not.

Which estimates answer a question is the analyst's; what may be pooled of them is decided by the rules here (docs/evidence.md).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from pipelines.project.evidence import COUNTED_OPPOSITE, COUNTS, PRINTED, Evidence
from pipelines.project.literature_files import Row as Cells
from pipelines.report.published_ratios import DIFFERS, Counts, Ratio, has_symmetric_interval, ratio_of_counts
from pipelines.statistics.intervals import t_quantile
from pipelines.statistics.meta_analysis import MetaAnalysis, meta_analysis
from pipelines.statistics.presentation import STANDARD_LEVEL

Row = Mapping[str, Any]

NOT_READ = {"in the article only": "not found in its source", "recalled": "quoted from memory"}
"""What `verified` says of numbers that nobody has read."""

SAME_WORDS = {
    "exposure": "exposure",
    "exposure_instrument": "instrument of the exposure",
    "comparator": "comparator",
    "people": "people",
    "recall_window": "recall window",
}
SAME_WORDS_OF_OUTCOME = {"outcome": "outcome", "case_threshold": "threshold of a case"}
"""Columns of the register that must say the same of all that is pooled, and what they are called; those of the outcome among the
estimates that count the same side of it."""

FEWEST = 2


@dataclass(frozen=True)
class Candidate:
    """An estimate that answers a question: its rows, its ratio with limits, or None, and why it is not pooled, if it is not."""

    register: Row
    use: Cells
    ratio: tuple[float, float, float] | None
    counts: Counts | None
    reason: str | None

    @property
    def log(self) -> tuple[float, float]:
        """Its logarithm and the variance of that, from the width of its interval."""
        if self.ratio is None:
            raise ValueError(f"{self.register['evidence_id']} has no ratio")
        estimate, lower, upper = self.ratio
        se = math.log(upper / lower) / (2 * t_quantile(math.inf, STANDARD_LEVEL))
        return math.log(estimate), se**2


@dataclass(frozen=True)
class Synthesis:
    """A question with the estimates that answer it; `pooled` belongs to those without a reason, or there is a `reason`."""

    question: Cells
    candidates: tuple[Candidate, ...]
    pooled: MetaAnalysis | None
    reason: str | None


def synthesise(evidence: Evidence, registered: Sequence[Row]) -> list[Synthesis]:
    """Every synthesis of the analyst, by the rows of the register (`evidence.register`)."""
    rows = {row["evidence_id"]: row for row in registered}
    printed = {row["evidence_id"]: row for row in evidence.estimates}
    shared = _shared_people(evidence)
    found = []
    for question in evidence.syntheses:
        uses = [use for use in evidence.synthesis_estimates if use["synthesis_id"] == question["synthesis_id"]]
        candidates = [_candidate(question, use, rows[use["evidence_id"]], printed[use["evidence_id"]]) for use in uses]
        found.append(_synthesis(question, candidates, shared))
    return found


def _candidate(question: Cells, use: Cells, row: Row, printed: Cells) -> Candidate:
    counts = _counts(use, row)
    found: Ratio | None = row["estimate"], row["lower"], row["upper"]
    if use["taken_from"] != PRINTED:
        found = ratio_of_counts(str(question["measure"]), counts) if counts else None
    elif row["measure"] != question["measure"]:
        found = None
    estimate, lower, upper = found or (None, None, None)
    ratio = None if estimate is None or lower is None or upper is None else (estimate, lower, upper)
    reason = use["left_out"] or NOT_READ.get(row["verified"]) or _unfit(question, use, row, printed, ratio)
    return Candidate(row, use, ratio, counts, reason)


def _counts(use: Cells, row: Row) -> Counts | None:
    """Exposed with and without the outcome of the question, then unexposed."""
    with_case, without, unexposed, unexposed_without = (row[name] for name in COUNTS)
    if None in (with_case, without, unexposed, unexposed_without):
        return None
    if use["taken_from"] == COUNTED_OPPOSITE:
        return without, with_case, unexposed_without, unexposed
    return with_case, without, unexposed, unexposed_without


def _unfit(question: Cells, use: Cells, row: Row, printed: Cells, ratio: tuple[float, float, float] | None) -> str | None:
    """Why no standard error follows from an estimate, or it is of another measure."""
    if use["taken_from"] != PRINTED:
        if _counts(use, row) is None:
            return "prints no counts of both groups"
        if ratio is None:
            return "a group without a case, or without anybody else, has no interval by the normal distribution"
        if row["recomputation"] == DIFFERS and not use["reason"]:
            return "its counts give other numbers than it prints"
        return None
    if row["estimate"] is None:
        return "prints no single number"
    if row["measure"] != question["measure"]:
        return f"another measure ({row['measure']})"
    if ratio is None:
        return "prints no interval"
    if min(ratio) <= 0:
        return "a ratio of 0 has no logarithm"
    if ratio[1] == ratio[2]:
        return "its interval has no width, as far as it is printed"
    if not has_symmetric_interval(*(str(printed[name]) for name in ("printed", "printed_lower", "printed_upper"))):
        return "its interval is not symmetric about it on the log scale, so that no standard error follows"
    return None


def _synthesis(question: Cells, candidates: Sequence[Candidate], shared: frozenset[frozenset[str]]) -> Synthesis:
    fit = [candidate for candidate in candidates if candidate.reason is None]
    reason = "; ".join(_hindrances(fit, shared)) or None
    if reason is None:
        effects, variances = zip(*(candidate.log for candidate in fit), strict=True)
        return Synthesis(question, tuple(candidates), meta_analysis(effects, variances, confidence_level=STANDARD_LEVEL), None)
    refused = tuple(replace(candidate, reason=candidate.reason or reason) for candidate in candidates)
    return Synthesis(question, refused, None, reason)


def _hindrances(fit: Sequence[Candidate], shared: frozenset[frozenset[str]]) -> Iterator[str]:
    """What stands against pooling these estimates; nothing where they answer one question of different people."""
    if len(fit) < FEWEST:
        yield f"one estimate alone ({fit[0].register['study']})" if fit else "no estimate that can be pooled"
        return
    for one, other in combinations(fit, 2):
        studies = one.register["study_id"], other.register["study_id"]
        if studies[0] == studies[1] or frozenset(studies) in shared:
            named = f"{_named(one)} and {_named(other)}"
            yield f"{named} are of the same people"
    if len({_is_adjusted(candidate) for candidate in fit}) > 1:
        yield "adjusted and crude estimates"
    opposite = [candidate for candidate in fit if candidate.use["taken_from"] == COUNTED_OPPOSITE]
    same = [candidate for candidate in fit if candidate not in opposite]
    for column, words in SAME_WORDS.items():
        yield from _differences(fit, column, words)
    for side in (same, opposite):
        for column, words in SAME_WORDS_OF_OUTCOME.items():
            yield from _differences(side, column, words)


def _differences(candidates: Sequence[Candidate], column: str, words: str) -> Iterator[str]:
    """What a column says, where it does not say the same of all."""
    said = sorted({candidate.register[column] or "not stated" for candidate in candidates})
    if len(said) > 1 or "not stated" in said:
        yield f"{words}: {', '.join(said)}"


def _is_adjusted(candidate: Candidate) -> bool | None:
    return candidate.register["is_adjusted"] if candidate.use["taken_from"] == PRINTED else False


def _named(candidate: Candidate) -> str:
    return f"{candidate.register['study']} ({candidate.register['evidence_id']})"


def _shared_people(evidence: Evidence) -> frozenset[frozenset[str]]:
    """Pairs of studies that rest on the same people, whichever of them says so."""
    return frozenset(
        frozenset((str(study["study_id"]), other))
        for study in evidence.studies
        for other in (study["shares_people_with"] or "").split()
    )
