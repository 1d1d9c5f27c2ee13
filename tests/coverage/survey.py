"""Samples drawn anew from one population: their intervals against the truth of that population."""

from collections.abc import Iterable

import polars as pl

from pipelines.project.generator import survey_generator
from pipelines.project.project import Project
from pipelines.synthetic.census import planted_truth
from pipelines.synthetic.harmonising import estimated
from pipelines.synthetic.records import with_unanswered
from pipelines.synthetic.survey import draw_population, draw_sample
from tests.coverage.counting import compared

SOURCE = "synthetic_survey"
WAVE = "2024"


def sample_intervals(project: Project, seeds: Iterable[int]) -> pl.DataFrame:
    """The rows of report.planted_truth for one sample a seed, all of the one population that the source describes."""
    source = project.sources[SOURCE]
    made = survey_generator(source)
    codebook = project.contracts[f"raw.{made.tables.people}"].codebook_frame()
    population = draw_population(project, source)
    deliveries = []
    for seed in seeds:
        sample = draw_sample(made, population, WAVE, seed)
        deliveries.append(estimated(project, source, WAVE, with_unanswered(sample, made.unanswered, codebook, seed, WAVE)))
    return compared(project, made.tables.planted, planted_truth(project, source, WAVE, population), deliveries)
