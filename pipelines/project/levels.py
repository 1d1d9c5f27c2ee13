"""What the columns of the respondents can hold, told from contracts, codebooks, sources and selects; no data is read."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage

from pipelines.contracts.codebook import HEADER
from pipelines.contracts.model import Contract
from pipelines.project.conditions import Conditions, Domain, columns_of
from pipelines.project.decoding import columns_decoded, meanings
from pipelines.project.respondents import AGE, AGE_BAND, DESIGN_COLUMNS, IMPUTED, REASON, TEXT_OF
from pipelines.project.selects import DECODED
from pipelines.project.sources import Source

if TYPE_CHECKING:
    from pipelines.project.project import Project

IN_SET, BETWEEN = "expect_column_values_to_be_in_set", "expect_column_values_to_be_between"


class UnlistedText(Exception):
    """A column holds text as it was delivered, of which nothing says what it can be."""


def domains(project: "Project") -> dict[str, Domain]:
    """Column of the respondents -> what it can hold."""
    contract = project.contracts[project.study.respondents]
    return {column.name: _domain(project, contract, column.name, column.type) for column in contract.columns}


def answers(project: "Project") -> list[str]:
    """The columns of the respondents that say something of them: not keys, reasons, design or origin."""
    contract = project.contracts[project.study.respondents]
    reasons = {f"{column.name}{REASON}" for column in contract.columns}
    reasons |= {f"{column.name}{IMPUTED}" for column in contract.columns}
    without = {*contract.key, *reasons, *DESIGN_COLUMNS, *TEXT_OF.values(), "is_synthetic"}
    return [column.name for column in contract.columns if column.name not in without and column.classification != "identifier"]


def no_answer(held: Collection[str], name: str) -> str | None:
    """What a column says of respondents that nobody answered; None for answers, keys and the wave."""
    if name.endswith(REASON) and name.removesuffix(REASON) in held:
        return f"says why {name.removesuffix(REASON)} is unanswered"
    if name in DESIGN_COLUMNS or name in TEXT_OF.values():
        return "says how people were sampled or matched"
    if name.endswith(IMPUTED) and name.removesuffix(IMPUTED) in held:
        return f"holds imputed values of {name.removesuffix(IMPUTED)}"
    return "says where people come from" if name in {"source", "is_synthetic"} else None


def domain_with_levels(project: "Project", domain: Domain, column: str) -> Domain:
    """The domain with the levels that the selects of all sources can give a column of text, where it lists none."""
    if domain.type != "VARCHAR" or domain.levels is not None:
        return domain
    levels = _selected_levels(project, column)
    return Domain(domain.type, levels) if levels else domain


def condition_fault(project: "Project", conditions: Conditions, where: str) -> str | None:
    """What is wrong with a condition on the respondents, in one sentence; None where it can be used."""
    fault = conditions.fault(where)
    if fault:
        return fault
    held = conditions.domains
    text = [name for name in sorted(columns_of(where)) if held[name].type == "VARCHAR" and held[name].levels is None]
    if not text:
        return None
    known_now = {**held, **{name: domain_with_levels(project, held[name], name) for name in text}}
    return Conditions(conditions.table, known_now).fault(where)


def _domain(project: "Project", contract: Contract, name: str, kind: str) -> Domain:
    rules = [rule for rule in contract.rules if rule.column == name and rule.severity != "warn"]
    listed = next((rule.kwargs["value_set"] for rule in rules if rule.expectation == IN_SET), None)
    bounds = [rule.kwargs for rule in rules if rule.expectation == BETWEEN]
    lower = [bound["min_value"] for bound in bounds if bound.get("min_value") is not None]
    upper = [bound["max_value"] for bound in bounds if bound.get("max_value") is not None]
    lowest, highest = max(lower, default=None), min(upper, default=None)
    levels = _special_levels(project, name) or (tuple(map(str, listed)) if listed and kind == "VARCHAR" else None)
    return Domain(kind, levels, lowest, highest, _top_codes(project, name, lowest, highest))


def oldest_age(project: "Project", source: Source) -> float | None:
    """The oldest that somebody of a source can be by contract: of the respondents, or of the column that is passed on as the age.

    None where no contract ends it.
    """
    select = project.selects.get(f"{project.study.respondents}/{source.source}")
    made_of = [one.unalias() for one in _parsed(select.text).selects if one.alias_or_name == AGE] if select else []
    ends = [_highest(project, source, column.name) for column in made_of if isinstance(column, exp.Column)]
    return min((end for end in [domains(project)[AGE].highest, *ends] if end is not None), default=None)


def _highest(project: "Project", source: Source, name: str) -> float | None:
    """What a delivered column can be at most, in every table of the source that has it."""
    contracts = [project.contracts[f"raw.{table}"] for table in source.tables]
    known = [(contract, column) for contract in contracts for column in contract.columns if column.name.lower() == name.lower()]
    highest = [_domain(project, contract, column.name, column.type).highest for contract, column in known]
    given = [end for end in highest if end is not None]
    return max(given) if given and len(given) == len(highest) else None


def _top_codes(project: "Project", name: str, lowest: float | None, highest: float | None) -> dict[str, int]:
    """Source -> its top code, of those that can be one: the others are told of where they stand."""
    first = project.study.age_bands.lower_bounds[0] if name == AGE else None
    ends = [end for end in (lowest, first) if end is not None]
    codes = {source.source: source.top_codes()[name] for source in project.sources.values() if name in source.top_codes()}
    return {
        source: code
        for source, code in codes.items()
        if all(code >= end for end in ends) and (highest is None or code <= highest)
    }


def _special_levels(project: "Project", name: str) -> tuple[str, ...] | None:
    if name == AGE_BAND:
        return tuple(project.study.age_bands.frame()["age_band"])
    if name == "source":
        return tuple(project.sources)
    if name == "wave":
        return tuple(dict.fromkeys(wave for source in project.sources.values() for wave in source.study_waves))
    return None


def _selected_levels(project: "Project", column: str) -> tuple[str, ...] | None:
    """In order; None where a source passes text on of which nothing lists the levels, or where it cannot be told."""
    contracts = {name: contract for name, contract in project.contracts.items() if contract.schema in {"raw", "core"}}
    levels: list[str] = []
    for source in project.sources.values():
        select = project.selects.get(f"{project.study.respondents}/{source.source}")
        if select is None:
            continue
        try:
            levels += _levels_in(select.text, column, contracts, source)
        except (UnlistedText, SqlglotError, ValueError, KeyError):
            return None
    return tuple(dict.fromkeys(levels)) or None


def _levels_in(sql: str, column: str, contracts: Mapping[str, Contract], source: Source) -> Iterator[str]:
    """What one select can give a column: the codes of the codebooks that it looks up, and the texts that it writes itself."""
    query = _parsed(sql)
    if column not in query.named_selects:
        return
    tables = {f"raw.{table}": contracts[f"raw.{table}"] for table in source.tables}
    schema: dict[str, dict[str, dict[str, str]]] = {"raw": {}, "codebook": {}, "decoded": {}}
    for name, contract in tables.items():
        schema["raw"][name.removeprefix("raw.")] = contract.column_types()
        schema["codebook"][name.removeprefix("raw.")] = dict.fromkeys(HEADER, "VARCHAR")
        schema["decoded"][name.removeprefix("raw.")] = dict.fromkeys(columns_decoded(contract), "VARCHAR")
    node = lineage(column, query.copy(), schema, dialect="duckdb", trim_selects=False)
    variables = variables_looked_up(query)
    for step in node.walk():
        yield from (literal.name for literal in _results(step.expression) if literal.is_string)
        if isinstance(step.expression, exp.Table):
            yield from _levels_of_leaf(step.expression, step.name.rpartition(".")[2], tables, variables)


@cache
def _parsed(sql: str) -> exp.Query:
    return sqlglot.parse_one(sql, read="duckdb").assert_is(exp.Query)


def _results(expression: exp.Expr) -> Iterator[exp.Literal]:
    """The literals that an expression may give, not those that it compares with."""
    for literal in expression.find_all(exp.Literal):
        if not isinstance(literal.parent, (exp.EQ, exp.NEQ, exp.In, exp.Like, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)):
            yield literal


def _levels_of_leaf(
    table: exp.Table, column: str, contracts: Mapping[str, Contract], variables: Mapping[str, str]
) -> Iterator[str]:
    contract = contracts.get(f"raw.{table.name}")
    looked_up = meanings(contract) if contract and f"{table.db}." == DECODED else {}
    if column.lower() in looked_up:
        yield from looked_up[column.lower()]
    elif table.db == "codebook" and contract and contract.codebook:
        wanted = variables.get(table.alias_or_name)
        yield from (
            code.code
            for code in contract.codebook.codes
            if code.code and not code.kind_of_missing and wanted in {None, code.variable}
        )
    elif table.db in {"raw", "decoded"} and contract:
        found = next((known for known in contract.columns if known.name.lower() == column.lower()), None)
        rules = [rule for rule in contract.rules if found and rule.column == found.name and rule.severity != "warn"]
        listed = next((rule.kwargs["value_set"] for rule in rules if rule.expectation == IN_SET), None)
        if listed:
            yield from map(str, listed)
        elif found is None or found.type == "VARCHAR":
            raise UnlistedText(column)


def variables_looked_up(query: exp.Query) -> dict[str, str]:
    """Alias of a codebook -> the variable that it is looked up for."""
    found = {}
    for condition in query.find_all(exp.EQ):
        column, value = condition.this, condition.expression
        if isinstance(column, exp.Column) and column.name == "variable" and isinstance(value, exp.Literal):
            found[column.table] = value.name
    return found
