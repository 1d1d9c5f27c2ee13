"""The first gate of a delivery: exactly the contract's columns, in exactly its types, or a list of everything that is wrong.

Rows are judged afterwards, in `expectations`. Nothing is repaired in here: blank text becomes NULL, that is all.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import polars as pl
import pyarrow as pa

from pipelines.contracts.columns import ARROW_TYPES, Column
from pipelines.contracts.expectations import SchemaProblems
from pipelines.contracts.model import Contract
from pipelines.landing.readers.delivered import DELIVERED_TWICE
from pipelines.landing.readers.names import composed, difference
from pipelines.raw.casting import Misfit, cast_piece, together

BYTE_ORDER_MARK = "\ufeff"
OR_LEAVE_OUT = "Ask the provider for a corrected file, or name the column in `columnsLeftOut` of the contract"

PRINTABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")


@dataclass
class Found:
    """What is wrong with a delivered table, gathered piece by piece: each column's faults, and how many of all values misfit."""

    n_rows: int = 0
    of_columns: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    misfits: dict[str, list[Misfit]] = field(default_factory=dict)

    def note(self, column: str, delivered: pl.Series, misfits: Sequence[Misfit]) -> None:
        """Add what a piece of a column has."""
        self.types[column] = str(delivered.dtype.base_type())
        self.misfits[column] = together(self.misfits.get(column, []), misfits)

    def problems(self, contract: Contract) -> list[str]:
        """Everything that is wrong so far, a line each, in the order of the contract."""
        problems = list(self.of_columns)
        for column in contract.columns:
            if column.name in self.faults:
                problems.append(f"column {column.name}: delivered with {self.faults[column.name]}. {OR_LEAVE_OUT}.")
            wrong = [misfit for misfit in self.misfits.get(column.name, ()) if misfit.n_values]
            problems += [_misfitting(column, self.types[column.name], self.n_rows, misfit) for misfit in wrong]
        return problems


def conform(
    frame: pl.DataFrame,
    contract: Contract,
    wave: str,
    decimal: str = ".",
    faults: Mapping[str, str] | None = None,
    missing: Collection[str] = (),
    found: Found | None = None,
) -> pa.Table:
    """The delivered frame, or a piece of it, as the table that the contract promises.

    Returns exactly the contract's columns in its order, in its physical types; a column that the wave did not ask is
    NULL, and one that the contract leaves out is not looked at. `decimal` is the decimal mark of numbers that are delivered as
    text; `faults` says of a column why its reader could not take it in. Texts that read as one of the `missing` marks of the
    file are NULL in columns that are no text, those that read as a mark of the column in any. Names are matched exactly but for
    their Unicode form, after a byte order mark is taken off the first. Raises SchemaProblems with every missing, extra, repeated
    or unexpected column and every column with values of another type: what was expected, what was found and in how many rows,
    and what to do. Values are never shown. Of a piece, all of this goes into `found` instead: what misfits is NULL.
    """
    noted = found or Found()
    if frame.width and frame.columns[0].startswith(BYTE_ORDER_MARK):
        frame = frame.rename({frame.columns[0]: frame.columns[0].lstrip(BYTE_ORDER_MARK)})
    as_described = {composed(column.name): column.name for column in contract.columns}
    frame = frame.rename({name: as_described.get(composed(name), name) for name in _single(frame.columns)})
    noted.of_columns = list(_column_problems([name for name in frame.columns if not is_left_out(name, contract)], contract, wave))
    noted.n_rows += frame.height
    arrays = []
    for column in contract.columns:
        fault = (faults or {}).get(composed(column.name))
        if fault and column.is_asked_in(wave):
            noted.faults[column.name] = fault
        if not fault and column.name in frame.columns and column.is_asked_in(wave):
            delivered = frame[column.name]
            marks = {*column.missing, *(missing if column.type != "VARCHAR" else ())}
            values, misfits = cast_piece(_without(delivered, marks), column.type, decimal)
            arrays.append(values.to_arrow().cast(ARROW_TYPES[column.type]))
            noted.note(column.name, delivered, misfits)
        else:
            arrays.append(pa.nulls(frame.height, ARROW_TYPES[column.type]))
    problems = noted.problems(contract)
    if problems and found is None:
        raise SchemaProblems(problems)
    return pa.Table.from_arrays(arrays, schema=contract.arrow_schema())


def _single(names: Sequence[str]) -> list[str]:
    """The names that no other is equal to but for its Unicode form."""
    counts = Counter(map(composed, names))
    return [name for name in names if counts[composed(name)] == 1]


def _without(delivered: pl.Series, marks: Collection[str]) -> pl.Series:
    """The values, NULL where a text reads as a mark of missing values."""
    if delivered.dtype != pl.String or not marks:
        return delivered
    return delivered.set(delivered.str.strip_chars().is_in(list(marks)), None)


def is_left_out(name: str, contract: Contract) -> bool:
    """Whether the contract leaves a delivered column out, or the column of this name that is delivered twice."""
    twice = DELIVERED_TWICE.fullmatch(name)
    left_out = {composed(given) for given in contract.left_out}
    return composed(name) in left_out or (twice is not None and composed(twice["name"]) in left_out)


def _column_problems(delivered: Sequence[str], contract: Contract, wave: str) -> Iterator[str]:
    names = [column.name for column in contract.columns]
    if delivered and not set(delivered) & set(names):
        # The first line may be a record: its fields must not be shown.
        yield (
            f"none of the {len(delivered)} delivered columns is a column of {contract.name} ({len(names)} columns, the first "
            f"is {names[0]}). Deliver the right file, with the names of the columns in its first line."
        )
        return
    for column in contract.columns:
        if column.name not in delivered and column.is_asked_in(wave):
            yield _missing(column, [name for name in delivered if name not in names], wave)
    for name in delivered:
        if name in names:
            column = contract.column(name)
            if not column.is_asked_in(wave):
                yield (
                    f"column {name}: not expected in wave {wave}, which did not ask it (only {', '.join(column.waves or ())}). "
                    f"Remove the column, or add {wave} to its `waves` in the contract."
                )
            continue
        twice = DELIVERED_TWICE.fullmatch(name)
        if twice and twice["name"] in delivered:
            yield f"column {_shown(twice['name'])}: delivered more than once. Deliver it once."
        else:
            yield (
                f"column {_shown(name)}: delivered, but not in the contract of {contract.name}. Remove it, describe it there, or "
                "name it in `columnsLeftOut`."
            )


def _misfitting(column: Column, delivered_as: str, n_rows: int, misfit: Misfit) -> str:
    return (
        f"column {column.name}: expected {column.type}, found {misfit.n_values:,} of {n_rows:,} rows with {misfit.found} "
        f"(delivered as {delivered_as}). Ask the provider for a corrected file, or change physicalType in the "
        f"contract if the variable itself has changed."
    )


def _missing(column: Column, extra: Sequence[str], wave: str) -> str:
    text = f"column {column.name}: expected ({column.type}), but not delivered"
    alike = [name for name in extra if difference(column.name, name)] or get_close_matches(column.name, extra, n=1)
    if alike and (PRINTABLE_NAME.fullmatch(alike[0].strip()) or difference(column.name, alike[0])):
        how = difference(column.name, alike[0])
        text += f"; is it the delivered column {alike[0]!r}? Names are matched exactly"
        text += f", and this one differs {how}" if how else ""
    return f"{text}. Deliver the column, or give it a list of `waves` without {wave} if this wave did not ask it."


def _shown(name: str) -> str:
    return name if PRINTABLE_NAME.fullmatch(name) else f"with a name of {len(name)} characters that is no identifier (not shown)"
