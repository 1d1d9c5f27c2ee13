"""The truth of a synthetic survey: the models of the study on everybody, as the pipeline itself would fit them on a cohort.

That the estimators are right is shown elsewhere, against another program; here an estimate from a sample is to be held
against the same estimate from the population.
"""

import polars as pl

from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.synthetic.harmonising import estimated

PLANTED = ["measure", "wave", "population", "outcome", "age_band", "exposure", "exposure_level", "model", "planted"]
"""The columns of a delivery of planted values."""

SURVEY_MODELS = ["crude", "adjusted"]
"""The models that a survey gives; a cohort gives more."""

DECIMALS = 9
"""Of a planted value: above what libraries for linear algebra differ by, so that every machine delivers the same bytes."""


def planted_truth(project: Project, source: Source, wave: str, population: pl.DataFrame) -> pl.DataFrame:
    """Every prevalence and odds ratio of the study, on the whole population with weight 1 and no design: the columns of PLANTED.

    What cannot be estimated even on the population is not planted.
    """
    estimates = estimated(project, source.model_copy(update={"design": "cohort"}), wave, population)
    prevalences = estimates["report.prevalence_by_age_band"].with_columns(measure=pl.lit("prevalence"), planted="prevalence")
    of_a_survey = estimates["report.odds_ratios"].filter(pl.col("model").is_in(SURVEY_MODELS))
    ratios = of_a_survey.with_columns(measure=pl.lit("odds_ratio"), planted="odds_ratio")
    rows = pl.concat([prevalences, ratios], how="diagonal_relaxed").select(PLANTED)
    return rows.drop_nulls("planted").with_columns(pl.col("planted").round(DECIMALS))
