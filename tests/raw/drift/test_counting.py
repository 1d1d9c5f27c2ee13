"""Distances against numbers worked out by hand and against scipy."""

from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from pipelines.raw.drift import counting
from pipelines.raw.drift.counting import Pair, Samples, Spread, Variable, sampled, spreads

Values = list[float | None]


def spread(before: Values, after: Values, kind: str = "DOUBLE") -> Spread:
    frames = {"before": pl.DataFrame({"x": before}, strict=False), "after": pl.DataFrame({"x": after}, strict=False)}
    with duckdb.connect(":memory:") as connection:
        for name, frame in frames.items():
            connection.register(name, frame.to_arrow())
        rows, [found] = spreads(connection, "before", "after", [Pair("x", Variable("x", kind, ("1",)))])
    assert rows == (len(before), len(after))
    return found


def test_distances_are_those_worked_out_by_hand() -> None:
    # shares of 1, 2, 3, missing: 2/4 1/4 0 1/4 before, 1/5 1/5 2/5 1/5 now
    found = spread([1, 1, 2, None], [1, 2, 3, 3, None])
    # (0.3 + 0.05 + 0.4 + 0.05) / 2, and the largest gap after 1, 2, 3: 0.3, 0.35, 0.05
    assert found.total_variation == pytest.approx(0.4, abs=1e-15)
    assert found.kolmogorov_smirnov == pytest.approx(0.35, abs=1e-15)
    assert (found.n_levels, found.nulls) == (3, (1, 1))
    assert found.codes == {"1": (2, 1)}


def test_missing_is_a_level() -> None:
    found = spread([1, 2, 3, 4], [1, 2, None, None])
    assert (found.total_variation, found.kolmogorov_smirnov) == (0.5, 0.5)


def test_nothing_in_common_is_one() -> None:
    found = spread([1, 2], [3, 4, 5])
    assert (found.total_variation, found.kolmogorov_smirnov) == (1, 1)


@pytest.mark.parametrize("decimals", [0, 1, 12])
@pytest.mark.parametrize("missing", [0, 0.2])
def test_kolmogorov_smirnov_is_that_of_scipy(decimals: int, missing: float) -> None:
    random = np.random.default_rng(decimals)
    before, after = (random.normal(mean, 2, n).round(decimals) for mean, n in ((0, 700), (0.3, 900)))
    after[random.random(900) < missing] = np.inf
    found = spread(before.tolist(), [None if value == np.inf else value for value in after])
    assert found.kolmogorov_smirnov == pytest.approx(ks_2samp(before, after).statistic, abs=1e-12)


values = st.lists(st.one_of(st.none(), st.floats(-5, 5, allow_nan=False), st.integers(0, 3).map(float)), max_size=40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=values, after=values)
def test_distances_are_bounded_and_look_the_same_from_both_sides(before: Values, after: Values) -> None:
    found, mirrored, same = spread(before, after), spread(after, before), spread(before, before[::-1])
    assert 0 <= found.kolmogorov_smirnov <= found.total_variation <= 1
    assert (found.kolmogorov_smirnov, found.total_variation) == (mirrored.kolmogorov_smirnov, mirrored.total_variation)
    assert (same.kolmogorov_smirnov, same.total_variation) == (0, 0)


def test_many_rows_are_compared_on_a_sample_that_is_always_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "SAMPLE_ROWS", 2_000)
    # sorted, so that a sample of its beginning would see one value only
    paths = [tmp_path / "before.parquet", tmp_path / "after.parquet"]
    for path, ones in zip(paths, (10_000, 14_000), strict=True):
        pl.DataFrame({"x": [0] * (20_000 - ones) + [1] * ones}).write_parquet(path, row_group_size=1_000)
    before, after = (sampled(path, 20_000) for path in paths)
    with duckdb.connect(":memory:") as connection:
        found = [spreads(connection, before, after, [Pair("x", Variable("x", "INTEGER"))]) for _ in range(2)]
    assert found[0] == found[1]
    (n_before, n_after), [counted] = found[0]
    assert 1_800 < n_before < 2_200
    assert 1_800 < n_after < 2_200
    assert counted.total_variation == pytest.approx(0.2, abs=0.05)
    assert "hash" not in sampled(paths[0], 3_999)


def test_an_object_is_sampled_once_for_the_comparisons_before_and_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "SAMPLE_ROWS", 100)
    paths = [tmp_path / f"{wave}.parquet" for wave in range(4)]
    for wave, path in enumerate(paths):
        pl.DataFrame({"x": [n * (wave + 1) % 7 for n in range(1_000)], "y": ["a"] * 1_000}).write_parquet(path)
    pairs = [Pair("x", Variable("x", "INTEGER")), Pair("y", Variable("y", "VARCHAR"))]
    samples = Samples()
    for before, after in pairwise(paths):
        with duckdb.connect(":memory:") as connection:
            expected = spreads(connection, sampled(before, 1_000), sampled(after, 1_000), pairs)
            if before != paths[0]:
                before.unlink()
            bound = [samples.bound(connection, path, 1_000) for path in (before, after)]
            assert spreads(connection, bound[0], bound[1], pairs) == expected
    with duckdb.connect(":memory:") as connection, pytest.raises(duckdb.IOException):
        samples.bound(connection, paths[1], 1_000)
