"""Whether the sections of study.yaml on events can be meant: their tables, columns and classes are there. Reads no data."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipelines.contracts.columns import WHOLE_NUMBER_TYPES
from pipelines.contracts.yaml_source import read_yaml
from pipelines.machine.faults import Fault, known
from pipelines.project.events import REPORTS_OF, DiarySettings, SequenceSymmetrySettings

if TYPE_CHECKING:
    from pipelines.project.project import Project

PERSON, DAY, CODE = "person_id", "event_date", "atc_code"
"""Columns of a table of events: who, on which day, and of a dispensing what."""

ABOUT_PERSON = {"age_years": "INTEGER", "sex": "VARCHAR"}
"""Columns that the model of the order reads beside; a table without one of them is modelled without it."""


def event_problems(project: "Project") -> list[str]:
    """Everything that is wrong with these sections beyond the form of their fields, and tables that no section asks for."""
    wrong = list(dict.fromkeys(_faults(project)))
    source = read_yaml(project.settings.project / "study.yaml") if wrong else None
    problems = [fault.at(source.place(fault.location)) for fault in wrong] if source else []
    for section, tables in REPORTS_OF.items():
        if getattr(project.study, section) is None:
            problems += [
                f"{table} has a contract, and study.yaml has no section {section}: add it, or delete the contract"
                for table in tables
                if table in project.contracts
            ]
    return problems


def _faults(project: "Project") -> Iterator[Fault]:
    for section, tables in REPORTS_OF.items():
        settings = getattr(project.study, section)
        if settings is None:
            continue
        for table in tables:
            if table not in project.contracts:
                path = f"data_contracts/{table.replace('.', '/')}.odcs.yaml"
                yield Fault((section,), f"makes {table}, which has no contract {path}: add it, or delete the section")
        core = [table for table in project.tables("core") if table != project.study.respondents]
        if settings.events not in core:
            yield Fault((section, "events"), f"names {settings.events}, which is no table of events of core; {known(core)}")
            continue
        needed = {PERSON: {"VARCHAR"}, DAY: {"DATE"}}
        if isinstance(settings, SequenceSymmetrySettings):
            needed |= {CODE: {"VARCHAR"}}
            yield from _classes(project, settings)
        types = project.contracts[settings.events].column_types()
        for column, kinds in needed.items():
            if types.get(column) not in kinds:
                yield Fault(
                    (section, "events"), f"names {settings.events}, which needs a column {column} of {' or '.join(kinds)}"
                )
        if isinstance(settings, DiarySettings):
            yield from _columns(settings, types)


def _classes(project: "Project", settings: SequenceSymmetrySettings) -> Iterator[Fault]:
    at = "sequence_symmetry"
    if settings.drug_classes not in project.drug_classes:
        names = known(project.drug_classes, settings.drug_classes)
        yield Fault((at, "drug_classes"), f"{settings.drug_classes} is no version of data_contracts/drug_classes.csv; {names}")
        return
    classes = project.drug_classes[settings.drug_classes]
    named: list[tuple[tuple[str, ...], str]] = [((at, "marker"), settings.marker)]
    named += [((at, "index", name), name) for name in settings.index]
    for location, name in named:
        if name not in classes:
            yield Fault(location, f"{name} is no class of {settings.drug_classes}; {known(classes, name)}")


def _columns(settings: DiarySettings, types: "dict[str, str]") -> Iterator[Fault]:
    whole = [name for name, kind in types.items() if kind in WHOLE_NUMBER_TYPES]
    text = [name for name, kind in types.items() if kind == "VARCHAR"]
    for key, usable in (("count", whole), ("severity", whole), ("trigger", text)):
        name = getattr(settings, key)
        if name is not None and name not in usable:
            yield Fault(("diary", key), f"{name} is no column of {settings.events} that can be one; {known(usable, name)}")
