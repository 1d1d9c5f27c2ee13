"""Pairs share what they were matched on, and within them the odds of exposure differ by the planted odds ratio, everywhere."""

import math

import polars as pl
import pytest

from pipelines.machine.errors import ConfigurationError
from pipelines.project.generator import case_control_generator
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.synthetic.case_control import draw_sets, planted_odds_ratios
from tests.synthetic.changed_sources import with_generator

MATCHED = ["age", "sex", "loop_diuretic", "thiazide_diuretic", "potassium_sparing_diuretic", "beta_agonist", "statin"]


@pytest.fixture(scope="module")
def pairs(project: Project) -> pl.DataFrame:
    """Enough pairs for a standard error of 0.01 on the log odds ratio."""
    return draw_sets(project, project.sources["synthetic_case_control"], "5000-pairs", 200_000, seed=1)


def _discordant(pairs: pl.DataFrame) -> tuple[int, int]:
    """Pairs where only the case, and where only the control is sedentary."""
    wide = pairs.group_by("pair").agg(
        case=(pl.col("sedentary").filter(pl.col("night_cramps") == 1) == 1).first(),
        control=(pl.col("sedentary").filter(pl.col("night_cramps") == 2) == 1).first(),
    )
    return wide.filter(pl.col("case"), ~pl.col("control")).height, wide.filter(~pl.col("case"), pl.col("control")).height


def test_every_pair_is_a_case_and_a_control(pairs: pl.DataFrame) -> None:
    assert pairs.group_by("pair").agg(pl.col("night_cramps").sort())["night_cramps"].value_counts().height == 1
    assert pairs.height == 2 * pairs["pair"].n_unique() == pairs["participant"].n_unique()


def test_pairs_share_what_they_were_matched_on(pairs: pl.DataFrame) -> None:
    assert pairs.group_by("pair").agg(pl.struct(MATCHED).n_unique())[MATCHED[0]].max() == 1


def test_everybody_is_over_60(pairs: pl.DataFrame) -> None:
    assert pairs["age"].min() == 61


@pytest.mark.parametrize(
    "group",
    [pl.lit(True), pl.col("age") < 70, pl.col("age") >= 70, pl.col("sex") == 2, pl.col("loop_diuretic") == 1],
    ids=["everyone", "under 70", "70 and older", "women", "loop diuretic"],
)
def test_discordant_pairs_split_by_the_planted_odds_ratio(pairs: pl.DataFrame, group: pl.Expr) -> None:
    case_only, control_only = _discordant(pairs.filter(group))
    error = math.sqrt(1 / case_only + 1 / control_only)
    assert math.log(case_only / control_only) == pytest.approx(math.log(9.34), abs=4 * error)


def test_exposure_differs_between_pairs(pairs: pl.DataFrame) -> None:
    """The intercept of a pair depends on what it was matched on: an analysis that breaks the pairs is biased."""
    controls = pairs.filter(pl.col("night_cramps") == 2)
    share = (
        controls.group_by(pl.col("loop_diuretic") == 1).agg((pl.col("sedentary") == 1).mean()).sort("loop_diuretic")["sedentary"]
    )
    assert share[1] > share[0] + 0.05


def test_the_planted_odds_ratio_is_that_of_the_source(project: Project, case_control: Source) -> None:
    planted = planted_odds_ratios(case_control_generator(case_control), case_control, project.study, "136-pairs")
    assert planted["planted"].unique().to_list() == [9.34]
    assert planted["population"].to_list() == project.study.odds_ratios.populations


def test_another_planted_odds_ratio_is_drawn(project: Project, case_control: Source) -> None:
    even = draw_sets(project, with_generator(case_control, planted={"is_sedentary": 1.0}), "5000-pairs", 50_000, seed=1)
    case_only, control_only = _discordant(even)
    assert math.log(case_only / control_only) == pytest.approx(0, abs=4 * math.sqrt(1 / case_only + 1 / control_only))


def test_waves_that_the_source_lacks_are_refused(case_control: Source) -> None:
    with pytest.raises(ConfigurationError, match="136-pairs, 5000-pairs"):
        case_control_generator(with_generator(case_control, sets={"136-pairs": 136}))
