"""Counting, in DuckDB, how the values of columns are spread over two objects, and how far apart the two spreads are.

What is far stands in compare.py. A table of many rows is counted on a fixed sample of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.machine.quoting import identifier, literal

SAMPLE_ROWS = 100_000
"""From twice as many rows on, about so many are compared: two samples of one spread differ by less than 0.01 then."""


@dataclass(frozen=True)
class Variable:
    """What the contract says of a column: its type, its listed codes, and whether its values are codes and nothing else."""

    name: str
    type: str
    codes: tuple[str, ...] = ()
    missing_codes: tuple[str, ...] = ()
    is_coded: bool = False
    left_out: str | None = None


@dataclass(frozen=True)
class Pair:
    """A column before and the column after that it is compared with: itself, or the one that it may have been renamed to."""

    before: str
    after: Variable


@dataclass(frozen=True)
class Spread:
    """How a pair of columns is spread. Both distances are in [0, 1] and hold missing as a level, the last in order.

    `codes` has (rows before, rows after) of each value of a coded variable, and of each listed code of another one.
    """

    n_levels: int
    total_variation: float
    kolmogorov_smirnov: float
    nulls: tuple[int, int]
    codes: dict[str, tuple[int, int]] = field(default_factory=dict)


def sampled(path: Path, rows: int) -> str:
    """A relation of the rows of an object that are compared: all, or always the same sample."""
    every = max(rows // SAMPLE_ROWS, 1)
    relation = f"read_parquet({literal(str(path))}, file_row_number = true)"
    return f"{relation} where hash(file_row_number) % {every} = 0" if every > 1 else relation


class Samples:
    """The rows of large objects that are compared. An object is read once for two comparisons that follow one another: with what
    came before it, and with what comes after.
    """

    def __init__(self) -> None:
        self._held: dict[Path, pa.Table] = {}

    def bound(self, connection: duckdb.DuckDBPyConnection, path: Path, rows: int) -> str:
        """A relation of the rows of an object that are compared, on this connection."""
        if rows < 2 * SAMPLE_ROWS:
            return sampled(path, rows)
        if path not in self._held:
            last = dict(list(self._held.items())[-1:])
            self._held = last | {path: connection.sql(f"from {sampled(path, rows)}").to_arrow_table()}
        name = f"sample of {path.stem}"
        connection.register(name, self._held[path])
        return identifier(name)


def spreads(
    connection: duckdb.DuckDBPyConnection, before: str, after: str, pairs: Sequence[Pair]
) -> tuple[tuple[int, int], list[Spread]]:
    """(rows compared before, rows compared after) and the spread of each pair, from one scan of either relation."""
    cast = {position: ("varchar" if pair.after.type == "VARCHAR" else "double") for position, pair in enumerate(pairs)}
    columns_before, columns_after = (
        "".join(f", try_cast({identifier(name)} as {cast[position]}) as c{position}" for position, name in enumerate(names))
        for names in ([pair.before for pair in pairs], [pair.after.name for pair in pairs])
    )
    connection.execute(
        f"create or replace temp table compared as select false as is_after{columns_before} from {before} "
        f"union all select true{columns_after} from {after}"
    )
    rows = connection.sql("select count(*) filter (not is_after), count(*) filter (is_after) from compared").fetchall()[0]
    found: dict[int, Spread] = {}
    for kind in sorted(set(cast.values())):
        found |= dict(_spreads(connection, rows, {n: pairs[n].after for n in cast if cast[n] == kind}))
    connection.execute("drop table compared")
    return rows, [found[position] for position in range(len(pairs))]


def _spreads(
    connection: duckdb.DuckDBPyConnection, rows: tuple[int, int], variables: dict[int, Variable]
) -> Iterator[tuple[int, Spread]]:
    """Spreads of columns of one type. The gaps between the two are whole numbers below 2^53: no sum depends on its order."""
    counted = " union all ".join(
        f"select {n} as variable, c{n} as value, count(*) filter (not is_after) as n_before, "
        f"count(*) filter (is_after) as n_after from compared group by c{n}"
        for n in variables
    )
    connection.execute(f"create or replace temp table levels as {counted}")
    n_before, n_after = rows
    distances = connection.sql(
        f"""
        with gaps as (
          select *, cast(n_after * {n_before} - n_before * {n_after} as double) as gap from levels
        ), summed as (
          select *, sum(gap) over (partition by variable order by value nulls last rows unbounded preceding) as gap_so_far
          from gaps
        )
        select
          variable,
          count(value),
          sum(abs(gap)) / 2,
          max(abs(gap_so_far)),
          coalesce(sum(n_before) filter (value is null), 0),
          coalesce(sum(n_after) filter (value is null), 0)
        from summed
        group by variable
        """
    ).fetchall()
    codes = _codes(connection, variables)
    for n, n_levels, variation, distance, *nulls in distances:
        scale = n_before * n_after or 1
        yield n, Spread(n_levels, variation / scale, distance / scale, (int(nulls[0]), int(nulls[1])), codes.get(n, {}))
    for n in variables.keys() - {row[0] for row in distances}:
        yield n, Spread(0, 0.0, 0.0, (0, 0))


def _codes(connection: duckdb.DuckDBPyConnection, variables: dict[int, Variable]) -> dict[int, dict[str, tuple[int, int]]]:
    """Of coded variables every value, of others with a codebook the values that it lists; whole numbers without a point."""
    coded = ", ".join(str(n) for n, variable in variables.items() if variable.is_coded) or "-1"
    listed = ", ".join(f"({n}, {literal(code)})" for n, variable in variables.items() for code in variable.codes)
    # a double of 1 is written 1.0
    text = "regexp_replace(cast(value as varchar), '^(-?[0-9]+)[.]0$', '\\1')"
    rows = connection.sql(
        f"""
        with listed(variable, code) as (values {listed or "(-1, '')"}),
        texts as (
          select variable, {text} as code, n_before, n_after from levels
          where value is not null and (variable in ({coded}) or variable in (select variable from listed))
        )
        select variable, code, n_before, n_after from texts
        where variable in ({coded}) or (variable, code) in (select variable, code from listed)
        order by all
        """
    ).fetchall()
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for n, code, n_before, n_after in rows:
        found.setdefault(n, {})[code] = (n_before, n_after)
    return found
