"""One `group by` from a relation to cells, and what a relation must be for that."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import polars as pl

from pipelines.statistics.counting import ordered, whole_sums
from pipelines.statistics.design import (
    N_POPULATION,
    N_RESPONDENTS,
    N_SAMPLED,
    RESERVED_NAMES,
    SUM_SQUARED_WEIGHTS,
    SUM_WEIGHTS,
    Cells,
    Design,
    FloatArray,
    index_levels,
)
from pipelines.statistics.errors import EmptyDomain, InvalidArgument, InvalidWeight, MissingDesignColumn, UnsupportedDesign
from pipelines.statistics.moments import BILLION, FIRST, SECOND, UNITS, Measured, with_means

# Weights are summed as whole multiples of 1e-9: parallel sums of DOUBLE differ in their last digits from run to run, and sums
# of DECIMAL take longer. Inside this range a weight keeps at least 6 significant digits; survey weights (people represented)
# keep all of theirs.
SMALLEST_WEIGHT = 0.001
LARGEST_WEIGHT = 999_999_999
WEIGHT_UNITS = "1e9::double"

# DuckDB errors whose text may quote a value of the data.
VALUE_ERRORS = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.InvalidInputException,
    duckdb.TypeMismatchException,
)


def collapse(
    con: duckdb.DuckDBPyConnection, relation: str, design: Design, keys: Mapping[str, str], measured: Measured | None = None
) -> Cells:
    """Counts and sums of weights per (stratum, psu, *keys), in one scan.

    `relation`: what may follow `from`: a table's name or a select in parentheses. `keys`: name -> SQL expression; outcomes,
    exposures, adjusters and domain flags are all keys, and NULL is a level. Rows of weight 0 stay (as n = 0): they hold their
    PSU in the frame. A domain is a key, never a filter. Sums are of whole numbers and rows are ordered, so equal data give
    equal bits in any row order. The scan is fastest with small integer keys and `set perfect_ht_threshold = 20` on the
    connection; casting text to ENUM would take longer than it saves.

    `measured`: a column beside the keys whose mean each cell has (`Cells.number`), of a design with PSUs and a weight.

    Raises InvalidArgument (a key's name or expression), MissingDesignColumn, InvalidWeight, UnsupportedDesign (a population that
    differs within a stratum), EmptyDomain (no rows).
    """
    if reserved := [name for name in keys if name.lower() in RESERVED_NAMES or name.startswith("__")]:
        raise InvalidArgument(f"collapse: these names of keys are reserved: {', '.join(reserved)}.", names=reserved)
    require_design_columns(con, relation, design)
    sums, known = _sums(design), {}
    if measured and design.weight:
        units, x = whole_units(f"cast({quoted(design.weight)} as double)"), quoted(measured.name)
        parts = f"case when {x} is not null then {units} end", *measured.scale.parts(f"({units})", x)
        sums += [
            f"cast(coalesce(sum({part}), 0) as bigint) as {name}"
            for part, name in zip(parts, (UNITS, FIRST, SECOND), strict=True)
        ]
        known = {measured.name: f"case when {x} is not null then true end"}
    table = _group(con, relation, design, {**keys, **known}, sums)
    if table.height == 0:
        raise EmptyDomain(f"{called(relation)} holds no rows: there is nothing to estimate.")
    require_design_values(table, relation, design)
    if design.weight is not None:
        _require_weights(table, con, relation, design.weight)
    if design.population is not None:
        _require_population(table, relation, design, design.population)
    return _cells(table, design, keys, measured)


def collapse_added(added: pl.DataFrame, design: Design, keys: Sequence[str], measured: Measured | None = None) -> Cells:
    """The same from rows that add up people: equal to the bit to collapse() of these people.

    Columns of `added`: `stratum` and `psu` as the design has them, the keys, `n_sampled` (people), `n` (those with a weight
    above 0) and `units` (sum of their `whole_units`; not read without a weight). Of what is `measured`: its name (true where it
    is known), and FIRST and SECOND, the sums of its parts. Each person's weight must be 0 or usable, and those of the people
    together must not all be 0. Raises UnsupportedDesign where people were sampled one by one and have weights.
    """
    if design.weight and design.samples_elements:
        raise UnsupportedDesign("Sums of people have no sum of squared weights, which a sample of people with weights needs.")
    columns = [*design.cell_columns, *keys, *([measured.name] if measured else [])]
    levels, level = index_levels(added, columns, np.ones(added.height, dtype=np.bool_))

    def total(name: str) -> FloatArray:
        return whole_sums(added[name].fill_null(0).to_numpy(), level, levels.height)

    people = total(N_SAMPLED)
    n, w = (total(N_RESPONDENTS), total("units") / BILLION) if design.weight else (people, people)
    sums = {N_RESPONDENTS: n.astype(np.int64), SUM_WEIGHTS: w}
    if design.samples_elements:
        sums |= {SUM_SQUARED_WEIGHTS: people, N_SAMPLED: people.astype(np.int64)}
    if measured:
        is_known = added[measured.name].is_not_null().to_numpy()
        sums |= {UNITS: whole_sums(np.where(is_known, added["units"].fill_null(0).to_numpy(), 0), level, levels.height)}
        sums |= {moment: total(moment) for moment in (FIRST, SECOND)}
    cells = levels.with_columns(**{name: pl.Series(values) for name, values in sums.items()})
    return Cells(with_means(cells, measured), design, measured.name) if measured else Cells(cells, design)


def _cells(table: pl.DataFrame, design: Design, keys: Mapping[str, str], measured: Measured | None) -> Cells:
    table = table if design.samples_elements else table.drop(N_SAMPLED)
    columns = [*design.cell_columns, *keys]
    if not measured:
        return Cells(ordered(table, columns), design)
    return Cells(with_means(ordered(table, [*columns, measured.name]), measured), design, measured.name)


def _group(
    con: duckdb.DuckDBPyConnection, relation: str, design: Design, keys: Mapping[str, str], sums: list[str]
) -> pl.DataFrame:
    columns = zip(design.cell_columns, filter(None, (design.stratum, design.psu)), strict=True)
    selected = [f"{quoted(column)} as {name}" for name, column in columns]
    selected += [f"{quoted(design.population)} as {N_POPULATION}"] if design.population else []
    selected += [f"({expression}) as {quoted(name)}" for name, expression in keys.items()]
    selected += sums
    try:
        result = con.sql(f"select {', '.join(selected)} from {relation} group by all")
        table = result.pl()
    except VALUE_ERRORS:
        raise InvalidArgument(
            f"{called(relation)}: one of {', '.join(keys)} cannot be computed for every row, for example because of a cast. "
            "Use try_cast, or give the column its type in the select that makes it.",
            names=list(keys),
        ) from None
    enums = [_enum(name, kind) for name, kind in zip(result.columns, result.types, strict=True) if kind.id == "enum"]
    return table.with_columns(enums) if enums else table


def _enum(name: str, kind: Any) -> pl.Expr:
    """An ENUM column with the order of its declaration, which the transfer to polars loses."""
    levels: list[str] = kind.children[0][1]
    return pl.col(name).cast(pl.Enum(levels))


def _sums(design: Design) -> list[str]:
    if design.weight is None:
        w2 = [f"cast(count(*) as double) as {SUM_SQUARED_WEIGHTS}"] if design.samples_elements else []
        return [f"count(*) as {N_RESPONDENTS}", f"cast(count(*) as double) as {SUM_WEIGHTS}", *w2, f"count(*) as {N_SAMPLED}"]
    number = f"cast({quoted(design.weight)} as double)"
    units = whole_units(number)
    square = f"case when {is_usable(number)} then try_cast({number} * {number} as decimal(38, 12)) end"
    w2 = [f"cast(coalesce(sum({square}), 0) as double) as {SUM_SQUARED_WEIGHTS}"]
    return [
        f"count({units}) as {N_RESPONDENTS}",
        f"cast(coalesce(sum({units}), 0) as double) / {WEIGHT_UNITS} as {SUM_WEIGHTS}",
        *(w2 if design.samples_elements else []),
        f"count(*) as {N_SAMPLED}",
    ]


def is_usable(number: str) -> str:
    """SQL: whether a weight, given as a DOUBLE expression, is above 0 and in the range of exact sums."""
    return f"{number} between {SMALLEST_WEIGHT}::double and {LARGEST_WEIGHT}::double"


def whole_units(number: str) -> str:
    """SQL: a weight, given as a DOUBLE expression, as whole multiples of 1e-9; NULL where it is 0 or cannot be used."""
    return f"case when {is_usable(number)} then cast({number} * {WEIGHT_UNITS} as bigint) end"


def require_design_columns(con: duckdb.DuckDBPyConnection, relation: str, design: Design) -> None:
    """Raise MissingDesignColumn where the relation lacks a column of the design, InvalidWeight where a weight is no number."""
    empty = con.sql(f"select * from {relation} limit 0")
    types = {name.lower(): type_ for name, type_ in zip(empty.columns, empty.types, strict=True)}
    named = [name for name in (design.stratum, design.psu, design.weight, design.population) if name is not None]
    if absent := [name for name in named if name.lower() not in types]:
        raise MissingDesignColumn(
            f"{called(relation)} has no column {', '.join(absent)}, which its design names. Add it, or correct the design.",
            names=absent,
        )
    numeric = ("tinyint", "smallint", "integer", "bigint", "hugeint", "float", "double", "decimal")
    if design.weight is not None and types[design.weight.lower()].id.removeprefix("u") not in numeric:
        raise InvalidWeight(
            f"{called(relation)}: the weight {design.weight} is not a number. Cast it in its contract.", names=[design.weight]
        )


def require_design_values(table: pl.DataFrame, relation: str, design: Design) -> None:
    """Raise MissingDesignColumn where rows of the table (stratum, psu, n_sampled) have no stratum or PSU."""
    for name, column in zip(design.cell_columns, filter(None, (design.stratum, design.psu)), strict=True):
        if table[name].null_count():
            n_rows = int(table.filter(pl.col(name).is_null())[N_SAMPLED].sum())
            raise MissingDesignColumn(
                f"{called(relation)}: {n_rows} rows have no {column}. Every sampled person needs one, also with a weight of 0; "
                "leave people who were not sampled out of the select.",
                names=[column],
            )


def _require_population(table: pl.DataFrame, relation: str, design: Design, column: str) -> None:
    by = list(design.cell_columns[:1]) if design.stratum else []
    population = table[N_POPULATION]
    is_number = population.dtype.is_numeric() and not population.is_null().any()
    if not is_number or (population.dtype.is_float() and not population.is_finite().all()):
        raise MissingDesignColumn(
            f"{called(relation)}: the population {column} must be a number for every sampled person.", names=[column]
        )
    sizes = table.select(*by, N_POPULATION).unique()
    if sizes.height > (sizes.select(by).n_unique() if by else 1):
        raise UnsupportedDesign(
            f"{called(relation)}: {column} differs within a stratum. It counts the sampling units in the stratum's population.",
            names=[column],
        )


def _require_weights(table: pl.DataFrame, con: duckdb.DuckDBPyConnection, relation: str, column: str) -> None:
    if (table[N_RESPONDENTS] != table[N_SAMPLED]).any():  # people of weight 0, or weights that cannot be used
        require_weights(con, relation, column)
    if not table[N_RESPONDENTS].sum():
        raise InvalidWeight(
            f"{called(relation)}: every {column} is 0, so nobody stands for anyone. Is it the right weight?", names=[column]
        )


def require_weights(con: duckdb.DuckDBPyConnection, relation: str, column: str) -> None:
    """Raise InvalidWeight with the number of weights of each kind that cannot be used."""
    weight = f"cast({quoted(column)} as double)"
    kinds = {
        "NULL": f"{weight} is null",
        "not finite": f"not isfinite({weight})",
        "negative": f"isfinite({weight}) and {weight} < 0",
        f"above {LARGEST_WEIGHT:,}": f"isfinite({weight}) and {weight} > {LARGEST_WEIGHT}",
        f"above 0 but below {SMALLEST_WEIGHT}": f"isfinite({weight}) and {weight} > 0 and {weight} < {SMALLEST_WEIGHT}::double",
    }
    [counts] = con.sql(
        f"select {', '.join(f'count(*) filter (where {is_kind})' for is_kind in kinds.values())} from {relation}"
    ).fetchall()
    found = [f"{count} {kind}" for kind, count in zip(kinds, counts, strict=True) if count]
    if found:
        raise InvalidWeight(
            f"{called(relation)}: rows whose weight {column} cannot be used: {', '.join(found)}. "
            f"A weight is 0 (sampled, but outside this component) or between {SMALLEST_WEIGHT} and {LARGEST_WEIGHT:,}; "
            "multiplying all weights by one constant changes no estimate.",
            names=[column],
        )


def called(relation: str) -> str:
    """A relation as messages name it: by its name or alias, never by a select."""
    return relation.rpartition(" as ")[2] if relation.startswith("(") else relation


def quoted(identifier: str) -> str:
    """A quoted SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'
