"""What a model of a question is made of: the cells of its people, its terms, and the four cells of each level."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.ask.released import Asked
from pipelines.report.adjusting import as_numbers, described
from pipelines.report.respondents import in_population
from pipelines.report.verdicts import Row, as_text
from pipelines.statistics import Categorical, Cells
from pipelines.statistics.model_matrix import Term


@dataclass(frozen=True)
class Modelled:
    """`complete`: the members with a known outcome, exposure and adjusters. `levels`: those of the exposure that they have
    beside its reference. `key`: what all rows share."""

    outcome: str
    cells: Cells
    domain: pl.Expr
    exposure: str
    reference: Any
    beside: list[Term]
    complete: pl.DataFrame
    columns: list[str]
    levels: list[Any]
    key: Row

    def four(self, level: Any) -> dict[str, int]:
        """The people of a level and of the reference, with and without the outcome."""
        exposed, unexposed = (self.complete.filter(pl.col(self.exposure) == one) for one in (level, self.reference))
        return {
            "exposed_cases": _count(exposed, self.outcome, True),
            "exposed_noncases": _count(exposed, self.outcome, False),
            "unexposed_cases": _count(unexposed, self.outcome, True),
            "unexposed_noncases": _count(unexposed, self.outcome, False),
        }

    def at(self, level: Any) -> Row:
        """A level with its four cells."""
        return {"exposure_level": as_text(level)} | self.four(level)


def modelled(asked: Asked, population: str, exposure: str, adjusters: Sequence[str]) -> Modelled:
    """The model of an exposure in a population; what the source did not ask, or has one level, is not adjusted for.

    Levels are compared with the study's reference, with `false`, or with the first in order where nothing names one.
    """
    question, estimation, study = asked.question, asked.estimation, asked.study
    keys = tuple(dict.fromkeys([question.outcome, exposure, *adjusters]))
    cells = estimation.cells(estimation.scope, estimation.taken, keys, population)
    domain = pl.col(in_population(population))
    members = cells.table.filter(domain, pl.col("n") > 0)
    adjusters = [name for name in adjusters if members[name].null_count() < members.height]
    complete = members.drop_nulls([question.outcome, exposure, *adjusters])
    adjusters = [name for name in adjusters if complete[name].n_unique() > 1]
    there = complete[exposure].unique().sort().to_list()
    reference = study.exposures[exposure].reference if exposure in study.exposures else (there[0] if there else None)
    numbers = [name for name in adjusters if study.adjustment[name].form]
    beside: list[Term] = [Categorical(name, _reference(asked, complete, name)) for name in adjusters if name not in numbers]
    if numbers:
        cells, of_numbers = as_numbers(cells, study, numbers)
        beside += of_numbers
    key = {
        "outcome": question.outcome,
        "exposure": exposure,
        "reference_level": None if reference is None else as_text(reference),
        "adjusted_for": described(study, adjusters),
        "confidence_level": study.confidence_level,
        "n_missing": int(members["n"].sum()) - int(complete["n"].sum()),
    }
    levels = [level for level in there if level != reference] if reference in there else []
    columns = [question.outcome, exposure, *adjusters]
    return Modelled(question.outcome, cells, domain, exposure, reference, beside, complete, columns, levels, key)


def _reference(asked: Asked, complete: pl.DataFrame, name: str) -> Any:
    """The study's reference level, or the first that is there."""
    levels = complete[name].unique().sort().to_list()
    wanted = asked.study.adjustment[name].reference
    return wanted if wanted in levels else levels[0]


def _count(group: pl.DataFrame, outcome: str, value: bool) -> int:
    return int(group.filter(pl.col(outcome) == value)["n"].sum())
