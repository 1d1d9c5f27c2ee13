"""Records that break a rule which sets them aside: split off from a delivery, and listed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts.expectations import rows_aside_sql
from pipelines.contracts.model import Contract
from pipelines.machine.quoting import literal
from pipelines.making.engine import bind_objects, confine, engine
from pipelines.project.project import Project
from pipelines.store import Place
from pipelines.store.places import rejected_rows_place
from pipelines.store.row_groups import in_row_groups

REJECTED_ROWS = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("wave", pa.string()),
        pa.field("table_name", pa.string()),
        pa.field("row_number", pa.int64()),
        pa.field("rule_id", pa.string()),
        pa.field("column_name", pa.string()),
        pa.field("description", pa.string()),
    ]
)


BATCH_ROWS = 100_000


def set_aside(project: Project, place: Place, content: str) -> tuple[str, int, str, int]:
    """Split off the records of an object that break a `set_aside` rule: (content, rows) of the rest and of the list of rejected
    rows."""
    contract, path = project.contracts[place.name], project.store.path(place, content)
    relation = f"read_parquet({literal(str(path))})"
    with engine(project.settings, of_a_delivery=True) as connection:
        bind_objects(connection, contract, [path])
        confine(connection)
        broken = connection.sql(rows_aside_sql(contract, relation, place.wave) or "").to_arrow_reader(BATCH_ROWS)
        listed = (_listed(contract, place, pa.Table.from_batches([batch])) for batch in broken)
        aside, _ = project.store.write(rejected_rows_place(place), in_row_groups(listed, REJECTED_ROWS))
    rejected = _Rejected(project.store.path(rejected_rows_place(place), aside))
    with pq.ParquetFile(path) as file:
        kept = (pa.Table.from_batches([rejected.without(batch)]) for batch in file.iter_batches(BATCH_ROWS))
        rest, rows = project.store.write(place, in_row_groups(kept, contract.arrow_schema()))
    return rest, rows, aside, rejected.n


class _Rejected:
    """The numbers of the rejected rows, from 1, taken from their list as the records come by; `n` are those that went by."""

    def __init__(self, listed: Path) -> None:
        self.n = 0
        self._numbers = _numbers(listed)
        self._waiting = np.empty(0, dtype=np.int64)
        self._n_rows = 0

    def without(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The next records, but for the rejected ones."""
        end = self._n_rows + batch.num_rows
        while (not len(self._waiting) or self._waiting[-1] <= end) and (more := next(self._numbers, None)) is not None:
            self._waiting = np.unique(np.concatenate([self._waiting, more]))
        here, self._waiting = self._waiting[self._waiting <= end], self._waiting[self._waiting > end]
        is_kept = np.ones(batch.num_rows, dtype=bool)
        is_kept[here - 1 - self._n_rows] = False
        self._n_rows = end
        self.n += len(here)
        return batch.filter(pa.array(is_kept))


def _numbers(listed: Path) -> Iterator["np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    with pq.ParquetFile(listed) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=["row_number"]):
            yield batch.column(0).to_numpy()


def _listed(contract: Contract, place: Place, rejected: pa.Table) -> pa.Table:
    """Rows (row_number, failed_rules) as one row per record and rule, in the order of the delivery and of the contract."""
    rules = pl.DataFrame(
        [(rule.rule_id, ", ".join(rule.columns) or None, rule.description) for rule in contract.rules],
        schema=["rule_id", "column_name", "description"],
        orient="row",
    )
    where = [
        pl.lit(value).alias(name)
        for name, value in zip(REJECTED_ROWS.names, (place.source, place.wave, place.name), strict=False)
    ]
    broken = pl.DataFrame(rejected).explode("failed_rules").rename({"failed_rules": "rule_id"})
    listed = broken.join(rules, on="rule_id", how="left", maintain_order="left").with_columns(where)
    return listed.select(REJECTED_ROWS.names).to_arrow().cast(REJECTED_ROWS)
