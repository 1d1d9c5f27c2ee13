"""Numbers of report tables as people read them: in tables, in figures and in the terminal."""

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]

NOTHING = "–"
"""Stands for a number that is not shown."""


def count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.1f}"


def ratio(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def p_value(value: float | None) -> str:
    """A p-value with three digits; a smaller one is `<0.001`."""
    if value is None:
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def percent_with_interval(row: Row, name: str = "prevalence") -> str:
    """A share in per cent, as `30.3 (28.5 to 32.2)`."""
    if row[name] is None:
        return NOTHING
    return f"{percent(row[name])} ({percent(row[f'{name}_lower'])} to {percent(row[f'{name}_upper'])})"


def ratio_with_interval(row: Row, name: str = "odds_ratio") -> str:
    """A ratio, as `1.32 (1.10 to 1.58)`; an interval without an upper end goes to infinity."""
    estimate, lower, upper = (row[key] for key in (name, f"{name}_lower", f"{name}_upper"))
    if estimate is None:
        return NOTHING
    if lower is None and upper is None:
        return ratio(estimate)
    return f"{ratio(estimate)} ({'0' if lower is None else ratio(lower)} to {'∞' if upper is None else ratio(upper)})"


def cases_of_all(row: Row, group: str) -> str:
    """Cases among all people of a group (`exposed` or `unexposed`), as `263/507`."""
    cases, others = row[f"{group}_cases"], row[f"{group}_noncases"]
    return NOTHING if cases is None or others is None else f"{cases:,}/{cases + others:,}"


SYNTHETIC = "synthetic: describes no real person"
