"""Whether study.yaml can be meant: its names are columns and populations, its levels and conditions are those of the respondents.

Each fault is one sentence with file, line, key and the names that there are. Nothing in here reads data.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipelines.contracts.columns import NUMERIC_TYPES
from pipelines.contracts.yaml_source import read_yaml
from pipelines.machine.faults import Fault, found, known
from pipelines.project.conditions import Conditions, Domain
from pipelines.project.levels import answers, condition_fault, domain_with_levels, domains, no_answer
from pipelines.project.lines import folded, name_fault
from pipelines.project.respondents import AGE, REASON

if TYPE_CHECKING:
    from pipelines.project.project import Project
    from pipelines.project.study import Study


class Labelled(Protocol):
    """What has a label."""

    @property
    def label(self) -> str: ...


WITH_LEVELS = ("BOOLEAN", "VARCHAR")
"""Types of columns that have levels."""


def study_problems(project: "Project") -> list[str]:
    """Everything that is wrong with study.yaml beyond the form of its fields."""
    file = project.settings.project / "study.yaml"
    wrong = list(dict.fromkeys(_faults(project)))
    if not wrong:
        return []
    source = read_yaml(file)
    return [fault.at(source.place(fault.location)) for fault in wrong]


def standard_problems(file: Path, study: "Study", standards: Collection[str]) -> list[str]:
    """Whether the standard population of the study is among those that there are."""
    wanted = study.standardisation.standard_population
    if wanted in standards:
        return []
    place = read_yaml(file).place(("standardisation", "standard_population"))
    return [f"{place}: there is no standard population {wanted}; {known(standards, wanted)}."]


def _faults(project: "Project") -> Iterator[Fault]:
    study = project.study
    if not project.has_respondents:
        tables = project.tables("core")
        lacks = "is no table of core" if study.respondents in project.contracts else "has no contract"
        yield Fault(("respondents",), f"names {study.respondents}, which {lacks}; {known(tables, study.respondents)}")
        return
    yield from _names(project)
    yield from _labels(study)
    yield from _kinds(project)
    held = domains(project)
    yield from _columns(project, held)
    yield from _references(project, held)
    yield from _bands(project, held)
    yield from _conditions(project, held)


def _names(project: "Project") -> Iterator[Fault]:
    """Sections that name nothing, populations that there are not, and names that are none."""
    study = project.study
    for section, what in (("populations", "population"), ("outcomes", "outcome"), ("exposures", "exposure")):
        named: Mapping[str, object] = getattr(study, section)
        if not named:
            yield Fault((section,), f"names no {what}: name at least one")
        for name in named:
            fault = name_fault(name)
            if fault:
                yield Fault((section, name), f"the name {fault}")
    columns = project.contracts[study.respondents].column_types()
    for index, name in enumerate(study.page.exposures):
        # one that was taken out of the study is passed over: the page opens with what is left
        if name not in study.exposures and name not in columns:
            yield Fault(
                ("page", "exposures", index), f"names {name}, which is not under exposures; {known(study.exposures, name)}"
            )
    by_name: dict[str, str] = {}
    for name in study.populations:
        other = by_name.setdefault(name.casefold(), name)
        if other != name:
            yield Fault(("populations", name), f"differs from {other} by letter case only: rename one of them")
    asked_of: dict[tuple[str, ...], list[str]] = {
        ("odds_ratios",): study.odds_ratios.populations,
        ("standardisation",): study.standardisation.populations,
        **{("exposures", name): exposure.populations or [] for name, exposure in study.exposures.items()},
    }
    for asking, populations in asked_of.items():
        for index, name in enumerate(populations):
            at: tuple[str | int, ...] = (*asking, "populations", index)
            if name not in study.populations:
                yield Fault(at, f"names {name}, which is not under populations; {known(study.populations, name)}")
            if name in populations[:index]:
                yield Fault(at, f"names {name} twice: keep one")


def _labels(study: "Study") -> Iterator[Fault]:
    """Labels that readers could not tell apart, of what stands in one table."""
    described = study.characteristics
    tables: Sequence[Mapping[tuple[str, ...], Mapping[str, Labelled]]] = (
        {("populations",): study.populations},
        {("outcomes",): study.outcomes},
        {
            ("exposures",): study.exposures,
            ("characteristics", "categorical"): described.categorical,
            ("characteristics", "continuous"): described.continuous,
        },
    )
    for sections in tables:
        first: dict[str, str] = {}
        for section, named in sections.items():
            for name, labelled in named.items():
                other = first.setdefault(folded(labelled.label), name)
                if other != name:
                    yield Fault(
                        (*section, name, "label"), f"is the label of {other}, too: give each a label that tells them apart"
                    )


def _kinds(project: "Project") -> Iterator[Fault]:
    """Variables that stand where they cannot stand together."""
    study = project.study
    for outcome in study.outcomes:
        for section in ("exposures", "adjustment"):
            if outcome in getattr(study, section):
                yield Fault(
                    (section, outcome),
                    f"is under outcomes, too, and nothing can be related to itself: keep {outcome} in one of the two, "
                    "and ask the question that needs it in the other in a project of its own",
                )


def _columns(project: "Project", held: Mapping[str, Domain]) -> Iterator[Fault]:
    """Variables that are no columns of the respondents, or of a type that the section cannot use."""
    study, table = project.study, project.study.respondents
    by_levels = {name: adjustment for name, adjustment in study.adjustment.items() if adjustment.form is None}
    as_numbers = {name: adjustment for name, adjustment in study.adjustment.items() if adjustment.form}
    with_levels = {name: exposure for name, exposure in study.exposures.items() if not exposure.is_number}
    per_unit = {name: exposure for name, exposure in study.exposures.items() if exposure.is_number}
    sections: Sequence[tuple[tuple[str, ...], Mapping[str, object], tuple[str, ...], str]] = (
        (("outcomes",), study.outcomes, ("BOOLEAN",), "an outcome is true or false"),
        (
            ("exposures",),
            with_levels,
            WITH_LEVELS,
            "an exposure has levels: true and false, or text; a number needs per and unit",
        ),
        (("exposures",), per_unit, tuple(NUMERIC_TYPES), "only a number has an odds ratio per so many units"),
        (("adjustment",), by_levels, WITH_LEVELS, "a number needs a form: linear, quadratic or spline"),
        (("adjustment",), as_numbers, tuple(NUMERIC_TYPES), "only a number is adjusted for in a form"),
        (("characteristics", "categorical"), study.characteristics.categorical, WITH_LEVELS, "a categorical one has levels"),
        (
            ("characteristics", "continuous"),
            study.characteristics.continuous,
            tuple(NUMERIC_TYPES),
            "a continuous one is a number",
        ),
    )
    for section, named, types, rule in sections:
        usable = [column for column in answers(project) if held[column].type in types]
        for name in named:
            if name not in held:
                yield Fault((*section, name), f"{name} is no column of {table}; {known(usable, name)}")
            elif section != ("outcomes",) and (about := no_answer(held, name)):  # of those it is said that they lack reasons
                yield Fault((*section, name), f"{name} {about}, and is no answer of theirs; {known(usable)}")
            elif held[name].type not in types:
                yield Fault((*section, name), f"{name} is {held[name].type} in {table}, and {rule}; {known(usable)}")
            elif project.contracts[table].column(name).classification == "identifier":
                yield Fault((*section, name), f"{name} tells respondents apart (classification: identifier) and has no levels")
    for outcome in study.outcomes:
        if outcome in held and held[outcome].type == "BOOLEAN" and f"{outcome}{REASON}" not in held:
            yield Fault(
                ("outcomes", outcome), f"{table} has no column {outcome}{REASON}, which says why {outcome} is unanswered: add it"
            )


def _references(project: "Project", held: Mapping[str, Domain]) -> Iterator[Fault]:
    """Reference levels that their variable does not have."""
    for section, named in (("exposures", project.study.exposures), ("adjustment", project.study.adjustment)):
        for name, variable in named.items():
            if variable.reference is not None and name in held:
                message = _reference_fault(project, name, variable.reference, held[name])
                if message:
                    yield Fault((section, name, "reference"), message)


def _reference_fault(project: "Project", name: str, reference: bool | str, domain: Domain) -> str | None:
    if domain.type == "BOOLEAN" and not isinstance(reference, bool):
        hint = ": write it without quotes" if reference.lower() in {"true", "false"} else ""
        return f"must be true or false, the levels of {name}; {found(reference)}{hint}"
    if domain.type != "VARCHAR":
        return None
    if domain.levels is None and isinstance(reference, str) and _stands_somewhere(project, reference):
        return None
    levels = domain_with_levels(project, domain, name).levels
    if isinstance(reference, bool):
        hint = f"; {known(levels)}" if levels else ""
        return f"must be a level of {name}, which is text; {found(reference)}: write text such as 'no' in quotes{hint}"
    if levels is not None and reference not in levels:
        return f"{reference} is no level of {name}; {known(levels, reference)}"
    return None


def _stands_somewhere(project: "Project", level: str) -> bool:
    """Whether a codebook or a select of the respondents writes the level: then it need not be found out which columns get it."""
    codebooks = (contract.codebook for contract in project.contracts.values() if contract.codebook)
    if any(code.code == level for codebook in codebooks for code in codebook.codes):
        return True
    respondents = (select.text for name, select in project.selects.items() if name.startswith(f"{project.study.respondents}/"))
    return any(f"'{level}'" in text for text in respondents)


def _bands(project: "Project", held: Mapping[str, Domain]) -> Iterator[Fault]:
    """Bounds of age bands that no age reaches, or that part what a top code has made one."""
    age = held.get(AGE)
    if age is None:
        return
    bounds = list(enumerate(project.study.age_bands.lower_bounds))
    if age.highest is not None and bounds[-1][1] > age.highest:
        first, listed = _above(bounds, age.highest)
        yield Fault(
            ("age_bands", "lower_bounds", first),
            f"{listed} above {age.highest:g}, the highest {AGE} of {project.study.respondents}",
        )
        return
    crossed = {source: code for source, code in age.top_codes.items() if bounds[-1][1] > code}
    if crossed:
        sources = ", ".join(f"{source} ({code} stands for {code} and older)" for source, code in crossed.items())
        highest = min(crossed.values())
        first, listed = _above(bounds, highest)
        yield Fault(
            ("age_bands", "lower_bounds", first),
            f"{listed} above the top code of {sources}; the highest bound that works is {highest}",
        )


def _above(bounds: Sequence[tuple[int, int]], highest: float) -> tuple[int, str]:
    """Where the first bound above an age stands, and all of them in words."""
    above = [(index, bound) for index, bound in bounds if bound > highest]
    return above[0][0], f"{', '.join(str(bound) for _, bound in above)} {'is' if len(above) == 1 else 'are'}"


def _conditions(project: "Project", held: Mapping[str, Domain]) -> Iterator[Fault]:
    conditions = Conditions(project.study.respondents, held)
    for name, population in project.study.populations.items():
        fault = condition_fault(project, conditions, population.where)
        if fault:
            yield Fault(("populations", name, "where"), fault)
