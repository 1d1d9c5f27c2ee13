"""Does a combination of terms predict the outcome perfectly? Then its coefficient is infinite, and Newton's method only hides
that.

A direction b separates where it never lowers the linear predictor of those with the outcome, never raises that of those
without, and is 0 for patterns that hold both: a linear programme (Konis 2007; Correia, Guimaraes and Zylkin 2019 for
Poisson).
"""

from dataclasses import dataclass

import numpy as np
import scipy

from pipelines.statistics.design import BoolArray, FloatArray, IntArray
from pipelines.statistics.errors import NotConverged

_ROWS_PER_ROUND = 2000  # constraints added at a time; the programme is solved again until no other row is violated
_ZERO = 1e-9  # of columns scaled to 1
_ABOVE_ROUNDING = 1e-6  # of a direction whose largest part is about 1


def separating_columns(rising: FloatArray, level: FloatArray) -> IntArray:
    """Columns of a separating direction; empty where there is none. See separating_direction()."""
    return np.flatnonzero(np.abs(separating_direction(rising, level)) > _ABOVE_ROUNDING)


def separating_direction(rising: FloatArray, level: FloatArray) -> FloatArray:
    """A separating direction (k,); all 0 where there is none.

    `rising` (m, k): rows g with g.b >= 0, of which some must be above 0. `level` (l, k): rows e with e.b = 0.
    Together they must have full column rank, with columns of about unit size.
    """
    # The triangle of a QR has the null space of `level` and only k rows.
    basis = scipy.linalg.null_space(np.linalg.qr(level, mode="r"), rcond=_ZERO) if len(level) else np.eye(rising.shape[1])
    if basis.shape[1] == 0 or len(rising) == 0:
        return np.zeros(rising.shape[1])
    direction: FloatArray = basis @ _rising_direction(rising @ basis)
    return direction


@dataclass(frozen=True, eq=False)
class Remainder:
    """What is left of a model when those whose outcome is predicted perfectly are put aside.

    `kept` (patterns,): who is left. `basis` (k, r): an orthonormal basis of the combinations of columns that they determine; the
    coefficient along anything else is infinite, or whatever one likes.
    """

    kept: BoolArray
    basis: FloatArray

    def determines(self, combinations: FloatArray) -> BoolArray:
        """Which rows (m, k) of coefficients of the columns are determined, shape (m,)."""
        beside = combinations - combinations @ self.basis @ self.basis.T
        determined: BoolArray = np.linalg.norm(beside, axis=1) <= _ABOVE_ROUNDING * np.linalg.norm(combinations, axis=1)
        return determined


def remainder(x: FloatArray, up: BoolArray, down: BoolArray) -> Remainder:
    """Put aside, direction by direction, whose outcome is predicted perfectly: in the limit they say nothing of the others.

    `x` (patterns, k) has full column rank. Of patterns marked `up` the likelihood rises for ever with the linear predictor, of
    those marked `down` with its opposite, and those with neither mark have their maximum at some value. What is left has a
    finite maximum: it is that of all, with coefficients at infinity (Albert and Anderson 1984; Geyer 2009).
    """
    kept = np.ones(len(x), dtype=np.bool_)
    while True:
        basis = _row_space(x[kept])
        columns = x @ basis
        rising = np.vstack([columns[kept & up], -columns[kept & down]])
        direction = separating_direction(rising, columns[kept & ~up & ~down])
        aside = kept & (np.abs(columns @ direction) > _ABOVE_ROUNDING)
        if not aside.any():
            return Remainder(kept, basis)
        kept = kept & ~aside


def _row_space(x: FloatArray) -> FloatArray:
    """An orthonormal basis (k, r) of the rows of x (patterns, k)."""
    if not len(x):
        return np.zeros((x.shape[1], 0))
    _, sizes, rows = np.linalg.svd(x, full_matrices=False)
    basis: FloatArray = rows[sizes > _ZERO * sizes[0]].T
    return basis


def _rising_direction(rows: FloatArray) -> FloatArray:
    """c with rows.c >= 0 and -1 <= c <= 1, as far up as it goes; 0 where only c = 0 qualifies."""
    n_rows, k = rows.shape
    pivots = scipy.linalg.qr(rows.T, mode="r", pivoting=True)[1][:k]  # a full-rank start: then a top of 0 means c = 0
    chosen = np.union1d(pivots, np.linspace(0, n_rows - 1, min(n_rows, _ROWS_PER_ROUND)).astype(np.int64))
    while True:
        active = rows[chosen]
        solved = scipy.optimize.linprog(
            -active.sum(axis=0), A_ub=-active, b_ub=np.zeros(len(active)), bounds=[(-1, 1)] * k, method="highs"
        )
        if solved.x is None:
            raise NotConverged("The linear programme that looks for separation found no answer.")
        direction: FloatArray = solved.x
        if np.abs(direction).max() < 0.5:  # a separating direction can always be scaled to reach a bound
            return np.zeros(k)
        slack = rows @ direction
        violated = np.setdiff1d(np.flatnonzero(slack < -1e-7), chosen)
        if len(violated) == 0:
            return direction
        worst = violated[np.argsort(slack[violated], kind="stable")[:_ROWS_PER_ROUND]]
        chosen = np.union1d(chosen, worst)
