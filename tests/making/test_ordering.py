"""Rows come in the order that was asked for, whether or not they had to be sorted."""

import duckdb
import pyarrow as pa
import pytest

from pipelines.making.ordering import in_order

SORTED = "select * from (values (2, 'b', 1), (2, 'c', 2), (10, 'a', 3)) as t(size, name, number)"
SHUFFLED = "select * from (values (2, 'c', 2), (10, 'a', 3), (2, 'b', 1)) as t(size, name, number)"
UNKNOWN = "select * from (values (2, 'b', 1), (null, 'c', 2), (10, 'a', 3)) as t(size, name, number)"


def read(sql: str) -> tuple[list[list[int]], list[str]]:
    """The numbers of each attempt, and the names of the columns."""
    attempts: list[list[int]] = []
    names: list[str] = []

    def use(rows: pa.RecordBatchReader) -> tuple[str, int]:
        names[:] = rows.schema.names
        attempts.append([])
        for batch in rows:
            attempts[-1] += batch["number"].to_pylist()
        return "content", len(attempts[-1])

    with duckdb.connect() as connection:
        assert in_order(connection, sql, use) == ("content", 3)
    return attempts, names


def test_what_comes_in_order_is_not_sorted() -> None:
    assert read(f"{SORTED} order by size, name") == ([[1, 2, 3]], ["size", "name", "number"])


@pytest.mark.parametrize("rows", [SHUFFLED, UNKNOWN])
def test_what_does_not_is_sorted_after_all(rows: str) -> None:
    attempts, names = read(f"{rows} order by size nulls last, name")
    assert attempts[-1] == ([1, 2, 3] if rows == SHUFFLED else [1, 3, 2])
    assert len(attempts) == 2
    assert names == ["size", "name", "number"]


def test_a_key_that_is_not_compared_is_left_to_the_engine() -> None:
    attempts, _ = read(f"{SORTED} order by [size, number], name")
    assert attempts == [[], [1, 2, 3]]


def test_a_tie_in_the_first_key_is_settled_by_the_next() -> None:
    attempts, _ = read(f"{SORTED.replace('(2, ' + repr('b'), '(2, ' + repr('d'))} order by size, name")
    assert attempts == [[], [2, 1, 3]]


@pytest.mark.parametrize("order", ["", " order by size desc"])
def test_another_order_is_left_to_the_engine(order: str) -> None:
    attempts, _ = read(f"{SHUFFLED}{order}")
    assert attempts == ([[2, 3, 1]] if not order else [[3, *attempts[0][1:]]])


@pytest.mark.parametrize(
    ("sql", "numbers"),
    [
        (f"{SHUFFLED} order by size, name limit 3", [1, 2, 3]),
        (f"{SHUFFLED} order by size, name limit 3 offset 0", [1, 2, 3]),
        (f"{SHUFFLED} order by 3", [1, 2, 3]),
        (f"{SHUFFLED} order by all", [1, 2, 3]),
        (SHUFFLED.replace("select *", "select distinct *") + " order by number", [1, 2, 3]),
        (SHUFFLED.replace("select *", "select number, min(size) as size") + " group by all order by number", [1, 2, 3]),
    ],
)
def test_rows_that_hang_on_the_order_are_left_to_the_engine(sql: str, numbers: list[int]) -> None:
    assert read(sql)[0] == [numbers]


def test_rows_are_compared_across_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.making.ordering.BATCH_ROWS", 2048)
    descending = "select 10000 - range // 2048 as size, 'a' as name, range as number from range(4096)"

    firsts: list[list[int]] = []

    def use(rows: pa.RecordBatchReader) -> tuple[str, int]:
        firsts.append([])
        for batch in rows:
            firsts[-1].append(batch["number"][0].as_py())
        return "content", len(firsts[-1])

    with duckdb.connect() as connection:
        in_order(connection, f"{descending} order by size, name, number", use)
    assert firsts == [[0], [2048, 0]]
