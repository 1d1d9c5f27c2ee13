"""Samples of a superpopulation: 15 strata of 2 PSUs of unequal size, people chosen by their kind, lognormal weights."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.statistics import Cells, Design
from tests.coverage.superpopulation import (
    COVARIATES,
    INTRACLUSTER_CORRELATIONS,
    KINDS,
    MODELLED_OUTCOME,
    N_STRATA,
    PREVALENCES,
    FloatArray,
    Superpopulation,
    latent_correlation,
    shifted,
    superpopulation,
)

PSUS_PER_STRATUM = 2

SAMPLED = np.where(KINDS[:, 3] == 1, 1.0, 0.5) * np.where(KINDS[:, 1] == 3, 1.0, 0.7) * np.where(KINDS[:, 4] == 1, 1.0, 0.5)
"""Probability (kinds,) that one who is asked takes part; the inverse is a factor of the weight."""

WEIGHT_SPREAD = 0.4
"""Standard deviation of the log of the other factor, which has nothing to do with the person and a mean of 1."""

PEOPLE_PER_SHARE = 300_000

DESIGN = Design("stratum", "psu", "weight")


@dataclass(frozen=True)
class Scenario:
    """`smallest_psu` to `largest_psu` are asked in a PSU, every number equally likely; about 3 in 10 take part.

    `largest_stratum` times as many people as in the smallest stratum live in the largest, and as many PSUs are drawn in each.
    `scale` of the intracluster correlations: of the latent liabilities that outcomes and covariates cut (so rare outcomes cluster
    less), or of the 0/1 variables themselves (so PSUs differ the more, relatively, the rarer an outcome).
    """

    name: str
    smallest_psu: int
    largest_psu: int
    largest_stratum: float
    scale: Literal["latent", "observed"]

    @property
    def population(self) -> Superpopulation:
        return superpopulation(self.largest_stratum)


USUAL = Scenario("usual", smallest_psu=250, largest_psu=1_000, largest_stratum=1, scale="latent")
"""Strata of equal population and about 5,800 respondents, as many as one NHANES cycle asks about sleep."""

CLUSTERED = replace(USUAL, name="clustered", scale="observed")
"""At a prevalence of 1 % the standard deviation between PSUs is 1 to 1.7 times their mean."""

HARD = Scenario("hard", smallest_psu=120, largest_psu=480, largest_stratum=3, scale="observed")
"""As clustered, with half of the respondents, and a few strata that carry most of the variance: PSUs less strata then counts too
many degrees of freedom."""


def draw_people(scenario: Scenario, generator: np.random.Generator, psus_per_stratum: int = PSUS_PER_STRATUM) -> pl.DataFrame:
    """One row a person asked: stratum, psu, kind, the covariates and a column for each outcome (all of them 0/1 or levels)."""
    population = scenario.population
    stratum_of_psu = np.repeat(np.arange(N_STRATA), psus_per_stratum)
    clusters = _Clusters(scenario, stratum_of_psu, generator)
    asked = generator.integers(scenario.smallest_psu, scenario.largest_psu, len(stratum_of_psu), endpoint=True)
    psu = np.repeat(np.arange(len(stratum_of_psu)), asked)
    stratum, n = stratum_of_psu[psu], len(psu)
    age = (generator.random(n)[:, None] > population.age_share.cumsum(axis=1)[stratum][:, :-1]).sum(axis=1)
    sex = (generator.random(n) < 0.5).astype(np.int64)
    race_share = clusters.shares(population.race_share[:, None])
    race = (generator.random(n) < race_share[psu, 0]).astype(np.int64)
    exposed = (generator.random(n) < clusters.shares(population.exposed_share)[psu, age]).astype(np.int64)
    eager = (generator.random(n) < population.eager_share[exposed]).astype(np.int64)
    kind = np.ravel_multi_index((exposed, age, sex, race, eager), (2, 4, 2, 2, 2))
    outcomes = {}
    for name, prevalence in PREVALENCES.items():
        probability = clusters.shares(np.tile(population.probability[name], (N_STRATA, 1)), prevalence)
        outcomes[name] = (generator.random(n) < probability[psu, kind]).astype(np.int64)
    covariates = dict(zip(COVARIATES, (exposed, age, sex, race), strict=True))
    return pl.DataFrame({"stratum": stratum, "psu": psu, "kind": kind, **covariates, **outcomes})


def draw_sample(scenario: Scenario, seed: int) -> pl.DataFrame:
    """Those of one draw who take part, with their `weight`. Equal seeds give equal samples."""
    generator = np.random.default_rng(seed)
    people = draw_people(scenario, generator)
    people = people.filter(pl.Series(generator.random(people.height) < SAMPLED[people["kind"].to_numpy()]))
    noise = generator.lognormal(-(WEIGHT_SPREAD**2) / 2, WEIGHT_SPREAD, people.height)
    share = scenario.population.stratum_share[people["stratum"].to_numpy()] / SAMPLED[people["kind"].to_numpy()]
    return people.with_columns(weight=pl.Series(PEOPLE_PER_SHARE * share * noise)).drop("kind")


def outcome_cells(sample: pl.DataFrame) -> Cells:
    """Cells by all outcomes, as collapse() would make them."""
    return _cells(sample, DESIGN, list(PREVALENCES))


def model_cells(sample: pl.DataFrame, design: Design = DESIGN) -> Cells:
    """Cells by the modelled outcome and the covariates, for `design`."""
    return _cells(sample, design, [MODELLED_OUTCOME, *COVARIATES])


def _cells(sample: pl.DataFrame, design: Design, keys: list[str]) -> Cells:
    columns = [*design.cell_columns, *keys]
    weighted = sample if design.weight else sample.with_columns(weight=1.0)
    sums = {"n": pl.len(), "w": pl.col("weight").sum()}
    if design.samples_elements:
        sums |= {"w2": (pl.col("weight") ** 2).sum(), "n_sampled": pl.len()}
    return Cells(weighted.group_by(columns).agg(**sums).sort(columns), design)


@dataclass(frozen=True, eq=False)
class _Clusters:
    """PSUs and what makes their people alike: one normal effect a PSU for each variable."""

    scenario: Scenario
    stratum: npt.NDArray[np.int64]
    generator: np.random.Generator

    def shares(self, share: FloatArray, typical: float | None = None) -> FloatArray:
        """Shares (strata, k) as they are inside each PSU, (psus, k). `typical`: the share at which an observed intracluster
        correlation holds; without it the mean of the stratum's."""
        correlation = np.array([self._correlation(h, typical or float(share[h].mean())) for h in range(N_STRATA)])
        effect = self.generator.standard_normal(len(self.stratum))
        return shifted(share[self.stratum], effect[:, None], correlation[self.stratum][:, None])

    def _correlation(self, stratum: int, share: float) -> float:
        stated = INTRACLUSTER_CORRELATIONS[stratum % len(INTRACLUSTER_CORRELATIONS)]
        return stated if self.scenario.scale == "latent" else latent_correlation(share, stated)
