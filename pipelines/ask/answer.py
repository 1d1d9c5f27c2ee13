"""An answer: its rows, what it rests on, and the forms in which it is handed on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.ask.question import Question
from pipelines.project.respondents import FOUR_CELLS
from pipelines.project.study import Study
from pipelines.release.disclosure.hiding import HIDDEN
from pipelines.release.disclosure.words import with_told_reasons

if TYPE_CHECKING:
    import altair

ESTIMATOR = {
    "prevalence": "pipelines.statistics.prevalence",
    "mean": "pipelines.statistics.means",
    "total": "pipelines.statistics.totals",
    "odds_ratio": "pipelines.report.odds_ratios",
    "prevalence_ratio": "pipelines.report.odds_ratios",
    "prevalence_difference": "pipelines.statistics.contrast",
    "trend": "pipelines.report.trends",
}

STAYS = ("n_missing", "confidence_level")
"""Numbers of a row of few people that are told all the same: no one of them is of these people."""


@dataclass(frozen=True, eq=False)
class Answer:
    """`frame`: a row for each line of the answer, with the columns of the macro of this name where there is one, and then what it
    rests on (`passport`): the release, the objects that hold the people, when it was asked, the estimator."""

    question: Question
    frame: pl.DataFrame
    passport: dict[str, str]
    study: Study

    def chart(self) -> "altair.LayerChart":
        """The estimates with their intervals; rows that are not shown have no mark."""
        from pipelines.ask.charts import chart

        return chart(self)

    def study_lines(self) -> str:
        """The lines of study.yaml that ask this question every night; comments say what they leave out."""
        from pipelines.ask.nightly import study_lines

        return study_lines(self.question, self.study)

    def as_json(self) -> str:
        """Question, passport and rows as JSON."""
        asked = {name: value for name, value in vars(self.question).items() if value not in (None, ())}
        rows = self.frame.drop(self.passport.keys()).to_dicts()
        return json.dumps({"question": asked, "passport": self.passport, "rows": rows}, ensure_ascii=False, indent=1)

    def write_parquet(self, path: str | Path) -> None:
        """The frame as a Parquet file, with the question in its metadata."""
        self.frame.write_parquet(path, metadata={"question": json.dumps(vars(self.question), ensure_ascii=False)})

    def _repr_html_(self) -> str:
        return str(self.frame._repr_html_())


def told(frame: pl.DataFrame, least: int) -> pl.DataFrame:
    """The frame without what disclosure control hides for itself: the numbers of rows of few people of a restricted source."""
    if not least:
        return frame.with_columns(is_suppressed=pl.lit(False))
    if "n_cases" in frame.columns:
        smaller = pl.min_horizontal("n_cases", pl.col("n_respondents") - pl.col("n_cases"))
        is_small = (pl.col("n_respondents") > 0) & (smaller < least)
    elif FOUR_CELLS[0] in frame.columns:
        is_small = pl.min_horizontal(FOUR_CELLS) < least
    else:
        is_small = pl.col("n_respondents").is_between(1, least - 1)
    if "odds_ratio" in frame.columns:  # why a model gave nothing may tell of somebody
        is_small = is_small | pl.col("odds_ratio").is_null()
    is_small = is_small.fill_null(True)
    numbers = [name for name, kind in frame.schema.items() if kind.is_numeric() and name not in STAYS]
    hidden = [pl.when(~is_small).then(pl.col(name)).alias(name) for name in numbers]
    if "n_missing" in frame.columns:
        missing = pl.col("n_missing")
        hidden.append(pl.when(~missing.is_between(1, least - 1)).then(missing).alias("n_missing"))
    return with_told_reasons("", frame).with_columns(
        *hidden,
        presentation=pl.when(is_small).then(pl.lit("suppress")).otherwise(pl.col("presentation")),
        presentation_reason=pl.when(is_small).then(pl.lit(HIDDEN)).otherwise(pl.col("presentation_reason")),
        is_suppressed=is_small,
    )


def with_passport(frame: pl.DataFrame, passport: dict[str, Any]) -> pl.DataFrame:
    """The frame with a column for each entry of the passport."""
    return frame.with_columns(pl.lit(value, dtype=pl.String).alias(name) for name, value in passport.items())
