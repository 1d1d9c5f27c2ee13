"""Selects that a study need not write, because its contracts say them already; a file of that name stands in their place."""

from collections.abc import Mapping

from pipelines.contracts.model import Contract
from pipelines.machine.quoting import identifier, literal
from pipelines.project.respondents import CELLS, REASON
from pipelines.project.selects import ANSWERS, Select

OF_THE_WAVE = ("source", "wave", "is_synthetic")
"""Columns of a core table that the source's file answers, and no respondent."""

REASONS = "unanswered_has_a_reason"


def with_vocabularies(contracts: Mapping[str, Contract], written: Mapping[str, Select]) -> dict[str, Select]:
    """What is the same for every source, of each core table: as it is written, or every answer as the sources return it.

    A reason (`<variable>_missing`) is kept only where its variable is unanswered. The rows are in the order of the key. Cells
    are counted and no answers.
    """
    core = {name: contract for name, contract in contracts.items() if contract.schema == "core" and name != CELLS}
    return {name: _vocabulary(contract) for name, contract in core.items()} | dict(written)


def with_reasons(contracts: Mapping[str, Contract], written: Mapping[str, tuple[Select, ...]]) -> dict[str, tuple[Select, ...]]:
    """The checks of each table, and of a core table with reasons that whatever is unanswered has one and nothing else has."""
    checks = dict(written)
    for contract in contracts.values():
        implied = _check_of_reasons(contract) if contract.schema == "core" else None
        ours = checks.get(contract.table, ())
        if implied and implied.name not in {check.name for check in ours}:
            checks[contract.table] = (*ours, implied)
    return checks


def _vocabulary(contract: Contract) -> Select:
    answered = contract.column_types()
    columns = [f"  {_column(name, answered)}" for name in answered]
    of_answers = [name for name in contract.key if name not in OF_THE_WAVE]
    order = [key for name in of_answers for key in _in_order(f"answers.{identifier(name)}", answered[name])]
    text = "\n".join(
        [
            "select",
            ",\n".join(columns),
            f"from {ANSWERS}{contract.table} as answers",
            "cross join meta.this_wave as this_wave",
            *([f"order by {', '.join(order)}"] if order else []),
        ]
    )
    return Select(f"sql/core/{contract.table}.sql", f"{text}\n", tuple(sorted((f"{ANSWERS}{contract.table}", "meta.this_wave"))))


def _column(name: str, answered: Mapping[str, str]) -> str:
    its = identifier(name)
    if name in OF_THE_WAVE:
        return f"this_wave.{name}"
    variable = name.removesuffix(REASON)
    if name.endswith(REASON) and variable in answered:
        return f"case when answers.{identifier(variable)} is null then answers.{its} end as {its}"
    return f"answers.{its}"


def _in_order(column: str, kind: str) -> list[str]:
    """Numbers that are text stand in the order of numbers."""
    return [f"length({column})", column] if kind == "VARCHAR" else [column]


def _check_of_reasons(contract: Contract) -> Select | None:
    there = contract.column_types()
    variables = [name for name in there if f"{name}{REASON}" in there]
    if not variables:
        return None
    conflicts = {name: f"({identifier(name)} is null) = ({identifier(name + REASON)} is null)" for name in variables}
    named = ", ".join(f"case when {conflict} then {literal(name)} end" for name, conflict in conflicts.items())
    key = "".join(f"{identifier(name)}, " for name in contract.key if name not in OF_THE_WAVE)
    text = (
        "-- one row per row of which an answer and its reason contradict each other\n"
        f"select {key}concat_ws(', ', {named}) as variables\n"
        f"from {contract.name}\n"
        f"where {' or '.join(conflicts.values())}\n"
    )
    return Select(f"sql/checks/{contract.table}__{REASONS}.sql", text, (contract.name,))
