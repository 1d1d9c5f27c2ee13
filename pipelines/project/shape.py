"""The columns that the respondent table of any study has: whose record it is, ages, and what the designs of its sources are read
from. All others are the study's own, `sex` too, without which nothing is split by it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipelines.contracts.columns import NUMERIC_TYPES, WHOLE_NUMBER_TYPES
from pipelines.project.respondents import AGE, AGE_BAND, POPULATION, SEX, TEXT_OF, WEIGHTS

if TYPE_CHECKING:
    from pipelines.contracts.model import Contract
    from pipelines.project.project import Project

TEXT, FLAG = frozenset({"VARCHAR"}), frozenset({"BOOLEAN"})

OF_EVERY_STUDY = {
    "source": TEXT,
    "wave": TEXT,
    "respondent_id": TEXT,
    AGE: NUMERIC_TYPES,
    AGE_BAND: TEXT,
    "is_synthetic": FLAG,
}

# the others that a design can call for are asked for where its file is judged
OF_DESIGNS = {
    **dict.fromkeys(WEIGHTS, frozenset({"DOUBLE"})),
    **dict.fromkeys(TEXT_OF, WHOLE_NUMBER_TYPES),
    **dict.fromkeys(TEXT_OF.values(), TEXT),
    POPULATION: NUMERIC_TYPES,
    "matched_set": TEXT,
    "is_case": FLAG,
}

TYPES = OF_EVERY_STUDY | OF_DESIGNS | {SEX: TEXT}


def shape_problems(project: "Project") -> list[str]:
    """What the contract of the respondents lacks or has of another type, a sentence each; nothing of what is no table of core."""
    contract = project.contracts.get(project.study.respondents)
    if contract is None or contract.schema != "core":
        return []
    return [*_lacking(project, contract), *_mistyped(contract)]


def _lacking(project: "Project", contract: "Contract") -> Iterator[str]:
    there = contract.column_types()
    for name, types in OF_EVERY_STUDY.items():
        if name not in there:
            yield f"{_file(contract)} has no column {name}, which the respondents of every study have: add it ({_one_of(types)})"
    for source in project.sources.values():
        for name in sorted((source.columns_of_design & OF_DESIGNS.keys()) - {POPULATION} - there.keys()):
            yield (
                f"{_file(contract)} has no column {name}, which the design of {source.source} ({source.design}) needs: "
                f"add it ({_one_of(OF_DESIGNS[name])})"
            )


def _mistyped(contract: "Contract") -> Iterator[str]:
    for name, kind in contract.column_types().items():
        if name in TYPES and kind not in TYPES[name]:
            text = f"; text stands in {TEXT_OF[name]} (VARCHAR)" if name in TEXT_OF and kind in TEXT else ""
            yield f"{_file(contract)}: {name} is {kind} and must be {_one_of(TYPES[name])}{text}"


def _file(contract: "Contract") -> str:
    return f"data_contracts/{contract.schema}/{contract.table}.odcs.yaml"


def _one_of(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
