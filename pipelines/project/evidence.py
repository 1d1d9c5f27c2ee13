"""What others have published, as the analyst keeps it in `data_contracts/evidence/`: studies, estimates, syntheses and claims.

Here the files are read and checked. What is made of them is told by the report.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.machine.errors import ConfigurationError
from pipelines.machine.faults import known
from pipelines.project.literature_files import NUMBER, LiteratureFile, Row, anything, day, number, one_of, rows_of, whole

DOMAINS = (
    "confounding",
    "exposure_measurement",
    "selection",
    "post_exposure_interventions",
    "missing_data",
    "outcome_measurement",
    "selective_reporting",
    "overall",
)
"""Of ROBINS-E, in the order in which readers know them."""

RISKS = ("low", "some concerns", "high", "very high", "not judged", "not applicable")
CERTAINTIES = ("high", "moderate", "low", "very low", "not judged")
MEASURES = (
    *("prevalence", "share", "odds ratio", "risk ratio", "rate ratio", "sequence ratio", "hazard ratio", "risk difference"),
    *("mean difference", "mean", "people", "words", "other"),
)
VERIFIED = ("read", "second-hand", "in the article only", "recalled")
BASES = ("printed", "derived from printed percentages")
VERDICTS = ("supported", "differs", "not supported", "cannot be tested with these data")

COUNTS = ("exposed_cases", "exposed_noncases", "unexposed_cases", "unexposed_noncases")

RATIOS = ("odds ratio", "risk ratio", "rate ratio", "sequence ratio", "hazard ratio")
"""Measures that are pooled, on the scale of their logs."""

OF_COUNTS = ("odds ratio", "risk ratio")
"""Those of them that follow from counts."""

PRINTED, COUNTED, COUNTED_OPPOSITE = "printed", "counts", "counts of the opposite outcome"
TAKEN_FROM = (PRINTED, COUNTED, COUNTED_OPPOSITE)
"""What an estimate enters a synthesis with: what was printed, or what its counts give."""


@dataclass(frozen=True)
class Evidence:
    """The rows of each file; a cell that is empty is None."""

    studies: tuple[Row, ...]
    estimates: tuple[Row, ...]
    syntheses: tuple[Row, ...]
    synthesis_estimates: tuple[Row, ...]
    numbers: tuple[Row, ...]
    claims: tuple[Row, ...]


STUDIES = LiteratureFile(
    "studies.csv",
    "study_id",
    {
        **dict.fromkeys(("study_id", "study", "citation", "doi", "pmid"), anything),
        "year": whole,
        **dict.fromkeys(("country", "design", "design_in_words", "matched_on"), anything),
        **dict.fromkeys((f"rob_{domain}" for domain in DOMAINS), one_of(RISKS)),
        "rob_reason": anything,
        "certainty": one_of(CERTAINTIES),
        **dict.fromkeys(("certainty_reason", "shares_people_with"), anything),
    },
    (
        *("study_id", "study", "citation", "design", "rob_reason", "certainty", "certainty_reason"),
        *(f"rob_{domain}" for domain in DOMAINS),
    ),
)
ESTIMATES = LiteratureFile(
    "estimates.csv",
    "evidence_id",
    {
        **dict.fromkeys(("evidence_id", "study_id", "population"), anything),
        "n": whole,
        **dict.fromkeys(("exposure", "exposure_definition", "exposure_instrument", "comparator"), anything),
        **dict.fromkeys(("outcome", "outcome_definition", "recall_window", "case_threshold", "people", "adjusted_for"), anything),
        "measure": one_of(MEASURES),
        "is_adjusted": one_of(("yes", "no")),
        "printed": anything,
        **dict.fromkeys(("printed_lower", "printed_upper"), number),
        **dict.fromkeys(("unit", "p_value"), anything),
        **dict.fromkeys(("exposed_cases", "unexposed_cases", "exposed_noncases", "unexposed_noncases"), whole),
        "counts_basis": one_of(BASES),
        **dict.fromkeys(("disagreement", "where_in_source"), anything),
        "verified": one_of(VERIFIED),
        "verified_on": day,
        **dict.fromkeys(("source_url", "note"), anything),
    },
    ("evidence_id", "study_id", "measure", "where_in_source", "verified"),
)
SYNTHESES = LiteratureFile(
    "syntheses.csv",
    "synthesis_id",
    {
        **dict.fromkeys(("synthesis_id", "question"), anything),
        "measure": one_of(RATIOS),
        **dict.fromkeys(("exposed", "unexposed", "lower_means", "higher_means"), anything),
        "certainty": one_of(CERTAINTIES),
        "certainty_reason": anything,
    },
    (
        *("synthesis_id", "question", "measure", "exposed", "unexposed", "lower_means", "higher_means"),
        *("certainty", "certainty_reason"),
    ),
)
SYNTHESIS_ESTIMATES = LiteratureFile(
    "synthesis_estimates.csv",
    None,
    {
        **dict.fromkeys(("synthesis_id", "evidence_id"), anything),
        "taken_from": one_of(TAKEN_FROM),
        **dict.fromkeys(("left_out", "reason"), anything),
    },
    ("synthesis_id", "evidence_id", "taken_from"),
)
NUMBERS = LiteratureFile(
    "published_numbers.csv",
    "number_id",
    {
        **dict.fromkeys(("number_id", "study", "citation", "statement", "source", "wave", "population", "ours_is"), anything),
        "unit": one_of(("percent", "people")),
        **dict.fromkeys(("printed", "tolerance"), number),
        **dict.fromkeys(("tolerance_reason", "where_in_source"), anything),
        "verified": one_of(VERIFIED),
        "verified_on": day,
        "source_url": anything,
    },
    (
        *("number_id", "study", "citation", "statement", "source", "wave", "ours_is", "unit", "printed", "tolerance"),
        *("tolerance_reason", "where_in_source", "verified", "verified_on"),
    ),
)
CLAIMS = LiteratureFile(
    "claims.csv",
    "claim_id",
    {
        **dict.fromkeys(("claim_id", "claim", "number_in_article", "named_source", "primary_source_says"), anything),
        **dict.fromkeys(("evidence_ids",), anything),
        **dict.fromkeys(("ours_source", "ours_wave", "ours_population", "ours_outcome", "ours_exposure", "ours_model"), anything),
        **dict.fromkeys(("ours_is",), anything),
        "verdict": one_of(VERDICTS),
        "reason": anything,
    },
    ("claim_id", "claim", "number_in_article", "named_source", "primary_source_says", "verdict", "reason"),
)

FILES = (STUDIES, ESTIMATES, SYNTHESES, SYNTHESIS_ESTIMATES, NUMBERS, CLAIMS)
"""In the order of the fields of Evidence."""

NUMBER_COLUMNS, CLAIM_COLUMNS = tuple(NUMBERS.columns), tuple(CLAIMS.columns)


def load_evidence(folder: Path) -> Evidence:
    """Read the files; raises ConfigurationError with everything that is wrong in them, each with file, line and column."""
    problems: list[str] = []
    rows = {file.name: rows_of(folder / file.name, file, problems) for file in FILES}
    if not problems:
        problems = [*_unknown(folder, rows), *_mixed(folder, rows)]
    if problems:
        raise ConfigurationError(problems)
    return Evidence(*(tuple(row for _, row in rows[file.name]) for file in FILES))


def _unknown(folder: Path, rows: Mapping[str, list[tuple[int, Row]]]) -> Iterator[str]:
    """Studies and estimates that other files name and that there are not, and counts that are not whole."""
    studies = [str(row["study_id"]) for _, row in rows[STUDIES.name]]
    estimates = [str(row["evidence_id"]) for _, row in rows[ESTIMATES.name]]
    for line, row in rows[ESTIMATES.name]:
        at = f"{folder / ESTIMATES.name}, line {line}"
        if row["study_id"] not in studies:
            yield f"{at}: study_id {row['study_id']} has no row in {STUDIES.name}; {known(studies, str(row['study_id']))}."
        given = [name for name in COUNTS if row[name] is not None]
        if given not in ([], list(COUNTS), list(COUNTS[:2])):
            yield f"{at}: counts are {', '.join(COUNTS)}, or the first two of them for a share; found only {', '.join(given)}."
        yield from (f"{at}: {fault}." for fault in _interval_faults(row))
        if bool(given) != (row["counts_basis"] is not None):
            yield f"{at}: counts_basis says where the counts are from, and stands with counts only."
    for line, row in rows[STUDIES.name]:
        for named in (row["shares_people_with"] or "").split():
            if named not in studies:
                yield f"{folder / STUDIES.name}, line {line}: shares_people_with names {named}, which has no row in this file."
    for line, row in rows[CLAIMS.name]:
        for named in (row["evidence_ids"] or "").split():
            if named not in estimates:
                yield f"{folder / CLAIMS.name}, line {line}: evidence_ids names {named}, which has no row in {ESTIMATES.name}."


def _interval_faults(row: Row) -> Iterator[str]:
    """An interval has two limits, in their order, about the number."""
    lower, upper, printed = row["printed_lower"], row["printed_upper"], row["printed"] or ""
    if lower is None or upper is None:
        if lower != upper:
            yield "printed_lower and printed_upper stand together, or neither does"
    elif float(lower) > float(upper):
        yield f"printed_lower {lower} is above printed_upper {upper}"
    elif NUMBER.fullmatch(printed) and not float(lower) <= float(printed) <= float(upper):
        yield f"printed {printed} is not within printed_lower {lower} and printed_upper {upper}"


def _mixed(folder: Path, rows: Mapping[str, list[tuple[int, Row]]]) -> Iterator[str]:
    """Syntheses and estimates that are named and are not there, that are named twice, and syntheses of more than one design."""
    path = folder / SYNTHESIS_ESTIMATES.name
    design_of = {row["study_id"]: row["design"] for _, row in rows[STUDIES.name]}
    study_of = {row["evidence_id"]: row["study_id"] for _, row in rows[ESTIMATES.name]}
    measures = {str(row["synthesis_id"]): row["measure"] for _, row in rows[SYNTHESES.name]}
    syntheses = list(measures)
    designs: dict[str, str | None] = {}
    first: dict[tuple[str, str], int] = {}
    for line, row in rows[SYNTHESIS_ESTIMATES.name]:
        synthesis, estimate = str(row["synthesis_id"]), str(row["evidence_id"])
        if synthesis not in syntheses:
            yield (
                f"{path}, line {line}: synthesis_id {synthesis} has no row in {SYNTHESES.name}; {known(syntheses, synthesis)}."
            )
        elif row["taken_from"] != PRINTED and measures[synthesis] not in OF_COUNTS:
            yield (
                f"{path}, line {line}: counts give an {' or a '.join(OF_COUNTS)}, and {synthesis} is of {measures[synthesis]}s: "
                "take what was printed."
            )
        if estimate not in study_of:
            yield f"{path}, line {line}: evidence_id {estimate} has no row in {ESTIMATES.name}."
            continue
        if first.setdefault((synthesis, estimate), line) != line:
            yield f"{path}, line {line}: {estimate} stands in {synthesis} in line {first[synthesis, estimate]}, too."
        design = design_of.get(study_of[estimate])
        if design and designs.setdefault(synthesis, design) != design:
            yield (
                f"{path}, line {line}: {synthesis} is of {designs[synthesis]} studies and {estimate} is of a {design} study; "
                "designs are never pooled: give each a synthesis of its own, with the same question."
            )
    listed = {str(row["synthesis_id"]) for _, row in rows[SYNTHESIS_ESTIMATES.name]}
    for line, row in rows[SYNTHESES.name] if listed <= set(syntheses) else ():
        if row["synthesis_id"] not in listed:
            yield (
                f"{folder / SYNTHESES.name}, line {line}: {row['synthesis_id']} has no estimate in {SYNTHESIS_ESTIMATES.name}: "
                "add one, or delete the line."
            )
