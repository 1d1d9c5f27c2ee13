"""How the order of two events depends on what people are like: logistic regression of index first on numbers of pairs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from pipelines.statistics.design import FloatArray
from pipelines.statistics.effect import Effect, effect
from pipelines.statistics.errors import EmptyDomain, InvalidArgument, SeparatedOutcome
from pipelines.statistics.model_matrix import require_full_rank
from pipelines.statistics.newton import maximise
from pipelines.statistics.separation import separating_columns


@dataclass(frozen=True, eq=False)
class OrderModel:
    """log (index first / marker first) = coefficients . (1, x - mean of x), over pairs.

    `ratio`: the sequence ratio of people who are average in every column. `terms`: name -> what the ratio is multiplied with for
    one more of a column. `p_value`: of the likelihood ratio against one ratio for all, with as many degrees of freedom as terms.
    """

    ratio: Effect
    terms: dict[str, Effect]
    means: dict[str, float]
    p_value: float
    log_likelihood: float
    n_index_first: int
    n_marker_first: int


def order_model(
    n_index_first: npt.ArrayLike,
    n_marker_first: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    names: Sequence[str],
    confidence_level: float = 0.95,
) -> OrderModel:
    """Logistic regression of the order by maximum likelihood, as Madsen 2025 models the crude sequence ratio.

    `n_index_first`, `n_marker_first`: pairs of each pattern, shape (patterns,); `x`: what its people have in common, shape
    (patterns, k). Covariance from the information: each pair is one person. Raises InvalidArgument, EmptyDomain (no pair, or
    all in one order), RankDeficient, SeparatedOutcome, NotConverged.
    """
    index, marker, columns = _checked(n_index_first, n_marker_first, x, len(names))
    n_pairs = index + marker
    mean: FloatArray = n_pairs @ columns / n_pairs.sum()
    spread: FloatArray = np.sqrt(n_pairs @ (columns - mean) ** 2 / n_pairs.sum())
    scaled = (columns - mean) / np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(n_pairs)), scaled])
    require_full_rank(design, ("intercept", *names))
    _refuse_separation(design, index, marker, ("intercept", *names))

    def log_likelihood(coefficients: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        predictor = design @ coefficients
        share = scipy.special.expit(predictor)
        value = float(index @ predictor - n_pairs @ np.logaddexp(0.0, predictor))
        weight = n_pairs * share * (1 - share)
        return value, design.T @ (index - n_pairs * share), design.T @ (weight[:, None] * design)

    crude = float(index.sum() / n_pairs.sum())
    fit = maximise(log_likelihood, np.array([math.log(crude / (1 - crude)), *np.zeros(len(names))]))
    unit = np.array([1.0, *spread])
    estimates, errors = fit.coefficients / unit, np.sqrt(np.diag(np.linalg.inv(fit.information))) / unit
    effects = [effect(float(at), float(error), math.inf, confidence_level) for at, error in zip(estimates, errors, strict=True)]
    without = float(index.sum() * math.log(crude) + marker.sum() * math.log1p(-crude))
    return OrderModel(
        ratio=effects[0],
        terms=dict(zip(names, effects[1:], strict=True)),
        means=dict(zip(names, mean.tolist(), strict=True)),
        p_value=float(scipy.special.chdtrc(len(names), max(0.0, 2 * (fit.log_likelihood - without)))) if names else 1.0,
        log_likelihood=fit.log_likelihood,
        n_index_first=int(index.sum()),
        n_marker_first=int(marker.sum()),
    )


def _checked(
    n_index_first: npt.ArrayLike, n_marker_first: npt.ArrayLike, x: npt.ArrayLike, k: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    index, marker = (np.asarray(counts, dtype=np.float64) for counts in (n_index_first, n_marker_first))
    columns = np.asarray(x, dtype=np.float64).reshape(len(index), -1) if len(index) else np.zeros((0, k))
    if index.shape != marker.shape or columns.shape[1] != k:
        raise InvalidArgument("Each pattern needs a count of pairs in both orders, and a value for each name.")
    if (index < 0).any() or (marker < 0).any() or not np.isfinite(columns).all():
        raise InvalidArgument("Counts of pairs are not below 0, and what people have in common is finite.")
    if not index.sum() or not marker.sum():
        raise EmptyDomain("There are pairs in one order only, or none: their order depends on nothing that can be told.")
    occurs = index + marker > 0
    return index[occurs], marker[occurs], columns[occurs]


def _refuse_separation(design: FloatArray, index: FloatArray, marker: FloatArray, names: Sequence[str]) -> None:
    rising = np.vstack([design[marker == 0], -design[index == 0]])
    level = design[(index > 0) & (marker > 0)]
    columns = separating_columns(rising, level)
    if len(columns):
        named = [names[column] for column in columns if column] or ["the intercept"]
        raise SeparatedOutcome(f"{', '.join(named)} tell the order of the events perfectly; leave them out.", names=named)
