"""What a contract promises about values in two states: rules that became stricter or looser, and codes that mean something else.

A consumer reads published rows, which meet every rule that does not only warn. Columns and keys are compared in `compare`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.authoring.versions import Impact
from pipelines.contracts.codebook import Code
from pipelines.contracts.model import Contract
from pipelines.contracts.rules import Rule

PRIMARY_KEY = "table.primaryKey"
NOT_NULL = "expect_column_values_to_not_be_null"
COUNTED_ON = {
    NOT_NULL: "rows without a value may appear",
    "expect_column_values_to_be_unique": "a join on it may multiply rows",
    "expect_compound_columns_to_be_unique": "a join on them may multiply rows",
}
"""Promises that a query relies on without saying so: losing one breaks it."""

ROW_CONDITION = "row_condition"


@dataclass(frozen=True)
class Change:
    """One difference, in words, and what it means for consumers."""

    impact: Impact
    text: str


def changes_of_rules(before: Contract, after: Contract) -> Iterator[Change]:
    """What became stricter or looser for columns that both states have."""
    names = {column.name for column in before.columns} & {column.name for column in after.columns}
    old, new = _rules_about(before, names), _rules_about(after, names)
    for rule_id, rule in old.items():
        if rule_id in new:
            yield from _of_rule(rule, new[rule_id])
        else:
            yield _lost(rule, f"rule {rule_id}: removed")
    for rule_id, rule in new.items():
        if rule_id not in old:
            impact: Impact = "compatible" if _is_kept(rule) else "descriptive"
            yield Change(impact, f"rule {rule_id}: added ({rule.severity}): {rule.description}")


def _rules_about(contract: Contract, names: set[str]) -> dict[str, Rule]:
    """The rules about columns that both states have; the key is compared by its columns."""
    return {rule.rule_id: rule for rule in contract.rules if rule.rule_id != PRIMARY_KEY and set(rule.columns) <= names}


def _is_kept(rule: Rule) -> bool:
    """Whether published rows meet the rule; one that only warns promises nothing."""
    return rule.severity != "warn"


def _lost(rule: Rule, words: str) -> Change:
    if not _is_kept(rule):
        return Change("descriptive", words)
    if rule.expectation in COUNTED_ON:
        return Change("breaking", f"{words}; {COUNTED_ON[rule.expectation]}")
    return Change("compatible", f"{words}; what it kept out may appear")


def _of_rule(before: Rule, after: Rule) -> Iterator[Change]:
    at = f"rule {before.rule_id}"
    if before.severity != after.severity:
        words = f"{at}: severity {before.severity} -> {after.severity}"
        if _is_kept(before) and not _is_kept(after):
            yield _lost(before, words)
        else:
            yield Change("compatible", words)
    if before.expectation != after.expectation or _limits(before) != _limits(after) or _members(before) != _members(after):
        yield from _of_limits(at, before, after)
    elif _other_arguments(before) != _other_arguments(after):
        yield Change("compatible", f"{at}: asks something else; whether it keeps out less cannot be told: {after.description}")
    elif before.description != after.description and not before.rule_id.endswith(".codebook"):
        yield Change("descriptive", f"{at}: description reworded")


def _of_limits(at: str, before: Rule, after: Rule) -> Iterator[Change]:
    impact: Impact = "compatible" if _is_kept(before) or _is_kept(after) else "descriptive"
    gone, come = _members(before) - _members(after), _members(after) - _members(before)
    if gone:
        yield Change(impact, f"{at}: tightened, no longer {', '.join(sorted(gone))}")
    if come:
        yield Change(
            impact, f"{at}: loosened, now also {', '.join(sorted(come))}; a query that tells all values apart must know them"
        )
    if gone or come:
        return
    old, new = _limits(before), _limits(after)
    if old is None or new is None:
        word = "loosened" if new else "tightened"
    else:
        is_inside, is_around = old[0] <= new[0] and new[1] <= old[1], new[0] <= old[0] and old[1] <= new[1]
        word = "tightened" if is_inside else "loosened" if is_around else "moved"
    note = "" if word == "tightened" else "; what it kept out may appear"
    yield Change(impact, f"{at}: {word}: {before.description} -> {after.description}{note}")


def _limits(rule: Rule) -> tuple[tuple[float, int], tuple[float, int]] | None:
    """Lower and upper limit of what passes, so that limits compare as their intervals do; None for a rule without limits."""
    if not {"min_value", "max_value"} & set(rule.kwargs):
        return None
    lower, upper = rule.kwargs.get("min_value"), rule.kwargs.get("max_value")
    return (
        (float("-inf") if lower is None else lower, int(rule.kwargs.get("strict_min", False))),
        (float("inf") if upper is None else upper, -int(rule.kwargs.get("strict_max", False))),
    )


def _members(rule: Rule) -> set[str]:
    """The values of a list in the contract; codes are compared in the codebook, with their meaning."""
    return set() if rule.rule_id.endswith(".codebook") else {str(value) for value in rule.kwargs.get("value_set", ())}


def _other_arguments(rule: Rule) -> dict[str, Any]:
    compared = {"min_value", "max_value", "strict_min", "strict_max", "value_set", ROW_CONDITION}
    return {name: value for name, value in rule.kwargs.items() if name not in compared}


def changes_of_codes(before: Contract, after: Contract) -> Iterator[Change]:
    """Codes of variables that both states have; those of a new or removed column are part of it."""
    shared = _variables(before) & _variables(after)
    old, new = _codes(before, shared), _codes(after, shared)
    for place, code in old.items():
        at = f"code {code.received} of {code.variable}"
        if place not in new:
            note = "it reads as an ordinary number now" if _is_ordinary(after, code) else "a look-up of it finds nothing"
            yield Change("breaking", f"{at} ({code.meaning}): removed; {note}")
        else:
            yield from _of_code(at, code, new[place])
    for place, code in new.items():
        if place in old:
            continue
        at = f"code {code.received} of {code.variable} ({code.meaning}): added"
        if _is_ordinary(before, code):
            yield Change("breaking", f"{at}; it was an ordinary number before")
        else:
            yield Change("compatible", f"{at}; a query that tells all codes apart must know it")


def _of_code(at: str, before: Code, after: Code) -> Iterator[Change]:
    if before.code != after.code:
        yield Change("breaking", f"{at}: recoded {before.code or 'none'} -> {after.code or 'none'}")
    if before.kind_of_missing != after.kind_of_missing:
        kinds = f"{before.kind_of_missing or 'an answer'} -> {after.kind_of_missing or 'an answer'}"
        yield Change("breaking", f"{at}: kind of missing {kinds}")
    if before.meaning != after.meaning:
        impact: Impact = "descriptive" if _letters(before.meaning) == _letters(after.meaning) else "breaking"
        yield Change(impact, f"{at}: meaning {before.meaning!r} -> {after.meaning!r}")


def _letters(text: str) -> str:
    """What is left when case, spaces and punctuation do not count."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _variables(contract: Contract) -> set[str]:
    return {name for column in contract.columns for name in (column.name, column.codebook_variable) if name}


def _codes(contract: Contract, variables: set[str]) -> dict[tuple[str, str], Code]:
    codes = contract.codebook.codes if contract.codebook else ()
    return {(code.variable, code.received): code for code in codes if code.variable in variables}


def _is_ordinary(contract: Contract, code: Code) -> bool:
    """Whether the contract's ranges let the value pass as a measurement."""
    columns = {column.name for column in contract.columns if code.variable in (column.codebook_variable, column.name)}
    for rule in contract.rules:
        limits = (
            _limits(rule)
            if rule.column in columns and rule.rule_id in (f"{rule.column}.range", f"{rule.column}.codebook")
            else None
        )
        if limits is None:
            continue
        try:
            value = float(code.received)
        except ValueError:
            return False
        if limits[0] <= (value, 0) <= limits[1]:
            return True
    return False
