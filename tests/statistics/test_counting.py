"""Ordering and numbering by counting: the same as polars' own sort and distinct rows."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.statistics.counting import FEWEST_ROWS_TO_ORDER, level_numbers, ordered, row_numbers, whole_sums
from pipelines.statistics.design import same_levels

KEYS = ["code", "flag", "level"]
LEVELS = ["young", "middle", "old"]


def keys(n: int = 3_000, share_known: float = 0.9) -> pl.DataFrame:
    """Codes below and above 0, a boolean and an ENUM whose order is not the alphabet's, with NULLs."""
    rng = np.random.Generator(np.random.PCG64(3))
    frame = pl.DataFrame(
        {
            "code": rng.integers(-100, 100, n).astype(np.int16),
            "flag": rng.random(n) < 0.5,
            "level": pl.Series(rng.choice(LEVELS, n), dtype=pl.Enum(LEVELS)),
        }
    )
    return frame.with_columns(pl.when(pl.Series(rng.random(n) < share_known)).then(pl.col(name)).alias(name) for name in KEYS)


def test_rows_are_in_the_order_of_a_sort_with_null_last() -> None:
    distinct = keys(40_000).unique(maintain_order=True).with_row_index("row")
    assert distinct.height > 1_000
    rows = pl.concat([distinct.with_columns(copy=pl.lit(i)) for i in range(3)])  # enough rows to be counted
    assert rows.height >= FEWEST_ROWS_TO_ORDER
    assert_frame_equal(ordered(rows, [*KEYS, "copy"]), rows.sort([*KEYS, "copy"], nulls_last=True))


@pytest.mark.parametrize("place", range(len(KEYS) + 1))
@pytest.mark.parametrize("beyond", [[], [float("inf"), float("-inf")], [float("nan")]], ids=["finite", "infinite", "no number"])
def test_rows_with_a_number_that_is_not_whole_are_in_the_order_of_a_sort(place: int, beyond: list[float]) -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    values = pl.Series(np.append(np.round(rng.normal(0, 100, 40_000 - len(beyond)), 1), beyond))
    with_numbers = keys(40_000).with_columns(number=pl.when(pl.Series(rng.random(40_000) < 0.9)).then(values))
    rows = with_numbers.unique(maintain_order=True)
    assert rows.height > 10_000
    assert rows["number"].null_count() > 0
    by = [*KEYS[:place], "number", *KEYS[place:]]
    assert_frame_equal(ordered(rows, by), rows.sort(by, nulls_last=True))
    assert_frame_equal(ordered(rows.head(0), by), rows.head(0))
    far_apart = rows.with_columns(code=pl.col("code").cast(pl.Int64) * 2**40)
    assert_frame_equal(ordered(far_apart, by), far_apart.sort(by, nulls_last=True))


@pytest.mark.parametrize("apart", [1, 2**40], ids=["counted", "sorted"])
def test_levels_are_the_sorted_distinct_rows_inside(apart: int) -> None:
    rows = keys(share_known=1.0).with_columns(code=pl.col("code").cast(pl.Int64) * apart)
    inside = rows["flag"].to_numpy()
    counted = level_numbers(rows, KEYS, inside)
    assert counted is not None
    level, row_of_level = counted
    assert_frame_equal(rows[row_of_level], rows.filter(pl.Series(inside)).unique().sort(KEYS))
    assert (level[~inside] == -1).all()
    assert_frame_equal(rows[row_of_level][level[inside]], rows.filter(pl.Series(inside)))


def test_text_of_few_levels_and_sorted_numbers_far_apart_are_levels_like_others() -> None:
    words = pl.col("level").cast(pl.String).replace({"young": "é", "old": "Z"})
    distinct = keys(40_000).with_columns(word=words, stratum=pl.col("code").cast(pl.Int64) * 2**32).drop_nulls("stratum")
    rows = distinct.unique(maintain_order=True).with_columns(word=pl.when(pl.col("flag")).then("word")).sort("stratum")
    rows = pl.concat([rows.with_columns(copy=pl.lit(i)) for i in range(9)]).sort("stratum", maintain_order=True)
    by = ["stratum", "word", "flag", "level", "copy"]
    assert row_numbers(rows, ["stratum", "word"]) is not None
    assert rows["word"].null_count() > 0
    rows = rows.unique(by, keep="first", maintain_order=True)
    assert_frame_equal(ordered(rows, by), rows.sort(by, nulls_last=True))


@pytest.mark.parametrize(
    "rows",
    [
        keys().with_columns(code=pl.int_range(pl.len()).cast(pl.String)),
        keys().with_columns(code=pl.lit(1.5)),
        keys().with_columns(code=(pl.int_range(pl.len()) * 2**50).reverse()),
    ],
    ids=["text of many levels", "fractions", "more combinations than numbers"],
)
def test_other_keys_are_left_to_polars(rows: pl.DataFrame) -> None:
    assert row_numbers(rows, KEYS) is None


def test_a_column_that_is_null_throughout_is_one_level() -> None:
    numbered = row_numbers(keys().with_columns(code=pl.lit(None, dtype=pl.Int64)), ["code"])
    assert numbered is not None
    assert len(np.unique(numbered[0])) == 1


@pytest.mark.parametrize("largest", [10, 2**40, 2**62 // 200])
def test_sums_of_whole_numbers_are_the_nearest_of_the_exact_ones(largest: int) -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    values, group = rng.integers(-largest, largest, 200), rng.integers(0, 3, 200)
    exact = [float(sum(int(value) for value in values[group == number])) for number in range(3)]
    assert whole_sums(values, group, 4).tolist() == [*exact, 0.0]


def test_text_of_several_tables_has_the_levels_of_all() -> None:
    words = [pl.DataFrame({"word": pl.Series(levels, dtype=pl.Enum(levels)), "n": 1}) for levels in (["b", "c"], ["a", "b"])]
    together = pl.concat(same_levels(words))
    assert together["word"].dtype == pl.Enum(["a", "b", "c"])
    assert together["word"].to_list() == ["b", "c", "a", "b"]
    assert pl.concat(same_levels([*words, pl.DataFrame({"word": ["z"], "n": 1})]))["word"].to_list() == ["b", "c", "a", "b", "z"]
    assert same_levels([]) == []
