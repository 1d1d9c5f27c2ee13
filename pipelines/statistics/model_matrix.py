"""Terms of a regression and the matrix of their columns on covariate patterns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.statistics.design import BoolArray, Cells, FloatArray, IntArray, index_levels
from pipelines.statistics.errors import InvalidArgument, RankDeficient

INTERCEPT = "(intercept)"
_RANK_TOLERANCE = 1e-7  # of columns scaled to length 1


@dataclass(frozen=True)
class Categorical:
    """A term with one indicator for each level but the reference."""

    column: str
    reference: object


@dataclass(frozen=True)
class Numeric:
    """A term with one slope, per unit of the column."""

    column: str


Term = Categorical | Numeric


@dataclass(frozen=True, eq=False)
class ModelMatrix:
    """Columns on distinct patterns of the terms.

    `x` (patterns, k) is scaled for solving: x = raw columns @ inverse(unscale), so raw coefficients are unscale @
    coefficients. `pattern` (cells,) is the pattern of each cell, -1 for cells that are not analysed. `omitted`: levels
    without analysed members. `aliased`: columns of nuisance terms that others make up. `basis` (k, r): of a matrix with fewer
    columns than names, the combinations that its columns are.
    """

    names: tuple[str, ...]
    x: FloatArray
    unscale: FloatArray
    pattern: IntArray
    omitted: tuple[str, ...]
    aliased: tuple[str, ...] = ()
    basis: FloatArray | None = None


def column_name(term: Term, level: object = None) -> str:
    """The name of a coefficient: "age_years" for a number, "sex=female" for a level."""
    if isinstance(term, Numeric):
        return term.column
    return f"{term.column}={_word(level)}"


def _word(level: object) -> str:
    return str(level).lower() if isinstance(level, bool) else str(level)


def model_matrix(cells: Cells, terms: Sequence[Term], analysed: BoolArray, nuisance: Sequence[Term] = ()) -> ModelMatrix:
    """The intercept and the columns of the terms, on the patterns that occur in the analysed cells.

    A level without analysed members has no column; a term left with one level has none at all (it changes nothing): see
    `omitted`. `nuisance` are those of the terms that are adjusted for and not asked about: a column of theirs that is constant or
    a combination of earlier ones of theirs is left out, as it changes no coefficient of another term: see `aliased`. Raises
    InvalidArgument (unknown column or reference, a number that is none, a column used twice), RankDeficient.
    """
    _require_terms(cells, terms)
    patterns, pattern = index_levels(cells.table, [term.column for term in terms], analysed)
    n_patterns = patterns.height if terms else 1
    names, raw, omitted, beside = [INTERCEPT], [np.ones(n_patterns)], list[str](), [INTERCEPT]
    for term in terms:
        first = len(names)
        if isinstance(term, Numeric):
            names.append(term.column)
            raw.append(_numbers(patterns, term.column))
            beside += names[first:] if term in nuisance else []
            continue
        levels = patterns[term.column].unique().sort().to_list()
        everywhere = cells.table[term.column].drop_nulls().unique().sort().to_list()
        shown = [level for level in levels if level != term.reference] if len(levels) > 1 else []
        if shown and term.reference not in levels:
            raise RankDeficient(
                f"{term.column}: nobody analysed has its reference level {_word(term.reference)}. "
                "Choose a reference that occurs in the population.",
                names=[term.column],
            )
        names += [column_name(term, level) for level in shown]
        raw += [(patterns[term.column] == level).to_numpy().astype(np.float64) for level in shown]
        omitted += [column_name(term, level) for level in everywhere if level not in (*shown, term.reference)]
        beside += names[first:] if term in nuisance else []
    x, unscale = centred_and_scaled(np.column_stack(raw))
    aliased = _dependent(x[:, np.isin(names, beside)], beside) if nuisance else []
    if aliased:
        kept = ~np.isin(names, aliased)
        names = [name for name in names if name not in aliased]
        x, unscale = x[:, kept], unscale[np.ix_(kept, kept)]
    require_full_rank(x, names)
    return ModelMatrix(tuple(names), x, unscale, pattern, tuple(omitted), tuple(aliased))


def require_full_rank(x: FloatArray, names: Sequence[str]) -> None:
    """Raise RankDeficient with the names of the columns of x (rows, k) that are constant or combinations of earlier columns."""
    if dependent := _dependent(x, names):
        raise RankDeficient(
            f"These terms are constant or combinations of other terms among the analysed: {', '.join(dependent)}. "
            "Drop them, or merge levels.",
            names=dependent,
        )


def _dependent(x: FloatArray, names: Sequence[str]) -> list[str]:
    """The names of the columns of x (rows, k) that are constant or combinations of earlier columns."""
    lengths = np.linalg.norm(x, axis=0)
    unit = x / np.where(lengths > 0, lengths, 1.0)
    basis, dependent = np.empty((len(x), 0)), list[str]()
    for name, column in zip(names, unit.T, strict=True):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)  # what rounding left of the first time
        size = float(np.linalg.norm(rest))
        if size < _RANK_TOLERANCE:
            dependent.append(name)
        else:
            basis = np.column_stack([basis, rest / size])
    return dependent


def _require_terms(cells: Cells, terms: Sequence[Term]) -> None:
    columns = [term.column for term in terms]
    cells.require_keys(columns)
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise InvalidArgument(f"A column may be in one term only; {', '.join(twice)} is in several.", names=twice)
    for term in terms:
        column = cells.table[term.column]
        if isinstance(term, Numeric) and not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            raise InvalidArgument(
                f"{term.column} is {column.dtype}, not a number. Make it Categorical, or cast its key.", names=[term.column]
            )
        if isinstance(term, Categorical) and term.reference not in column.drop_nulls().unique().to_list():
            raise InvalidArgument(
                f"The reference level {_word(term.reference)} does not occur in {term.column}. "
                "Check its spelling, or choose another.",
                names=[term.column],
            )


def _numbers(patterns: pl.DataFrame, column: str) -> FloatArray:
    values = patterns[column].cast(pl.Float64).to_numpy().astype(np.float64)
    if not np.isfinite(values).all():
        raise InvalidArgument(f"{column} holds numbers that are not finite. A missing value must be NULL.", names=[column])
    return values


def centred_and_scaled(raw: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Columns (rows, k), of which the first is the intercept, centred (but not that one) and divided by their spread.

    The second part (k, k) takes this back: raw coefficients are it @ those of the scaled columns.
    """
    centre = raw.mean(axis=0)
    centre[0] = 0.0
    x, spread = divided_by_spread(raw - centre, raw)
    unscale = np.diag(1 / spread)
    unscale[0, 1:] = -centre[1:] / spread[1:]
    return x, unscale


def divided_by_spread(centred: FloatArray, raw: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centred columns (rows, k) of root mean square 1, and what they were divided by (k,).

    A column that is constant but for rounding (to 12 digits of `raw`) becomes exactly 0 and is divided by 1.
    """
    spread = np.sqrt(np.mean(centred**2, axis=0))
    is_constant = spread <= 1e-12 * np.abs(raw).max(axis=0)
    spread[is_constant] = 1.0
    x: FloatArray = np.where(is_constant, 0.0, centred / spread)
    return x, spread
