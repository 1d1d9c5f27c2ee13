"""Whether respondents of one wave are, by their ids, those of an earlier one: counted, never shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.machine.quoting import identifier, literal
from pipelines.raw.drift.compare import Finding

MOST_MARKS = 2**27
"""Bytes for the numbers that ids may be."""

SPARSEST = 64
"""Numbers for each id, above which to mark them is no gain."""

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

    @property
    def _rows(self) -> str:
        return f"read_parquet({literal(str(self.path))}) where {identifier(self.column)} is not null"

    @property
    def _distinct(self) -> str:
        return "" if self.are_unique else "distinct "

    def once(self, kind: str) -> str:
        """A select of each id in one row, in a type of DuckDB."""
        return f"select {self._distinct}cast({identifier(self.column)} as {kind}) as id from {self._rows}"

    def counted(self) -> str:
        """A select of how many ids there are."""
        return f"select count({self._distinct}{identifier(self.column)}) from {self._rows}"


def repeated_respondents(connection: duckdb.DuckDBPyConnection, earlier: Mapping[str, Ids], later: Ids) -> dict[str, Finding]:
    """How many ids of an object stand in each earlier one (wave -> its ids; at least one), too. `statistic` is their share.

    The ids of all earlier waves pass once, in no more memory than those of one, and those of them alone that lie between the
    smallest and the largest of the later: waves that number their respondents on have none there.
    """
    kind = "bigint" if all(ids.are_integers for ids in (later, *earlier.values())) else "varchar"
    [(n_after, least, largest)] = connection.sql(f"select count(*), min(id), max(id) from ({later.once(kind)})").fetchall()
    n_before = {wave: connection.sql(ids.counted()).fetchall()[0][0] for wave, ids in earlier.items()}
    if kind == "bigint" and n_after and largest - least < min(MOST_MARKS, n_after * SPARSEST):
        n_both = _marked_twice(earlier, later, least, largest)
    else:
        n_both = _joined(connection, earlier, later, kind)
    return {wave: _finding(wave, n_before[wave], n_both.get(wave, 0), n_after) for wave in earlier}


def _marked_twice(earlier: Mapping[str, Ids], later: Ids, least: int, largest: int) -> dict[str, int]:
    """Wave -> how many numbers stand in both: to mark each of those that there may be takes a seventh of the time of a join."""
    marked = _marks(later, least, largest)
    return {wave: int(np.count_nonzero(marked & _marks(ids, least, largest))) for wave, ids in earlier.items()}


def _marks(ids: Ids, least: int, largest: int) -> npt.NDArray[np.bool_]:
    """Whether each number from the least to the largest is an id."""
    marks = np.zeros(largest - least + 1, np.bool_)
    with pq.ParquetFile(ids.path) as file:
        for batch in file.iter_batches(columns=[ids.column]):
            numbers = batch.column(0).drop_null().cast(pa.int64()).to_numpy()
            marks[numbers[(numbers >= least) & (numbers <= largest)] - least] = True
    return marks


def _joined(connection: duckdb.DuckDBPyConnection, earlier: Mapping[str, Ids], later: Ids, kind: str) -> dict[str, int]:
    """Wave -> how many ids stand in both; waves without one are left out."""
    connection.execute(f"create or replace temp table later as {later.once(kind)}")
    in_reach = "id between (select min(id) from later) and (select max(id) from later)"
    of_waves = " union all ".join(
        f"select {literal(wave)} as wave, id from ({ids.once(kind)}) where {in_reach}" for wave, ids in earlier.items()
    )
    both = f"select wave, count(*) from ({of_waves}) as earlier join later using (id) group by wave"
    found = dict(connection.sql(both).fetchall())
    connection.execute("drop table later")
    return found


def _finding(wave: str, n_before: int, n_both: int, n_after: int) -> Finding:
    share = n_both / n_after if n_after else 0.0
    detail = f"{n_both:,} of {n_after:,} respondent ids are those of wave {wave}, too"
    if n_both:
        detail += ": if they are the same people, say panel: true in the source's file; if not, their ids only look alike"
    return Finding(None, "respondents_repeated", share, NONE_IS_MEANT, n_both > 0, n_before, n_after, detail)
