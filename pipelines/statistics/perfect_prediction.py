"""Which terms of a regression predict the outcome of some people perfectly, and what is left of the model without these people.

The linear programme itself is in separation.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from pipelines.statistics.design import BoolArray, FloatArray
from pipelines.statistics.errors import SeparatedOutcome
from pipelines.statistics.model_matrix import INTERCEPT, ModelMatrix, Term
from pipelines.statistics.separation import remainder, separating_columns

Family = Literal["logistic", "poisson"]


def _rising_and_falling(cases: FloatArray, noncases: FloatArray, family: Family) -> tuple[BoolArray, BoolArray]:
    """Patterns whose likelihood rises for ever with their linear predictor, and with its opposite.

    A Poisson mean may exceed every outcome: there only patterns without cases are of the kind.
    """
    if family == "poisson":
        return np.zeros(len(cases), dtype=np.bool_), cases <= 0
    return (cases > 0) & (noncases <= 0), (noncases > 0) & (cases <= 0)


def separated_names(matrix: ModelMatrix, cases: FloatArray, noncases: FloatArray, family: Family) -> list[str]:
    """The names of columns that predict the outcome of some pattern perfectly; none where all coefficients are finite."""
    up, down = _rising_and_falling(cases, noncases, family)
    columns = separating_columns(np.vstack([matrix.x[up], -matrix.x[down]]), matrix.x[~up & ~down])
    return [matrix.names[i] for i in columns if matrix.names[i] != INTERCEPT] or [matrix.names[i] for i in columns]


def of_one_term(matrix: ModelMatrix, terms: Sequence[Term], cases: FloatArray, noncases: FloatArray, family: Family) -> list[str]:
    """The names of columns of the first term that predicts some outcomes perfectly by itself; none where it takes several."""
    for term in terms:
        of_term = [i for i, name in enumerate(matrix.names) if name == term.column or name.startswith(f"{term.column}=")]
        names = tuple(matrix.names[i] for i in (0, *of_term))
        alone = replace(matrix, x=matrix.x[:, [0, *of_term]], names=names)
        if found := separated_names(alone, cases, noncases, family):
            return found
    return []


def separated_outcome(outcome: str, names: Sequence[str]) -> SeparatedOutcome:
    """The error that names columns."""
    return SeparatedOutcome(
        f"{outcome} is predicted perfectly by {', '.join(names)}: in some group of the analysed everybody or nobody has it, "
        "so the ratio is 0 or infinite. Merge levels, leave the term out, or report the counts.",
        names=names,
    )


def without_separated(
    matrix: ModelMatrix, cases: FloatArray, noncases: FloatArray, family: Family
) -> tuple[ModelMatrix, list[str]]:
    """The matrix of the patterns that are not predicted perfectly, and the names of coefficients that have no limit."""
    rest = remainder(matrix.x, *_rising_and_falling(cases, noncases, family))
    place = np.where(rest.kept, np.cumsum(rest.kept) - 1, -1)
    reduced = replace(
        matrix,
        x=matrix.x[rest.kept] @ rest.basis,
        unscale=matrix.unscale @ rest.basis,
        pattern=np.where(matrix.pattern >= 0, place[matrix.pattern], -1),
        basis=rest.basis,
    )
    determined = rest.determines(matrix.unscale)
    return reduced, [name for name, is_determined in zip(matrix.names, determined, strict=True) if not is_determined]
