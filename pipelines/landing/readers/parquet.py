"""Parquet files, which bring their types with them. Pages are checked by their checksums where they have them.

Dates and times arrive as they read on a clock: a timestamp with a zone as the local time of that zone, times of day and durations
as seconds. Numbers keep their exact type, identifiers of the type UUID are text.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.landing.readers.delivered import IN_UTC, SECONDS, Delivered, Refused, unique_names
from pipelines.landing.readers.instants import DAY_SECONDS, EPOCH, FIRST, LAST
from pipelines.landing.readers.pieces import Pieces, put_together, rows_of_a_piece

PER_SECOND: Mapping[str, int] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

UTC = frozenset({"UTC", "Etc/UTC", "Z", "+00:00"})

INT96 = "INT96"
PER_MILLISECOND = 1_000
MOST_EXACT = 2**63 // PER_MILLISECOND
"""Microseconds from 1970 whose nanoseconds 64 bits hold."""

BUFFER_BYTES = 2**20

COUNT = "{n}"
OUT_OF_RANGE = f"{COUNT} dates before the year 1 or after 9999"
SHOWN_TWICE = f"; {COUNT} in an hour that it shows twice: which of the two is lost"

AGAIN = "Fetch or write it again"
OTHER_TYPES = "Write integers of more than 64 bits as text or decimals, and pack its pages with Zstandard"


@dataclass(frozen=True)
class _Read:
    """A piece of a column as a frame holds it, and what there is to know of it: `n` stands for COUNT in its fault; where it has
    none, in what is `added` to its note if there are any."""

    values: pl.Series
    unit: str = ""
    note: str = ""
    added: str = ""
    fault: str = ""
    n: int = 0


@dataclass
class _Column:
    """What there is to know of a column, from all pieces so far; `kind` is the type of the first."""

    kind: pl.DataType
    unit: str = ""
    note: str = ""
    added: str = ""
    fault: str = ""
    n: int = 0
    n_faulty: int = 0

    def take(self, read: _Read) -> pl.Series:
        """The values of a piece, none where it has a fault."""
        self.unit, self.note = self.unit or read.unit, self.note or read.note
        self.added, self.fault = self.added or read.added, self.fault or read.fault
        self.n += 0 if read.fault else read.n
        self.n_faulty += read.n if read.fault else 0
        is_alike = read.values.dtype == self.kind
        return read.values if is_alike else pl.Series(read.values.name, [None] * len(read.values), dtype=self.kind)

    def faults(self) -> str:
        return self.fault.replace(COUNT, f"{self.n_faulty:,}")

    def notes(self) -> str:
        return self.note + (self.added.replace(COUNT, f"{self.n:,}") if self.n else "")


def read_parquet(path: Path) -> Delivered:
    """The whole of what `parquet_pieces` reads."""
    return put_together(parquet_pieces(path))


def parquet_pieces(path: Path) -> Pieces:
    """Read every column; one that no frame can hold is empty and has a fault. Raises Refused where the file is damaged."""
    columns: dict[str, _Column] = {}
    finer: dict[str, int] = {}

    def frames() -> Iterator[pl.DataFrame]:
        for batch in _batches(path):
            names = unique_names(batch.column_names)
            read = {name: _column(name, batch.column(position)) for position, name in enumerate(names)}
            for name in names:
                columns.setdefault(name, _Column(read[name].values.dtype))
            yield pl.DataFrame([columns[name].take(read[name]) for name in names])
        names = list(columns)
        with _refusing_what_is_damaged():
            finer.update({names[position]: n for position, n in _finer(path).items() if n})

    def told() -> Delivered:
        faults = {name: column.faults() for name, column in columns.items()}
        emptied = {name: pl.Null() if faults[name] else column.kind for name, column in columns.items()}
        faults |= {name: f"{n:,} times finer than a microsecond" for name, n in finer.items()}
        return Delivered(
            pl.DataFrame(schema=emptied),
            column_units={name: column.unit for name, column in columns.items() if column.unit and not column.fault},
            column_notes={name: column.notes() for name, column in columns.items() if column.note and not column.fault},
            column_faults={name: fault for name, fault in faults.items() if fault},
        )

    return Pieces(frames(), told)


def _batches(path: Path) -> Iterator[pa.Table]:
    """The records, some at once, and first of all none."""
    n_rows = 0
    with _refusing_what_is_damaged(), _opened(path, "us", page_checksum_verification=True) as file:
        if not len(file.schema_arrow):
            raise Refused("a Parquet file without columns", AGAIN)
        yield file.read_row_groups([])
        for batch in file.iter_batches(_rows(file)):
            n_rows += batch.num_rows
            yield pa.Table.from_batches([batch])
        expected = file.metadata.num_rows
    if n_rows != expected:
        raise Refused(f"a cut Parquet file ({n_rows:,} of {expected:,} records)", AGAIN)


@contextmanager
def _refusing_what_is_damaged() -> Iterator[None]:
    try:
        yield
    except MemoryError:  # pyarrow's is one, too
        raise
    except pa.ArrowNotImplementedError:
        raise Refused("a Parquet file with a type or a compression that is not read", OTHER_TYPES) from None
    except (pa.ArrowException, ValueError, OSError) as error:  # the text may hold content
        if "checksum" in str(error):
            raise Refused("a damaged Parquet file (the checksum of a page is wrong)", "Fetch it again") from None
        raise Refused("a cut or damaged Parquet file", AGAIN) from None


def _opened(path: Path, tick: str, **options: bool) -> pq.ParquetFile:
    return pq.ParquetFile(path, coerce_int96_timestamp_unit=tick, buffer_size=BUFFER_BYTES, **options)


def _rows(file: pq.ParquetFile) -> int:
    """How many rows are read at once."""
    groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
    n_bytes = sum(group.total_byte_size for group in groups)
    return rows_of_a_piece(len(file.schema_arrow), n_bytes / max(file.metadata.num_rows, 1))


def _finer(path: Path) -> dict[int, int]:
    """Position of each column of the old 96-bit instants -> how many of them are finer than the microseconds read of it."""
    with _opened(path, "us") as file:
        leaves = map(file.schema.column, range(len(file.schema)))
        old = {leaf.path for leaf in leaves if leaf.physical_type == INT96}  # of columns inside others, with a dot
        positions = _instants(file.schema_arrow, old)
        names = [file.schema_arrow.names[position] for position in positions]
        found = dict.fromkeys(positions, 0)
        with _opened(path, "ns") as again:
            pairs = zip(file.iter_batches(columns=names), again.iter_batches(columns=names), strict=True) if positions else ()
            for microseconds, nanoseconds in pairs:
                reads = zip(positions, _instants(microseconds.schema, old), _instants(nanoseconds.schema, old), strict=True)
                for position, mine, its in reads:
                    found[position] += _n_finer(microseconds.column(mine), nanoseconds.column(its))
    return found


def _n_finer(microseconds: pa.Array, nanoseconds: pa.Array) -> int:
    if nanoseconds.type.unit == microseconds.type.unit:  # a column of the same name
        return 0
    read, exact = pl.Series(microseconds.cast(pa.int64())), pl.Series(nanoseconds.cast(pa.int64()))
    # beyond the years 1677 to 2262 nanoseconds run over; no clock of so fine a tick stands there
    return int(((read.abs() < MOST_EXACT) & (exact != read * PER_MILLISECOND)).sum())


def _instants(schema: pa.Schema, names: Collection[str]) -> list[int]:
    """The positions of columns of instants of these names."""
    return [position for position, field in enumerate(schema) if field.name in names and pa.types.is_timestamp(field.type)]


def _column(name: str, values: pa.ChunkedArray) -> _Read:
    if isinstance(values.type, pa.BaseExtensionType):
        values = _stored(values)
    if pa.types.is_dictionary(values.type):
        values = pa.chunked_array([chunk.dictionary_decode() for chunk in values.chunks], type=values.type.value_type)
    kind = values.type
    for is_kind, convert in CONVERSIONS:
        if is_kind(kind):
            return convert(name, values)
    return _plain(name, values)


def _stored(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values of a type of an extension as what they are stored as: identifiers and JSON as text; others as they are."""
    name = values.type.extension_name
    if name == "arrow.uuid":
        return pa.chunked_array([[None if value is None else str(value) for value in values.to_pylist()]], pa.string())
    if name == "arrow.bool8":
        return values.cast(pa.int8()).cast(pa.bool_())
    return values.cast(values.type.storage_type) if name == "arrow.json" else values


def _date(name: str, values: pa.ChunkedArray) -> _Read:
    n_outside = _n_out_of_range(values.cast(pa.date32()).cast(pa.int32()), 1)
    return _Read(_nothing(name, values), fault=OUT_OF_RANGE, n=n_outside) if n_outside else _plain(name, values)


def _n_out_of_range(ticks: pa.ChunkedArray, per_day: int) -> int:
    """How many ticks from 1970 neither DATE nor TIMESTAMP holds."""
    first = max((FIRST - EPOCH).days * per_day, -(2**63))
    last = min(((LAST - EPOCH).days + 1) * per_day - 1, 2**63 - 1)
    return int(pc.sum(pc.or_(pc.less(ticks, first), pc.greater(ticks, last))).as_py() or 0)


def _nothing(name: str, values: pa.ChunkedArray) -> pl.Series:
    return pl.Series(name, [None] * len(values), dtype=pl.Null)


def _plain(name: str, values: pa.ChunkedArray, unit: str = "", note: str = "") -> _Read:
    try:
        return _Read(pl.Series(name, values), unit, note)
    except (pl.exceptions.PolarsError, pa.ArrowException, TypeError, ValueError, NotImplementedError):
        return _Read(_nothing(name, values), fault=f"values of a type that is not read ({str(values.type).partition('<')[0]})")


def _local(name: str, values: pa.ChunkedArray) -> _Read:
    """Instants as they read on a clock of their zone."""
    zone = values.type.tz
    try:
        local = values if zone is None else pc.local_timestamp(values)
    except (pa.ArrowException, ValueError):
        return _Read(_nothing(name, values), fault="instants of a time zone that is not known")
    n_outside = _n_out_of_range(local.cast(pa.int64()), DAY_SECONDS * PER_SECOND[local.type.unit])
    if n_outside:
        return _Read(_nothing(name, values), fault=OUT_OF_RANGE, n=n_outside)
    if zone is None:
        return _plain(name, local)
    if zone in UTC:
        return _plain(name, local, note=IN_UTC)
    plain = _plain(name, local, note=f"instants as a clock in {zone} shows them")
    return plain if plain.fault else replace(plain, added=SHOWN_TWICE, n=_n_in_repeated_hours(local, zone))


def _n_in_repeated_hours(local: pa.ChunkedArray, zone: str) -> int:
    """How many local times the zone's clocks show twice, when they are set back: which of the two it was is lost."""
    if zone.startswith(("+", "-")):
        return 0
    first, second = (pc.assume_timezone(local, zone, ambiguous=which) for which in ("earliest", "latest"))
    return int(pc.sum(pc.not_equal(first, second)).as_py() or 0)


def _seconds(name: str, values: pa.ChunkedArray) -> _Read:
    """Times of day and durations as seconds."""
    per_second = PER_SECOND[values.type.unit]
    integers = pl.Series(name, values.cast(pa.int32() if pa.types.is_time32(values.type) else pa.int64())).cast(pl.Int64)
    return _Read(integers.cast(pl.Float64) / per_second, unit=SECONDS)


def _nested(name: str, values: pa.ChunkedArray) -> _Read:
    is_empty = values.null_count == len(values)
    return _Read(_nothing(name, values), fault="" if is_empty else "lists, maps or structures of values")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _text(name: str, values: pa.ChunkedArray) -> _Read:
    """Text as it is; pyarrow hands on bytes that are none, of which a frame is made that nobody can read."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return _Read(_nothing(name, values), fault="texts that are not UTF-8")
    return _plain(name, values)


def _half(name: str, values: pa.ChunkedArray) -> _Read:
    return _plain(name, values.cast(pa.float32()))


def _digits(name: str, values: pa.ChunkedArray) -> _Read:
    """Decimals of more digits than a frame holds, as text."""
    return _plain(name, values.cast(pa.string()))


CONVERSIONS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[str, pa.ChunkedArray], _Read]], ...] = (
    (pa.types.is_timestamp, _local),
    (pa.types.is_date, _date),
    (pa.types.is_time, _seconds),
    (pa.types.is_duration, _seconds),
    (pa.types.is_float16, _half),
    (pa.types.is_nested, _nested),
    (_is_text, _text),
    (pa.types.is_decimal256, _digits),
)
