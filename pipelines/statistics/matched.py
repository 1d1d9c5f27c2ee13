"""Matched case-control sets: the odds ratio of pairs, and conditional logistic regression by the exact likelihood."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy

from pipelines.statistics.design import FloatArray, IntArray
from pipelines.statistics.effect import Effect, effect
from pipelines.statistics.errors import EmptyDomain, InvalidArgument, SeparatedOutcome
from pipelines.statistics.intervals import require_level
from pipelines.statistics.model_matrix import divided_by_spread, require_full_rank
from pipelines.statistics.newton import maximise
from pipelines.statistics.separation import separating_columns


@dataclass(frozen=True)
class MatchedOddsRatio:
    """Odds ratio of 1:1 pairs with its exact interval and the exact McNemar p-value.

    `odds_ratio` is None where no pair is discordant; 0 or infinite where all discordant pairs point one way.
    """

    odds_ratio: float | None
    lower: float
    upper: float
    p_value: float
    n_discordant: int
    confidence_level: float


def pair_odds_ratio(case_only_exposed: int, control_only_exposed: int, *, confidence_level: float = 0.95) -> MatchedOddsRatio:
    """Odds ratio b / c from the pairs where only the case (b) or only the control (c) is exposed.

    Given b + c, b is binomial with the odds of the odds ratio: the interval is Clopper-Pearson's as odds, the p-value the
    two-sided binomial test of one half (exact McNemar). Raises InvalidArgument for counts below 0 or a level outside 0-1.
    """
    b, c = case_only_exposed, control_only_exposed
    _require_pairs(b, c)
    require_level(confidence_level)
    tail = (1 - confidence_level) / 2
    return MatchedOddsRatio(
        odds_ratio=b / c if c else (math.inf if b else None),
        # The odds of the Clopper-Pearson limits; as complements, so that a limit near 1 loses no digits.
        lower=float(scipy.special.betaincinv(b, c + 1, tail) / scipy.special.betaincinv(c + 1, b, 1 - tail)) if b else 0.0,
        upper=float(scipy.special.betaincinv(b + 1, c, 1 - tail) / scipy.special.betaincinv(c, b + 1, tail)) if c else math.inf,
        p_value=min(1.0, 2 * float(scipy.special.bdtr(min(b, c), b + c, 0.5))),
        n_discordant=b + c,
        confidence_level=confidence_level,
    )


def mcnemar_p(case_only_exposed: int, control_only_exposed: int, *, continuity_correction: bool = False) -> float | None:
    """McNemar's asymptotic p-value (1947), with Edwards's correction on request; None where no pair is discordant.

    pair_odds_ratio() has the exact one, which is the one to report.
    """
    b, c = case_only_exposed, control_only_exposed
    _require_pairs(b, c)
    if b + c == 0:
        return None
    deviation = max(0, abs(b - c) - (1 if continuity_correction else 0))
    return float(scipy.special.chdtrc(1, deviation**2 / (b + c)))


def _require_pairs(b: int, c: int) -> None:
    if min(b, c) < 0 or b != int(b) or c != int(c):
        raise InvalidArgument(f"Numbers of discordant pairs are whole and not below 0; they are {b} and {c}.")


@dataclass(frozen=True, eq=False)
class ConditionalLogistic:
    """Log odds ratios in the order of `names`, their covariance (k, k), the exact conditional log-likelihood, and what was
    used.

    `n_uninformative_sets`: sets without a case or without a control; they cancel from the likelihood and are not in `n_sets`.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    log_likelihood: float
    n_members: int
    n_cases: int
    n_sets: int
    n_uninformative_sets: int
    iterations: int

    def term(self, name: str, confidence_level: float = 0.95) -> Effect:
        """The odds ratio of one column by the normal distribution. Raises InvalidArgument for a name the model does not have."""
        if name not in self.names:
            raise InvalidArgument(f"The model has no term {name}; it has {', '.join(self.names)}.", names=[name])
        i = self.names.index(name)
        return effect(float(self.coefficients[i]), float(np.sqrt(self.covariance[i, i])), math.inf, confidence_level)


def conditional_logistic(
    is_case: npt.ArrayLike, x: npt.ArrayLike, set_id: npt.ArrayLike, *, names: Sequence[str] | None = None
) -> ConditionalLogistic:
    """Conditional logistic regression by the exact likelihood, for sets of any size with any number of cases.

    `is_case` (members,) boolean or 0/1; `x` (members,) or (members, k), complete; `set_id` (members,), any values. Without
    `names` columns are called x0, x1, ... The likelihood of a set with d cases is the product of exp(x b) of its cases over
    the sum of such products of all choices of d members, by the recursion of Gail, Lubin and Rubinstein 1981.

    Raises InvalidArgument, EmptyDomain (no informative set), RankDeficient, SeparatedOutcome, NotConverged.
    """
    case, columns, members_of = _checked(is_case, x, set_id)
    labels = tuple(names) if names is not None else tuple(f"x{i}" for i in range(columns.shape[1]))
    if len(labels) != columns.shape[1]:
        raise InvalidArgument(f"x has {columns.shape[1]} columns but {len(labels)} names.", names=labels)
    n_members, n_cases = np.bincount(members_of), np.bincount(members_of, case).astype(np.int64)
    informative = (n_cases > 0) & (n_cases < n_members)
    if not informative.any():
        raise EmptyDomain("No matched set holds both a case and a control.")
    used = informative[members_of]
    centred = columns - (_sums(members_of, columns) / n_members[:, None])[members_of]
    scaled, spread = divided_by_spread(centred[used], columns[used])
    require_full_rank(scaled, labels)
    blocks = list(_blocks(case[used], scaled, np.unique(members_of[used], return_inverse=True)[1]))
    _refuse_separation(blocks, labels)
    fit = maximise(lambda b: _log_likelihood(blocks, b), np.zeros(len(labels)))
    return ConditionalLogistic(
        names=labels,
        coefficients=fit.coefficients / spread,
        covariance=np.linalg.inv(fit.information) / np.outer(spread, spread),
        log_likelihood=fit.log_likelihood,
        n_members=int(n_members[informative].sum()),
        n_cases=int(n_cases[informative].sum()),
        n_sets=int(informative.sum()),
        n_uninformative_sets=int((~informative).sum()),
        iterations=fit.iterations,
    )


@dataclass(frozen=True, eq=False)
class _Block:
    """Sets of one size and number of cases, cases first: x (sets, size, k)."""

    x: FloatArray
    n_cases: int


def _checked(is_case: npt.ArrayLike, x: npt.ArrayLike, set_id: npt.ArrayLike) -> tuple[IntArray, FloatArray, IntArray]:
    case, columns, sets = np.asarray(is_case), np.asarray(x, dtype=np.float64), np.asarray(set_id)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if not len(case) == len(columns) == len(sets):
        raise InvalidArgument(
            f"is_case, x and set_id have {len(case)}, {len(columns)} and {len(sets)} members; they must be equal."
        )
    if not len(case):
        raise EmptyDomain("There are no matched sets.")
    if not np.isin(case, (0, 1)).all():
        raise InvalidArgument("is_case must be boolean or 0/1 for every member.")
    if n_incomplete := int((~np.isfinite(columns).all(axis=1)).sum()):
        raise InvalidArgument(
            f"{n_incomplete} members have a value of x that is missing or not finite. Leave them out and count them."
        )
    return case.astype(np.int64), columns, np.unique(sets, return_inverse=True)[1].ravel().astype(np.int64)


def _blocks(case: IntArray, x: FloatArray, members_of: IntArray) -> Iterator[_Block]:
    n_members, n_cases = np.bincount(members_of), np.bincount(members_of, case).astype(np.int64)
    order = np.lexsort((np.arange(len(case)), -case, members_of))
    first = np.concatenate([[0], np.cumsum(n_members)[:-1]])
    shapes = np.column_stack([n_members, n_cases])
    for size, cases in np.unique(shapes, axis=0):
        sets = np.flatnonzero((n_members == size) & (n_cases == cases))
        yield _Block(x[order[first[sets][:, None] + np.arange(size)]], int(cases))


def _log_likelihood(blocks: Sequence[_Block], coefficients: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    k = len(coefficients)
    value, score, information = 0.0, np.zeros(k), np.zeros((k, k))
    for block in blocks:
        predictor = block.x @ coefficients
        highest = predictor.max(axis=1)
        total, first, second = _choices(np.exp(predictor - highest[:, None]), block.x, block.n_cases)
        mean = first / total[:, None]
        value += float((predictor[:, : block.n_cases].sum(axis=1) - np.log(total) - block.n_cases * highest).sum())
        score += (block.x[:, : block.n_cases].sum(axis=1) - mean).sum(axis=0)
        information += (second / total[:, None, None]).sum(axis=0) - mean.T @ mean
    return value, score, information


def _choices(theta: FloatArray, x: FloatArray, n_cases: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sum over all choices of n_cases members of their product of theta, with its first and second derivatives in the
    coefficients.

    theta (sets, size), x (sets, size, k) -> (sets,), (sets, k), (sets, k, k). Adding member j: B_r becomes B_r + theta_j
    B_(r-1).
    """
    n_sets, size, k = x.shape
    total, first, second = (
        np.zeros((n_cases + 1, n_sets)),
        np.zeros((n_cases + 1, n_sets, k)),
        np.zeros((n_cases + 1, n_sets, k, k)),
    )
    total[0] = 1.0
    for j in range(size):
        t, z = theta[:, j], x[:, j]
        outer = z[:, :, None] * z[:, None, :]
        for r in range(min(n_cases, j + 1), 0, -1):
            cross = first[r - 1][:, :, None] * z[:, None, :]
            second[r] += t[:, None, None] * (
                second[r - 1] + cross + cross.transpose(0, 2, 1) + total[r - 1][:, None, None] * outer
            )
            first[r] += t[:, None] * (first[r - 1] + total[r - 1][:, None] * z)
            total[r] += t * total[r - 1]
    return total[n_cases], first[n_cases], second[n_cases]


def _refuse_separation(blocks: Sequence[_Block], names: Sequence[str]) -> None:
    """A direction separates where no control of a set is ever above a case of it."""
    differences = [
        (block.x[:, : block.n_cases, None] - block.x[:, None, block.n_cases :]).reshape(-1, block.x.shape[2]) for block in blocks
    ]
    rising = pl.DataFrame(np.vstack(differences)).unique().sort(pl.all()).to_numpy()
    columns = separating_columns(rising, np.empty((0, len(names))))
    if len(columns):
        separated = [names[i] for i in columns]
        raise SeparatedOutcome(
            f"In every set the cases are predicted perfectly by {', '.join(separated)}: its odds ratio is 0 or infinite. "
            "Report the discordant sets and an exact interval instead.",
            names=separated,
        )


def _sums(group: IntArray, values: FloatArray) -> FloatArray:
    return np.column_stack([np.bincount(group, column) for column in values.T])
