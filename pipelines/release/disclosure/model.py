"""What the rows of report tables publish, as units of counts over atoms, and which sums must not follow from them.

A unit is published or hidden as a whole. Of a row of prevalence, `missing` is the number without an answer and its share of the
weight, `answers` is everything else; of an odds ratio, `cells` are the four counts. What hiding does to rows is in hiding.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
import scipy

from pipelines.project.respondents import ALL, FOUR_CELLS, POOLED
from pipelines.release.disclosure.atoms import Atoms, Block, IntArray
from pipelines.release.disclosure.audit import Disclosed, FloatArray
from pipelines.report.respondents import in_population

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PREVALENCES = (
    "report.prevalence_by_age_band",
    "report.prevalence_by_age_band_and_sex",
    "report.prevalence_by_exposure",
    "report.prevalence_age_standardised",
)
TRENDS = "report.trends"
ODDS_RATIOS = "report.odds_ratios"

UnitName = Literal["answers", "missing", "cells"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Unit:
    """A part of a row, by its table and the number of the row; `is_small`: a count of its own must not be published."""

    table: str
    row: int
    name: UnitName
    counts: tuple[int, ...]
    is_small: bool


@dataclass
class Sums:
    """Sums of atoms, each kept once however many rows publish it."""

    people: FloatArray
    _numbers: dict[tuple[int, ...], int] = field(default_factory=dict)

    def number(self, members: Iterable[int]) -> int:
        return self._numbers.setdefault(tuple(members), len(self._numbers))

    def matrix(self) -> "csr_array":
        columns = [member for members in self._numbers for member in members]
        rows = np.repeat(np.arange(len(self._numbers)), [len(members) for members in self._numbers])
        return scipy.sparse.csr_array((np.ones(len(columns)), (rows, columns)), shape=(len(self._numbers), len(self.people)))

    def value(self, members: IntArray) -> int:
        return round(float(self.people[members].sum()))


@dataclass
class Model:
    """Collects the units and the sensitive sums of a source; `minimum` is the smallest count that may be published."""

    minimum: int
    people: FloatArray
    units: list[Unit] = field(default_factory=list)
    counts: Sums = field(init=False)
    sensitive: Sums = field(init=False)

    def __post_init__(self) -> None:
        self.counts, self.sensitive = Sums(self.people), Sums(self.people)

    def is_few(self, members: IntArray) -> bool:
        """Whether so few people are in a group that they could be recognised; nobody is not few. Notes the sum as sensitive."""
        return self._note(members, 0 < self.counts.value(members) < self.minimum)

    def is_telling(self, part: IntArray, rest: IntArray) -> bool:
        """Whether few people, or none, of a group that is not empty have an answer: with none, all have the other one."""
        nobody = self.counts.value(part) + self.counts.value(rest) == 0
        return self._note(part, not nobody and self.counts.value(part) < self.minimum)

    def _note(self, members: IntArray, is_sensitive: bool) -> bool:
        if is_sensitive and len(members):
            self.sensitive.number(members.tolist())
        return is_sensitive

    def add(self, table: str, row: int, name: UnitName, published: Mapping[str, IntArray], numbers: Row, is_small: bool) -> None:
        """A unit of a row. Where the people do not add up to what the row says, its relations are not known: it is hidden."""
        if all(numbers[column] is None for column in published):
            return
        is_known = all(numbers[column] == self.counts.value(members) for column, members in published.items())
        counts = tuple(self.counts.number(members.tolist()) for members in published.values()) if is_known else ()
        self.units.append(Unit(table, row, name, counts, is_small or not is_known))

    def published(self, links: "csr_array") -> Disclosed:
        """All of it, for the audit; `links` (links, atoms) are the sums of atoms that everybody knows to be 0."""
        return Disclosed(self.people, links, self.counts.matrix(), [unit.counts for unit in self.units], self.sensitive.matrix())

    @property
    def small(self) -> list[int]:
        """Numbers of the units that must be hidden for a count of their own."""
        return [number for number, unit in enumerate(self.units) if unit.is_small]


def model_of(tables: Mapping[str, pl.DataFrame], atoms: Atoms, minimum: int) -> Model:
    """The model of a source that is not a case-control source; `tables` are its rows in the report tables."""
    model = Model(minimum, atoms.people)
    for name in PREVALENCES:
        for number, row in _rows(tables, name):
            _add_prevalence(model, atoms, name, number, row)
    for number, row in _rows(tables, TRENDS):
        members = atoms.details.members(_people(row) & pl.col("age_band").is_not_null() & pl.col(row["outcome"]).is_not_null())
        model.add(TRENDS, number, "answers", {"n_respondents": members}, row, model.is_few(members))
    for number, row in _rows(tables, ODDS_RATIOS):
        _add_odds_ratio(model, atoms, number, row)
    _note_what_differences_give(model, atoms, tables)
    return model


def _rows(tables: Mapping[str, pl.DataFrame], name: str) -> Iterator[tuple[int, Row]]:
    return enumerate(tables[name].iter_rows(named=True)) if name in tables else iter(())


def _people(row: Row) -> pl.Expr:
    """Who a row is about, as far as wave, population and weight decide."""
    condition = pl.col(in_population(row["population"]))
    if row["weight"] is not None:
        condition &= pl.col(has_weight(row["weight"]))
    return condition if row["wave"] == POOLED else condition & (pl.col("wave") == row["wave"])


def has_weight(weight: str) -> str:
    """The column that marks people with a weight above 0: only they are counted."""
    return f"has_{weight}"


def _add_prevalence(model: Model, atoms: Atoms, table: str, number: int, row: Row) -> None:
    condition, block = _people(row), atoms.details
    if "exposure" in row:
        block = atoms.by_exposure[row["exposure"]]
        condition &= pl.col(row["exposure"]) == row["exposure_level"]
    if row.get("age_band", ALL) != ALL:
        condition &= pl.col("age_band") == row["age_band"]
    if "sex" in row and row["sex"] != ALL:
        condition &= pl.col("sex") == row["sex"]
    if "standard_population" in row:
        condition &= pl.col("is_in_standard")
    cases, others, missing = _by_answer(block, condition, row["outcome"])
    analysed = np.union1d(cases, others)
    is_small = _are_answers_small(model, cases, others)
    model.add(table, number, "answers", {"n_respondents": analysed, "n_cases": cases}, row, is_small)
    model.add(table, number, "missing", {"n_missing": missing}, row, model.is_few(missing))


def _by_answer(block: Block, condition: pl.Expr, outcome: str) -> tuple[IntArray, IntArray, IntArray]:
    answer = pl.col(outcome)
    return block.members(condition & answer), block.members(condition & ~answer), block.members(condition & answer.is_null())


def _are_answers_small(model: Model, cases: IntArray, others: IntArray) -> bool:
    found = [model.is_few(np.union1d(cases, others)), model.is_telling(cases, others), model.is_telling(others, cases)]
    return any(found)


def _add_odds_ratio(model: Model, atoms: Atoms, number: int, row: Row) -> None:
    if row["reference_level"] is None:  # of a number: its people are in no groups that could be followed, so nothing is shown
        model.units += [Unit(ODDS_RATIOS, number, name, (), is_small=True) for name in ("answers", "missing")]
        return
    block = atoms.by_exposure[row["exposure"]]
    people, exposure, is_case = _people(row), pl.col(row["exposure"]), pl.col(row["outcome"])
    is_analysed = is_case.is_not_null() & exposure.is_not_null()
    if row["model"] != "crude":
        is_analysed &= pl.col("is_complete")
    exposed, unexposed = (people & is_analysed & (exposure == row[level]) for level in ("exposure_level", "reference_level"))
    groups = (exposed & is_case, exposed & ~is_case, unexposed & is_case, unexposed & ~is_case)
    cells = dict(zip(FOUR_CELLS, (block.members(group) for group in groups), strict=True))
    missing = block.members(people & ~is_analysed)
    small = [_are_answers_small(model, cells[f"{group}_cases"], cells[f"{group}_noncases"]) for group in ("exposed", "unexposed")]
    if row["model"] == "crude":
        # what a crude cell has more than its adjusted neighbour: people of whom an adjustment variable is not known
        for group in groups:
            model.is_few(block.members(group & ~pl.col("is_complete")))
    model.add(ODDS_RATIOS, number, "cells", cells, row, any(small))
    model.add(ODDS_RATIOS, number, "missing", {"n_missing": missing}, row, model.is_few(missing))


def _note_what_differences_give(model: Model, atoms: Atoms, tables: Mapping[str, pl.DataFrame]) -> None:
    """The groups that lie between published ones, such as the members of a population that are not in a smaller one."""
    outcomes = sorted({outcome for name in PREVALENCES if name in tables for outcome in tables[name]["outcome"]})
    apart = [*outcomes, "n", "is_complete"]
    for place in _places(atoms.details.table.drop(apart, strict=False)):
        for outcome in outcomes:
            _note_group(model, atoms.details, place, outcome)
    for exposure, block in atoms.by_exposure.items():
        others = [name for name in atoms.by_exposure if name != exposure]
        for place in _places(block.table.drop([*apart, *others], strict=False).drop_nulls(exposure)):
            for outcome in outcomes:
                _note_group(model, block, place, outcome)


def _places(table: pl.DataFrame) -> Iterator[Row]:
    return table.unique(maintain_order=True).iter_rows(named=True)


def _note_group(model: Model, block: Block, place: Row, outcome: str) -> None:
    condition = pl.all_horizontal(pl.col(name).eq_missing(pl.lit(value)) for name, value in place.items())
    cases, others, missing = _by_answer(block, condition, outcome)
    _are_answers_small(model, cases, others)
    model.is_few(missing)
