"""The rules of a contract as SQL on a server of Spark Connect, with the counts that Great Expectations gives on one machine.

What is no such rule is left out: an author's own expectation, a pattern, SQL that means another thing there. It is judged here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.contracts.expectations import PROPORTION_OF_NON_NULL
from pipelines.contracts.rules import Rule
from pipelines.machine.quoting import identifier, literal
from pipelines.making.portable import traps
from pipelines.making.spark import Server

ROW_COUNT = "expect_table_row_count_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
OWN_SQL = "unexpected_rows_expectation"
OF_VALUES = frozenset(
    {
        "expect_column_value_lengths_to_be_between",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        NOT_NULL,
    }
)
UNIQUE = frozenset({"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"})


@dataclass(frozen=True)
class Counts:
    """What is counted for one rule: SQL aggregates over the rows of how many it judges and how many break it."""

    checked: str
    failed: str


def outcomes(server: Server, table: str, rules: Sequence[Rule]) -> dict[str, Mapping[str, Any] | str]:
    """Rule id -> what Great Expectations would return of it, for the rules that can be judged by SQL on a server.

    `table` is bound as `schema.table`.
    """
    counted = {rule.rule_id: counts for rule in rules if (counts := _counts(rule)) is not None}
    aggregates = ["count(*)", *(part for counts in counted.values() for part in (counts.checked, counts.failed))]
    selected = ", ".join(f"{aggregate} as n{number}" for number, aggregate in enumerate(aggregates))
    n_rows, *numbers = server.numbers(f"select {selected} from {table}")
    found = dict(zip(counted, zip(numbers[::2], numbers[1::2], strict=True), strict=True))
    return dict(_outcomes(server, table, rules, n_rows, found))


def _outcomes(
    server: Server, table: str, rules: Sequence[Rule], n_rows: int, found: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for rule in rules:
        if rule.rule_id in found:
            n_checked, n_failed = found[rule.rule_id]
            if rule.expectation == PROPORTION_OF_NON_NULL:
                yield rule.rule_id, _share(rule, n_checked, n_failed)
            else:
                yield rule.rule_id, {"success": n_failed == 0, "element_count": n_checked, "unexpected_count": n_failed}
        elif rule.expectation in UNIQUE:
            n_checked, n_failed = server.numbers(_repeated(rule, table))
            yield rule.rule_id, {"success": n_failed == 0, "element_count": n_checked, "unexpected_count": n_failed}
        elif rule.expectation == ROW_COUNT:
            lowest, highest = rule.kwargs["min_value"] or 0, rule.kwargs["max_value"]
            is_met = lowest <= n_rows and (highest is None or n_rows <= highest)
            yield rule.rule_id, {"success": is_met, "observed_value": n_rows}
        elif rule.expectation == OWN_SQL and rule.query and not traps(own := rule.query.replace("{batch}", table)):
            [n_failed] = server.numbers(f"select count(*) as n from (\n{own}\n)")
            yield rule.rule_id, {"success": n_failed == 0, "observed_value": n_failed}


def _counts(rule: Rule) -> Counts | None:
    if rule.expectation == PROPORTION_OF_NON_NULL:
        return Counts("count(*)", _number_of(f"{identifier(str(rule.column))} is null"))
    if rule.expectation not in OF_VALUES or rule.bad_rows is None:
        return None
    name = identifier(str(rule.column))
    if rule.expectation == NOT_NULL:
        return Counts("count(*)", _number_of(rule.bad_rows))
    if condition := rule.kwargs.get("row_condition"):  # a range and a codebook: judged is what the codebook does not list
        listed = ", ".join(map(literal, condition["parameter"]))
        return Counts(_number_of(f"{name} not in ({listed})"), _number_of(rule.bad_rows))
    return Counts(f"count({name})", _number_of(rule.bad_rows))


def _number_of(condition: str) -> str:
    return f"coalesce(sum(case when {condition} then 1 else 0 end), 0)"


def _repeated(rule: Rule, table: str) -> str:
    names = [identifier(column) for column in rule.columns]
    given = " and ".join(f"{name} is not null" for name in names)
    compared = given if len(names) == 1 else " or ".join(f"{name} is not null" for name in names)
    return (
        f"select coalesce(sum(case when {compared} then n else 0 end), 0) as n_checked, "
        f"coalesce(sum(case when n > 1 and {given} then n else 0 end), 0) as n_failed "
        f"from (select {', '.join(names)}, count(*) as n from {table} group by {', '.join(names)})"
    )


def _share(rule: Rule, n_rows: int, n_missing: int) -> Mapping[str, Any]:
    share = (n_rows - n_missing) / n_rows
    lowest, is_strict = rule.kwargs["min_value"], rule.kwargs["strict_min"]
    return {"success": share > lowest if is_strict else share >= lowest, "observed_value": share}
