"""The values of a column that its file declares missing (SPSS), or that are nothing else (extended missings of Stata and SAS)."""

from collections.abc import Sequence

import polars as pl

from pipelines.contracts.unlisted import CODE
from pipelines.landing.readers.delivered import HIGHEST, LOWEST

Ranges = Sequence[Sequence[str]]
"""(lowest, highest) received value of each range, equal for a single value."""

KINDS = "refused, dont_know, not_asked or missing"


def declared_values(given: pl.Series, ranges: Ranges) -> list[str]:
    """The single values that are declared, and those of the column in a declared range that are short whole numbers.

    Values are text as SQL prints them in the type of the column.
    """
    singles = [_as_printed(low, given.dtype) for low, high in ranges if low == high]
    found = [text for text in singles if text is not None]
    if not given.dtype.is_numeric():
        return list(dict.fromkeys(found))
    for low, high in ranges:
        if low != high:
            inside = given.filter(_within(given, low, high)).unique().sort()
            found += [text for text in map(str, inside) if CODE.fullmatch(text.removesuffix(".0"))]
    return list(dict.fromkeys(found))


def in_words(ranges: Ranges) -> str:
    """The declaration as SPSS writes it."""
    return ", ".join(low if low == high else f"{low} thru {high}" for low, high in ranges)


def meaning_of(label: str | None, name: str) -> str:
    """What a codebook says of a declared value until a person has decided its kind."""
    return f"{label} (TODO the file declares it missing: {KINDS}?)" if label else f"TODO {name} is declared missing: {KINDS}?"


def _within(given: pl.Series, low: str, high: str) -> pl.Series:
    least = float("-inf") if low == LOWEST else float(low)
    most = float("inf") if high == HIGHEST else float(high)
    return given.is_between(least, most)


def _as_printed(text: str, dtype: pl.DataType) -> str | None:
    """A received value in the column's type; None where the type cannot hold it."""
    if not dtype.is_numeric():
        return text
    try:
        number = float(text)
    except ValueError:
        return None
    if dtype.is_integer():
        return str(int(number)) if number.is_integer() else None
    return str(number)
