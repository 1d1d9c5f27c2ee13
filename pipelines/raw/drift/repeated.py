"""Whether respondents of one wave are, by their ids, those of an earlier one: counted, never shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.machine.quoting import identifier, literal
from pipelines.raw.drift.compare import Finding

NONE_IS_MEANT = 0.0
"""Waves are samples of different people unless the source says otherwise."""


@dataclass(frozen=True)
class Ids:
    """The object of a wave, the column of its ids, and whether its contract's rules found no id twice."""

    path: Path
    column: str
    are_unique: bool = False

    @property
    def are_integers(self) -> bool:
        return bool(pa.types.is_integer(pq.read_schema(self.path).field(self.column).type))

    def once(self, kind: str) -> str:
        """A select of each id in one row, in a type of DuckDB."""
        distinct = "" if self.are_unique else "distinct "
        column = identifier(self.column)
        return (
            f"select {distinct}cast({column} as {kind}) as id from read_parquet({literal(str(self.path))}) "
            f"where {column} is not null"
        )


def repeated_respondents(connection: duckdb.DuckDBPyConnection, earlier: Mapping[str, Ids], later: Ids) -> dict[str, Finding]:
    """How many ids of an object stand in each earlier one (wave -> its ids; at least one), too. `statistic` is their share.

    The ids of all earlier waves pass once, in no more memory than those of one.
    """
    kind = "bigint" if all(ids.are_integers for ids in (later, *earlier.values())) else "varchar"
    connection.execute(f"create or replace temp table later as {later.once(kind)}")
    [(n_after,)] = connection.sql("select count(*) from later").fetchall()
    of_waves = " union all ".join(f"select {n} as wave, id from ({ids.once(kind)})" for n, ids in enumerate(earlier.values()))
    counts = connection.sql(
        f"select wave, count(*), count(later.id) from ({of_waves}) as earlier left join later using (id) group by wave"
    ).fetchall()
    connection.execute("drop table later")
    found = {n: (n_before, n_both) for n, n_before, n_both in counts}
    return {wave: _finding(wave, *found.get(n, (0, 0)), n_after) for n, wave in enumerate(earlier)}


def _finding(wave: str, n_before: int, n_both: int, n_after: int) -> Finding:
    share = n_both / n_after if n_after else 0.0
    detail = f"{n_both:,} of {n_after:,} respondent ids are those of wave {wave}, too"
    if n_both:
        detail += ": if they are the same people, say panel: true in the source's file; if not, their ids only look alike"
    return Finding(None, "respondents_repeated", share, NONE_IS_MEANT, n_both > 0, n_before, n_after, detail)
