"""First dispensings: one pass over the events to the day on which each person first had each class, and small counts of these."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import duckdb
import numpy as np
import polars as pl

from pipelines.machine.quoting import identifier, literal
from pipelines.project.event_checks import ABOUT_PERSON, CODE, DAY, PERSON
from pipelines.project.events import SequenceSymmetrySettings
from pipelines.report.events import Events
from pipelines.statistics.design import IntArray

FIRSTS = "first_events"
"""The table of people who had any of the classes, in the memory of the connection; it spills to disk above its limit."""


@dataclass(frozen=True)
class FirstEvents:
    """The first days of one wave, numbered from its first day; `n_days` of observation.

    Who had a class within the run-in may have begun before: they have no first day of it.
    """

    connection: duckdb.DuckDBPyConnection
    settings: SequenceSymmetrySettings
    n_days: int
    about: tuple[str, ...]

    def pairs(self, index: str) -> pl.DataFrame:
        """How many people have both the index and the marker, by their days and by what is known of the person.

        Columns: `index_day`, `marker_day`, those of `about`, `n`.
        """
        about = "".join(f"{name}, " for name in self.about)
        return self.connection.sql(
            f"select {_day(index)} as index_day, {_day(self.settings.marker)} as marker_day, {about}count(*) as n from {FIRSTS} "
            f"where {_day(index)} is not null and {_day(self.settings.marker)} is not null group by all order by all"
        ).pl()

    def per_day(self, name: str) -> IntArray:
        """How many people first had a class on each day, shape (n_days,)."""
        counted = self.connection.sql(
            f"select {_day(name)} as day, count(*) as n from {FIRSTS} where {_day(name)} is not null group by all"
        ).fetchnumpy()
        numbers = np.zeros(self.n_days, dtype=np.int64)
        numbers[counted["day"].astype(np.int64)] = counted["n"]
        return numbers

    @cached_property
    def marker_per_day(self) -> IntArray:
        return self.per_day(self.settings.marker)


@contextmanager
def first_events(events: Events, wave: str) -> Iterator[FirstEvents | None]:
    """The first days of a wave, while the context lasts; None where the wave holds no event.

    One pass over the events: a group by of people with a column a class, among the rows whose code is in any of them.
    """
    settings = events.study.sequence_symmetry
    if settings is None:
        raise ValueError("there is no section sequence_symmetry")
    relation = events.of_wave(wave)
    [(begin, end)] = events.connection.sql(f"select min({DAY}), max({DAY}) from {relation}").fetchall()
    if begin is None:
        yield None
        return
    about = tuple(name for name in ABOUT_PERSON if name in events.columns)
    events.columns_read.update({"wave", PERSON, DAY, CODE, *about})
    names = [settings.marker, *settings.index]
    day = f"date_diff('day', date '{begin}', {DAY})"
    firsts = [f"min(case when {_has_code(events, name)} then {day} end) as {_day(name)}" for name in names]
    known = [f"{_known(name, day)} as {name}" for name in about]
    kept = [f"case when {_day(name)} >= {settings.run_in_days} then {_day(name)} end as {_day(name)}" for name in names]
    events.connection.execute(
        f"create or replace temp table {FIRSTS} as select {', '.join([*kept, *about])} from ("
        f"select {', '.join([*firsts, *known])} from {relation} "
        f"where {' or '.join(f'({_has_code(events, name)})' for name in names)} group by {PERSON})"
    )
    try:
        yield FirstEvents(events.connection, settings, (end - begin).days + 1, about)
    finally:
        events.connection.execute(f"drop table {FIRSTS}")


def _known(name: str, day: str) -> str:
    """What is known of a person: the age at the first of all these events; a text that all events agree on."""
    if name == "age_years":
        return f"arg_min({name}, {day}) filter (where {name} is not null)"
    return f"case when min({name}) = max({name}) then min({name}) end"


def _has_code(events: Events, name: str) -> str:
    codes = events.drug_classes[name].codes
    return " or ".join(f"starts_with({CODE}, {literal(code)})" for code in codes)


def _day(name: str) -> str:
    return identifier(f"day of {name}")
