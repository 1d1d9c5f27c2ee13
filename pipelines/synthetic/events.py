"""Events of people whose order or number is known: dispensings of a register, days of a diary.

What a person is like and what happens to them stands in `sql/synthetic/<source>.sql`.
"""

import numpy as np
import polars as pl

from pipelines.project.generator import events_generator
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.synthetic.records import generate
from pipelines.synthetic.streams import with_uniforms


def draw_events(project: Project, source: Source, wave: str) -> pl.DataFrame:
    """The events of one wave in the columns of the raw table, in the order of the select.

    The select reads generator.people (person, u_*), generator.planted (name, planted), and, where streams are named for them,
    generator.courses, a row for each person and planted value (person, name, planted, u_*), and generator.days (person, day
    from 0, u_*).
    """
    made = events_generator(source)
    persons = np.arange(1, made.people + 1, dtype=np.int32)
    names = list(made.planted)
    frames = {
        "people": with_uniforms(pl.DataFrame({"person": persons}), made.streams.people, made.seed, wave, "people"),
        "planted": pl.DataFrame({"name": names, "planted": list(made.planted.values())}),
    }
    if made.streams.courses:
        each = np.tile(np.arange(len(names)), made.people)
        courses = pl.DataFrame({"person": np.repeat(persons, len(names))}).with_columns(frames["planted"][each])
        frames["courses"] = with_uniforms(courses, made.streams.courses, made.seed, wave, "courses")
    if made.streams.days:
        days = {"person": np.repeat(persons, made.days), "day": np.tile(np.arange(made.days, dtype=np.int32), made.people)}
        frames["days"] = with_uniforms(pl.DataFrame(days), made.streams.days, made.seed, wave, "days")
    return generate(project, source, made.tables.people, frames)


def planted_events(source: Source, wave: str) -> pl.DataFrame:
    """One row per planted value, in the columns of a delivery of planted values."""
    planted = events_generator(source).planted
    return pl.DataFrame({"wave": [wave] * len(planted), "name": list(planted), "planted": list(planted.values())})
