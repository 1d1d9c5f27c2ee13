"""What others have published, as the analyst keeps it in `data_contracts/evidence/`: studies, estimates, numbers and claims.

Here the files are read and checked. What is made of them is told by the report.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipelines.machine.errors import ConfigurationError
from pipelines.machine.faults import known
from pipelines.machine.visible import commanding

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

NUMBER = re.compile(r"-?\d+(\.\d+)?")

Row = dict[str, str | None]
Fault = str | None


@dataclass(frozen=True)
class Evidence:
    """The rows of each file; a cell that is empty is None."""

    studies: tuple[Row, ...]
    estimates: tuple[Row, ...]
    numbers: tuple[Row, ...]
    claims: tuple[Row, ...]


def _one_of(allowed: Sequence[str]) -> Callable[[str], Fault]:
    return lambda text: None if text in allowed else f"must be one of {', '.join(allowed)}; {known(allowed, text)}"


def _whole(text: str) -> Fault:
    return None if text.isdecimal() else f"must be a whole number; found {text!r}"


def _number(text: str) -> Fault:
    return None if NUMBER.fullmatch(text) else f"must be a number such as 1.42; found {text!r}"


def _day(text: str) -> Fault:
    try:
        date.fromisoformat(text)
    except ValueError:
        return f"must be a day such as 2026-11-29; found {text!r}"
    return None


def _any(text: str) -> Fault:
    return None


@dataclass(frozen=True)
class _File:
    """The columns of a file, what a cell of each must be, which must not be empty, and which names the row."""

    name: str
    key: str
    columns: Mapping[str, Callable[[str], Fault]]
    required: tuple[str, ...]


STUDIES = _File(
    "studies.csv",
    "study_id",
    {
        **dict.fromkeys(("study_id", "study", "citation", "doi", "pmid"), _any),
        "year": _whole,
        **dict.fromkeys(("country", "design", "design_in_words", "matched_on"), _any),
        **dict.fromkeys((f"rob_{domain}" for domain in DOMAINS), _one_of(RISKS)),
        "rob_reason": _any,
        "certainty": _one_of(CERTAINTIES),
        "certainty_reason": _any,
    },
    (
        *("study_id", "study", "citation", "design", "rob_reason", "certainty", "certainty_reason"),
        *(f"rob_{domain}" for domain in DOMAINS),
    ),
)
ESTIMATES = _File(
    "estimates.csv",
    "evidence_id",
    {
        **dict.fromkeys(("evidence_id", "study_id", "population"), _any),
        "n": _whole,
        **dict.fromkeys(("exposure", "exposure_definition", "exposure_instrument", "comparator"), _any),
        **dict.fromkeys(("outcome", "outcome_definition", "recall_window", "case_threshold", "people", "adjusted_for"), _any),
        "measure": _one_of(MEASURES),
        "is_adjusted": _one_of(("yes", "no")),
        "printed": _any,
        **dict.fromkeys(("printed_lower", "printed_upper"), _number),
        **dict.fromkeys(("unit", "p_value"), _any),
        **dict.fromkeys(("exposed_cases", "unexposed_cases", "exposed_noncases", "unexposed_noncases"), _whole),
        "counts_basis": _one_of(BASES),
        **dict.fromkeys(("disagreement", "where_in_source"), _any),
        "verified": _one_of(VERIFIED),
        "verified_on": _day,
        **dict.fromkeys(("source_url", "note"), _any),
    },
    ("evidence_id", "study_id", "measure", "where_in_source", "verified"),
)
NUMBERS = _File(
    "published_numbers.csv",
    "number_id",
    {
        **dict.fromkeys(("number_id", "study", "citation", "statement", "source", "wave", "population", "ours_is"), _any),
        "unit": _one_of(("percent", "people")),
        **dict.fromkeys(("printed", "tolerance"), _number),
        **dict.fromkeys(("tolerance_reason", "where_in_source"), _any),
        "verified": _one_of(VERIFIED),
        "verified_on": _day,
        "source_url": _any,
    },
    (
        *("number_id", "study", "citation", "statement", "source", "wave", "ours_is", "unit", "printed", "tolerance"),
        *("tolerance_reason", "where_in_source", "verified", "verified_on"),
    ),
)
CLAIMS = _File(
    "claims.csv",
    "claim_id",
    {
        **dict.fromkeys(("claim_id", "claim", "number_in_article", "named_source", "primary_source_says"), _any),
        **dict.fromkeys(("evidence_ids",), _any),
        **dict.fromkeys(("ours_source", "ours_wave", "ours_population", "ours_outcome", "ours_exposure", "ours_model"), _any),
        **dict.fromkeys(("ours_is",), _any),
        "verdict": _one_of(VERDICTS),
        "reason": _any,
    },
    ("claim_id", "claim", "number_in_article", "named_source", "primary_source_says", "verdict", "reason"),
)


NUMBER_COLUMNS, CLAIM_COLUMNS = tuple(NUMBERS.columns), tuple(CLAIMS.columns)


def load_evidence(folder: Path) -> Evidence:
    """Read the files; raises ConfigurationError with everything that is wrong in them, each with file, line and column."""
    problems: list[str] = []
    rows = {file.name: _rows(folder / file.name, file, problems) for file in (STUDIES, ESTIMATES, NUMBERS, CLAIMS)}
    if not problems:
        problems = list(_unknown(folder, rows))
    if problems:
        raise ConfigurationError(problems)
    return Evidence(*(tuple(row for _, row in rows[file.name]) for file in (STUDIES, ESTIMATES, NUMBERS, CLAIMS)))


def _rows(path: Path, file: _File, problems: list[str]) -> list[tuple[int, Row]]:
    """(line, row) of a file that is whole; what is wrong with it is added to `problems`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8.")
        return []
    except OSError as error:
        problems.append(f"{path}: cannot be read: {(error.strerror or 'no reason is given').lower()}.")
        return []
    if letter := commanding(text):
        problems.append(f"{path}, {letter}.")
        return []
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error:
        problems.append(f"{path}, line {reader.line_num}: is no CSV: is a quote not closed?")
        return []
    columns = list(file.columns)
    if not lines or lines[0][1] != columns:
        problems.append(f"{path}, line 1: must have the columns {', '.join(columns)}, with commas between them.")
        return []
    found = len(problems)
    rows: list[tuple[int, Row]] = []
    first: dict[str, int] = {}
    for line, cells in lines[1:]:
        if len(cells) != len(columns):
            wanted = f"has {len(cells)} fields where {len(columns)} are needed; text with a comma stands in double quotes"
            problems.append(f"{path}, line {line}: {wanted}.")
            continue
        row: Row = {name: cell.strip() or None for name, cell in zip(columns, cells, strict=True)}
        problems += [f"{path}, line {line}: {fault}." for fault in _faults(row, file)]
        key = row[file.key] or ""
        if first.setdefault(key, line) != line:
            problems.append(f"{path}, line {line}: {file.key} {key} stands in line {first[key]}, too.")
        rows.append((line, row))
    return rows if len(problems) == found else []


def _faults(row: Row, file: _File) -> Iterator[str]:
    for name, fault_of in file.columns.items():
        cell = row[name]
        if cell is None:
            if name in file.required:
                yield f"{name} is empty"
        elif fault := fault_of(cell):
            yield f"{name} {fault}"


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
        if bool(given) != (row["counts_basis"] is not None):
            yield f"{at}: counts_basis says where the counts are from, and stands with counts only."
    for line, row in rows[CLAIMS.name]:
        for named in (row["evidence_ids"] or "").split():
            if named not in estimates:
                yield f"{folder / CLAIMS.name}, line {line}: evidence_ids names {named}, which has no row in {ESTIMATES.name}."
