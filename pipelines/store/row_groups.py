"""Rows gathered into the row groups of an object, whatever the pieces that they come in."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from pipelines.store.objects import ROW_GROUP_ROWS

MOST_CELLS = 64 * ROW_GROUP_ROWS
MOST_BYTES = 2**28
"""Of a row group of a table with many columns or long texts, which has fewer rows."""


def in_row_groups(tables: Iterable[pa.Table], schema: pa.Schema) -> pa.RecordBatchReader:
    """The rows of the tables, all of this schema, as one batch for each row group."""
    rows = max(min(ROW_GROUP_ROWS, MOST_CELLS // max(len(schema), 1)), 1)
    return pa.RecordBatchReader.from_batches(schema, _grouped(tables, rows))


def _grouped(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.RecordBatch]:
    waiting: list[pa.Table] = []
    n_waiting = n_bytes = 0
    for table in tables:
        start = 0
        while start < table.num_rows:
            piece = table.slice(start, rows - n_waiting)
            start += piece.num_rows
            waiting.append(piece)
            n_waiting += piece.num_rows
            n_bytes += piece.nbytes
            if n_waiting == rows or n_bytes >= MOST_BYTES:
                yield from _one(waiting)
                waiting, n_waiting, n_bytes = [], 0, 0
    yield from _one(waiting)


def _one(tables: list[pa.Table]) -> Iterator[pa.RecordBatch]:
    """One batch, or several where a column of texts is too long for one."""
    if tables:
        yield from pa.concat_tables(tables).combine_chunks().to_batches()
