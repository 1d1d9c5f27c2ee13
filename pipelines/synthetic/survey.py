"""A survey of a population that is known: the population from its select, and complex samples of it.

What a person is like and what they answer stands in `sql/synthetic/<source>.sql`; how the sample is drawn stands here.
"""

import numpy as np
import polars as pl

from pipelines.machine.errors import ConfigurationError
from pipelines.project.generator import SurveyGenerator, survey_generator
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.synthetic.records import generate
from pipelines.synthetic.sampling import allocated, systematic, two_proportional_to_size
from pipelines.synthetic.streams import generator, uniforms, with_uniforms

OVERSAMPLING = "oversampling"
"""Column of the population's select: how much more likely than others of the same unit a person is to be drawn."""


def draw_population(project: Project, source: Source) -> pl.DataFrame:
    """Everyone, in the columns of the raw table of people and `oversampling`; a census: each weight is that of one person.

    The select reads generator.people (person, stratum, psu, u_*), generator.psus, generator.strata and generator.effects.
    """
    made = survey_generator(source)
    psus = _psus(made)
    frames = {"strata": _strata(made), "psus": psus, "people": _people(made, psus), "effects": pl.DataFrame([made.effects])}
    return generate(project, source, made.tables.people, frames, also=[OVERSAMPLING])


def draw_sample(made: SurveyGenerator, population: pl.DataFrame, wave: str, seed: int) -> pl.DataFrame:
    """A stratified two-stage sample, in the columns of the population without `oversampling`, in the order of the population.

    Two PSUs a stratum proportional to size, then people within the PSU proportional to `oversampling`, as many in every PSU of
    a stratum. `made.sample.weights` are multiplied by one over the probability that the person was drawn.
    """
    drawn = _drawn_psus(made, population, wave, seed)
    places = (
        population.select("stratum", "psu", OVERSAMPLING).with_row_index("row").join(drawn, on=["stratum", "psu"], how="semi")
    )
    members_of = places.sort("row").partition_by("stratum", "psu", as_dict=True)
    within = generator(seed, wave, "sampled people")
    rows, chances = [], []
    for stratum, psu, chance, count in drawn.iter_rows():
        members = members_of[stratum, psu]
        preference = members[OVERSAMPLING].to_numpy()
        chance_of_person = count * preference / preference.sum()
        taken = systematic(chance_of_person, within.permutation(members.height), within.random())
        rows.append(members["row"].to_numpy()[taken])
        chances.append(chance * chance_of_person[taken])
    order = np.argsort(np.concatenate(rows), kind="stable")
    sample = population[np.concatenate(rows)[order]].drop(OVERSAMPLING)
    inverse = pl.Series("inverse", 1 / np.concatenate(chances)[order])
    return sample.with_columns((pl.col(weight) * inverse).round(6) for weight in made.sample.weights)


def _drawn_psus(made: SurveyGenerator, population: pl.DataFrame, wave: str, seed: int) -> pl.DataFrame:
    """stratum, psu, chance (that the PSU is drawn) and count (of its people to draw): two rows a stratum."""
    sizes = population.group_by("stratum", "psu").len("people").sort("stratum", "psu")
    strata = sizes.group_by("stratum", maintain_order=True).agg("psu", "people")
    per_stratum = allocated(made.sample.people, strata["people"].list.sum().to_numpy().astype(np.float64))
    draws = uniforms(seed, 2 * strata.height, wave, "sampled psus").reshape(-1, 2)
    rows = []
    for (stratum, psus, people), total, (first, second) in zip(strata.iter_rows(), per_stratum, draws, strict=True):
        drawn, chances = two_proportional_to_size(np.array(people, dtype=np.float64), first, second)
        counts = allocated(int(total), np.ones(2))
        rows += [
            (stratum, psus[i], chance, count) for i, chance, count in zip(drawn, chances.tolist(), counts.tolist(), strict=True)
        ]
    kept = {name: population.schema[name] for name in ("stratum", "psu")}
    return pl.DataFrame(rows, schema={**kept, "chance": pl.Float64, "count": pl.Int64}, orient="row")


def _strata(made: SurveyGenerator) -> pl.DataFrame:
    strata = pl.DataFrame({"stratum": np.arange(1, made.population.strata + 1, dtype=np.int32)})
    return with_uniforms(strata, made.streams.strata, made.seed, "strata")


def _psus(made: SurveyGenerator) -> pl.DataFrame:
    """Every PSU with its number of people; the people of all PSUs add up to the population."""
    sizes = made.population
    of_strata = _between(sizes.stratum_size, uniforms(made.seed, sizes.strata, "strata", "size"))
    of_psus = _between(sizes.psu_size, uniforms(made.seed, sizes.strata * sizes.psus_per_stratum, "psus", "size"))
    people = allocated(sizes.people, np.repeat(of_strata, sizes.psus_per_stratum) * of_psus)
    psus = pl.DataFrame(
        {
            "stratum": np.repeat(np.arange(1, sizes.strata + 1, dtype=np.int32), sizes.psus_per_stratum),
            "psu": np.tile(np.arange(1, sizes.psus_per_stratum + 1, dtype=np.int32), sizes.strata),
            "people": people,
        }
    )
    return with_uniforms(psus, made.streams.psus, made.seed, "psus")


def _people(made: SurveyGenerator, psus: pl.DataFrame) -> pl.DataFrame:
    times = psus["people"].to_numpy()
    people = pl.DataFrame(
        {
            "person": np.arange(1, made.population.people + 1, dtype=np.int32),
            "stratum": np.repeat(psus["stratum"].to_numpy(), times),
            "psu": np.repeat(psus["psu"].to_numpy(), times),
        }
    )
    return with_uniforms(people, made.streams.people, made.seed, "people")


def _between(limits: tuple[float, float], uniform: np.ndarray) -> np.ndarray:
    low, high = limits
    if not 0 < low <= high:
        raise ConfigurationError("generator.population: relative sizes must be positive, the smaller one first")
    return low + (high - low) * uniform
