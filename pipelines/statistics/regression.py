"""Design-based logistic and Poisson regression on covariate patterns.

Coefficients solve the weighted score equations; their covariance is the Taylor (sandwich) one of Binder 1983.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import polars as pl
import scipy

from pipelines.statistics.design import BoolArray, Cells, FloatArray, IntArray
from pipelines.statistics.effect import Effect, effect
from pipelines.statistics.errors import (
    EmptyDomain,
    InvalidArgument,
    NoDegreesOfFreedom,
    NotConverged,
    RankDeficient,
    SeparatedOutcome,
)
from pipelines.statistics.model_matrix import INTERCEPT, ModelMatrix, Term, column_name, model_matrix
from pipelines.statistics.newton import Fit, maximise
from pipelines.statistics.perfect_prediction import (
    Family,
    of_one_term,
    separated_names,
    separated_outcome,
    without_separated,
)
from pipelines.statistics.replicate import Replicates, replicate_covariance
from pipelines.statistics.replicate_weights import ReplicateWeights
from pipelines.statistics.variance import Frame, PatternInfluence, design_degrees_freedom, sampling_frame, taylor_covariance

_NEXT_TO_NOTHING = 1e-6  # a fitted share below: in a replicate coefficients may have no limit


@dataclass(frozen=True, eq=False)
class Regression:
    """Coefficients on the log scale in the order of `names`, with their design-based covariance (k, k).

    `degrees_freedom`: PSUs minus strata with analysed members, the t reference of term(). `residual_degrees_freedom`: that +
    1 - k, R's choice. `n_missing`: respondents of the domain without the outcome or a term. `omitted`: levels nobody analysed
    has. `aliased`: columns of nuisance terms that others make up. `log_likelihood` (up to a constant) and `information` (k, k)
    are those of the model with weights of mean 1. `separated`: coefficients that are infinite or undetermined, because the
    outcome of `n_separated` respondents is predicted perfectly; they and what belongs to them are NaN, as is all of
    `information` then.
    """

    family: Family
    terms: tuple[Term, ...]
    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    degrees_freedom: int
    residual_degrees_freedom: int
    n_respondents: int
    n_cases: int
    n_missing: int
    omitted: tuple[str, ...]
    iterations: int
    log_likelihood: float
    information: FloatArray
    outcome: str = ""
    separated: tuple[str, ...] = ()
    n_separated: int = 0
    aliased: tuple[str, ...] = ()

    def term(
        self,
        column: str,
        level: object = None,
        confidence_level: float = 0.95,
        *,
        degrees_freedom: Literal["design", "residual"] = "design",
    ) -> Effect:
        """The odds ratio (poisson: prevalence ratio) of a level against the reference, or per unit of a number (no level).

        Raises InvalidArgument for a column or level without coefficient, EmptyDomain for a level that nobody analysed has,
        RankDeficient for an aliased one, SeparatedOutcome for a coefficient that is not finite.
        """
        named = next((term for term in self.terms if term.column == column), None)
        if named is None:
            raise InvalidArgument(
                f"The model has no term {column}; it has {', '.join(t.column for t in self.terms) or 'none'}.", names=[column]
            )
        name = column_name(named, level)
        if name in self.omitted:
            raise EmptyDomain(f"{name} has no coefficient: nobody analysed, or everybody, has this level.", names=[name])
        if name not in (*self.names, *self.aliased):
            raise InvalidArgument(f"{name} has no coefficient: it is the reference or no level of {column}.", names=[name])
        if name in self.aliased:
            raise RankDeficient(f"{name} has no coefficient: it is a combination of other terms.", names=[name])
        if name in self.separated:
            raise separated_outcome(self.outcome, [name])
        i = self.names.index(name)
        reference = self.degrees_freedom if degrees_freedom == "design" else self.residual_degrees_freedom
        return effect(float(self.coefficients[i]), float(np.sqrt(self.covariance[i, i])), reference, confidence_level)


@dataclass(frozen=True, eq=False)
class Analysed:
    """Who is analysed, and the terms: what models of one outcome share, whatever their family. Made by analysed_for()."""

    cells: Cells
    outcome: str
    terms: tuple[Term, ...]
    frame: Frame
    matrix: ModelMatrix
    case: IntArray
    analysed: BoolArray
    degrees_freedom: int
    n_respondents: int
    n_cases: int
    n_missing: int

    def fit(
        self,
        family: Family,
        replicates: Replicates | ReplicateWeights | None = None,
        separation: Literal["refuse", "limit"] = "refuse",
    ) -> Regression:
        """The model of a family, as regression() has it."""
        cells, outcome, matrix, case, analysed = self.cells, self.outcome, self.matrix, self.case, self.analysed
        n_respondents, n_cases = self.n_respondents, self.n_cases
        if n_cases == 0 or (n_cases == n_respondents and family == "logistic"):
            raise SeparatedOutcome(
                f"{'Everybody' if n_cases else 'Nobody'} analysed has {outcome}: there is no ratio to estimate.",
                names=[INTERCEPT],
            )
        scale = n_respondents / float(cells.w[analysed].sum())
        cases = _pattern_sums(cells.w, matrix, analysed & (case == 1), scale)
        noncases = _pattern_sums(cells.w, matrix, analysed & (case == 0), scale)
        separated: list[str] = []
        n_separated = 0
        if names := separated_names(matrix, cases, noncases, family):
            if separation == "refuse":
                raise separated_outcome(outcome, names)
            reduced, separated = without_separated(matrix, cases, noncases, family)
            if not len(reduced.x):
                raise separated_outcome(outcome, of_one_term(matrix, self.terms, cases, noncases, family) or names)
            matrix = reduced
            n_separated = int(cells.n[analysed & (matrix.pattern < 0)].sum())
            analysed = analysed & (matrix.pattern >= 0)
            cases = _pattern_sums(cells.w, matrix, analysed & (case == 1), scale)
        weight = _pattern_sums(cells.w, matrix, analysed, scale)
        fit = maximise(_likelihood(matrix.x, weight, cases, family), _start(matrix, weight, cases, family))
        replicates = replicates or cells.design.replicates
        if replicates is None:
            covariance = _taylor_covariance(cells, matrix, fit, self.frame, case, analysed, scale, family)
        else:
            covariance = _replicate_covariance(cells, replicates, matrix, fit, case, analysed, scale, family)
        coefficients = matrix.unscale @ fit.coefficients
        if n_separated:
            is_infinite = np.isin(matrix.names, separated)
            coefficients[is_infinite] = covariance[is_infinite, :] = covariance[:, is_infinite] = np.nan
            information = np.full_like(covariance, np.nan)
        else:
            information = _raw_information(matrix, fit.information)
        return Regression(
            family=family,
            terms=self.terms,
            names=matrix.names,
            coefficients=coefficients,
            covariance=covariance,
            degrees_freedom=self.degrees_freedom,
            residual_degrees_freedom=self.degrees_freedom + 1 - len(matrix.names),
            n_respondents=n_respondents,
            n_cases=n_cases,
            n_missing=self.n_missing,
            omitted=matrix.omitted,
            iterations=fit.iterations,
            log_likelihood=fit.log_likelihood,
            information=information,
            outcome=outcome,
            separated=tuple(separated),
            n_separated=n_separated,
            aliased=matrix.aliased,
        )


def regression(
    cells: Cells,
    outcome: str,
    terms: Sequence[Term],
    *,
    family: Family = "logistic",
    domain: pl.Expr | None = None,
    replicates: Replicates | ReplicateWeights | None = None,
    separation: Literal["refuse", "limit"] = "refuse",
    nuisance: Sequence[Term] = (),
) -> Regression:
    """Regression of a binary outcome on categorical and numeric keys, among complete members of the domain.

    logistic gives log odds ratios, poisson (log link) log prevalence ratios. `outcome` is a key, boolean or 0/1; `domain` a
    boolean expression over the keys. Weights are scaled to a mean of 1, which changes no result. An interaction is a key of
    its own. Covariance: Taylor, or by `replicates` or those of the design, each fitted anew. `separation`: where some group is
    predicted perfectly there is no finite maximum; `limit` gives the coefficients that have a limit all the same, which are
    those of the others. `nuisance`: those of the terms that are adjusted for and not asked about, whose columns may be
    combinations of one another.

    Raises InvalidArgument, InvalidOutcome, EmptyDomain, RankDeficient, SeparatedOutcome, NoDegreesOfFreedom, LonelyPsu,
    NotConverged.
    """
    if family not in get_args(Family):
        raise InvalidArgument(f"family must be one of {', '.join(get_args(Family))}, not {family!r}.")
    return analysed_for(cells, outcome, terms, domain=domain, nuisance=nuisance).fit(family, replicates, separation)


def analysed_for(
    cells: Cells, outcome: str, terms: Sequence[Term], *, domain: pl.Expr | None = None, nuisance: Sequence[Term] = ()
) -> Analysed:
    """The complete members of the domain and the matrix of the terms; arguments and errors are those of regression()."""
    member = cells.members(domain)
    case, is_known = cells.outcome(outcome)
    cells.require_keys([term.column for term in terms])
    analysed = member & is_known & cells.known([term.column for term in terms])
    if not analysed.any():
        raise EmptyDomain(
            f"No member of the domain has {outcome} and every term.", names=[outcome, *(term.column for term in terms)]
        )
    frame = sampling_frame(cells)
    return Analysed(
        cells=cells,
        outcome=outcome,
        terms=tuple(terms),
        frame=frame,
        degrees_freedom=require_degrees_freedom(cells, frame, np.where(analysed, 0, -1)),
        matrix=model_matrix(cells, terms, analysed, nuisance),
        case=case,
        analysed=analysed,
        n_respondents=int(cells.n[analysed].sum()),
        n_cases=int(cells.n[analysed & (case == 1)].sum()),
        n_missing=int(cells.n[member & ~analysed].sum()),
    )


def require_degrees_freedom(cells: Cells, frame: Frame, group: IntArray) -> int:
    """Design degrees of freedom of the cells whose group is 0; raises NoDegreesOfFreedom where there are none."""
    degrees_freedom = int(design_degrees_freedom(cells, frame, group, 1)[0])
    if degrees_freedom <= 0:
        raise NoDegreesOfFreedom(
            "The analysed members lie in as many strata as PSUs: there are no degrees of freedom. Widen the population."
        )
    return degrees_freedom


def _taylor_covariance(
    cells: Cells,
    matrix: ModelMatrix,
    fit: Fit,
    frame: Frame,
    case: IntArray,
    analysed: BoolArray,
    scale: float,
    family: Family,
) -> FloatArray:
    bread = matrix.unscale @ np.linalg.inv(fit.information)
    expected = _mean(matrix.x @ fit.coefficients, family)
    residual = np.where(analysed, (case - expected[matrix.pattern]) * scale, 0.0)
    influence = PatternInfluence(matrix.x @ bread.T, matrix.pattern, residual)
    return taylor_covariance(cells, frame, influence, np.where(analysed, 0, -1))


def _replicate_covariance(
    cells: Cells,
    replicates: Replicates | ReplicateWeights,
    matrix: ModelMatrix,
    fit: Fit,
    case: IntArray,
    analysed: BoolArray,
    scale: float,
    family: Family,
) -> FloatArray:
    def coefficients(weights: FloatArray) -> FloatArray:
        weight = _pattern_sums(weights, matrix, analysed, scale)
        cases = _pattern_sums(weights, matrix, analysed & (case == 1), scale)
        try:
            again = maximise(_likelihood(matrix.x, weight, cases, family), fit.coefficients)
        except NotConverged:
            raise NotConverged(
                "In some replicate the regression has no solution, so that no variance is known: merge levels or leave terms out."
            ) from None
        mean = _mean(matrix.x @ again.coefficients, family)[weight > 0]
        if mean.min() < _NEXT_TO_NOTHING or (family == "logistic" and mean.max() > 1 - _NEXT_TO_NOTHING):
            _refuse_separated(matrix, cases, weight - cases, family)
        return matrix.unscale @ again.coefficients

    return replicate_covariance(cells, replicates, matrix.unscale @ fit.coefficients, coefficients)


def _refuse_separated(matrix: ModelMatrix, cases: FloatArray, noncases: FloatArray, family: Family) -> None:
    """Raise SeparatedOutcome where a replicate, which leaves people out, has no finite coefficients."""
    held = (cases > 0) | (noncases > 0)
    among = replace(matrix, x=matrix.x[held])
    if names := separated_names(among, cases[held], noncases[held], family):
        by = "" if matrix.basis is not None else f" by {', '.join(names)}"  # combinations of columns have no names
        raise SeparatedOutcome(
            f"In some replicate the outcome is predicted perfectly{by}, so that no variance is known. Merge levels, or leave the "
            "term out.",
            names=names,
        )


def _pattern_sums(weights: FloatArray, matrix: ModelMatrix, where: BoolArray, scale: float) -> FloatArray:
    return np.bincount(matrix.pattern[where], weights[where] * scale, len(matrix.x)).astype(np.float64)


def _raw_information(matrix: ModelMatrix, scaled: FloatArray) -> FloatArray:
    """The information of the raw coefficients, unscale @ coefficients, from that of the scaled ones."""
    back = np.linalg.inv(matrix.unscale)
    information: FloatArray = back.T @ scaled @ back
    return information


def _mean(predictor: FloatArray, family: Family) -> FloatArray:
    mean: FloatArray = scipy.special.expit(predictor) if family == "logistic" else np.exp(predictor)
    return mean


def _start(matrix: ModelMatrix, weight: FloatArray, cases: FloatArray, family: Family) -> FloatArray:
    share = cases.sum() / weight.sum()
    start = np.zeros(len(matrix.names))
    start[0] = scipy.special.logit(share) if family == "logistic" else np.log(share)
    return start if matrix.basis is None else matrix.basis.T @ start


def _likelihood(
    x: FloatArray, weight: FloatArray, cases: FloatArray, family: Family
) -> Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]:
    """Value, score and information of the weighted log-likelihood, as a function of the coefficients."""

    def evaluate(coefficients: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        predictor = x @ coefficients
        with np.errstate(over="ignore"):
            mean = _mean(predictor, family)
            cumulant = np.logaddexp(0, predictor) if family == "logistic" else mean
            variance = mean * (1 - mean) if family == "logistic" else mean
        value = float(cases @ predictor - weight @ cumulant)
        return value, x.T @ (cases - weight * mean), (x * (weight * variance)[:, None]).T @ x

    return evaluate
