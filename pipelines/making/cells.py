"""Cells: the respondents of one wave, added up. Which of them the study's questions need, and how they lie in an object.

An object holds several key sets: of each a row for every stratum, PSU, membership in the study's populations and combination of
levels of its keys, with counts and sums of weights. All sums are of whole numbers, so that it does not matter in which steps they
are added. Not here: the scan that makes cells (core/cells.py), and who reads them (report/held.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pipelines.project.conditions import columns_of
from pipelines.project.project import Project
from pipelines.project.respondents import AGE, AGE_BAND, REASON
from pipelines.project.sources import Source
from pipelines.project.study import Study

MOST_KEYS = 16
"""Columns `level_1`, `level_2`, ... that the contract has. With more keys there are as many cells as people."""

LARGE_WAVE = 200_000
"""Up to so many respondents a wave has no cells. All report tables read them in less than a second of processor time; to make an
object of cells, to judge it and to look into it costs as much, whatever its size."""

LARGEST_SHARE = 0.25
"""Cells per respondent from which on they are no gain: to read a cell, which has sums of three weights and its levels as text,
takes about four times as long as to read the few columns of a respondent that a question needs."""

WEIGHTS_ADDED: Mapping[str, tuple[str, str]] = {
    f"{component}_weight": (f"n_{component}", f"{component}_weight_billionths") for component in ("interview", "exam", "dietary")
}
"""Weight -> the columns with the respondents who have one above 0, and with the sum of it."""

MOMENTS_ADDED: Mapping[str, tuple[str, str]] = {
    f"{component}_weight": (f"{component}_weight_first", f"{component}_weight_second")
    for component in ("interview", "exam", "dietary")
}
"""Weight -> the columns with the first and the second moment of a number."""

NUMBER_IS_KNOWN = "number_is_known"
OF_NUMBER: Mapping[str, str] = {
    "number": "VARCHAR",
    NUMBER_IS_KNOWN: "BOOLEAN",
    "number_middle": "DOUBLE",
    "number_reach": "DOUBLE",
}
"""Columns of a number that has moments: its name, whether it is known of the respondents of a row, and its scale -> type."""

CELL_COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("source", "wave", "keys", "conditions", "members"), "VARCHAR"),
    **{"stratum": "INTEGER", "psu": "INTEGER", "stratum_text": "VARCHAR", "psu_text": "VARCHAR"},
    **{f"level_{number}": "VARCHAR" for number in range(1, MOST_KEYS + 1)},
    **OF_NUMBER,
    "n_respondents": "BIGINT",
    **{name: "BIGINT" for names in WEIGHTS_ADDED.values() for name in names},
    **{name: "BIGINT" for names in MOMENTS_ADDED.values() for name in names},
}
"""Column of the table -> its type."""

WHOLE_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
LEVELS = ("VARCHAR", "BOOLEAN", *WHOLE_NUMBERS)
"""Types of keys."""

NUMBERS = (*WHOLE_NUMBERS, "DOUBLE", "FLOAT", "DECIMAL")
"""How types begin that have moments."""

LARGEST_SUM = 2**63 - 1
"""Of the weights of a wave, in billionths: 9 billion people. What is above is read from the respondents."""

QUESTIONS = "questions"
"""The ingredient that says what cells were made for."""

Keys = tuple[str, ...]
"""Columns of the respondents, in alphabetical order."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of the cells of a wave: by which keys together, and which conditions on respondents they must tell apart.

    `numbers`: which (column, weight) they must have moments of, by the keys `outcomes`.
    """

    questions: tuple[Keys, ...]
    conditions: tuple[str, ...]
    outcomes: Keys = ()
    numbers: tuple[tuple[str, str], ...] = ()

    def holds(self, other: "Wanted") -> bool:
        """Whether cells for these questions answer those of `other`, too."""
        answered = all(any(set(keys) <= set(own) for own in self.questions) for keys in other.questions)
        measured = set(other.numbers) <= set(self.numbers) and set(other.outcomes) <= set(self.outcomes)
        return answered and measured and set(other.conditions) <= set(self.conditions)

    def as_text(self) -> str:
        return json.dumps([self.questions, self.conditions, self.outcomes, self.numbers], ensure_ascii=False)

    @classmethod
    def parse(cls, text: str) -> "Wanted":
        """What `as_text` wrote."""
        questions, conditions, outcomes, numbers = json.loads(text)
        return cls(tuple(map(tuple, questions)), tuple(conditions), tuple(outcomes), tuple(map(tuple, numbers)))


def wanted_of(project: Project, source: Source) -> Wanted:
    """What the report tables ask of the respondents of a source."""
    study = project.study
    limited = [verdict for verdict in project.comparability_of(source) if verdict.where]
    columns = project.contracts[study.respondents].column_types()
    outcomes = tuple(sorted(set(study.outcomes) & set(columns)))
    numbers = [name for name in study.continuous_characteristics if columns.get(name, "").startswith(NUMBERS)]
    is_survey = source.design == "survey"
    questions = [*questions_of(study), *((variable,) for verdict in limited for variable in verdict.variables)]
    questions += [] if is_survey else [(*outcomes, number) for number in numbers]
    known = {tuple(sorted(set(keys))) for keys in questions if set(keys) <= set(columns)}
    conditions = [population.where for population in study.populations.values()]
    conditions += [verdict.where for verdict in limited if verdict.where]
    asked = Wanted(tuple(sorted(known)), tuple(sorted(set(conditions))))
    return replace(asked, outcomes=outcomes, numbers=_weighted(study, source, numbers)) if is_survey else asked


def _weighted(study: Study, source: Source, numbers: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Each number with the weights that its means are asked with."""
    populations = [columns_of(study.populations[name].where) for name in study.odds_ratios.populations]
    return tuple(
        sorted(
            {
                (number, source.weight_of({outcome, number, *columns}))
                for number in numbers
                for columns in populations
                for outcome in study.outcomes
            }
        )
    )


def questions_of(study: Study) -> list[Keys]:
    """The keys by which the estimators ask for cells, wherever one of them does; not the numbers that they ask the mean of."""
    outcomes = tuple(study.outcomes)
    by_one = [*study.categorical_characteristics, *study.adjustment]
    return [
        (*outcomes, AGE_BAND, "sex"),
        (*outcomes, AGE, "sex"),
        *((outcome, f"{outcome}{REASON}") for outcome in outcomes),
        *((*outcomes, name) for name in by_one),
        *((*outcomes, name, *study.adjustment) for name in study.exposures),
    ]


def has_cells(n_respondents: int) -> bool:
    """Whether the respondents of a wave are added up at all."""
    return n_respondents > LARGE_WAVE


def added_together(questions: Sequence[Keys], types: Mapping[str, str]) -> list[list[Keys]]:
    """The questions in groups, each of which is added up in one pass; `types`: column -> its type.

    Those by text and by flags alone are one group, which `halves` splits where it has too many cells. One by a whole number is a
    group of its own: numbers have many levels, and would part the cells of all others. What is inside another question needs no
    pass. Not here are questions to the respondents: by other numbers, which nearly everybody has another of, and by more keys
    than the contract has columns for.
    """
    asked = [keys for keys in questions if len(keys) <= MOST_KEYS and all(types[name] in LEVELS for name in keys)]
    needed = [keys for keys in asked if not any(set(keys) < set(other) for other in asked)]
    alone = [keys for keys in needed if any(types[name] in WHOLE_NUMBERS for name in keys)]
    together = [keys for keys in needed if keys not in alone]
    return [*([together] if together else []), *([keys] for keys in alone)]


T = TypeVar("T")


def halves(group: Sequence[T]) -> list[list[T]]:
    """A group that has too many cells as two groups; none where it is a single question, which is left to the respondents."""
    middle = len(group) // 2
    return [list(group[:middle]), list(group[middle:])] if middle else []


def is_gain(n_cells: int, n_respondents: int) -> bool:
    """Whether so many cells are worth holding."""
    return n_cells <= LARGEST_SHARE * n_respondents
