"""Columns of a delivered file that a draft does not describe: those a person leaves out, and those no contract can hold."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

import polars as pl

from pipelines.landing.readers.delivered import DELIVERED_TWICE
from pipelines.machine.errors import ConfigurationError
from pipelines.raw.conform import PRINTABLE_NAME


def chosen(names: Sequence[str], only: Collection[str], left_out: Collection[str]) -> list[str]:
    """The columns that a person leaves out, in the order of the file: those named, or all but those to describe.

    A name that is delivered twice means both.
    Raises ConfigurationError where a name is none of the file's, or nothing is left.
    """
    problems = [_unknown(name, names) for name in [*only, *left_out] if name not in names]
    found = [name for name in names if _is_named(name, left_out) or (only and not _is_named(name, only))]
    if not problems and names and len(found) == len(names):
        problems = ["all columns are left out: keep at least one"]
    if problems:
        raise ConfigurationError("no contract can be drafted:\n- " + "\n- ".join(problems))
    return found


def _is_named(name: str, told: Collection[str]) -> bool:
    twice = DELIVERED_TWICE.fullmatch(name)
    return name in told or (twice is not None and twice["name"] in told)


def _unknown(name: str, names: Sequence[str]) -> str:
    alike = [other for other in get_close_matches(name, names, n=1) if PRINTABLE_NAME.fullmatch(other)]
    return f"the file has no column {name!r}{f'; is it {alike[0]!r}' if alike else ''}. Names are matched exactly"


def why_undescribed(values: pl.Series) -> str:
    """What a column holds that no physical type takes, in words that follow `delivered`."""
    if values.dtype.is_float() and (broken := int((~values.is_finite()).sum())):
        return f"with NaN or infinity in {broken:,} of {len(values):,} rows"
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_unit == "ns":
        return "with times finer than a microsecond"
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone:
        return "as instants of a time zone"
    return f"as {values.dtype.base_type()}"


def undescribed_lines(positions: Mapping[str, int], reasons: Mapping[str, str], n_columns: int) -> Iterator[str]:
    """One line for each column that no contract can hold, with its name where it can be shown."""
    for name, reason in reasons.items():
        named = f" (named {name})" if PRINTABLE_NAME.fullmatch(name) else ""
        yield f"column {positions[name]} of {n_columns} is delivered {reason}{named}, which no contract can promise"
