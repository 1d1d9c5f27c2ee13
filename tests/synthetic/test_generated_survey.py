"""The population is what its settings say, and samples of it are weighted by one over the probability of being drawn."""

import numpy as np
import polars as pl
import pytest

from pipelines.machine.errors import ConfigurationError
from pipelines.project.generator import survey_generator
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.synthetic.survey import draw_population, draw_sample
from tests.synthetic.changed_sources import with_generator


@pytest.fixture(scope="module")
def population(project: Project) -> pl.DataFrame:
    return draw_population(project, project.sources["synthetic_survey"])


def test_the_population_has_the_people_strata_and_units_of_its_settings(population: pl.DataFrame) -> None:
    assert population.height == 40_000
    assert population.select("stratum", "psu").n_unique() == 4 * 8
    assert population["respondent"].n_unique() == 40_000


def test_units_are_of_unequal_size(population: pl.DataFrame) -> None:
    sizes = population.group_by("stratum", "psu").len()["len"]
    assert float(sizes.max()) > 1.5 * float(sizes.min())  # type: ignore[arg-type]


def test_another_seed_makes_another_population(project: Project, survey: Source, population: pl.DataFrame) -> None:
    other = draw_population(project, with_generator(survey, seed=1))
    assert not other["leg_cramps"].equals(population["leg_cramps"])


def test_one_more_stream_changes_nobody(project: Project, survey: Source, population: pl.DataFrame) -> None:
    streams = dict(survey.generator["streams"]) if survey.generator else {}
    streams["people"] = ["eye_colour", *streams["people"]]
    assert draw_population(project, with_generator(survey, streams=streams)).equals(population)


def test_a_stream_that_the_select_lacks_is_named(project: Project, survey: Source) -> None:
    with pytest.raises(ConfigurationError, match=r"sql/synthetic/synthetic_survey.sql cannot run.*u_age"):
        draw_population(project, with_generator(survey, streams={"people": ["sex"]}))


def test_a_sample_has_two_units_a_stratum_and_as_many_people_as_asked(survey: Source, population: pl.DataFrame) -> None:
    sample = draw_sample(survey_generator(survey), population, "2024", seed=1)
    assert sample.height == sample["respondent"].n_unique() == 1_500
    assert sample.select("stratum", "psu").unique().group_by("stratum").len()["len"].to_list() == [2, 2, 2, 2]


def test_weighted_counts_are_unbiased(survey: Source, population: pl.DataFrame) -> None:
    """The Horvitz-Thompson estimator is unbiased for any count: here of all people, of old ones and of frequent cramps."""
    counted = [pl.col("age") >= 16, pl.col("age") >= 80, pl.col("leg_cramps") >= 3]
    truth = np.array(population.select(condition.sum().alias(str(i)) for i, condition in enumerate(counted)).row(0))
    estimates = np.array(
        [
            draw_sample(survey_generator(survey), population, "2024", seed)
            .select((pl.col("interview_weight") * condition).sum().alias(str(i)) for i, condition in enumerate(counted))
            .row(0)
            for seed in range(300)
        ]
    )
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    assert np.all(np.abs(estimates.mean(axis=0) - truth) < 4 * error)


def test_old_people_are_oversampled(survey: Source, population: pl.DataFrame) -> None:
    sample = draw_sample(survey_generator(survey), population, "2024", seed=1)
    assert (sample["age"] >= 80).mean() > 1.5 * (population["age"] >= 80).mean()  # type: ignore[operator]


def test_weights_are_0_for_people_outside_the_component_only(survey: Source, population: pl.DataFrame) -> None:
    sample = draw_sample(survey_generator(survey), population, "2024", seed=1)
    assert (sample["interview_weight"] > 0).all()
    assert sample.filter(pl.col("exam_weight") == 0)["bmi"].null_count() == sample.filter(pl.col("exam_weight") == 0).height > 0
    assert sample.filter(pl.col("exam_weight") == 0, pl.col("dietary_weight") > 0).is_empty()


def test_a_population_too_small_for_its_sample_is_refused(survey: Source, population: pl.DataFrame) -> None:
    greedy = with_generator(survey, sample={"people": 6_000, "weights": ["interview_weight"]})
    with pytest.raises(ConfigurationError, match="too few people"):
        draw_sample(survey_generator(greedy), population, "2024", seed=1)
