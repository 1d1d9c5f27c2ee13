"""Rows in the order that a select asks for, sorted only where they do not come so already.

Deliveries come sorted by their key as a rule, and sorting wide rows costs as much as making them.
"""

from collections.abc import Callable, Iterator, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
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
    last: list[pa.Array] = []
    for batch in reader:
        names = batch.schema.names
        keys = [batch.column(name) for name in names[-n_keys:]]
        if not _is_sorted([pa.concat_arrays(pair) for pair in zip(last, keys, strict=True)] if last else keys):
            raise OutOfOrder
        last = [key[-1:] for key in keys] if batch.num_rows else last
        yield batch.select(names[:-n_keys])


def _is_sorted(keys: Sequence[pa.Array]) -> bool:
    """Whether no row comes before the one above it; an unknown key says no, and so does one of a type that is not compared."""
    if any(key.null_count or pa.types.is_dictionary(key.type) for key in keys):
        return False
    in_order: pa.Array | pa.Scalar = pa.scalar(value=True)
    try:
        for above, below in ((key[:-1], key[1:]) for key in reversed(keys)):
            in_order = pc.or_(pc.greater(below, above), pc.and_(pc.equal(below, above), in_order))
    except pa.ArrowNotImplementedError:
        return False
    return bool(pc.all(in_order, min_count=0).as_py())
