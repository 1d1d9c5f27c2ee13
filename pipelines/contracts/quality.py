"""The explicit `quality` entries of a contract as rules. The fields that imply a rule are in `rules`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from open_data_contract_standard.model import DataQuality

from pipelines.contracts.columns import Column
from pipelines.contracts.rules import (
    Rule,
    RuleError,
    Severity,
    enum_rule,
    pattern_rule,
    required_rule,
    severity_of,
    unique_rule,
)
from pipelines.machine.quoting import identifier
from pipelines.machine.reaching import is_one_select, reaches_out

BATCH = "__batch"
"""What a rule calls the table that it is about."""

GREAT_EXPECTATIONS = "greatexpectations"
_SUBJECTS = ("column", "column_list", "column_set", "column_A", "column_B")
"""Arguments of an expectation that say what it is about, and not what it allows."""

_DESCRIPTIVE = {
    "id",
    "name",
    "description",
    "dimension",
    "severity",
    "type",
    "businessImpact",
    "tags",
    "authoritativeDefinitions",
}
_OPERATORS = ("mustBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo", "mustBeBetween")
_FIELDS = {
    "library": {"metric", "arguments", "unit", *_OPERATORS},
    "sql": {"query"},
    "custom": {"engine", "implementation"},
}


def quality_rule(entry: DataQuality, column: Column | None, columns: Mapping[str, Column]) -> Rule:
    """One `quality` entry of a column, or of the table where `column` is None.

    Raises RuleError, with the field, for a type, metric, operator or argument that has no rule here.
    """
    given = set(entry.model_dump(exclude_none=True))
    kind = entry.type or ("library" if entry.metric else None)
    if kind not in _FIELDS:
        raise RuleError(["type"], f"type {kind!r} has no rule. Use library, sql, or custom with engine greatExpectations.")
    unused = sorted(given - _FIELDS[kind] - _DESCRIPTIVE)
    if unused:
        raise RuleError([unused[0]], f"{unused[0]} means nothing in a quality entry of type {kind} here. Remove it.")
    severity = severity_of(entry.severity, ["severity"])
    subject = column.name if column else "table"
    if kind == "sql":
        rule = _sql_rule(entry, subject, column, severity)
    elif kind == "custom":
        rule = _custom_rule(entry, subject, column, severity)
    else:
        rule = _library_rule(entry, subject, column, columns, severity)
    if severity == "set_aside" and rule.bad_rows is None:
        raise RuleError(
            ["severity"], f"{rule.rule_id} is not a rule about single rows, so none can be set aside. Use reject or warn."
        )
    return replace(
        rule,
        rule_id=entry.id or entry.name or rule.rule_id,
        dimension=entry.dimension or rule.dimension,
        description=entry.description or rule.description,
    )


def _sql_rule(entry: DataQuality, subject: str, column: Column | None, severity: Severity) -> Rule:
    query = (entry.query or "").strip().rstrip(";")
    if "{batch}" not in query:
        raise RuleError(["query"], "must be a select that returns the offending rows of `{batch}`.")
    if not is_one_select(query.replace("{batch}", BATCH)):
        raise RuleError(["query"], "must be one select of DuckDB that returns the offending rows of `{batch}`.")
    own = "a rule reads {batch} and no other table or file"
    if reached := reaches_out(query.replace("{batch}", BATCH), {BATCH}, own, schemas=False):
        raise RuleError(["query"], f"{reached}.")
    # Great Expectations puts a subquery for the placeholder, with or without an alias, and fills braces by format().
    # A name of our own can be aliased and joined like any table, and the query's own braces are doubled.
    named = query.replace("{batch}", BATCH).replace("{", "{{").replace("}", "}}")
    return Rule(
        f"{subject}.sql",
        column.name if column else None,
        severity,
        "unexpected_rows_expectation",
        # The library fetches what the query returns: a number for each row, and no value.
        {"unexpected_rows_query": f"with {BATCH} as (select * from {{batch}}) select 1 as offending from (\n{named}\n)"},
        None,
        "consistency",
        f"no row of {subject} is returned by the query of its quality entry",
        query=query,
    )


def _custom_rule(entry: DataQuality, subject: str, column: Column | None, severity: Severity) -> Rule:
    if (entry.engine or "").lower().replace("_", "").replace("-", "") != GREAT_EXPECTATIONS:
        raise RuleError(["engine"], f"engine {entry.engine!r} is not run here. Use greatExpectations.")
    implementation = entry.implementation
    if (
        not isinstance(implementation, dict)
        or set(implementation) - {"type", "kwargs"}
        or not isinstance(implementation.get("type"), str)
    ):
        raise RuleError(["implementation"], "must hold `type` (the name of an expectation) and `kwargs`.")
    kwargs = implementation.get("kwargs") or {}
    if not isinstance(kwargs, dict):
        raise RuleError(["implementation", "kwargs"], "must be a mapping.")
    named = {"column": column.name, **kwargs} if column else kwargs
    expectation = implementation["type"]
    return Rule(
        f"{subject}.{expectation.removeprefix('expect_')}",
        column.name if column else None,
        severity,
        expectation,
        named,
        None,
        "conformity",
        f"{subject} meets {expectation}",
        ", ".join(f"{name} {value}" for name, value in kwargs.items() if name not in _SUBJECTS) or "as the check says",
    )


def _library_rule(
    entry: DataQuality, subject: str, column: Column | None, columns: Mapping[str, Column], severity: Severity
) -> Rule:
    arguments = entry.arguments or {}
    if entry.metric == "rowCount" and column is None:
        return _row_count_rule(entry, severity)
    if entry.metric == "duplicateValues":
        return _duplicates_rule(entry, subject, column, columns, severity)
    if entry.metric == "nullValues" and column is not None:
        return _nulls_rule(entry, column, severity)
    if entry.metric == "invalidValues" and column is not None:
        _must_be_zero(entry)
        if set(arguments) == {"validValues"}:
            return enum_rule(f"{subject}.invalidValues", column, arguments["validValues"], severity, ["arguments", "validValues"])
        if set(arguments) == {"pattern"}:
            return pattern_rule(f"{subject}.invalidValues", column, arguments["pattern"], severity, ["arguments", "pattern"])
        raise RuleError(["arguments"], "must hold either validValues or pattern.")
    place = f"column {column.name}" if column else "the table"
    raise RuleError(["metric"], f"metric {entry.metric!r} has no rule for {place}.")


def _row_count_rule(entry: DataQuality, severity: Severity) -> Rule:
    if entry.arguments or entry.unit not in (None, "rows"):
        raise RuleError(["unit" if entry.unit else "arguments"], "rowCount takes neither a unit other than rows nor arguments.")
    lower, upper = _whole_limits(entry)
    allowed = _in_words(lower, upper)
    return Rule(
        "table.rowCount",
        None,
        severity,
        "expect_table_row_count_to_be_between",
        {"min_value": lower, "max_value": upper},
        None,
        "completeness",
        f"the table has {allowed} rows",
        f"{allowed} rows",
        "select count(*) as n_rows from {batch}",
    )


def _in_words(lower: int | None, upper: int | None) -> str:
    if lower is None or upper is None:
        return f"at most {upper:,}" if lower is None else f"at least {lower:,}"
    return f"exactly {lower:,}" if lower == upper else f"between {lower:,} and {upper:,}"


def _whole_limits(entry: DataQuality) -> tuple[int | None, int | None]:
    """The operator of an entry as inclusive whole limits."""
    operator, value = _operator(entry)
    numbers = value if isinstance(value, list) else [value]
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise RuleError([operator], "must be a whole number of at least 0.")
    limits: dict[str, tuple[int | None, int | None]] = {
        "mustBe": (numbers[0], numbers[0]),
        "mustBeGreaterThan": (numbers[0] + 1, None),
        "mustBeGreaterOrEqualTo": (numbers[0], None),
        "mustBeLessThan": (None, numbers[0] - 1),
        "mustBeLessOrEqualTo": (None, numbers[0]),
        "mustBeBetween": (numbers[0], numbers[-1]),
    }
    return limits[operator]


def _duplicates_rule(
    entry: DataQuality, subject: str, column: Column | None, columns: Mapping[str, Column], severity: Severity
) -> Rule:
    _must_be_zero(entry)
    if column is not None:
        if entry.arguments:
            raise RuleError(["arguments"], "duplicateValues of a column takes no arguments.")
        return unique_rule(f"{subject}.duplicateValues", [column.name], severity)
    names = (entry.arguments or {}).get("properties")
    if set(entry.arguments or {}) != {"properties"} or not isinstance(names, list) or not names:
        raise RuleError(["arguments"], "must hold `properties`, the list of columns that are unique together.")
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise RuleError(["arguments", "properties"], f"the table has no column {unknown[0]!r}.")
    return unique_rule("table.duplicateValues", names, severity)


def _nulls_rule(entry: DataQuality, column: Column, severity: Severity) -> Rule:
    """No NULL at all, or at most (less than) a percentage of them."""
    operator, value = _operator(entry)
    if operator == "mustBe" and value == 0:
        return replace(required_rule(column.name, severity), rule_id=f"{column.name}.nullValues")
    if operator not in ("mustBeLessThan", "mustBeLessOrEqualTo") or entry.unit != "percent":
        raise RuleError([operator], "nullValues must be 0, or less than (or equal to) a number with unit: percent.")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
        raise RuleError([operator], "must be a number from 0 to 100.")
    is_strict = operator == "mustBeLessThan"
    allowed = f"{'less than' if is_strict else 'at most'} {value} %"
    return Rule(
        f"{column.name}.nullValues",
        column.name,
        severity,
        "expect_column_proportion_of_non_null_values_to_be_between",
        {"column": column.name, "min_value": round(1 - value / 100, 12), "strict_min": is_strict},
        None,
        "completeness",
        f"{column.name} is missing in {allowed} of the rows",
        f"{allowed} of the rows",
        f"select * from {{batch}} where {identifier(column.name)} is null",
    )


def _operator(entry: DataQuality) -> tuple[str, Any]:
    given = [(name, getattr(entry, name)) for name in _OPERATORS if getattr(entry, name) is not None]
    if len(given) != 1:
        raise RuleError(["metric"], f"must have one operator out of {', '.join(_OPERATORS)}; found {len(given)}.")
    return given[0]


def _must_be_zero(entry: DataQuality) -> None:
    operator, value = _operator(entry)
    if (operator, value) != ("mustBe", 0) or entry.unit not in (None, "rows"):
        raise RuleError([operator], f"{entry.metric} can only be `mustBe: 0`, counted in rows.")
