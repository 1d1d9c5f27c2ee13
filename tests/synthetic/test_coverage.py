"""The intervals of the pipeline hold the truth as often as they say; `python -m tests.coverage` has ten times the samples."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.stages import load_project
from tests.coverage.case_control import matched_intervals, mean_log_width
from tests.coverage.counting import by_kind, by_value, least_covered
from tests.coverage.survey import sample_intervals

FEW_EXPOSURES = ("is_sedentary", "takes_loop_diuretic")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with its sources in full size."""
    return load_project(Settings(warehouse=Path(tmp_path_factory.mktemp("whole"))))


@pytest.fixture(scope="module")
def of_5000_pairs(whole: Project) -> pl.DataFrame:
    return matched_intervals(whole, 5_000, range(1, 201))


def test_at_least_180_of_200_intervals_hold_the_planted_odds_ratio(of_5000_pairs: pl.DataFrame) -> None:
    found = by_value(of_5000_pairs)
    assert found.select("planted", "model", "n_deliveries").rows() == [(9.34, "matched", 200)]
    assert found["n_covered"].item() >= 180


def test_the_width_of_the_interval_shrinks_as_1_over_the_root_of_the_pairs(whole: Project, of_5000_pairs: pl.DataFrame) -> None:
    width = mean_log_width(of_5000_pairs)
    assert mean_log_width(matched_intervals(whole, 1_250, range(1, 11))) == pytest.approx(2 * width, rel=0.1)
    assert mean_log_width(matched_intervals(whole, 20_000, range(1, 11))) == pytest.approx(width / 2, rel=0.1)


def test_intervals_from_samples_hold_the_truth_of_their_population(whole: Project) -> None:
    few = {name: exposure for name, exposure in whole.study.exposures.items() if name in FEW_EXPOSURES}
    project = replace(whole, study=whole.study.model_copy(update={"exposures": few}))
    rows = sample_intervals(project, range(1, 21))
    kinds = by_kind(rows)
    assert kinds.select("measure", "model").rows() == [("odds_ratio", "adjusted"), ("odds_ratio", "crude"), ("prevalence", None)]
    assert rows["is_covered"].null_count() == 0
    assert kinds["is_enough"].all(), kinds


@pytest.mark.parametrize(("n_deliveries", "least"), [(200, 181), (20, 17)])
def test_the_least_count_is_3_standard_errors_under_95_percent(n_deliveries: int, least: int) -> None:
    """0.95 n - 3 sqrt(0.0475 n): 180.8 of 200 and 16.1 of 20."""
    assert least_covered(n_deliveries) == least
