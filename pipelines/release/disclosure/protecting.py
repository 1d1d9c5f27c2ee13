"""Protecting the report tables of one source: who is counted, what would tell too much, and what is hidden for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.project.study import Study
from pipelines.release.disclosure.atoms import Classification, atoms_of
from pipelines.release.disclosure.audit import units_to_hide
from pipelines.release.disclosure.hiding import with_hidden
from pipelines.release.disclosure.model import ODDS_RATIOS, PREVALENCES, TRENDS, Unit, model_of
from pipelines.release.disclosure.pairs import model_of_pairs
from pipelines.release.disclosure.sampling import Sampling

Tables = Mapping[str, pl.DataFrame]

KNOWN_TABLES = (*PREVALENCES, TRENDS, ODDS_RATIOS)
"""The report tables whose counts disclosure control can follow; of any other, a restricted source has no public row."""


@dataclass(frozen=True)
class Judged:
    """The parts of the rows of some tables, and the numbers of those that must be hidden whatever was shown before."""

    units: Sequence[Unit]
    hidden: Sequence[int]


def judged(tables: Tables, people: pl.DataFrame, names: Classification, minimum: int) -> Judged:
    """What must be hidden of the report tables of one survey, cohort or clinic (name -> its rows).

    `people` are its respondents, counted by count_people. No count from 1 to less than `minimum`, no part of a group so small or
    empty, and no difference of published counts so small is shown, or can be bounded to less than `minimum` people.
    """
    atoms = atoms_of(people, names)
    model = model_of(tables, atoms, minimum)
    return Judged(model.units, units_to_hide(model.published(atoms.links), model.small, minimum))


def protected(
    tables: Tables, people: pl.DataFrame, names: Classification, minimum: int, sampling: Sampling | None = None
) -> dict[str, pl.DataFrame]:
    """These tables as they may be published for the first time; `sampling` comes from sampling_of."""
    found = judged(tables, people, names, minimum)
    return with_hidden(tables, found.units, found.hidden, sampling)


def judged_pairs(odds_ratios: pl.DataFrame, study: Study, speaking: Mapping[int, int] | None = None) -> Judged:
    """What must be hidden of the matched rows of one case-control source.

    `speaking`: number of a row whose sets are no pairs -> the fewest sets, or people in one direction, that it rests on.
    """
    model, links = model_of_pairs(odds_ratios, study.odds_ratios.populations, study.disclosure.minimum_cell, speaking or {})
    return Judged(model.units, units_to_hide(model.published(links), model.small, model.minimum))


def protected_pairs(odds_ratios: pl.DataFrame, study: Study, speaking: Mapping[int, int] | None = None) -> pl.DataFrame:
    """The matched rows of one case-control source as they may be published for the first time."""
    found = judged_pairs(odds_ratios, study, speaking)
    return with_hidden({ODDS_RATIOS: odds_ratios}, found.units, found.hidden)[ODDS_RATIOS]
