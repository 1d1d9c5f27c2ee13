"""Whether a source's file can be meant: the columns, tables and waves that it names are there. Nothing in here reads data."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from pipelines.contracts.columns import LIST, NUMERIC_TYPES
from pipelines.contracts.yaml_source import read_yaml
from pipelines.machine.faults import Fault, known
from pipelines.project.conditions import Conditions
from pipelines.project.generator import generator_faults
from pipelines.project.levels import answers, condition_fault, domains
from pipelines.project.lines import folded
from pipelines.project.respondents import AGE, AGE_BAND, IMPUTED, POPULATION, REPLICATES_OF
from pipelines.project.selects import made_of_answers
from pipelines.project.sources import Source

if TYPE_CHECKING:
    from pipelines.project.project import Project


def source_problems(project: "Project") -> list[str]:
    """Everything that is wrong with the sources' files beyond the form of their fields, each with file, line and key."""
    problems = []
    for source in project.sources.values():
        wrong = list(dict.fromkeys(_faults(project, source)))
        if wrong:
            file = read_yaml(project.settings.data_contracts / "sources" / f"{source.source}.yaml")
            problems += [fault.at(file.place(fault.location)) for fault in wrong]
    return problems


def _faults(project: "Project", source: Source) -> Iterator[Fault]:
    of_kind = list(_kind(project, source))
    yield from of_kind
    yield from _tables(project, source)
    if project.has_respondents:
        yield from _variables(project, source)
        yield from _verdicts(project, source)
    yield from _design_columns(project, source)
    if source.generator is not None and not of_kind:
        columns = {
            contract.table: list(contract.column_types()) for contract in project.contracts.values() if contract.schema == "raw"
        }
        yield from generator_faults(source, columns)


def _kind(project: "Project", source: Source) -> Iterator[Fault]:
    """What a source calls itself, and what belongs to sources of another kind."""
    names = list(project.sources)
    for other in names[: names.index(source.source)]:
        if folded(project.sources[other].title) == folded(source.title):
            yield Fault(("title",), f"is the title of {other}, too: give each source a title that tells them apart")
    if source.classification == "synthetic" and not source.is_synthetic:
        yield Fault(("classification",), "is synthetic, and is_synthetic is not true: readers must be told, so write it")
    of_case_control = [key for key in ("matched_on", "case_definition") if getattr(source, key)]
    if of_case_control and source.design != "case_control":
        first, *others = of_case_control
        belong = "".join(f"and {key} " for key in others) + ("belong" if others else "belongs")
        yield Fault((first,), f"{belong} to design: case_control; this source is a {source.design}")


def _tables(project: "Project", source: Source) -> Iterator[Fault]:
    raw = [contract.table for contract in project.contracts.values() if contract.schema == "raw"]
    names = list(project.sources)
    others = {table: other for other in names[: names.index(source.source)] for table in project.sources[other].tables}
    for wave, delivered in source.waves.items():
        if not delivered.tables:
            yield Fault(("waves", wave, "tables"), "names no table: name at least one, with its file")
        for table in delivered.tables:
            at = ("waves", wave, "tables", table)
            if table not in raw:
                yield Fault(
                    at, f"names table {table}, which has no contract data_contracts/raw/{table}.odcs.yaml; {known(raw, table)}"
                )
            if table in others:
                yield Fault(at, f"{table} is a table of {others[table]}, too: a raw table belongs to one source")


def _variables(project: "Project", source: Source) -> Iterator[Fault]:
    respondents = project.study.respondents
    types = project.contracts[respondents].column_types()
    named: list[tuple[tuple[str | int, ...], str]]
    named = [(("components", part, index), name) for part, names in source.components.items() for index, name in enumerate(names)]
    named += [(("matched_on", index), name) for index, name in enumerate(source.matched_on)]
    of_people = answers(project)
    for index, (location, name) in enumerate(named):
        if name not in types:
            yield Fault(location, f"names {name}, which is no column of {respondents}; {known(of_people, name)}")
        elif name not in of_people:
            yield Fault(location, f"names {name}, which is no answer of respondents; {known(of_people)}")
        elif any(name == other and location[:-1] == there[:-1] for there, other in named[:index]):
            yield Fault(location, f"names {name} twice: keep one")
    yield from _columns_promised(source, types, respondents)
    yield from _imputed(project, source, types, of_people)
    yield from _case_definition(source, of_people, types)
    parts = list(source.components.values())
    for name in sorted(set(parts[0]).intersection(*parts[1:])) if len(parts) > 1 else ():
        yield Fault(("components",), f"names {name} in two components: a variable has the weight of one")
    numbers = [name for name in of_people if types[name] in NUMERIC_TYPES]
    for wave, delivered in source.waves.items():
        for name in delivered.top_codes:
            at = ("waves", wave, "top_codes", name)
            if name not in types:
                yield Fault(at, f"names {name}, which is no column of {respondents}; {known(numbers, name)}")
            elif name not in of_people:
                yield Fault(at, f"{name} is no answer of respondents, and only such a number has a top code; {known(numbers)}")
            elif name not in numbers:
                yield Fault(at, f"{name} is {types[name]} in {respondents}, and only a number has a top code; {known(numbers)}")
    yield from _top_codes_out_of_range(project, source)
    yield from _top_codes_below_the_bands(project, source)


def _columns_promised(source: Source, types: Collection[str], respondents: str) -> Iterator[Fault]:
    """What a design needs stands in the respondent table."""
    needed = {"finite_population": {POPULATION}, "replicate_weights": set(REPLICATES_OF.values())}
    for key, columns in needed.items():
        if absent := sorted(columns & source.columns_of_design - set(types)):
            named = f"{', '.join(absent)}, which {'is no column' if len(absent) == 1 else 'are no columns'} of {respondents}"
            yield Fault((key,), f"needs {named}: add to its contract and to sql/core/respondents.sql (docs/designs.md)")


def _imputed(project: "Project", source: Source, types: Mapping[str, str], of_people: Collection[str]) -> Iterator[Fault]:
    """Imputed variables are answers that have a column for their values, and what is made of them has, too."""
    respondents, named = project.study.respondents, source.imputed.variables if source.imputed else []
    vocabulary = project.vocabularies.get(respondents)
    made = made_of_answers(vocabulary) if vocabulary else {}
    for index, name in enumerate(named):
        at, column = ("imputed", "variables", index), f"{name}{IMPUTED}"
        if name not in of_people or name == AGE_BAND:
            yield Fault(at, f"names {name}, which is no answer of respondents; {known(of_people, name)}")
        elif name in named[:index]:
            yield Fault(at, f"names {name} twice: keep one")
        elif types.get(column) != f"{types[name]}{LIST}":
            held = f"which is {types[column]}" if column in types else f"which is no column of {respondents}"
            yield Fault(at, f"needs {column} of type {types[name]}{LIST}, {held} (docs/designs.md)")
        elif follow := sorted(other for other in made if name in made[other] and other in of_people and other not in named):
            yield Fault(at, f"{name} decides {', '.join(follow)}: name it here, too, and return its imputed values")


def _case_definition(source: Source, of_people: Collection[str], types: Mapping[str, str]) -> Iterator[Fault]:
    """What makes people cases is an answer that is true or false, and cases and controls do not agree on it."""
    name, usable = source.case_definition, [column for column in of_people if types[column] == "BOOLEAN"]
    if source.design != "case_control":
        return
    if name is not None and name not in usable:
        yield Fault(("case_definition",), f"{name} is no answer of respondents that is true or false; {known(usable, name)}")
    elif name in source.matched_on:
        at = ("matched_on", source.matched_on.index(name))
        yield Fault(at, f"names {name}, which is the case definition: cases and controls differ in it, and are matched on others")


def _top_codes_out_of_range(project: "Project", source: Source) -> Iterator[Fault]:
    held = domains(project)
    for wave, delivered in source.waves.items():
        for name, code in delivered.top_codes.items():
            lowest, highest = (held[name].lowest, held[name].highest) if name in held else (None, None)
            if (lowest is not None and code < lowest) or (highest is not None and code > highest):
                ends = [f"{word} {end:g}" for word, end in (("at least", lowest), ("at most", highest)) if end is not None]
                yield Fault(
                    ("waves", wave, "top_codes", name),
                    f"{code} is no {name} that there can be: in {project.study.respondents} it is {' and '.join(ends)}",
                )


def _top_codes_below_the_bands(project: "Project", source: Source) -> Iterator[Fault]:
    first = project.study.age_bands.lower_bounds[0]
    for wave, delivered in source.waves.items():
        code = delivered.top_codes.get(AGE)
        if code is not None and 0 <= code < first:
            yield Fault(
                ("waves", wave, "top_codes", AGE),
                f"{code} is below {first}, where the first age band of study.yaml begins: nobody would be in any",
            )


def _verdicts(project: "Project", source: Source) -> Iterator[Fault]:
    """What the verdicts name, whether their conditions can be used, and what is judged twice: here, or in the contract, too."""
    contract = project.contracts[project.study.respondents]
    held = domains(project)
    conditions = Conditions(contract.name, held) if any(verdict.where for verdict in source.comparability) else None
    in_contract = [verdict for verdict in contract.comparability if verdict.source == source.source]
    judged = {pair: f"in the contract of {contract.name}" for verdict in in_contract for pair in verdict.pairs()}
    for number, verdict in enumerate(source.comparability):
        at = ("comparability", number)
        for index, name in enumerate(verdict.variables):
            if name not in held:
                named = known(answers(project), name)
                yield Fault((*at, "variables", index), f"names {name}, which is no column of {contract.name}; {named}")
        if conditions and verdict.where and (fault := condition_fault(project, conditions, verdict.where)):
            yield Fault((*at, "where"), fault)
        for pair in verdict.pairs():
            variable, one, other = pair
            if pair in judged:
                yield Fault(
                    (*at, "variables", verdict.variables.index(variable)),
                    f"{variable} is judged between {one} and {other} {judged[pair]}, too: keep one verdict",
                )
            judged.setdefault(pair, f"by verdict {number + 1} of this file")


def _design_columns(project: "Project", source: Source) -> Iterator[Fault]:
    for table, columns in source.design_columns.items():
        contract = project.contracts.get(f"raw.{table}")
        if table not in source.tables:
            yield Fault(("design_columns", table), f"{table} is no table of {source.source}; {known(source.tables, table)}")
        elif contract:
            types = contract.column_types()
            for index, column in enumerate(columns):
                if column in columns[:index]:
                    yield Fault(("design_columns", table, index), f"names {column} twice: keep one")
                elif column not in types:
                    yield Fault(
                        ("design_columns", table, index),
                        f"names {column}, which is no column of raw.{table}; {known(types, column)}",
                    )
