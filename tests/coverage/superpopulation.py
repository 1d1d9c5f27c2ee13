"""The population that the simulated samples come from, and its true values.

Shares of 64 kinds of people in 15 strata are known, and the probability of each outcome for each kind. PSUs differ by normal
effects that leave every share and probability as it is on average. So prevalences are sums over kinds and the odds ratios
solve the score equations of the whole population; no estimator of the package is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

FloatArray = npt.NDArray[np.float64]

N_STRATA = 15
INTRACLUSTER_CORRELATIONS = (0.01, 0.02, 0.03)
"""Of each outcome, of exposure and of race within a PSU; the strata take turns."""

PREVALENCES: Mapping[str, float] = {"at_0_01": 0.01, "at_0_05": 0.05, "at_0_20": 0.20, "at_0_50": 0.50}
"""Outcome -> its prevalence in the population."""

MODELLED_OUTCOME = "at_0_20"

COVARIATES = ("exposed", "age", "sex", "race")
N_LEVELS = {"exposed": 2, "age": 4, "sex": 2, "race": 2, "eager": 2}
KINDS = np.array(list(product(*(range(n) for n in N_LEVELS.values()))), dtype=np.int64)
"""Kinds of people (64, 5). The eager are not in the model: they are sampled more often and have other odds."""

COEFFICIENTS = ("(intercept)", "exposed=1", "age=1", "age=2", "age=3", "sex=1", "race=1")
MODEL = np.column_stack([np.ones(len(KINDS)), KINDS[:, 0], *(KINDS[:, 1] == level for level in (1, 2, 3)), KINDS[:, 2:4]])

_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


@dataclass(frozen=True, eq=False)
class Superpopulation:
    """`stratum_share` (strata,); `age_share` (strata, 4); `exposed_share` (strata, 4) by age; `race_share` (strata,);
    `eager_share` (2,) by exposure; `probability`: outcome -> (kinds,)."""

    stratum_share: FloatArray
    age_share: FloatArray
    exposed_share: FloatArray
    race_share: FloatArray
    eager_share: FloatArray
    probability: Mapping[str, FloatArray]

    def kind_shares(self) -> FloatArray:
        """Share of each kind in the population, (kinds,)."""
        return self.stratum_share @ _kinds_by_stratum(self.age_share, self.exposed_share, self.race_share, self.eager_share)

    def prevalence(self, outcome: str) -> float:
        """The true prevalence."""
        return float(self.kind_shares() @ self.probability[outcome])

    def coefficients(self, outcome: str) -> FloatArray:
        """The log odds ratios (7,) of COEFFICIENTS that a logistic regression on the whole population gives."""
        share, probability = self.kind_shares(), self.probability[outcome]

        def score(coefficients: FloatArray) -> FloatArray:
            found: FloatArray = MODEL.T @ (share * (probability - special.expit(MODEL @ coefficients)))
            return found

        solved = optimize.root(score, np.zeros(MODEL.shape[1]), tol=1e-13)
        if not solved.success:
            raise RuntimeError(f"The true odds ratios were not found: {solved.message}")
        return np.asarray(solved.x, dtype=np.float64)


@cache
def superpopulation(largest_stratum: float = 1.0) -> Superpopulation:
    """A population whose largest stratum is so many times its smallest; the strata differ in age, race and exposure."""
    place = np.linspace(-1, 1, N_STRATA)[np.random.default_rng(20).permutation(N_STRATA)]
    size = np.linspace(1, largest_stratum, N_STRATA)
    stratum_share = size / size.sum()
    age_share = np.array([0.3, 0.3, 0.25, 0.15]) * np.exp(place[:, None] * np.array([-0.2, -0.1, 0.1, 0.3]))
    age_share /= age_share.sum(axis=1, keepdims=True)
    exposed_share = special.expit(special.logit(np.array([0.15, 0.25, 0.35, 0.5])) + 0.4 * place[:, None])
    race_share, eager_share = 0.35 + 0.2 * place, np.array([0.15, 0.3])
    shares = stratum_share @ _kinds_by_stratum(age_share, exposed_share, race_share, eager_share)
    exposed, age, sex, race, eager = KINDS.T
    odds = np.log(1.7) * exposed + 0.3 * age + 0.35 * sex - 0.25 * race + 0.5 * eager + 0.4 * exposed * eager
    probability = {name: special.expit(odds + _intercept(odds, shares, target)) for name, target in PREVALENCES.items()}
    return Superpopulation(stratum_share, age_share, exposed_share, race_share, eager_share, probability)


def _intercept(odds: FloatArray, shares: FloatArray, target: float) -> float:
    return float(optimize.brentq(lambda at: shares @ special.expit(odds + at) - target, -20, 20, xtol=1e-15, rtol=1e-15))


def _kinds_by_stratum(age: FloatArray, exposed: FloatArray, race: FloatArray, eager: FloatArray) -> FloatArray:
    """Share of each kind within each stratum, (strata, kinds)."""
    is_exposed, band, _, is_race, is_eager = KINDS.T
    shares: FloatArray = age[:, band] * 0.5
    for is_member, share in ((is_exposed, exposed[:, band]), (is_race, race[:, None]), (is_eager, eager[is_exposed])):
        shares = shares * np.where(is_member == 1, share, 1 - share)
    return shares


@cache
def latent_correlation(share: float, intracluster_correlation: float) -> float:
    """The correlation of normal variables whose cut at `share` gives 0/1 variables with the intracluster correlation."""
    target = share**2 + intracluster_correlation * share * (1 - share)
    weights = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()
    return float(optimize.brentq(lambda r: weights @ shifted(share, _NODES, r) ** 2 - target, 1e-9, 0.5, xtol=1e-12))


def shifted(share: npt.ArrayLike, effect: npt.ArrayLike, correlation: npt.ArrayLike) -> FloatArray:
    """The share inside a PSU with a standard normal effect; over all PSUs its mean is `share` itself."""
    r = np.asarray(correlation)
    inside: FloatArray = special.ndtr((special.ndtri(share) - np.sqrt(r) * np.asarray(effect)) / np.sqrt(1 - r))
    return inside
