"""Levels of several columns as one whole number each row, by which DuckDB groups many times faster than by the columns.

A number is made of digits, one for each column, and the digit of a column is the position of its level among all that occur; the
last digit is that of an unknown level. Columns of too many levels are grouped by as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from pipelines.machine.quoting import identifier, literal
from pipelines.making.cells import WHOLE_NUMBERS

MOST_LEVELS = 64
"""Texts with more levels are not packed: a digit is found by comparing with one level after the other."""

WIDEST_RANGE = 2**16
"""Between the smallest and the largest whole number of a column that is packed."""

MOST_NUMBERS = 2**62
"""Of one code, which is a BIGINT."""


@dataclass(frozen=True)
class Digit:
    """A column as a digit: how many values it has, SQL of its value times its place, and SQL of the column again (`{digit}`).

    The SQL chooses among the products, which takes DuckDB half as long as to multiply.
    """

    radix: int
    at: Callable[[int], str]
    decoded: str

    def column(self, digit: str) -> str:
        """SQL of the column from SQL of its digit."""
        return self.decoded.format(digit=digit)


def flag(condition: str) -> Digit:
    """Whether a condition holds; unknown is no."""
    return Digit(2, lambda place: f"case when ({condition}\n) then {_bigint(place)} else {_bigint(0)} end", "({digit} = 1)")


def digits(connection: duckdb.DuckDBPyConnection, relation: str, types: Mapping[str, str]) -> dict[str, Digit]:
    """Column -> its digit, of those columns (column -> type) of a relation that have few levels."""
    texts = [name for name, kind in types.items() if kind == "VARCHAR"]
    numbers = [name for name, kind in types.items() if kind in WHOLE_NUMBERS]
    found = {name: _boolean(name) for name, kind in types.items() if kind == "BOOLEAN"}
    asked = [f"list(distinct {identifier(name)})" for name in texts]
    asked += [f"[min({identifier(name)}), max({identifier(name)})]" for name in numbers]
    if not asked:
        return found
    [answers] = connection.sql(f"select {', '.join(asked)} from {relation}").fetchall()
    for name, levels in zip(texts, answers, strict=False):
        known = sorted(level for level in levels or () if level is not None)
        if len(known) <= MOST_LEVELS:
            found[name] = _text(name, known)
    for name, (smallest, largest) in zip(numbers, answers[len(texts) :], strict=True):
        if smallest is None or largest - smallest < WIDEST_RANGE:
            found[name] = _whole_number(name, types[name], smallest or 0, largest or 0)
    return found


def _boolean(name: str) -> Digit:
    def at(place: int) -> str:
        return (
            f"case {identifier(name)} when true then {_bigint(place)} when false then {_bigint(0)} else {_bigint(2 * place)} end"
        )

    return Digit(3, at, "case {digit} when 0 then false when 1 then true end")


def _text(name: str, levels: Sequence[str]) -> Digit:
    if not levels:
        return Digit(1, lambda _: _bigint(0), "cast(null as varchar)")
    listed = ", ".join(literal(level) for level in levels)

    def at(place: int) -> str:
        # a function of one column is evaluated once for each entry of the Parquet's dictionary
        products = ", ".join(_bigint(position * place) for position in range(len(levels)))
        return f"coalesce(map([{listed}], [{products}])[{identifier(name)}], {_bigint(len(levels) * place)})"

    return Digit(len(levels) + 1, at, f"([{listed}])[{{digit}} + 1]")


def _whole_number(name: str, kind: str, smallest: int, largest: int) -> Digit:
    width = largest - smallest + 1
    return Digit(
        width + 1,
        lambda place: f"coalesce(cast({identifier(name)} as bigint) - {smallest}, {width}) * {place}",
        f"case when {{digit}} < {width} then cast({{digit}} + {smallest} as {kind.lower()}) end",
    )


def _bigint(value: int) -> str:
    return f"{value}::bigint"


@dataclass(frozen=True)
class Packed:
    """Columns in as few codes as hold them. `codes`: SQL of each; `digits`: name -> SQL of its digit from `code_1` and on."""

    codes: tuple[str, ...]
    digits: Mapping[str, str]


def packed(of: Mapping[str, Digit]) -> Packed:
    """All of the columns, in the order given."""
    codes: list[list[str]] = []
    found, size = {}, MOST_NUMBERS
    for name, digit in of.items():
        if size * digit.radix >= MOST_NUMBERS:
            codes.append([])
            size = 1
        codes[-1].append(digit.at(size))
        found[name] = f"(code_{len(codes)} // {size} % {digit.radix})"
        size *= digit.radix
    return Packed(tuple(" + ".join(terms) for terms in codes), found)
