"""Are two categorical keys independent in the population? Rao-Scott and Wald tests of a weighted two-way table."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy

from pipelines.statistics.design import Cells, FloatArray, IntArray, index_levels
from pipelines.statistics.errors import DegenerateTable, EmptyDomain, InvalidArgument, NoDegreesOfFreedom, UnsupportedDesign
from pipelines.statistics.quadratic_form import weighted_f_tail
from pipelines.statistics.replicate_weights import NOBODY_IN_A_REPLICATE, ReplicateWeights, covariance_of_replicates
from pipelines.statistics.variance import design_degrees_freedom, sampling_frame, taylor_covariance

_NO_VARIANCE = 1e-10  # of design effects, which are about 1
_SINGULAR = 1e14  # condition number


@dataclass(frozen=True, eq=False)
class RaoScottTest:
    """`f` on (numerator_df, denominator_df) is the second-order test, the one to report; `p_value` is its.

    `degrees_freedom`: those of the design. `chi_squared`: Pearson's of the weighted table scaled to the respondents;
    `design_effects`: the eigenvalues that it is a mixture by. `p_first_order`: chi_squared over their mean; `p_saddlepoint`: the
    mixture itself, approximated.
    """

    f: float
    numerator_df: float
    denominator_df: float
    p_value: float
    chi_squared: float
    design_effects: FloatArray
    p_first_order: float
    p_saddlepoint: float
    n_respondents: int
    n_missing: int
    degrees_freedom: int


@dataclass(frozen=True)
class WaldTest:
    """An F statistic with its degrees of freedom and p-value."""

    f: float
    numerator_df: int
    denominator_df: int
    p_value: float


def rao_scott_test(cells: Cells, row: str, column: str, *, domain: pl.Expr | None = None) -> RaoScottTest:
    """Test that the keys `row` and `column` are independent among members of the domain with both known (any number of levels).

    Rao and Scott 1984, second-order (Satterthwaite) correction with design degrees of freedom, as svychisq of R's survey package
    (statistics "F", "Chisq" and "saddlepoint"). Raises InvalidArgument, EmptyDomain, NoDegreesOfFreedom, LonelyPsu, and
    DegenerateTable where the test statistic has no variance.
    """
    table = _two_way(cells, row, column, domain)
    p = table.weights / table.weights.sum()
    expected = np.outer(p.sum(axis=1), p.sum(axis=0))
    chi_squared = table.n_respondents * float(((p - expected) ** 2 / expected).sum())
    if cells.design.replicates is None:
        covariance = _covariance(cells, table, (_indicators(table) - p.ravel()) / table.weights.sum())
    else:
        covariance = _replicate_covariance(cells, cells.design.replicates, table, p.ravel())
    inverse = np.divide(1.0, p.ravel(), out=np.zeros(p.size), where=p.ravel() > 0)
    contrasts = np.kron(_orthogonal_contrasts(p.shape[0]), _orthogonal_contrasts(p.shape[1])) * inverse[:, None]
    simple = contrasts.T @ (contrasts * p.ravel()[:, None]) / table.n_respondents
    effects = _design_effects(simple, contrasts.T @ covariance @ contrasts, (row, column))
    mean_effect, numerator = float(effects.mean()), float(effects.sum() ** 2 / (effects**2).sum())
    f, denominator = chi_squared / float(effects.sum()), numerator * table.degrees_freedom
    return RaoScottTest(
        f=f,
        numerator_df=numerator,
        denominator_df=denominator,
        p_value=float(scipy.special.fdtrc(numerator, denominator, f)),
        chi_squared=chi_squared,
        design_effects=np.sort(effects)[::-1],
        p_first_order=float(scipy.special.chdtrc(len(effects), chi_squared / mean_effect)),
        p_saddlepoint=weighted_f_tail(chi_squared, effects[effects > _NO_VARIANCE * effects.max()], denominator),
        n_respondents=table.n_respondents,
        n_missing=table.n_missing,
        degrees_freedom=table.degrees_freedom,
    )


def wald_independence_test(
    cells: Cells, row: str, column: str, *, domain: pl.Expr | None = None, adjusted: bool = True
) -> WaldTest:
    """Wald test that every weighted count of the table is the product of its margins over the total.

    With k = (rows - 1)(columns - 1) and d design degrees of freedom, W / k on (k, d), or `adjusted`, W (d - k + 1) / (k d) on
    (k, d - k + 1): the svychisq statistics "Wald" and "adjWald" of R. It is liberal where k is near d: prefer rao_scott_test().
    Raises InvalidArgument, EmptyDomain, NoDegreesOfFreedom, LonelyPsu.
    """
    table = _two_way(cells, row, column, domain)
    total = table.weights.sum()
    row_share, column_share = table.weights.sum(axis=1) / total, table.weights.sum(axis=0) / total
    excess = table.weights - total * np.outer(row_share, column_share)
    shape = (len(table.level), *table.weights.shape)
    indicator = _indicators(table).reshape(shape)
    linearised = (
        indicator
        - indicator.sum(axis=2, keepdims=True) * column_share[None, None, :]
        - indicator.sum(axis=1, keepdims=True) * row_share[None, :, None]
        + np.outer(row_share, column_share)
    )
    covariance = _covariance(cells, table, linearised[:, 1:, 1:].reshape(shape[0], -1))
    return wald_f(excess[1:, 1:].ravel(), covariance, table.degrees_freedom, adjusted=adjusted)


def wald_f(estimates: FloatArray, covariance: FloatArray, degrees_freedom: int, *, adjusted: bool) -> WaldTest:
    """F test that all estimates (k,) are 0. `adjusted`: for the covariance (k, k) having been estimated on few PSUs."""
    k = len(estimates)
    denominator = degrees_freedom - k + 1 if adjusted else degrees_freedom
    if denominator <= 0:
        raise NoDegreesOfFreedom(
            f"A Wald test of {k} parameters needs more degrees of freedom than {degrees_freedom}. Test fewer at once."
        )
    try:
        f = float(estimates @ np.linalg.solve(covariance, estimates)) / k * (denominator / degrees_freedom)
    except np.linalg.LinAlgError:
        raise DegenerateTable(f"The {k} parameters of the test do not vary, or depend on one another: test fewer.") from None
    return WaldTest(f, k, denominator, float(scipy.special.fdtrc(k, denominator, f)))


@dataclass(frozen=True, eq=False)
class _TwoWay:
    """`weights` (rows, columns): sums of weights; `level` (cells,): the place of each cell in it, -1 outside."""

    weights: FloatArray
    level: IntArray
    n_respondents: int
    n_missing: int
    degrees_freedom: int


def _two_way(cells: Cells, row: str, column: str, domain: pl.Expr | None) -> _TwoWay:
    if row == column:
        raise InvalidArgument(f"{row} cannot be tested against itself.", names=[row])
    cells.require_keys([row, column])
    member = cells.members(domain)
    analysed = member & cells.known([row, column])
    if not analysed.any():
        raise EmptyDomain(f"No member of the population has a known {row} and {column}.", names=[row, column])
    numbers = [index_levels(cells.table, [name], analysed) for name in (row, column)]
    shape = (numbers[0][0].height, numbers[1][0].height)
    if 1 in shape:
        name = (row, column)[shape.index(1)]
        raise InvalidArgument(f"Everybody analysed has the same {name}: there is nothing to test.", names=[name])
    level = np.where(analysed, numbers[0][1] * shape[1] + numbers[1][1], -1)
    weights = np.bincount(level[analysed], cells.w[analysed], shape[0] * shape[1]).astype(np.float64).reshape(shape)
    degrees_freedom = int(design_degrees_freedom(cells, sampling_frame(cells), np.where(analysed, 0, -1), 1)[0])
    if degrees_freedom <= 0:
        raise NoDegreesOfFreedom("The analysed members lie in as many strata as PSUs. Widen the population.", names=[row, column])
    n_respondents = int(cells.n[analysed].sum())
    return _TwoWay(weights, level, n_respondents, int(cells.n[member].sum()) - n_respondents, degrees_freedom)


def _design_effects(simple: FloatArray, covariance: FloatArray, names: tuple[str, str]) -> FloatArray:
    """Eigenvalues of the covariance over that of simple random sampling, both (k, k).

    Raises DegenerateTable where a level of one key says all about the other, or too many cells are empty: there the association
    has no variance, and no statistic its distribution.
    """
    determined = DegenerateTable(
        f"No test: in this sample {names[0]} and {names[1]} determine one another, or too many combinations of them are empty.",
        names=names,
    )
    try:
        effects: FloatArray = np.linalg.eigvals(np.linalg.solve(simple, covariance)).real
    except np.linalg.LinAlgError:
        raise determined from None
    if not np.isfinite(effects).all() or effects.sum() <= _NO_VARIANCE or np.linalg.cond(simple) > _SINGULAR:
        raise determined
    return effects


def _indicators(table: _TwoWay) -> FloatArray:
    indicators: FloatArray = (table.level[:, None] == np.arange(table.weights.size)).astype(np.float64)
    return indicators


def _covariance(cells: Cells, table: _TwoWay, influence: FloatArray) -> FloatArray:
    inside = table.level >= 0
    return taylor_covariance(cells, sampling_frame(cells), np.where(inside[:, None], influence, 0.0), np.where(inside, 0, -1))


def _replicate_covariance(cells: Cells, replicates: ReplicateWeights, table: _TwoWay, p: FloatArray) -> FloatArray:
    """Of the shares of the table, (rows times columns) twice."""
    inside = np.flatnonzero(table.level >= 0)

    def shares(weights: FloatArray) -> FloatArray:
        sums = np.bincount(table.level[inside], weights[inside], len(p))
        total = sums.sum()
        again: FloatArray = np.divide(sums, total, out=np.full(len(p), np.nan), where=total > 0)
        return again

    covariance = covariance_of_replicates(cells, replicates, p, shares)
    if np.isnan(covariance).any():
        raise UnsupportedDesign(f"The table has no test: {NOBODY_IN_A_REPLICATE}.")
    return covariance


def _orthogonal_contrasts(n_levels: int) -> FloatArray:
    """Columns (n_levels, n_levels - 1) that sum to 0, orthonormal."""
    contrasts: FloatArray = scipy.linalg.null_space(np.ones((1, n_levels)))
    return contrasts
