"""Adjusted prevalences: what the prevalence would be if all analysed had one level of an exposure, all else being as it is.

Marginal standardisation by a logistic model (Graubard & Korn 1999, Biometrics 55:652-659).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy

from pipelines.statistics.design import Cells, FloatArray
from pipelines.statistics.intervals import require_level, t_quantile
from pipelines.statistics.model_matrix import Categorical, Term, column_name, model_matrix
from pipelines.statistics.regression import regression
from pipelines.statistics.variance import sampling_frame, taylor_covariance

METHOD = "marginal standardisation (logistic model, delta method; interval on the logit), complete cases"


@dataclass(frozen=True, eq=False)
class Margins:
    """`table`: a row for each level of the exposure, its reference first; columns: the exposure, n_respondents and n_cases (of
    those analysed who have the level), prevalence (adjusted), prevalence_se, prevalence_lower, prevalence_upper,
    degrees_freedom.

    `covariance` (rows, rows) belongs to the rows. `n_missing`: members of the domain who lack the outcome or a term.
    """

    table: pl.DataFrame
    covariance: FloatArray
    by: tuple[str, ...]
    degrees_freedom: int
    n_missing: int

    @property
    def joint_covariance(self) -> FloatArray:
        """The covariance: all rows are of all who are analysed."""
        return self.covariance


def margins(
    cells: Cells,
    outcome: str,
    exposure: Categorical,
    beside: Sequence[Term] = (),
    *,
    domain: pl.Expr | None = None,
    confidence_level: float = 0.95,
) -> Margins:
    """Prevalence of `outcome` at each level of the exposure, standardised to the analysed members' own `beside`.

    p_l = sum w_i g(x_i with level l) / sum w_i. Variance: G' V G by the delta method, with V the design-based covariance of the
    coefficients and G the gradients, plus the design-based covariance of the means of the fitted values, as svypredmeans of R's
    survey package. Interval: by t(degrees_freedom) on the logit.

    Raises what regression() raises; SeparatedOutcome where the model has no finite maximum.
    """
    require_level(confidence_level)
    terms = [exposure, *beside]
    model = regression(cells, outcome, terms, domain=domain, nuisance=beside)
    case, is_known = cells.outcome(outcome)
    analysed = cells.members(domain) & is_known & cells.known([term.column for term in terms])
    matrix = model_matrix(cells, terms, analysed, beside)
    raw = matrix.x @ np.linalg.inv(matrix.unscale)
    weight = np.bincount(matrix.pattern[analysed], cells.w[analysed], len(raw))
    levels = [exposure.reference, *_others(cells, exposure, matrix.names)]
    fitted, gradients = [], []
    for level in levels:
        x = _as_if(raw, matrix.names, exposure, level, levels)
        mean = scipy.special.expit(x @ model.coefficients)
        fitted.append(mean)
        gradients.append((weight * mean * (1 - mean)) @ x / weight.sum())
    means = np.column_stack(fitted)
    share = weight @ means / weight.sum()
    group = np.where(analysed, 0, -1)
    influence = np.where(analysed[:, None], (means[matrix.pattern] - share) / weight.sum(), 0.0)
    gradient = np.column_stack(gradients)
    of_means = taylor_covariance(cells, sampling_frame(cells), influence, group)
    covariance: FloatArray = gradient.T @ model.covariance @ gradient + of_means
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    margin = t_quantile(model.degrees_freedom, confidence_level) * errors / (share * (1 - share))
    counted = cells.table.filter(pl.Series(analysed)).with_columns(pl.Series("case", case[analysed]))
    n = [counted.filter(pl.col(exposure.column) == level) for level in levels]
    table = pl.DataFrame(
        {
            exposure.column: pl.Series(levels, dtype=cells.table[exposure.column].dtype),
            "n_respondents": [int(part["n"].sum()) for part in n],
            "n_cases": [int((part["n"] * part["case"]).sum()) for part in n],
            "prevalence": share,
            "prevalence_se": errors,
            "prevalence_lower": scipy.special.expit(scipy.special.logit(share) - margin),
            "prevalence_upper": scipy.special.expit(scipy.special.logit(share) + margin),
            "degrees_freedom": [model.degrees_freedom] * len(levels),
        }
    )
    return Margins(table, covariance, (exposure.column,), model.degrees_freedom, model.n_missing)


def _others(cells: Cells, exposure: Categorical, names: Sequence[str]) -> list[object]:
    """The levels beside the reference that have a coefficient, in order."""
    levels = cells.table[exposure.column].drop_nulls().unique().sort().to_list()
    return [level for level in levels if column_name(exposure, level) in names]


def _as_if(raw: FloatArray, names: Sequence[str], exposure: Categorical, level: object, levels: Sequence[object]) -> FloatArray:
    """The columns (patterns, k) as they would be if everybody had one level."""
    x = raw.copy()
    for other in levels[1:]:
        x[:, names.index(column_name(exposure, other))] = float(other == level)
    return x
