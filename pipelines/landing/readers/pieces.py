"""A delivered file piece by piece, so that neither its reader nor who reads after it holds it as a whole.

The formats that can only be read as a whole are cut into pieces afterwards.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow as pa

from pipelines.landing.readers.delivered import Delivered

MOST_ROWS = 245_760
MOST_CELLS = 2_000_000
MOST_BYTES = 2**26
"""Of one piece, as far as is known before it is read."""


@dataclass(frozen=True)
class Pieces:
    """`frames` have the same columns, and there is at least one. `told`, asked after the last of them, is what there is to know
    of the file, with a frame of no rows, where a column that has no value that anybody can read is of the type Null."""

    frames: Iterator[pl.DataFrame]
    told: Callable[[], Delivered]


def rows_of_a_piece(n_columns: int, bytes_of_a_row: float = 0) -> int:
    """How many rows are read at once: fewer of many columns, or of long texts."""
    most = min(MOST_ROWS, MOST_CELLS // max(n_columns, 1), int(MOST_BYTES / max(bytes_of_a_row, 1)))
    return max(most, 1)


def cut(delivered: Delivered) -> Pieces:
    """What was read as a whole, in pieces."""
    frame = delivered.frame
    rows = rows_of_a_piece(frame.width)
    return Pieces(iter([frame]) if frame.height <= rows else frame.iter_slices(rows), lambda: _emptied(delivered))


def _emptied(delivered: Delivered) -> Delivered:
    return replace(delivered, frame=delivered.frame.clear())


def put_together(pieces: Pieces) -> Delivered:
    """The whole, for who needs it."""
    frame = pl.concat(list(pieces.frames))
    told = pieces.told()
    return replace(told, frame=as_told(frame, told.frame))


def read_through(pieces: Pieces) -> Delivered:
    """What there is to know of a file, of which nothing is kept."""
    deque(pieces.frames, maxlen=0)
    return pieces.told()


def as_told(frame: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """A piece whose columns are empty where the whole file is told to have no value."""
    emptied = [name for name, kind in told.schema.items() if kind == pl.Null and frame.schema[name] != pl.Null]
    return frame.with_columns(pl.Series(name, [None] * frame.height, dtype=pl.Null) for name in emptied)


def write_pieces(pieces: Pieces, path: Path) -> Delivered:
    """Write every piece to an Arrow file; returns what is told of all."""
    first = next(pieces.frames)
    schema = _arrow(first).schema
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as writer:
        writer.write_table(_arrow(first))
        del first
        for frame in pieces.frames:
            writer.write_table(_arrow(frame).cast(schema))
    return pieces.told()


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def written_pieces(path: Path) -> Iterator[pl.DataFrame]:
    """The pieces in a file of `write_pieces`; of an empty delivery one of no rows."""
    with pa.OSFile(str(path), "rb") as file:  # a map would keep all that was read of it in memory
        reader = pa.ipc.open_file(file)
        if not reader.num_record_batches:
            yield _frame(reader.schema.empty_table())
        for number in range(reader.num_record_batches):
            yield _frame(pa.Table.from_batches([reader.get_batch(number)]))


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
