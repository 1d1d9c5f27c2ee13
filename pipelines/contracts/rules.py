"""The rules of a contract: what each field promises, as a Great Expectations check and as a condition on one row.

The check judges, the condition finds the rows to set aside; both come from the same field, and a test holds them together.
A field that is not known here is an error: a promise is never dropped in silence. Nothing in here reads data.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from pipelines.contracts.codebook import Codebook
from pipelines.contracts.columns import NUMERIC_TYPES, WHOLE_NUMBER_TYPES, Column
from pipelines.machine.quoting import identifier, literal

Severity = Literal["reject", "set_aside", "warn"]
SEVERITIES: tuple[Severity, ...] = ("reject", "set_aside", "warn")

READING = "reading"
"""How what the reader of a file notes is named among the results of the rules, with a number behind it."""

OF_READING = re.compile(rf"{READING}\.[0-9]+")
"""Such a name. A column may be called so, too: its rules are named by words."""

LOGICAL_TYPE_OPTIONS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern", "enum"}
)


UNIQUE_VALUES = "expect_column_values_to_be_unique"


class RuleError(Exception):
    """A field cannot be made into a rule. `location` is relative to the table or column that holds it."""

    def __init__(self, location: Sequence[str | int], message: str) -> None:
        self.location = tuple(location)
        super().__init__(message)


@dataclass(frozen=True)
class Rule:
    """One promise of a contract.

    `expectation` and `kwargs` are the Great Expectations check. `bad_rows` is a SQL expression over the table, true for
    an offending row and false, never NULL, for the others; it may hold a window function, so it belongs into a select
    list. It is None where the promise is not about single rows. `threshold` says what the rule allows. `query` is the
    select that shows what is wrong, where that is not the list of `bad_rows`.
    """

    rule_id: str
    column: str | None
    severity: Severity
    expectation: str
    kwargs: Mapping[str, Any]
    bad_rows: str | None
    dimension: str
    description: str
    threshold: str = "0 rows"
    query: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the rule is about; empty for the table as a whole."""
        return (self.column,) if self.column else tuple(self.kwargs.get("column_list", ()))

    @property
    def offending_rows(self) -> str | None:
        """The select, over `{batch}`, of the rows that break the rule; of the number that it judges where it is about no row."""
        if self.bad_rows is None:
            return self.query
        return f"select * from {{batch}} {'qualify' if ' over (' in self.bad_rows else 'where'} {self.bad_rows}"


def severity_of(value: object, location: Sequence[str | int]) -> Severity:
    """A severity as a contract writes it; absent means reject."""
    if value is None:
        return "reject"
    if value not in SEVERITIES:
        raise RuleError(location, f"severity {value!r} is unknown. Use one of {', '.join(SEVERITIES)}.")
    return value


def required_rule(column: str, severity: Severity) -> Rule:
    """Every row has a value."""
    return Rule(
        f"{column}.required",
        column,
        severity,
        "expect_column_values_to_not_be_null",
        {"column": column},
        f"{identifier(column)} is null",
        "completeness",
        f"{column} is given in every row",
    )


def unique_rule(rule_id: str, columns: Sequence[str], severity: Severity) -> Rule:
    """No two rows have the same values in these columns; rows where one of them is missing are not compared."""
    names = [identifier(column) for column in columns]
    given = " and ".join(f"{name} is not null" for name in names)
    is_one = len(columns) == 1
    return Rule(
        rule_id,
        columns[0] if is_one else None,
        severity,
        UNIQUE_VALUES if is_one else "expect_compound_columns_to_be_unique",
        {"column": columns[0]} if is_one else {"column_list": list(columns)},
        f"{given} and count(*) over (partition by {', '.join(names)}) > 1",
        "uniqueness",
        f"no two rows have the same {' and '.join(columns)}",
    )


def option_rules(column: Column, options: Mapping[str, Any], codebook: Codebook | None, severity: Severity) -> list[Rule]:
    """The rules in `logicalTypeOptions`, and membership of the codebook where the column has one.

    A range and a codebook make one rule: a value is in range or listed.
    """
    unknown = sorted(set(options) - LOGICAL_TYPE_OPTIONS)
    if unknown:
        raise RuleError(["logicalTypeOptions", unknown[0]], f"unknown; known are {', '.join(sorted(LOGICAL_TYPE_OPTIONS))}.")
    rules = []
    bounds = _bounds(column, options)
    if column.codebook_variable:
        rules.append(_listed_rule(column, _codes(column, codebook), bounds, severity))
    elif bounds:
        rules.append(_range_rule(column, bounds, severity))
    if "pattern" in options:
        rules.append(
            pattern_rule(f"{column.name}.pattern", column, options["pattern"], severity, ["logicalTypeOptions", "pattern"])
        )
    if "minLength" in options or "maxLength" in options:
        rules.append(_length_rule(column, options, severity))
    if "enum" in options:
        rules.append(enum_rule(f"{column.name}.enum", column, options["enum"], severity, ["logicalTypeOptions", "enum"]))
    return rules


def pattern_rule(rule_id: str, column: Column, pattern: object, severity: Severity, location: Sequence[str | int]) -> Rule:
    """A value holds the pattern somewhere, as in JSON Schema; `^` and `$` tie it to the ends."""
    if column.type != "VARCHAR" or not isinstance(pattern, str):
        raise RuleError(location, f"a pattern is text and goes with VARCHAR; {column.name} is {column.type}.")
    try:
        # as a literal: binding a parameter makes DuckDB import pandas
        duckdb.sql(f"select regexp_matches('', {literal(pattern)})").fetchall()
    except duckdb.Error as error:
        raise RuleError(location, f"not a regular expression that DuckDB reads: {str(error).splitlines()[0]}") from error
    name = identifier(column.name)
    return Rule(
        rule_id,
        column.name,
        severity,
        "expect_column_values_to_match_regex",
        # DuckDB's ~ matches the whole value up to 1.5 and a part of it from 2.0: tied to both ends it means the same in both.
        {"column": column.name, "regex": f"^(?s:.*)(?:{pattern})(?s:.*)$"},
        f"{name} is not null and not regexp_matches({name}, {literal(pattern)})",
        "conformity",
        f"{column.name} matches the pattern {pattern}",
    )


def enum_rule(rule_id: str, column: Column, values: object, severity: Severity, location: Sequence[str | int]) -> Rule:
    """A value is one of the listed ones."""
    if not isinstance(values, list) or not values:
        raise RuleError(location, "must be a list with at least one value.")
    fitting = {"VARCHAR": str, "BOOLEAN": bool}.get(column.type, (int, float) if column.type == "DOUBLE" else int)
    for value in values:
        if not isinstance(value, fitting) or (isinstance(value, bool) and column.type != "BOOLEAN"):
            raise RuleError(location, f"{value!r} is no {column.type}. YAML reads yes, no and dates unquoted as other types.")
    return _member_rule(rule_id, column, values, severity, f"{column.name} is one of {', '.join(map(str, values))}")


def _member_rule(rule_id: str, column: Column, values: Sequence[object], severity: Severity, description: str) -> Rule:
    name = identifier(column.name)
    return Rule(
        rule_id,
        column.name,
        severity,
        "expect_column_values_to_be_in_set",
        {"column": column.name, "value_set": list(values)},
        f"{name} is not null and {name} not in ({', '.join(map(literal, values))})",
        "conformity",
        description,
    )


def _listed_rule(column: Column, codes: Sequence[object], bounds: Mapping[str, Any], severity: Severity) -> Rule:
    rule_id = f"{column.name}.codebook"
    listed = ", ".join(map(str, codes[:12])) + (" ..." if len(codes) > 12 else "")
    if not bounds:
        return _member_rule(rule_id, column, codes, severity, f"{column.name} is listed in the codebook ({listed})")
    in_range = _range_rule(column, bounds, severity)
    name = identifier(column.name)
    return Rule(
        rule_id,
        column.name,
        severity,
        in_range.expectation,
        {
            **in_range.kwargs,
            "row_condition": {
                "type": "comparison",
                "column": {"name": column.name},
                "operator": "NOT_IN",
                "parameter": list(codes),
            },
        },
        f"{in_range.bad_rows} and {name} not in ({', '.join(map(literal, codes))})",
        "conformity",
        f"{in_range.description} or is listed in the codebook ({listed})",
    )


def _range_rule(column: Column, bounds: Mapping[str, Any], severity: Severity) -> Rule:
    name = identifier(column.name)
    lower, upper = bounds.get("min_value"), bounds.get("max_value")
    outside, words = [], []
    if lower is not None:
        outside.append(f"{name} {'<=' if bounds['strict_min'] else '<'} {literal(lower)}")
        words.append(f"{'above' if bounds['strict_min'] else 'at least'} {lower}")
    if upper is not None:
        outside.append(f"{name} {'>=' if bounds['strict_max'] else '>'} {literal(upper)}")
        words.append(f"{'below' if bounds['strict_max'] else 'at most'} {upper}")
    return Rule(
        f"{column.name}.range",
        column.name,
        severity,
        "expect_column_values_to_be_between",
        {"column": column.name, **bounds},
        f"{name} is not null and ({' or '.join(outside)})",
        "conformity",
        f"{column.name} is {' and '.join(words)}",
    )


def _bounds(column: Column, options: Mapping[str, Any]) -> dict[str, Any]:
    given = [name for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") if name in options]
    if not given:
        return {}
    for name in given:
        is_number = isinstance(options[name], (int, float)) and not isinstance(options[name], bool)
        if is_number and not math.isfinite(options[name]):
            raise RuleError(["logicalTypeOptions", name], f"must be a finite number; found {options[name]}.")
        if column.type not in NUMERIC_TYPES or not is_number:
            raise RuleError(
                ["logicalTypeOptions", name], f"must be a number on a numeric column; {column.name} is {column.type}."
            )
    for inclusive, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if inclusive in options and exclusive in options:
            raise RuleError(["logicalTypeOptions", exclusive], f"give either {inclusive} or {exclusive}.")
    lower = options.get("minimum", options.get("exclusiveMinimum"))
    upper = options.get("maximum", options.get("exclusiveMaximum"))
    if lower is not None and upper is not None and lower > upper:
        raise RuleError(["logicalTypeOptions", given[0]], f"the range {lower} to {upper} holds nothing.")
    bounds = {"min_value": lower, "max_value": upper}
    strict = {"strict_min": "exclusiveMinimum" in options, "strict_max": "exclusiveMaximum" in options}
    return {**{name: value for name, value in bounds.items() if value is not None}, **strict}


def _length_rule(column: Column, options: Mapping[str, Any], severity: Severity) -> Rule:
    shortest, longest = options.get("minLength"), options.get("maxLength")
    for option, value in (("minLength", shortest), ("maxLength", longest)):
        if value is not None and (column.type != "VARCHAR" or type(value) is not int or value < 0):
            raise RuleError(
                ["logicalTypeOptions", option], f"must be a whole number on a VARCHAR column; {column.name} is {column.type}."
            )
    length = f"length({identifier(column.name)})"
    outside = ([f"{length} < {shortest}"] if shortest is not None else []) + (
        [f"{length} > {longest}"] if longest is not None else []
    )
    words = ([f"at least {shortest}"] if shortest is not None else []) + ([f"at most {longest}"] if longest is not None else [])
    return Rule(
        f"{column.name}.length",
        column.name,
        severity,
        "expect_column_value_lengths_to_be_between",
        {"column": column.name, "min_value": shortest, "max_value": longest},
        f"{identifier(column.name)} is not null and ({' or '.join(outside)})",
        "conformity",
        f"{column.name} has {' and '.join(words)} characters",
    )


def _codes(column: Column, codebook: Codebook | None) -> list[object]:
    """The listed values in the type of the column. A value must stand as SQL would print it, because SQL joins on its text."""
    received = codebook.received(str(column.codebook_variable)) if codebook else []
    if not received:
        raise RuleError(["customProperties"], f"{column.name} has codebook: true, but the codebook lists no value of it.")
    if column.type == "VARCHAR":
        return list(received)
    number: type = int if column.type in WHOLE_NUMBER_TYPES else float
    if column.type not in NUMERIC_TYPES:
        raise RuleError(["physicalType"], f"a codebook goes with text and numbers; {column.name} is {column.type}.")
    for text in received:
        try:
            is_printed_so = str(number(text)) == text
        except ValueError:
            is_printed_so = False
        if not is_printed_so:
            raise RuleError(["customProperties"], f"the codebook lists {text!r}, which {column.type} would never print.")
    return [number(text) for text in received]
