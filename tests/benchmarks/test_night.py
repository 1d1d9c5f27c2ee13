"""What nights are timed on: its project fits together, and its delivery is one that the contract takes."""

from pathlib import Path

import polars as pl
import pytest

from tests.benchmarks import growth, results
from tests.benchmarks.big_survey import PSUS_PER_STRATUM, SOURCE, TABLE, big_survey, delivered


def test_the_survey_has_the_waves_and_columns_of_its_contract(tmp_path: Path) -> None:
    atlas = big_survey(tmp_path / "project", 6_000, 2)
    project = atlas.project
    assert list(project.sources) == [SOURCE]
    first, second = (pl.read_parquet(delivered(atlas, wave)) for wave in project.sources[SOURCE].waves)
    assert first.columns == list(project.contracts[f"raw.{TABLE}"].column_types())
    assert first.height == second.height == 3_000
    assert first["interview_weight"].n_unique() > 2_900
    assert first.select("stratum", "psu").n_unique() == 30 * PSUS_PER_STRATUM
    assert not first.equals(second)
    has_cramps = first.filter(pl.col("leg_cramps") < 5)["leg_cramps"] > 0
    assert 0.15 < has_cramps.sum() / has_cramps.len() < 0.45


def test_what_was_measured_is_kept_with_its_circumstances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "circumstances", lambda: {"commit": "abc"})
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    results.append_results("night", [{"stage": "core", "seconds": 1.5}])
    results.append_results("night", [{"stage": "report", "seconds": 2.5}])
    assert (tmp_path / "night.csv").read_text() == "commit,stage,seconds\nabc,core,1.5\nabc,report,2.5\n"


@pytest.mark.parametrize(
    ("seconds", "power"),
    [({1: 2.0, 10: 20.0, 100: 200.0}, 1.0), ({1: 2.0, 100: 20.0}, 0.5), ({1: 0.01, 10: 3.0, 100: 300.0}, 2.0), ({1: 2.0}, None)],
)
def test_growth_is_the_power_of_the_number_of_respondents(seconds: dict[float, float], power: float | None) -> None:
    assert growth.power(seconds) == (pytest.approx(power) if power else None)
