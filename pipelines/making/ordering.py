"""Rows in the order that a select asks for, sorted only where they do not come so already.

Deliveries come sorted by their key as a rule, and sorting wide rows costs as much as making them.
"""

from collections.abc import Callable, Iterator
from functools import reduce

import duckdb
import polars as pl
import pyarrow as pa
import sqlglot
from sqlglot import exp

BATCH_ROWS = 100_000

NOT_BY_ROW = ("limit", "offset", "distinct", "group", "having", "qualify")
"""Clauses of a select that its order or a further column may change the rows of."""

KEY = "order key {number}"


class OutOfOrder(Exception):
    """The rows did not come in the order that was asked for."""


def in_order(
    connection: duckdb.DuckDBPyConnection, sql: str, use: Callable[[pa.RecordBatchReader], tuple[str, int]]
) -> tuple[str, int]:
    """What `use` makes of the rows of a select in its order; it is called again where they had to be sorted after all."""
    unsorted = _without_order(sql)
    if unsorted:
        try:
            with connection.sql(unsorted).to_arrow_reader(BATCH_ROWS) as reader:
                n_keys = sum(name.startswith(KEY.format(number="")) for name in reader.schema.names)
                schema = pa.schema(list(reader.schema)[: len(reader.schema) - n_keys])
                return use(pa.RecordBatchReader.from_batches(schema, _checked(reader, n_keys)))
        except OutOfOrder:
            pass
    with connection.sql(sql).to_arrow_reader(BATCH_ROWS) as reader:
        return use(reader)


def _without_order(sql: str) -> str | None:
    """The select with its order keys as further columns instead of its order.

    None where it has no ascending order by expressions on its rows, or a clause whose rows hang on the order or the columns.
    """
    query = sqlglot.parse_one(sql, read="duckdb")
    order = query.args.get("order")
    if not isinstance(query, exp.Select) or order is None or any(query.args.get(clause) for clause in NOT_BY_ROW):
        return None
    if any(key.args.get("desc") or not key.find(exp.Column) for key in order.expressions):
        return None
    keys = [exp.alias_(key.this.copy(), KEY.format(number=number), quoted=True) for number, key in enumerate(order.expressions)]
    query.set("order", None)
    return query.select(*keys).sql(dialect="duckdb")


def _checked(reader: pa.RecordBatchReader, n_keys: int) -> Iterator[pa.RecordBatch]:
    last: pl.DataFrame | None = None
    for batch in reader:
        names = batch.schema.names
        found = pl.from_arrow(batch.select(names[-n_keys:]))
        assert isinstance(found, pl.DataFrame)
        keys = found if last is None else pl.concat([last, found])
        if not _is_sorted(keys):
            raise OutOfOrder
        last = keys.tail(1)
        yield batch.select(names[:-n_keys])


def _is_sorted(keys: pl.DataFrame) -> bool:
    """Whether no row comes before the one above it; an unknown key says no."""
    columns = [pl.col(name) for name in keys.columns]
    rest = reduce(lambda later, key: (key > key.shift(1)) | ((key == key.shift(1)) & later), reversed(columns), pl.lit(True))
    return keys.height < 2 or (not any(keys.null_count().row(0)) and bool(keys.select(rest.slice(1).all()).item()))
