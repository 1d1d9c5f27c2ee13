"""Tests of whole terms of a design-based regression: Wald, and the Rao-Scott likelihood ratio."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from pipelines.statistics.design import Cells, FloatArray, IntArray
from pipelines.statistics.errors import InvalidArgument, NoDegreesOfFreedom
from pipelines.statistics.independence import WaldTest, wald_f
from pipelines.statistics.model_matrix import Numeric, Term
from pipelines.statistics.perfect_prediction import Family
from pipelines.statistics.quadratic_form import weighted_f_tail
from pipelines.statistics.regression import Regression, regression

DenominatorRule = Literal["adjusted", "residual", "design"]


@dataclass(frozen=True, eq=False)
class LikelihoodRatioTest:
    """Twice the difference of the log-likelihoods under weights of mean 1; a mixture by `design_effects`, whose p-value is the
    saddlepoint's with `denominator_df`."""

    chi_squared: float
    numerator_df: int
    denominator_df: int
    p_value: float
    design_effects: FloatArray


def wald_test(model: Regression, columns: Sequence[str], *, denominator: DenominatorRule = "adjusted") -> WaldTest:
    """Test that all coefficients of the terms `columns` are 0: k of them, with d design degrees of freedom.

    adjusted: W (d - k + 1) / (k d) on (k, d - k + 1) (Korn and Graubard 1990). residual: W / k on (k, d + 1 - coefficients), as
    regTermTest of R's survey package. design: W / k on (k, d), liberal where k is near d. Raises InvalidArgument for terms that
    the model lacks, NoDegreesOfFreedom.
    """
    at = _coefficients_of(model, columns)
    degrees_freedom = model.residual_degrees_freedom if denominator == "residual" else model.degrees_freedom
    return wald_f(model.coefficients[at], model.covariance[np.ix_(at, at)], degrees_freedom, adjusted=denominator == "adjusted")


def likelihood_ratio_test(
    cells: Cells,
    outcome: str,
    terms: Sequence[Term],
    tested: Sequence[str],
    *,
    family: Family = "logistic",
    domain: pl.Expr | None = None,
) -> LikelihoodRatioTest:
    """Rao-Scott likelihood ratio test of the terms `tested` in the model of all `terms`, on those who are complete for all.

    The difference of the pseudo-log-likelihoods is a mixture of chi-squared variables by the eigenvalues of the design
    covariance over the model's own (Lumley and Scott 2014), with residual degrees of freedom, as regTermTest(method = "LRT") of
    R's survey package. Raises InvalidArgument, NoDegreesOfFreedom, and what regression() raises.
    """
    full = regression(cells, outcome, terms, family=family, domain=domain)
    at = _coefficients_of(full, tested)
    if full.residual_degrees_freedom <= 0:
        raise NoDegreesOfFreedom("The model has as many coefficients as degrees of freedom. Drop terms.", names=list(tested))
    complete = pl.all_horizontal([pl.col(term.column).is_not_null() for term in terms])
    rest = [term for term in terms if term.column not in tested]
    null = regression(cells, outcome, rest, family=family, domain=complete if domain is None else domain & complete)
    own = np.linalg.inv(full.information)[np.ix_(at, at)]
    effects = np.linalg.eigvals(np.linalg.solve(own, full.covariance[np.ix_(at, at)])).real
    chi_squared = 2 * (full.log_likelihood - null.log_likelihood)
    return LikelihoodRatioTest(
        chi_squared=chi_squared,
        numerator_df=len(at),
        denominator_df=full.residual_degrees_freedom,
        p_value=weighted_f_tail(chi_squared, effects, full.residual_degrees_freedom),
        design_effects=np.sort(effects)[::-1],
    )


def _coefficients_of(model: Regression, columns: Sequence[str]) -> IntArray:
    terms = {term.column: term for term in model.terms}
    if unknown := [column for column in columns if column not in terms]:
        raise InvalidArgument(f"The model has no term {', '.join(unknown)}; it has {', '.join(terms) or 'none'}.", names=unknown)
    found = [
        i
        for i, name in enumerate(model.names)
        for column in columns
        if name == column or (not isinstance(terms[column], Numeric) and name.startswith(f"{column}="))
    ]
    if not found:
        raise InvalidArgument(
            f"No coefficient to test: {', '.join(columns) or 'no term named, or'} with one level among the analysed.",
            names=list(columns),
        )
    return np.array(found, dtype=np.int64)
