"""What the house asks of contracts and sources beyond what loading them demands, and every problem of the project in one list.

Nothing in here reads data, and the nightly run does not depend on it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pipelines.authoring.versions import VERSION
from pipelines.contracts.columns import NUMERIC_TYPES, Column
from pipelines.contracts.model import NOT_SCHEMAS, SUFFIX, Contract, load_contract
from pipelines.contracts.yaml_source import ContractError, ProblemList, read_yaml
from pipelines.machine.errors import attempt
from pipelines.machine.settings import Settings
from pipelines.project.levels import oldest_age
from pipelines.project.project import Project
from pipelines.project.respondents import AGE
from pipelines.project.sources import Source, load_source
from pipelines.stages import load_project

GRAIN = re.compile(r"One (row|object) per ")

UNFINISHED = re.compile(r"\bTODO\b(?! is a decision)")
"""What `contract init` writes where a person has to decide, but for the sentence that says so."""

CLASSIFICATIONS = ("identifier", "confidential", "public")
"""Singles out a respondent; must not leave the house; may be shown to everybody."""

PERSONAL = re.compile(
    r"\b(respondent|participant|person|patient|subject)( sequence)? (id|identifier|number)\b"
    r"|\b(identifier|number) of the (respondent|participant|person|patient|subject)\b"
    r"|\b(date of birth|birth ?date|dob|e-?mail|telephone|phone number|post(al )?code|zip code|street)\b"
    r"|\b(surname|(first|last|family) name)\b",
    re.IGNORECASE,
)
"""Words in a column's name or description that promise something that singles out a respondent."""

MEASURED = re.compile(r"\b(age|years?|months?|weeks?|hours?|minutes?|kg|cm|mm|mg|kcal)\b", re.IGNORECASE)
"""Words in the description of a whole number that make it a measurement; without them it is a count, a code or an identifier."""

COUNT = "n_"
"""Begins the name of a report table's count, whose description may speak of ages."""

ABOUT_PEOPLE = ("raw", "core")

OLDEST_TOLD = 89
"""Years: older ages single people out (Safe Harbor method of the US HIPAA privacy rule, 45 CFR 164.514(b)(2)(i)(C))."""


def lint(settings: Settings) -> list[str]:
    """Everything that is wrong with study.yaml, contracts, codebooks, sources, SQL and how they fit together."""
    return linted(settings)[0]


def linted(settings: Settings) -> tuple[list[str], Project | None]:
    """The problems of `lint`, and the project where it can be loaded.

    Each problem has its file, as seen from the project's folder, and its line. What a refresh refuses stands first, in the same
    words.
    """
    problems: list[str] = []
    project: Project | None = attempt(problems, load_project, settings)
    folder = settings.data_contracts
    sources = [source for path in sorted((folder / "sources").glob("*.yaml")) if (source := _source(path))]
    for path in sorted(folder.glob(f"*/*{SUFFIX}")):
        contract = _contract(path, folder)
        if contract:
            source = next((source for source in sources if contract.table in source.tables), None)
            problems += house_problems(path, contract, source)
    for source in sources:
        path = folder / "sources" / f"{source.source}.yaml"
        problems += [*_tells_great_ages(path, source, project), *_unfinished(path)]
    return list(dict.fromkeys(problem.removeprefix(f"{settings.project}/") for problem in problems)), project


def _contract(path: Path, folder: Path) -> Contract | None:
    """The contract if it loads; what is wrong otherwise is said already."""
    try:
        return load_contract(path, folder / "codebooks") if path.parent.name not in NOT_SCHEMAS else None
    except ContractError:
        return None


def _source(path: Path) -> Source | None:
    try:
        return load_source(path)
    except ContractError:
        return None


def house_problems(path: Path, contract: Contract, source: Source | None) -> list[str]:
    """What the house asks of one contract that loads; `source` is the one that delivers a raw table."""
    found = ProblemList(read_yaml(path))
    if VERSION.fullmatch(contract.version) is None:
        found.add(["version"], f"version {contract.version!r} must be X.Y.Z in whole numbers, such as 1.0.0.")
    if not GRAIN.match(contract.description):
        found.add(["schema", 0, "description"], "the description must start with `One row per` and say what tells rows apart.")
    if not contract.key and not contract.no_key_because:
        found.add(
            ["schema", 0],
            "has no primary key. Mark its columns with primaryKey: true, or say why there is none in the custom property "
            "noPrimaryKeyBecause.",
        )
    if not contract.purpose:
        found.add(["description", "purpose"], "must be given and say what the table is for.")
    for message in _unlinked(contract, source):
        found.add(["description"], message)
    for index, column in enumerate(contract.columns):
        for field, message in _column_problems(contract, column):
            found.add(["schema", 0, "properties", index, field], f"{column.name}: {message}")
    return found.problems + _unfinished(path) + _unfinished(contract.codebook.path if contract.codebook else None)


def _tells_great_ages(path: Path, source: Source, project: Project | None) -> list[str]:
    """That somebody of a restricted source may be told to be more than 90 years old."""
    code = source.top_codes().get(AGE)
    if not source.is_restricted or (code is not None and code <= OLDEST_TOLD + 1):
        return []
    oldest = oldest_age(project, source) if project else None
    if oldest is not None and oldest <= OLDEST_TOLD:
        return []
    found = ProblemList(read_yaml(path))
    found.add(
        ["waves", source.study_waves[0], "top_codes"],
        f"{f'{code} is the' if code else 'there is no'} top code of {AGE}: ages over {OLDEST_TOLD} of a restricted source single "
        f"people out. Say top_codes: {{{AGE}: {OLDEST_TOLD + 1}}} or lower.",
    )
    return found.problems


def _unlinked(contract: Contract, source: Source | None) -> Iterator[str]:
    """A real survey documents its files on a page and has terms; those of a synthetic source are in its file."""
    if contract.schema != "raw" or (source and source.is_synthetic):
        return
    kinds = {kind for kind, _ in contract.links}
    for kind, what in (("documentation", "the documentation of the file"), ("terms", "the terms of its use")):
        if kind not in kinds:
            yield f"must link to {what}: authoritativeDefinitions: [{{type: {kind}, url: ...}}]."


def _column_problems(contract: Contract, column: Column) -> Iterator[tuple[str, str]]:
    if column.classification and column.classification not in CLASSIFICATIONS:
        yield "classification", f"classification {column.classification!r} is unknown. Use one of {', '.join(CLASSIFICATIONS)}."
    is_personal = PERSONAL.search(column.name.replace("_", " ")) or PERSONAL.search(column.description)
    if contract.schema in ABOUT_PEOPLE and is_personal and not column.classification:
        yield "name", "may single out a respondent: give it a classification (identifier, confidential or public)."
    if _needs_unit(contract, column) and not column.unit:
        yield (
            "name",
            "is a measurement: give it a unit (custom property `unit`; proportion, ratio or probability where it has none).",
        )


def _needs_unit(contract: Contract, column: Column) -> bool:
    """A fractional number is a measurement; a whole number is one if it has a range and is described in a unit's words."""
    is_count = contract.schema == "report" and column.name.startswith(COUNT)
    if column.type not in NUMERIC_TYPES or is_count:
        return False
    if column.type == "DOUBLE":
        return True
    has_range = any(
        "min_value" in rule.kwargs or "max_value" in rule.kwargs for rule in contract.rules if rule.column == column.name
    )
    return has_range and MEASURED.search(column.description) is not None


def _unfinished(path: Path | None) -> list[str]:
    """The lines that a draft left to a person, as one problem of the file."""
    if path is None or not path.exists():
        return []
    lines = enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1)
    left = [str(number) for number, line in lines if UNFINISHED.search(line)]
    return [f"{path}, line {', '.join(left)}: a TODO of the draft is left: decide, then remove the mark."] if left else []
