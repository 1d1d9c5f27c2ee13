"""Streams are independent of one another: what one draws depends on the seed and its own name only."""

import numpy as np
import polars as pl

from pipelines.synthetic.streams import SMALLEST_UNIFORM, uniforms, with_uniforms


def test_the_same_seed_and_name_draw_the_same_numbers() -> None:
    assert np.array_equal(uniforms(7, 1_000, "people", "age"), uniforms(7, 1_000, "people", "age"))


def test_another_seed_draws_other_numbers() -> None:
    assert not np.array_equal(uniforms(7, 1_000, "people", "age"), uniforms(8, 1_000, "people", "age"))


def test_another_name_draws_other_numbers() -> None:
    assert abs(np.corrcoef(uniforms(7, 100_000, "people", "age"), uniforms(7, 100_000, "people", "sex"))[0, 1]) < 0.015


def test_one_more_stream_shifts_none_of_the_others() -> None:
    people = pl.DataFrame({"person": range(100)})
    before = with_uniforms(people, ["age", "sex"], 7, "people")
    after = with_uniforms(people, ["age", "eye_colour", "sex"], 7, "people")
    assert after.select(before.columns).equals(before)


def test_longer_streams_begin_with_the_shorter_ones() -> None:
    assert np.array_equal(uniforms(7, 1_000, "people", "age")[:10], uniforms(7, 10, "people", "age"))


def test_uniforms_never_reach_0_or_1() -> None:
    drawn = uniforms(7, 1_000_000, "people", "age")
    assert drawn.min() >= SMALLEST_UNIFORM > 0
    assert drawn.max() < 1
