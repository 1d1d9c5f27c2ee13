"""Judging the rows of a table: every rule of its contract, by Great Expectations, pushed down into DuckDB over the Parquet file.

A result never holds a value of the data. What a verdict leads to is decided elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from pipelines.contracts.duckdb_datasource import validate
from pipelines.contracts.model import Contract
from pipelines.contracts.rules import Rule, Severity
from pipelines.contracts.unlisted import describe_unlisted
from pipelines.machine.errors import DeliveryRejected
from pipelines.machine.settings import Settings

Status = Literal["passed", "failed", "error", "not_applicable"]

PROPORTION_OF_NON_NULL = "expect_column_proportion_of_non_null_values_to_be_between"


@dataclass(frozen=True)
class RuleResult:
    """The verdict on one rule.

    `n_checked` (denominator) and `n_failed` (numerator) count values for a rule about a column, rows for a rule about rows;
    both are 0 for a rule about the table as a whole (a number of rows, an average). Where a share of rows may fail,
    `threshold` says so, and a rule that passed may have failures. `error` means that the rule could not be judged. `query`
    lists the offending rows of `{batch}`; None where no query does.
    """

    rule_id: str
    column: str | None
    severity: Severity
    status: Status
    n_checked: int
    n_failed: int
    description: str
    detail: str
    threshold: str
    dimension: str
    query: str | None


Outcomes = Mapping[str, Mapping[str, Any] | str]
"""Rule id -> what Great Expectations returns of it, or why it could not be judged."""


def nobody(rules: Sequence[Rule]) -> Outcomes:
    """No rule is judged elsewhere."""
    return {}


def judge(
    parquet: Path,
    contract: Contract,
    wave: str,
    settings: Settings | None = None,
    elsewhere: Callable[[Sequence[Rule]], Outcomes] = nobody,
) -> list[RuleResult]:
    """Judge every rule of the contract on one object, in the contract's order, in as much memory as the settings leave.

    What `elsewhere` returns no outcome of is judged by Great Expectations. A rule about a column that the wave did not ask is
    `not_applicable`. Raises SchemaProblems where the file has not the contract's columns and types, which `conform` gives it.
    """
    with pq.ParquetFile(parquet) as file:
        n_rows = file.metadata.num_rows
        if not file.schema_arrow.equals(contract.arrow_schema()):
            raise SchemaProblems(
                [f"{contract.name}: {parquet.name} has other columns or types than the contract. Write it from `conform`."]
            )
    applicable = [rule for rule in contract.rules if not _why_not_applicable(rule, contract, wave, n_rows)]
    outcomes = dict(elsewhere(applicable)) if applicable else {}
    here = {rule.rule_id: (rule.expectation, rule.kwargs) for rule in applicable if rule.rule_id not in outcomes}
    outcomes |= validate(parquet, here, settings) if here else {}
    results = []
    for rule in contract.rules:
        reason = _why_not_applicable(rule, contract, wave, n_rows)
        outcome = reason or outcomes.get(rule.rule_id, "Great Expectations returned no result")
        if isinstance(outcome, str):
            results.append(_result(rule, "not_applicable" if reason else "error", 0, 0, outcome))
        else:
            results.append(_verdict(rule, outcome, n_rows, Judged(parquet, contract, settings)))
    return results


def _why_not_applicable(rule: Rule, contract: Contract, wave: str, n_rows: int) -> str | None:
    if any(not contract.column(name).is_asked_in(wave) for name in rule.columns):
        return f"not asked in wave {wave}"
    if rule.expectation == PROPORTION_OF_NON_NULL and n_rows == 0:
        return "the table has no rows"
    return None


@dataclass(frozen=True)
class Judged:
    """The object that is judged, by which contract, on a machine of which settings."""

    parquet: Path
    contract: Contract
    settings: Settings | None


def _verdict(rule: Rule, outcome: Mapping[str, Any], n_rows: int, judged: Judged) -> RuleResult:
    n_checked, n_failed = _counts(rule, outcome, n_rows)
    if outcome["success"]:
        return _result(rule, "passed", n_checked, n_failed, "")
    return _result(rule, "failed", n_checked, n_failed, _detail(rule, outcome, n_checked, n_failed, judged))


def _counts(rule: Rule, outcome: Mapping[str, Any], n_rows: int) -> tuple[int, int]:
    """How many were checked and how many failed; (0, 0) where the check counts nothing."""
    if "element_count" in outcome:
        n_values = (outcome["element_count"] or 0) - (outcome.get("missing_count") or 0)
        return n_values, outcome.get("unexpected_count") or 0
    if rule.expectation == PROPORTION_OF_NON_NULL:
        n_missing = round((1 - outcome["observed_value"]) * n_rows)
        return n_rows, n_missing
    if rule.expectation == "unexpected_rows_expectation":
        return n_rows, outcome["observed_value"]
    return 0, 0


def _detail(rule: Rule, outcome: Mapping[str, Any], n_checked: int, n_failed: int, judged: Judged) -> str:
    if rule.expectation == "expect_table_row_count_to_be_between":
        return f"found {outcome['observed_value']:,} rows"
    if rule.expectation == "expect_column_values_to_not_be_null":
        return f"missing in {n_failed:,} of {n_checked:,} rows"
    if rule.expectation == "expect_column_values_to_be_in_set" or "row_condition" in rule.kwargs:
        return describe_unlisted(judged.parquet, rule, judged.contract.column(str(rule.column)), judged.settings)
    if n_checked:
        return f"{n_failed:,} of {n_checked:,} {'values' if rule.column and 'element_count' in outcome else 'rows'}"
    return "not met by the table as a whole"


def _result(rule: Rule, status: Status, n_checked: int, n_failed: int, detail: str) -> RuleResult:
    return RuleResult(
        rule_id=rule.rule_id,
        column=rule.column,
        severity=rule.severity,
        status=status,
        n_checked=n_checked,
        n_failed=n_failed,
        description=rule.description,
        detail=detail,
        threshold=rule.threshold,
        dimension=rule.dimension,
        query=None if status == "not_applicable" else rule.offending_rows,
    )


def not_applicable(contract: Contract, reason: str) -> list[RuleResult]:
    """Every rule of the contract where there is nothing to judge."""
    return [_result(rule, "not_applicable", 0, 0, reason) for rule in contract.rules]


def rows_aside_sql(contract: Contract, relation: str, wave: str | None = None) -> str | None:
    """The select that lists the rows to set aside: `row_number` (from 1, in the order of the relation) and `failed_rules`.

    `relation` stands in its `from`. Rules about columns that `wave` did not ask are left out. None where no rule sets
    rows aside.
    """
    rules = [
        rule
        for rule in contract.rules
        if rule.severity == "set_aside"
        and rule.bad_rows
        and all(contract.column(name).is_asked_in(wave) for name in rule.columns)
    ]
    if not rules:
        return None
    failed = ",\n    ".join(
        f"case when {rule.bad_rows} then '{rule.rule_id.replace(chr(39), chr(39) * 2)}' end" for rule in rules
    )
    # The rows are numbered before any window function of a rule may change their order.
    return (
        "select row_number, failed_rules\nfrom (\n"
        f"  select __row_number as row_number, list_filter([\n    {failed}\n  ], lambda rule: rule is not null) as failed_rules\n"
        f"  from (select row_number() over () as __row_number, * from {relation})\n"
        ")\nwhere len(failed_rules) > 0\norder by row_number"
    )


class SchemaProblems(DeliveryRejected):
    """A table has not the columns and types of its contract. `problems` has one line for each thing that is wrong."""
