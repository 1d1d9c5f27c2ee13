"""What may be said of values that a codebook does not list: a code can be named, a respondent's value cannot."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from pipelines.contracts.columns import Column
from pipelines.contracts.rules import Rule
from pipelines.machine.quoting import identifier, literal
from pipelines.machine.settings import Settings

CODE = re.compile(r"-?[0-9]{1,4}")
"""What counts as a code: a whole number of up to four digits."""

MISSING_CODE = re.compile(r"-?([0-9])\1*")
"""In a column of measurements only a number like 77 or 9999 can be taken for a code; another would be somebody's value."""

MAX_NAMED = 10
N_NEAREST = 2


def describe_unlisted(parquet: Path, rule: Rule, column: Column, settings: Settings | None = None) -> str:
    """The unlisted values of a failed rule: codes with their counts and the nearest known codes, the rest by length and count."""
    values = (
        f"select cast({identifier(column.name)} as varchar) as value, count(*) as n "
        f"from read_parquet({literal(str(parquet))}) where {rule.bad_rows} group by 1"
    )
    is_code = f"regexp_matches(value, {literal(f'^({CODE.pattern})$')})"
    spill = {"temp_directory": str(settings.warehouse_folder / "spill")} if settings else {}
    limit = {"memory_limit": settings.delivery_memory_limit} if settings else {}
    with duckdb.connect(":memory:", config={**spill, **limit}) as connection:
        codes = connection.sql(f"select value, n from ({values}) where {is_code} order by n desc, value").fetchall()
        other = connection.sql(
            f"select count(*), sum(n), min(length(value)), max(length(value)) from ({values}) where not {is_code}"
        ).fetchall()[0]
    has_range = "row_condition" in rule.kwargs
    known = rule.kwargs["row_condition"]["parameter"] if has_range else rule.kwargs["value_set"]
    nameable = [(text, n) for text, n in codes if not has_range or MISSING_CODE.fullmatch(text)]
    named = nameable[:MAX_NAMED]
    hidden = [(1, n, len(text), len(text)) for text, n in codes if (text, n) not in named] + ([other] if other[0] else [])
    parts = [f"{text} ({_rows(n)}{_nearest(int(text), known)})" for text, n in named]
    if hidden:
        parts.append(_hidden(hidden, column, "other " if parts else ""))
    return f"unlisted: {', '.join(parts)}"


def _hidden(groups: Sequence[tuple[int, int, int, int]], column: Column, other: str) -> str:
    """Groups of values (how many, in how many rows, shortest, longest) by type, length and count."""
    n_values, n_rows = sum(group[0] for group in groups), sum(group[1] for group in groups)
    shortest, longest = min(group[2] for group in groups), max(group[3] for group in groups)
    span = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    noun = "value" if n_values == 1 else "values"
    return f"{n_values:,} {other}{noun} of type {column.type}, {span} characters long ({_rows(n_rows)}; not shown)"


def _rows(n: int) -> str:
    return f"{n:,} row" if n == 1 else f"{n:,} rows"


def _nearest(code: int, known: Iterable[object]) -> str:
    """The nearest code on each side, and otherwise the next one."""
    numbers = sorted({int(str(value)) for value in known if CODE.fullmatch(str(value))}, key=lambda number: abs(number - code))
    below, above = [number for number in numbers if number < code], [number for number in numbers if number > code]
    nearest = sorted(list(dict.fromkeys([*below[:1], *above[:1], *numbers]))[:N_NEAREST])
    return f"; nearest known codes {' and '.join(map(str, nearest))}" if nearest else ""
