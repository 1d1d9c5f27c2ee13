"""One `group by` from a relation to cells. The only module of the package that runs SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

from pipelines.statistics.design import (
    N_RESPONDENTS,
    N_SAMPLED,
    RESERVED_NAMES,
    SUM_SQUARED_WEIGHTS,
    SUM_WEIGHTS,
    Cells,
    Design,
)
from pipelines.statistics.errors import EmptyDomain, InvalidArgument, InvalidWeight, MissingDesignColumn

# Weights are summed as DECIMAL(18,9): parallel sums of DOUBLE differ in their last digits from run to run.
# Inside this range a weight keeps at least 6 significant digits; survey weights (people represented) keep all of theirs.
SMALLEST_WEIGHT = 0.001
LARGEST_WEIGHT = 999_999_999

_N_WEIGHTS, _N_NOT_ZERO = "__n_weights", "__n_not_zero"
# DuckDB errors whose text may quote a value of the data.
_VALUE_ERRORS = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.InvalidInputException,
    duckdb.TypeMismatchException,
)


def collapse(con: duckdb.DuckDBPyConnection, relation: str, design: Design, keys: Mapping[str, str]) -> Cells:
    """Counts and sums of weights per (stratum, psu, *keys), in one scan.

    `relation`: what may follow `from`: a table's name or a select in parentheses. `keys`: name -> SQL expression; outcomes,
    exposures, adjusters and domain flags are all keys, and NULL is a level. Rows of weight 0 stay (as n = 0): they hold their
    PSU in the frame. A domain is a key, never a filter. Sums are decimal and rows are ordered, so equal data give equal bits
    in any row order. The scan is fastest with small integer keys and `set perfect_ht_threshold = 20` on the connection.

    Raises InvalidArgument (a key's name or expression), MissingDesignColumn, InvalidWeight, EmptyDomain (no rows).
    """
    if reserved := [name for name in keys if name.lower() in RESERVED_NAMES or name.startswith("__")]:
        raise InvalidArgument(f"collapse: these names of keys are reserved: {', '.join(reserved)}.", names=reserved)
    _require_design_columns(con, relation, design)
    table = _group(con, relation, design, keys)
    if table.height == 0:
        raise EmptyDomain(f"{relation} holds no rows: there is nothing to estimate.")
    _require_design_values(table, relation, design)
    if design.weight is not None:
        _require_weights(table, con, relation, design.weight)
    unneeded = [_N_WEIGHTS, _N_NOT_ZERO] + ([] if design.samples_elements else [N_SAMPLED])
    return Cells(table.drop(unneeded, strict=False), design)


def _group(con: duckdb.DuckDBPyConnection, relation: str, design: Design, keys: Mapping[str, str]) -> pl.DataFrame:
    columns = zip(design.cell_columns, filter(None, (design.stratum, design.psu)), strict=True)
    selected = [f"{_quoted(column)} as {name}" for name, column in columns]
    selected += [f"({expression}) as {_quoted(name)}" for name, expression in keys.items()]
    selected += _sums(design)
    try:
        result = con.sql(f"select {', '.join(selected)} from {relation} group by all order by all")
        table = result.pl()
    except _VALUE_ERRORS:
        raise InvalidArgument(
            f"collapse: a key ({', '.join(keys)}) of {relation} cannot be computed for every row, for example because of a cast. "
            "Use try_cast, or give the column its type in the select that makes it.",
            names=list(keys),
        ) from None
    return table.with_columns(
        _enum(name, kind) for name, kind in zip(result.columns, result.types, strict=True) if kind.id == "enum"
    )


def _enum(name: str, kind: Any) -> pl.Expr:
    """An ENUM column with the order of its declaration, which the transfer to polars loses."""
    levels: list[str] = kind.children[0][1]
    return pl.col(name).cast(pl.Enum(levels))


def _sums(design: Design) -> list[str]:
    if design.weight is None:
        w2 = [f"cast(count(*) as double) as {SUM_SQUARED_WEIGHTS}"] if design.samples_elements else []
        return [f"count(*) as {N_RESPONDENTS}", f"cast(count(*) as double) as {SUM_WEIGHTS}", *w2, f"count(*) as {N_SAMPLED}"]
    weight, number = _quoted(design.weight), f"cast({_quoted(design.weight)} as double)"
    w2 = [f"cast(coalesce(sum(try_cast({number} * {number} as decimal(38, 12))), 0) as double) as {SUM_SQUARED_WEIGHTS}"]
    return [
        f"count(case when {_is_positive(number)} then 1 end) as {N_RESPONDENTS}",
        f"cast(coalesce(sum(try_cast({weight} as decimal(18, 9))), 0) as double) as {SUM_WEIGHTS}",
        *(w2 if design.samples_elements else []),
        f"count(*) as {N_SAMPLED}",
        f"count({weight}) as {_N_WEIGHTS}",
        f"count(nullif({number}, 0)) as {_N_NOT_ZERO}",
    ]


def _is_positive(number: str) -> str:
    return f"{number} between {SMALLEST_WEIGHT}::double and {LARGEST_WEIGHT}::double"


def _require_design_columns(con: duckdb.DuckDBPyConnection, relation: str, design: Design) -> None:
    empty = con.sql(f"select * from {relation} limit 0")
    types = {name.lower(): type_ for name, type_ in zip(empty.columns, empty.types, strict=True)}
    named = [name for name in (design.stratum, design.psu, design.weight) if name is not None]
    if absent := [name for name in named if name.lower() not in types]:
        raise MissingDesignColumn(
            f"{relation} has no column {', '.join(absent)}, which its design names. Correct the design, or add the column.",
            names=absent,
        )
    numeric = ("tinyint", "smallint", "integer", "bigint", "hugeint", "float", "double", "decimal")
    if design.weight is not None and types[design.weight.lower()].id.removeprefix("u") not in numeric:
        raise InvalidWeight(
            f"{relation}: the weight {design.weight} is not a number. Cast it in its contract.", names=[design.weight]
        )


def _require_design_values(table: pl.DataFrame, relation: str, design: Design) -> None:
    for name, column in zip(design.cell_columns, filter(None, (design.stratum, design.psu)), strict=True):
        if n_rows := int(table.filter(pl.col(name).is_null())[N_SAMPLED].sum()):
            raise MissingDesignColumn(
                f"{relation}: {n_rows} rows have no {column} (the design's {name}). Every sampled person needs one, "
                "also with a weight of 0; leave people who were not sampled out of the relation.",
                names=[column],
            )


def _require_weights(table: pl.DataFrame, con: duckdb.DuckDBPyConnection, relation: str, column: str) -> None:
    is_legal = (table[_N_WEIGHTS] == table[N_SAMPLED]) & (table[_N_NOT_ZERO] == table[N_RESPONDENTS])
    if not is_legal.all():
        raise InvalidWeight(_describe_weights(con, relation, column), names=[column])
    if not table[N_RESPONDENTS].sum():
        raise InvalidWeight(
            f"{relation}: every {column} is 0, so nobody stands for anyone. Is it the right weight?", names=[column]
        )


def _describe_weights(con: duckdb.DuckDBPyConnection, relation: str, column: str) -> str:
    weight = f"cast({_quoted(column)} as double)"
    kinds = {
        "NULL": f"{weight} is null",
        "not finite": f"not isfinite({weight})",
        "negative": f"isfinite({weight}) and {weight} < 0",
        f"above {LARGEST_WEIGHT:,}": f"isfinite({weight}) and {weight} > {LARGEST_WEIGHT}",
        f"above 0 but below {SMALLEST_WEIGHT}": f"isfinite({weight}) and {weight} > 0 and {weight} < {SMALLEST_WEIGHT}::double",
    }
    counts = con.sql(
        f"select {', '.join(f'count(*) filter (where {is_kind})' for is_kind in kinds.values())} from {relation}"
    ).fetchone()
    found = [f"{count} {kind}" for kind, count in zip(kinds, counts or (), strict=True) if count]
    return (
        f"{relation}: rows whose weight {column} cannot be used: {', '.join(found)}. "
        f"A weight is 0 (sampled, but outside this component) or between {SMALLEST_WEIGHT} and {LARGEST_WEIGHT:,}; "
        "multiplying all weights by one constant changes no estimate."
    )


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
