"""A delivery is taken in piece by piece, and comes out as if it had been taken in as a whole: values, messages and bytes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from pipelines.contracts.expectations import SchemaProblems
from pipelines.contracts.model import Contract
from pipelines.landing.readers import pieces
from pipelines.landing.readers.delivered import Refused
from pipelines.raw import set_aside as splitting
from pipelines.raw.casting import Misfit, cast_piece, cast_values, together
from pipelines.raw.conform import Found, conform
from pipelines.raw.set_aside import set_aside
from pipelines.store import row_groups
from pipelines.store.places import rejected_rows_place
from pipelines.store.row_groups import in_row_groups
from tests.contracts.sleep_contract import good_frame
from tests.landing.readers.here import read_here
from tests.raw.landed import PLACE, Landed
from tests.raw.test_conform import as_text

N_ROWS = 7
"""Of a piece: no divisor of what is tried."""

COLUMNS: dict[str, tuple[list[Any], str]] = {
    "other decimal marks": (["1,5", None, "2,25"] * 9, "DOUBLE"),
    "other decimal marks, and one text": ([*["1,5", None, "2,25"] * 9, "many"], "DOUBLE"),
    "marks of missing values": ([*["1"] * 9, *["NA"] * 8, "n/a", *["."] * 12, "unknown"], "INTEGER"),
    "fractions and what is beyond": ([*["1.5"] * 8, "99999999999", "9" * 30, "1e3", *["7"] * 9], "INTEGER"),
    "digits that are lost": ([*["1"] * 9, "12345678901234567", "1e-999", "1e999", " 2 "], "DOUBLE"),
    "no dates": ([*["2024-01-02"] * 9, "0000-01-01", "24-01-02", "2024-13-01"], "DATE"),
    "no times": ([*["2024-01-02 03:04:05"] * 9, "2024-01-02T03:04:05.1234567", ""], "TIMESTAMP"),
    "no truths": ([*["true", "FALSE", None] * 4, "yes", "maybe"], "BOOLEAN"),
    "numbers": ([*[1.0] * 9, 1.5, float("nan"), float("inf"), 3e9, None], "INTEGER"),
    "large whole numbers": ([*[1] * 9, 2**53 + 1, -(2**53) - 1], "DOUBLE"),
    "nothing": ([None] * 20, "INTEGER"),
    "midnights and others": ([*[datetime(2024, 1, 2)] * 9, datetime(2024, 1, 2, 3)], "DATE"),
    "of another type": ([*[True] * 9, None], "DOUBLE"),
}


@pytest.mark.parametrize("what", COLUMNS)
def test_the_misfits_of_pieces_are_those_of_the_column(what: str) -> None:
    given, kind = COLUMNS[what]
    column = pl.Series("x", given)
    whole, misfits = cast_values(column, kind)
    read = pl.Series("x", [], whole.dtype)
    found: list[Misfit] = []
    for start in range(0, len(column), N_ROWS):
        piece, more = cast_piece(column.slice(start, N_ROWS), kind)
        read.append(piece)
        found = together(found, more)
    assert read.equals(whole, null_equal=True)
    assert [(misfit.n_values, misfit.found) for misfit in found if misfit.n_values] == [
        (misfit.n_values, misfit.found) for misfit in misfits
    ]


def of_pieces(frame: pl.DataFrame, contract: Contract) -> list[str]:
    found = Found()
    for piece in frame.iter_slices(N_ROWS):
        conform(piece, contract, "second", found=found)
    return found.problems(contract)


def test_the_problems_of_pieces_are_those_of_the_delivery(load: Callable[..., Contract]) -> None:
    contract = load()
    frame = pl.concat([as_text(good_frame())] * 9)
    assert of_pieces(frame, contract) == []
    last = pl.concat([frame, as_text(good_frame()).with_columns(weight=pl.lit("heavy"), hours=pl.lit("NA"))])
    wrong = last.with_columns(extra=1).drop("note")
    with pytest.raises(SchemaProblems) as raised:
        conform(wrong, contract, "second")
    assert of_pieces(wrong, contract) == raised.value.problems
    assert len(raised.value.problems) == 4


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let readers make pieces of a few rows from now on."""
    return lambda: monkeypatch.setattr(pieces, "MOST_ROWS", N_ROWS)


def in_all_ways(n: int) -> pa.Table:
    """Columns of which the first and the last rows differ in what a reader has to say."""
    late = [datetime(2024, 10, 27, 1, 30)] * (n - 1)
    return pa.table(
        {
            "number": list(range(n)),
            "text": ["caf\ufffd" if row == n - 1 else "tea" for row in range(n)],
            "coded": pa.array(["a", "b"] * (n // 2)).dictionary_encode(),
            "day": pa.array([date(2024, 1, 1)] * (n - 1) + [None]),
            "beyond": pa.array([0] * (n - 1) + [2**31 - 1], pa.int32()).cast(pa.date32()),
            "instant": pa.array([datetime(2024, 7, 1), *late], pa.timestamp("us", "Europe/Paris")),
            "clock": pa.array([time(1, 2, 3)] * n),
            "length": pa.array([timedelta(seconds=90)] * n),
            "list": pa.array([None] * (n - 1) + [[1]]),
            "no list": pa.array([None] * n, pa.list_(pa.int8())),
            "exact": pa.array([2**64 - 1] * n, pa.uint64()),
            "nothing": pa.nulls(n),
        }
    )


def test_a_parquet_file_read_in_pieces_is_the_one_read_whole(tmp_path: Path, small: Callable[[], None]) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(in_all_ways(40), path, row_group_size=11)
    whole = read_here(path, tmp_path)
    small()
    by_pieces = read_here(path, tmp_path)
    assert_frame_equal(by_pieces.frame, whole.frame)
    assert by_pieces.told() == whole.told()
    assert whole.column_faults == {
        "beyond": "1 dates before the year 1 or after 9999",
        "list": "lists, maps or structures of values",
    }
    assert whole.column_notes["instant"].endswith("; 39 in an hour that it shows twice: which of the two is lost")
    [note] = whole.notes
    assert note.startswith("1 texts hold the mark of a letter that a program lost")
    assert whole.frame["beyond"].dtype == pl.Null


def test_instants_that_are_too_fine_are_counted_over_all_pieces(tmp_path: Path, small: Callable[[], None]) -> None:
    path = tmp_path / "x.parquet"
    ticks = [*[0] * 30, 1_001, 2_002]
    pq.write_table(pa.table({"at": pa.array(ticks, pa.timestamp("ns"))}), path, use_deprecated_int96_timestamps=True)
    small()
    assert read_here(path, tmp_path).column_faults == {"at": "2 times finer than a microsecond"}


def test_text_read_in_pieces_is_the_one_read_whole(tmp_path: Path, small: Callable[[], None]) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,answer,answer\n" + "".join(f'{row},"a\n{row}",\n' for row in range(5_000)), encoding="utf-8")
    whole = read_here(path, tmp_path)
    small()
    by_pieces = read_here(path, tmp_path)
    assert_frame_equal(by_pieces.frame, whole.frame)
    assert whole.frame.row(4_999) == ("4999", "a\n4999", None)


def test_a_fault_of_the_last_piece_is_told_by_its_line(tmp_path: Path, small: Callable[[], None]) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,answer\n" + "1,2\n" * 5_000 + "1,2,3\n", encoding="utf-8")
    small()
    with pytest.raises(Refused, match="in line 5,002 with 3 fields where the header has 2"):
        read_here(path, tmp_path)


def test_labels_are_found_where_the_first_records_come_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    path.write_text('id,answer\nId,Answer\n"{""ImportId"":""a""}","{""ImportId"":""b""}"\n1,2\n', encoding="utf-8")
    monkeypatch.setattr(pieces, "MOST_ROWS", 1)
    with pytest.raises(Refused, match="Qualtrics"):
        read_here(path, tmp_path)


def test_rows_are_gathered_into_the_same_groups_whatever_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "ROW_GROUP_ROWS", 10)
    table = pa.table({"a": list(range(47)), "b": [str(row) for row in range(47)]})
    for rows in (1, 7, 10, 13, 47):
        batches = list(in_row_groups((table.slice(start, rows) for start in range(0, 47, rows)), table.schema))
        assert [batch.num_rows for batch in batches] == [10, 10, 10, 10, 7]
        assert pa.Table.from_batches(batches).equals(table)
    assert list(in_row_groups([table.slice(0, 0)], table.schema)) == []


def test_a_group_of_many_columns_or_long_texts_has_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "MOST_CELLS", 20)
    table = pa.table({name: list(range(30)) for name in "abcd"})
    assert [batch.num_rows for batch in in_row_groups([table], table.schema)] == [5] * 6
    monkeypatch.undo()
    monkeypatch.setattr(row_groups, "MOST_BYTES", 100)
    texts = pa.table({"a": ["x" * 60] * 5})
    pieces_of_two = (texts.slice(start, 2) for start in range(0, 5, 2))
    assert [batch.num_rows for batch in in_row_groups(pieces_of_two, texts.schema)] == [2, 2, 1]


def test_rows_are_set_aside_across_batches(landed: Landed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three records, each by two rules, in batches that end anywhere."""
    project = landed.project
    contract = project.contracts[PLACE.name]
    number = next(column.name for column in contract.columns if column.type == "DOUBLE")
    rule = next(rule for rule in contract.rules if rule.bad_rows)
    rules = [replace(rule, rule_id=f"r{n}", severity="set_aside", bad_rows=f"{number} = {n}") for n in (1, 2)]
    rules.append(replace(rule, rule_id="of both", severity="set_aside", bad_rows=f"{number} > 0"))
    contract = replace(contract, rules=tuple(rules))
    project.contracts[PLACE.name] = contract  # type: ignore[index]
    values = [float(row % 3) for row in range(50)]
    table = pa.table(
        [pa.array(values) if field.name == number else pa.nulls(50, field.type) for field in contract.arrow_schema()],
        schema=contract.arrow_schema(),
    )
    content, _ = project.store.write(PLACE, table)
    found = []
    for rows in (1, 4, 50):
        monkeypatch.setattr(splitting, "BATCH_ROWS", rows)
        found.append(set_aside(project, PLACE, content))
    assert found[0] == found[1] == found[2]
    rest, n_rest, aside, n_aside = found[0]
    assert (n_rest, n_aside) == (17, 33)
    assert pl.read_parquet(project.store.path(PLACE, rest))[number].to_list() == [0.0] * 17
    listed = pl.read_parquet(project.store.path(rejected_rows_place(PLACE), aside))
    assert listed["row_number"].to_list() == [row + 1 for row in range(50) if row % 3 for _ in range(2)]
