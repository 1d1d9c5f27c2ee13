"""Matched sets of one case and one control whose conditional odds ratio is known.

What a set shares and what its members answer stands in `sql/synthetic/<source>.sql`.
"""

import numpy as np
import polars as pl

from pipelines.project.generator import CaseControlGenerator, case_control_generator
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.project.study import Study
from pipelines.synthetic.records import generate
from pipelines.synthetic.streams import with_uniforms


def draw_sets(project: Project, source: Source, wave: str, sets: int, seed: int) -> pl.DataFrame:
    """`sets` matched sets in the columns of the raw table of people, in the order of the select.

    The select reads generator.sets (set_number, u_*), generator.members (set_number, is_case, u_*) and generator.planted.
    """
    made = case_control_generator(source)
    numbers = np.arange(1, sets + 1, dtype=np.int32)
    of_sets = pl.DataFrame({"set_number": numbers})
    members = pl.DataFrame({"set_number": np.repeat(numbers, 2), "is_case": np.tile(np.array([True, False]), sets)})
    frames = {
        "sets": with_uniforms(of_sets, made.streams.sets, seed, wave, "sets"),
        "members": with_uniforms(members, made.streams.members, seed, wave, "members"),
        "planted": pl.DataFrame([made.planted]),
    }
    return generate(project, source, made.tables.people, frames)


def planted_odds_ratios(made: CaseControlGenerator, source: Source, study: Study, wave: str) -> pl.DataFrame:
    """One row per planted exposure and population of the odds ratios, in the columns of a delivery of planted values.

    Sets are matched on what makes a population, so the odds ratio within a set holds in each.
    """
    return pl.DataFrame(
        [
            {
                "measure": "odds_ratio",
                "wave": wave,
                "population": population,
                "outcome": source.case_definition,
                "age_band": None,
                "exposure": exposure,
                "exposure_level": "true",
                "model": "matched",
                "planted": odds_ratio,
            }
            for population in study.odds_ratios.populations
            for exposure, odds_ratio in made.planted.items()
        ]
    )
