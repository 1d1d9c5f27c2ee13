"""From a question to its answer: put to the release, estimated, and told as far as it may be."""

from pathlib import Path

import polars as pl

from pipelines.ask.answer import ESTIMATOR, Answer, told, with_passport
from pipelines.ask.comparing import adjusted_prevalences, comparison_rows
from pipelines.ask.estimating import adjusted_shares, moments, shares, trend_rows
from pipelines.ask.question import COMPARISONS, Question
from pipelines.ask.released import Asked, asked_of, project_in
from pipelines.machine.errors import CrampAtlasError
from pipelines.report.finite import with_finite_numbers
from pipelines.report.scales import marked_for_scale
from pipelines.statistics import StatsError


def answer(question: Question, project: str | Path | None = None) -> Answer:
    """The answer of the release that readers see, of the project in a folder or of that of the environment.

    Raises Refused where the question has none, CrampAtlasError where nothing is published or the project cannot be read.
    """
    loaded = project_in(project)
    with asked_of(loaded, question) as asked:
        try:
            frame = _rows(asked)
        except StatsError as error:
            raise CrampAtlasError(f"the question cannot be estimated: {error}") from error
        estimation = asked.estimation
        keys = [
            pl.lit(estimation.source.source).alias("source"),
            pl.lit(estimation.scope.wave).alias("wave"),
        ]
        frame = frame.select(*keys, pl.all()).with_columns(
            weight=pl.lit(estimation.taken, dtype=pl.String), variance_method=pl.lit(estimation.source.variance_method)
        )
        frame = told(marked_for_scale(with_finite_numbers(frame), estimation), asked.least)
        estimator = "pipelines.statistics.margins" if question.adjust and not _is_model(question) else ESTIMATOR[question.measure]
        passport = asked.passport | {"estimator": estimator}
        return Answer(question, with_passport(frame, passport), passport, loaded.study)


def _is_model(question: Question) -> bool:
    """Whether adjusting is done by a model whose coefficients are the answer."""
    return question.measure in ("odds_ratio", "prevalence_ratio")


def _rows(asked: Asked) -> pl.DataFrame:
    question = asked.question
    if question.measure in COMPARISONS:
        return comparison_rows(asked)
    if question.measure == "trend":
        return trend_rows(asked)
    if question.measure != "prevalence":
        return moments(asked)
    return adjusted_shares(asked, adjusted_prevalences(asked)) if question.adjust else shares(asked)
