"""Another unit or origin of a covariate changes its coefficient by the unit, and nothing else, in every iterative fit."""

from collections.abc import Callable

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.statistics import Categorical, Design, Numeric, collapse, conditional_logistic, firth_logistic, regression, trend

Fit = Callable[[np.ndarray], tuple[float, float, float]]

N = 240
RANDOM = np.random.default_rng(1)
X = RANDOM.integers(0, 12, N).astype(np.float64)
CASE = RANDOM.random(N) < 1 / (1 + np.exp(1.5 - 0.2 * X))
GROUP = RANDOM.integers(0, 3, N)


def _cells(x: np.ndarray) -> object:
    connection = duckdb.connect()
    people = pl.DataFrame(
        {"x": x, "y": CASE, "g": GROUP, "stratum": np.arange(N) % 6, "psu": np.arange(N) % 4 // 2, "w": 1.0 + GROUP}
    )
    connection.register("people", people.to_arrow())
    return collapse(connection, "people", Design("stratum", "psu", "w"), keys={name: name for name in ("x", "y", "g")})


def _regression(family: str) -> Fit:
    def fit(x: np.ndarray) -> tuple[float, float, float]:
        model = regression(_cells(x), "y", [Numeric("x"), Categorical("g", 0)], family=family)  # type: ignore[arg-type]
        found = model.term("x")
        return found.log_estimate, found.se, found.p_value

    return fit


def _trend(x: np.ndarray) -> tuple[float, float, float]:
    cells = _cells(X)
    found = trend(cells, "y", "x", dict(zip(X.tolist(), x.tolist(), strict=True)), confidence_level=0.95)  # type: ignore[arg-type]
    return found.log_estimate, found.se, found.p_value


def _conditional(x: np.ndarray) -> tuple[float, float, float]:
    found = conditional_logistic(CASE, x, np.arange(N) // 4, names=["x"]).term("x")
    return found.log_estimate, found.se, found.p_value


def _firth(x: np.ndarray) -> tuple[float, float, float]:
    found = firth_logistic(CASE, x, names=["x"]).term("x")
    return found.log_estimate, found.log_upper - found.log_lower, found.p_value


FITS: dict[str, Fit] = {
    "logistic": _regression("logistic"),
    "poisson": _regression("poisson"),
    "trend": _trend,
    "conditional": _conditional,
    "firth": _firth,
}


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("unit", "shift"), [(1e-3, 0), (1e6, 0), (1e9, 0), (1e12, 0), (1.0, 1e6), (1e-6, -3e4)])
def test_a_slope_goes_with_its_unit_and_not_with_its_origin(fit: str, unit: float, shift: float) -> None:
    slope, spread, p_value = FITS[fit](X)
    found = FITS[fit]((X + shift) * unit)
    assert (found[0] * unit, found[1] * unit, found[2]) == pytest.approx((slope, spread, p_value), rel=1e-8)
