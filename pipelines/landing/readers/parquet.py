"""Parquet files, which bring their types with them. Pages are checked by their checksums where they have them.

Dates and times arrive as they read on a clock: a timestamp with a zone as the local time of that zone, times of day and durations
as seconds. Numbers keep their exact type, identifiers of the type UUID are text.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.landing.readers.delivered import IN_UTC, SECONDS, Delivered, Refused, unique_names
from pipelines.landing.readers.instants import DAY_SECONDS, EPOCH, FIRST, LAST

PER_SECOND: Mapping[str, int] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

UTC = frozenset({"UTC", "Etc/UTC", "Z", "+00:00"})

INT96 = "INT96"
PER_MILLISECOND = 1_000
MOST_EXACT = 2**63 // PER_MILLISECOND
"""Microseconds from 1970 whose nanoseconds 64 bits hold."""

AGAIN = "Fetch or write it again"
OTHER_TYPES = "Write integers of more than 64 bits as text or decimals, and pack its pages with Zstandard"


@dataclass(frozen=True)
class _Read:
    """A column as a frame holds it, and what there is to know of it."""

    values: pl.Series
    unit: str = ""
    note: str = ""
    fault: str = ""


def read_parquet(path: Path) -> Delivered:
    """Read every column; one that no frame can hold is empty and has a fault. Raises Refused where the file is damaged."""
    table, finer = _table(path)
    if not table.num_columns:
        raise Refused("a Parquet file without columns", AGAIN)
    names = unique_names(table.column_names)
    read = {name: _column(name, table.column(position)) for position, name in enumerate(names)}
    for position, n_finer in finer.items():
        if n_finer:
            name = names[position]
            read[name] = replace(read[name], fault=f"{n_finer:,} times finer than a microsecond")
    return Delivered(
        pl.DataFrame([column.values for column in read.values()]),
        column_units={name: column.unit for name, column in read.items() if column.unit},
        column_notes={name: column.note for name, column in read.items() if column.note},
        column_faults={name: column.fault for name, column in read.items() if column.fault},
    )


def _table(path: Path) -> tuple[pa.Table, Mapping[int, int]]:
    """The table, and how many instants of which column are finer than what was read of them."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, coerce_int96_timestamp_unit="us") as file:
            table = file.read()
            expected = file.metadata.num_rows
            finer = _finer(path, file.schema, table)
    except MemoryError:  # pyarrow's is one, too
        raise
    except pa.ArrowNotImplementedError:
        raise Refused("a Parquet file with a type or a compression that is not read", OTHER_TYPES) from None
    except (pa.ArrowException, ValueError, OSError) as error:  # the text may hold content
        if "checksum" in str(error):
            raise Refused("a damaged Parquet file (the checksum of a page is wrong)", "Fetch it again") from None
        raise Refused("a cut or damaged Parquet file", AGAIN) from None
    if table.num_rows != expected:
        raise Refused(f"a cut Parquet file ({table.num_rows:,} of {expected:,} records)", AGAIN)
    return table, finer


def _finer(path: Path, schema: pq.ParquetSchema, table: pa.Table) -> dict[int, int]:
    """Position of each column of the old 96-bit instants -> how many of them are finer than the microseconds read of it."""
    leaves = map(schema.column, range(len(schema)))
    old = {leaf.path for leaf in leaves if leaf.physical_type == INT96}  # of columns inside others, with a dot
    positions = _instants(table, old)
    if not positions:
        return {}
    with pq.ParquetFile(path, coerce_int96_timestamp_unit="ns") as file:
        nanoseconds = file.read([table.column_names[position] for position in positions])
    found = {}
    for again, position in zip(_instants(nanoseconds, old), positions, strict=True):
        if nanoseconds.column(again).type.unit == table.column(position).type.unit:  # a column of the same name
            continue
        read = pl.Series(table.column(position).cast(pa.int64()))
        exact = pl.Series(nanoseconds.column(again).cast(pa.int64()))
        # beyond the years 1677 to 2262 nanoseconds run over; no clock of so fine a tick stands there
        found[position] = int(((read.abs() < MOST_EXACT) & (exact != read * PER_MILLISECOND)).sum())
    return found


def _instants(table: pa.Table, names: Collection[str]) -> list[int]:
    """The positions of columns of instants of these names."""
    return [position for position, field in enumerate(table.schema) if field.name in names and pa.types.is_timestamp(field.type)]


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
    fault = _out_of_range(values.cast(pa.date32()).cast(pa.int32()), 1)
    return _Read(_nothing(name, values), fault=fault) if fault else _plain(name, values)


def _out_of_range(ticks: pa.ChunkedArray, per_day: int) -> str:
    """What is wrong with ticks from 1970 that neither DATE nor TIMESTAMP holds; empty where all are held."""
    first = max((FIRST - EPOCH).days * per_day, -(2**63))
    last = min(((LAST - EPOCH).days + 1) * per_day - 1, 2**63 - 1)
    n_outside = pc.sum(pc.or_(pc.less(ticks, first), pc.greater(ticks, last))).as_py() or 0
    return f"{n_outside:,} dates before the year 1 or after 9999" if n_outside else ""


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
    fault = _out_of_range(local.cast(pa.int64()), DAY_SECONDS * PER_SECOND[local.type.unit])
    if fault:
        return _Read(_nothing(name, values), fault=fault)
    if zone is None:
        return _plain(name, local)
    if zone in UTC:
        return _plain(name, local, note=IN_UTC)
    return _plain(name, local, note=f"instants as a clock in {zone} shows them{_in_repeated_hours(local, zone)}")


def _in_repeated_hours(local: pa.ChunkedArray, zone: str) -> str:
    """How many local times the zone's clocks show twice, when they are set back: which of the two it was is lost."""
    if zone.startswith(("+", "-")):
        return ""
    first, second = (pc.assume_timezone(local, zone, ambiguous=which) for which in ("earliest", "latest"))
    n_twice = pc.sum(pc.not_equal(first, second)).as_py() or 0
    return f"; {n_twice:,} in an hour that it shows twice: which of the two is lost" if n_twice else ""


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
