"""Does a proportion rise or fall over ordered categories? By the survey design, or counted without one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import scipy

from pipelines.statistics.design import RESERVED_NAMES, Cells
from pipelines.statistics.effect import Effect
from pipelines.statistics.errors import EmptyDomain, InvalidArgument
from pipelines.statistics.model_matrix import Numeric, Term
from pipelines.statistics.perfect_prediction import Family
from pipelines.statistics.regression import regression


@dataclass(frozen=True)
class TrendTest:
    """Chi-squared on 1 degree of freedom, and the slope of the proportion per unit of score."""

    chi_squared: float
    p_value: float
    slope: float


def trend(
    cells: Cells,
    outcome: str,
    column: str,
    scores: Mapping[Any, float],
    *,
    adjusters: Sequence[Term] = (),
    confidence_level: float,
    family: Family = "logistic",
    domain: pl.Expr | None = None,
) -> Effect:
    """Odds ratio (poisson: prevalence ratio) per unit of score of the ordered key `column`, adjusted, with its design-based test.

    `scores`: a number for each level, such as 0, 1, 2 or the middle of each band. The levels enter one regression as one slope.
    Members whose level is NULL are incomplete. Raises InvalidArgument where a level has no score, and what regression()
    raises.
    """
    cells.require_keys([column])
    levels = cells.table[column].drop_nulls().unique(maintain_order=True).to_list()
    if unscored := [str(level) for level in levels if level not in scores]:
        raise InvalidArgument(f"These levels of {column} have no score: {', '.join(unscored)}.", names=unscored)
    score = f"{column} (score)"
    if score in cells.table.columns or column in RESERVED_NAMES:
        raise InvalidArgument(f"{score} is the name of the trend's own column; rename the key.", names=[score])
    known = [scores[level] for level in levels]
    values = cells.table[column].replace_strict(levels, known, default=None, return_dtype=pl.Float64)
    scored = Cells(cells.table.with_columns(values.alias(score)), cells.design)
    fitted = regression(scored, outcome, [Numeric(score), *adjusters], family=family, domain=domain)
    return fitted.term(score, confidence_level=confidence_level)


def cochran_armitage(n_cases: Sequence[int], n_respondents: Sequence[int], scores: Sequence[float]) -> TrendTest:
    """Test of a linear trend in counted proportions, one entry a category (Cochran 1954, Armitage 1955).

    The variance has p (1 - p) over all N, as prop.trend.test of R; tests with N - 1 are smaller by (N - 1) / N. Raises
    InvalidArgument, EmptyDomain (proportions or scores without any spread).
    """
    cases, total, score = (np.asarray(values, dtype=np.float64) for values in (n_cases, n_respondents, scores))
    if not len(cases) == len(total) == len(score) or not ((cases >= 0) & (cases <= total)).all() or not np.isfinite(score).all():
        raise InvalidArgument(
            "A trend needs cases, respondents and a finite score for each category, and no more cases than people."
        )
    n, share = total.sum(), cases.sum() / max(total.sum(), 1)
    centred = score - (total @ score) / max(n, 1)
    spread = float(total @ centred**2)
    if spread == 0 or share in (0, 1):
        raise EmptyDomain("There is no trend to test: all people have one score, or all or none are cases.")
    slope = float(centred @ cases) / spread
    chi_squared = slope**2 * spread / (share * (1 - share))
    return TrendTest(chi_squared, float(scipy.special.chdtrc(1, chi_squared)), slope)
