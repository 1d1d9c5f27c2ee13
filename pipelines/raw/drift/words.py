"""Findings of drift in one line a table, for the terminal, Dagster and the page."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

MAX_NAMED = 6

SHORT = {
    "column_added": "added",
    "column_removed": "removed",
    "column_renamed": "looks renamed",
    "column_retyped": "retyped",
    "codes_appeared": "new codes",
    "codes_vanished": "codes gone",
    "distribution": "shifted",
    "missing_share": "missing share",
}


def in_words(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each table, wave and comparison in which something is beyond its threshold."""
    lines = []
    for (table, wave, compared_with), group in groupby(rows, lambda row: (row["table_name"], row["wave"], row["compared_with"])):
        findings = list(group)
        beyond = [row for row in findings if row["is_beyond"]]
        if beyond:
            lines.append(f"{table} {wave} against {compared_with}: {_what(findings, beyond)}, see meta.drift")
    return lines


def _what(findings: list[Mapping[str, Any]], beyond: list[Mapping[str, Any]]) -> str:
    compared = {row["column_name"] for row in findings if row["column_name"] and row["kind"] != "not_applicable"}
    kinds: dict[str, list[str]] = {}
    for row in beyond:
        if row["column_name"]:
            kinds.setdefault(row["column_name"], []).append(SHORT[row["kind"]])
    parts = [row["detail"] for row in beyond if not row["column_name"]]
    if kinds:
        named = [f"{column} {' and '.join(changes)}" for column, changes in list(kinds.items())[:MAX_NAMED]]
        others = [f"{len(kinds) - MAX_NAMED} more"] if len(kinds) > MAX_NAMED else []
        parts.append(f"{len(kinds)} of {len(compared)} columns beyond their thresholds ({', '.join(named + others)})")
    return "; ".join(parts)
