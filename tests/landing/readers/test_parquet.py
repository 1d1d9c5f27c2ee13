"""Parquet: exact numbers, the date and time that a clock showed, checked pages; a column that is not read spoils no other."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.authoring.drafted_column import type_of
from pipelines.landing.readers.delivered import Delivered
from tests.landing.readers.here import read_here, refused_here
from tests.small_deliveries import CASES


def delivered(tmp_path: Path, **columns: Any) -> Delivered:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    return read_here(tmp_path / "a.parquet", tmp_path)


CASES_RIGHT: dict[str, dict[str, list[Any]]] = {
    "parquet_decimal_id.parquet": {"id": [Decimal(9007199254740993), Decimal(9007199254740995), Decimal(1234567890123456789)]},
    "parquet_tz.parquet": {"seen": [datetime(2024, 1, 2, 0, 30), datetime(2024, 7, 2, 0, 30)]},
    "parquet_int96_sentinel.parquet": {"valid_to": [datetime(2024, 1, 2, 3, 4, 5), datetime(9999, 12, 31)]},
    "parquet_time.parquet": {"t": [37800.0]},
    "parquet_dup.parquet": {"id": [1], "id_duplicated_0": [2]},
}


@pytest.mark.parametrize("name", CASES_RIGHT)
def test_values_arrive_as_they_were_sent(tmp_path: Path, name: str) -> None:
    frame = read_here(CASES / name, tmp_path).frame
    assert {column: frame[column].to_list() for column in CASES_RIGHT[name]} == CASES_RIGHT[name]


def test_a_page_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    text = refused_here(CASES / "parquet_bad_checksum.parquet", tmp_path)
    assert text == "a damaged Parquet file (the checksum of a page is wrong). Fetch it again"


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    assert "a damaged Parquet file, or none" in refused_here(CASES / "wrong_csv_as.parquet", tmp_path)


KINDS: list[tuple[str, Any, list[Any], pl.DataType]] = [
    ("half floats", pa.array(np.array([1.5, 0.1], dtype=np.float16)), [1.5, float(np.float16(0.1))], pl.Float32()),
    ("unsigned", pa.array([2**64 - 1], pa.uint64()), [2**64 - 1], pl.UInt64()),
    ("long decimals", pa.array([Decimal(10**45 + 1)], pa.decimal256(50, 0)), [str(10**45 + 1)], pl.String()),
    ("milliseconds of a day", pa.array([time(10, 30), None], pa.time32("ms")), [37800.0, None], pl.Float64()),
    ("nanoseconds of a day", pa.array([1_500_000_000], pa.time64("ns")), [1.5], pl.Float64()),
    ("durations", pa.array([timedelta(days=-2, microseconds=1)]), [-172799.999999], pl.Float64()),
    (
        "a zone of hours",
        pa.array([datetime(2024, 1, 1, 22, tzinfo=UTC)], pa.timestamp("us", "+05:30")),
        [datetime(2024, 1, 2, 3, 30)],
        pl.Datetime("us"),
    ),
    ("no zone", pa.array([datetime(2024, 1, 1, 22)], pa.timestamp("ms")), [datetime(2024, 1, 1, 22)], pl.Datetime("ms")),
]


@pytest.mark.parametrize(("values", "expected", "kind"), [case[1:] for case in KINDS], ids=[case[0] for case in KINDS])
def test_every_type_of_number_and_time_has_one_of_ours(
    tmp_path: Path, values: Any, expected: list[Any], kind: pl.DataType
) -> None:
    read = delivered(tmp_path, x=values).frame["x"]
    assert read.to_list() == expected
    assert read.dtype == kind


def test_what_seconds_and_zones_are_is_said(tmp_path: Path) -> None:
    read = delivered(
        tmp_path,
        at=pa.array([time(10)]),
        utc=pa.array([datetime(2024, 1, 1)], pa.timestamp("us", "UTC")),
        there=pa.array([datetime(2024, 1, 1)], pa.timestamp("us", "Asia/Tokyo")),
    )
    assert read.column_units == {"at": "seconds"}
    assert read.frame["there"].to_list() == [datetime(2024, 1, 1, 9)]
    assert "instants in UTC" in read.column_notes["utc"]
    assert "a clock in Asia/Tokyo" in read.column_notes["there"]


def test_dates_that_no_reader_of_ours_holds_are_a_fault_of_their_column(tmp_path: Path) -> None:
    n_days, first = 2_932_897, -719_163  # 10000-01-01 and 0000-12-31
    read = delivered(
        tmp_path,
        id=[1, 2],
        late=pa.array([n_days, 0], pa.date32()),
        early=pa.array([first, 0], pa.date32()),
        instant=pa.array([n_days * 86_400, 0], pa.timestamp("s")),
        far=pa.array([2**62, None], pa.timestamp("ms")),
        here=pa.array([n_days * 86_400 - 1, 0], pa.timestamp("s", "Asia/Tokyo")),
        last=pa.array([n_days * 86_400 - 1, first * 86_400 + 86_400], pa.timestamp("s")),
    )
    outside = "1 dates before the year 1 or after 9999"
    assert read.column_faults == dict.fromkeys(("late", "early", "instant", "far", "here"), outside)
    assert read.frame["id"].to_list() == [1, 2]
    assert read.frame["last"].to_list() == [datetime(9999, 12, 31, 23, 59, 59), datetime(1, 1, 1)]


def test_identifiers_json_and_bytes_for_booleans_are_what_they_say(tmp_path: Path) -> None:
    identifier = UUID("12345678-1234-5678-1234-567812345678")
    read = delivered(
        tmp_path,
        id=pa.array([identifier.bytes, None], pa.uuid()),
        json=pa.array(["{}", None], pa.json_()),
        flag=pa.array([1, 0], pa.bool8()),
    )
    assert read.frame.rows() == [(str(identifier), "{}", True), (None, None, False)]


def test_a_file_without_columns_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({}), tmp_path / "a.parquet")
    assert "a Parquet file without columns" in refused_here(tmp_path / "a.parquet", tmp_path)


def no_text(kind: pa.DataType) -> pa.Array:
    """Two texts, of which one is not UTF-8."""
    binary = pa.large_binary() if kind == pa.large_string() else pa.binary()
    return pa.Array.from_buffers(kind, 2, pa.array([b"caf\xe9", b"sound"], binary).buffers())


def test_nested_columns_are_faults_beside_the_others(tmp_path: Path) -> None:
    offsets = pa.array([0, 1, 2], pa.int32())
    read = delivered(
        tmp_path,
        id=[1, 2],
        scans=[[1], []],
        about=[{"a": 1}, None],
        spoilt=pa.ListArray.from_arrays(offsets, no_text(pa.string())),
        deep=pa.StructArray.from_arrays([no_text(pa.string())], names=["a"]),
        keyed=pa.MapArray.from_arrays(offsets, pa.array(["a", "b"]), no_text(pa.string())),
        empty=pa.nulls(2, pa.list_(pa.int8())),
        raw=[b"x", b"y"],
    )
    faults = dict.fromkeys(("scans", "about", "spoilt", "deep", "keyed"), "lists, maps or structures of values")
    assert read.column_faults == faults
    assert read.frame.columns == ["id", "scans", "about", "spoilt", "deep", "keyed", "empty", "raw"]
    assert read.frame["id"].to_list() == [1, 2]


def test_text_that_is_written_once_for_many_records_is_text(tmp_path: Path) -> None:
    read = delivered(
        tmp_path,
        id=pa.array(["007", "1E2", None]).dictionary_encode(),
        day=pa.DictionaryArray.from_arrays(pa.array([0, 0, None], pa.int8()), pa.array([2_932_897], pa.date32())),
        large=pa.array(["x", "x", "é"], pa.large_string()).dictionary_encode(),
    )
    assert read.frame["id"].dtype == read.frame["large"].dtype == pl.String
    assert read.frame["id"].to_list() == ["007", "1E2", None]
    assert read.frame["large"].to_list() == ["x", "x", "é"]
    assert read.column_faults == {"day": "2 dates before the year 1 or after 9999"}
    assert type_of(read.frame["id"], ".") == "VARCHAR"


def test_integers_of_more_than_64_bits_are_named(tmp_path: Path) -> None:
    pl.DataFrame({"id": pl.Series([2**100], dtype=pl.Int128)}).write_parquet(tmp_path / "a.parquet")
    assert "Write integers of more than 64 bits as text" in refused_here(tmp_path / "a.parquet", tmp_path)


def test_an_hour_that_clocks_show_twice_is_told(tmp_path: Path) -> None:
    """Clocks in Berlin went from 02:00 to 03:00 on 31 March 2024, and from 03:00 back to 02:00 on 27 October."""
    seen = [datetime(2024, 3, 31, 1, 30), datetime(2024, 10, 27, 0, 30), datetime(2024, 10, 27, 1, 30), None]
    columns = {
        "berlin": pa.array(seen, pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us", tz="Europe/Berlin")),
        "mumbai": pa.array([None, None, None, datetime(2024, 1, 1)], pa.timestamp("us", tz="+05:30")),
    }
    pq.write_table(pa.table(columns), tmp_path / "seen.parquet")
    delivered = read_here(tmp_path / "seen.parquet", tmp_path)
    autumn = datetime(2024, 10, 27, 2, 30)
    assert delivered.frame["berlin"].to_list() == [datetime(2024, 3, 31, 3, 30), autumn, autumn, None]
    assert delivered.column_notes["berlin"].endswith("shows them; 2 in an hour that it shows twice: which of the two is lost")
    assert delivered.column_notes["mumbai"] == "instants as a clock in +05:30 shows them"


def test_old_instants_that_are_finer_than_a_microsecond_are_a_fault_of_their_column(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    nanoseconds = pa.array([1_000_000_001, 1_000_000_002, 1_000_000_000], pa.timestamp("ns"))
    whole = pa.array([datetime(9999, 12, 31), datetime(1, 1, 1), None], pa.timestamp("us"))
    about = pa.array([{"a": 1, "b": datetime(2024, 1, 1)}] * 3)
    columns = {"about": about, "about.c": nanoseconds, "fine": nanoseconds, "whole": whole}
    pq.write_table(pa.table(columns), path, use_deprecated_int96_timestamps=True)
    delivered = read_here(path, tmp_path)
    finer = "2 times finer than a microsecond"
    assert delivered.column_faults == {"about": "lists, maps or structures of values", "about.c": finer, "fine": finer}
    assert delivered.frame["whole"].to_list() == [datetime(9999, 12, 31), datetime(1, 1, 1), None]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_bytes_that_are_no_text_are_a_fault_of_their_column(tmp_path: Path, kind: pa.DataType) -> None:
    is_dictionary = pa.types.is_dictionary(kind)
    spoilt = no_text(pa.string() if is_dictionary else kind)
    if is_dictionary:
        spoilt = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), spoilt)
    read = delivered(tmp_path, spoilt=spoilt, whole=["café", "sound"])
    assert read.column_faults == {"spoilt": "texts that are not UTF-8"}
    assert read.frame["whole"].to_list() == ["café", "sound"]
