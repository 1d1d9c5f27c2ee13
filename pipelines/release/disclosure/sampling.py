"""Standard errors, intervals and tests where the units of the sample are people, or hold few of them.

There they tell how many were sampled and analysed: a design effect without weights is N / (N - 1) with all N of the wave, and an
interval and its p-value together give the degrees of freedom, people less one. So what is published of such rows is worked out
from less: as if the units were many more than those in the row, and with degrees of freedom rounded down.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import scipy

from pipelines.project.respondents import POOLED
from pipelines.release.disclosure.model import ODDS_RATIOS, PREVALENCES, TRENDS, Row
from pipelines.statistics import e_value
from pipelines.statistics.intervals import korn_graubard, t_quantile

ROUNDED_DOWN_TO = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60, 100)
"""Degrees of freedom that intervals have: fewer make them wider, by 1.2 % with 100 in place of any more."""

DIGITS = 10
"""Significant digits of what is worked out anew: the last ones of a double would tell what it was worked out from."""

TOLERANCE = 1e-9
"""Relative difference of two E-values that are the same one."""


@dataclass(frozen=True)
class Sampling:
    """How the people of a source were sampled, as far as its numbers tell it.

    `sampled`: wave -> people in it, where each was sampled for himself (no weights). `fine_weights`: weights of which some PSU
    holds fewer people than may be published. `equal_weights`: those that all people of some wave have alike.
    """

    sampled: Mapping[str, int] = field(default_factory=dict)
    fine_weights: Collection[str] = ()
    equal_weights: Collection[str] = ()

    def are_units_people(self, row: Row) -> bool:
        """Whether degrees of freedom of a row are a number of people, or nearly so."""
        return row["weight"] is None or row["weight"] in self.fine_weights

    def scale(self, row: Row) -> float:
        """What multiplies a standard error so that it does not tell the people sampled in the wave."""
        if row["weight"] is not None or not self.sampled:
            return 1.0
        n = sum(self.sampled.values()) if row["wave"] == POOLED else self.sampled.get(row["wave"], 0)
        return math.sqrt((n - 1) / n) if n > 1 else 1.0

    def is_untold(self, row: Row) -> bool:
        """Whether weights are equal and units small: a standard error is then a formula of counts of units in each stratum."""
        return row["weight"] in self.fine_weights and row["weight"] in self.equal_weights


def with_public_spread(name: str, table: pl.DataFrame, sampling: Sampling) -> pl.DataFrame:
    """A report table with the columns of kind spread, and degrees of freedom, as they may be told. Other rows stay to the bit."""
    if "weight" not in table.columns:
        return table
    change = {**dict.fromkeys(PREVALENCES, _of_prevalence), ODDS_RATIOS: _of_ratio, TRENDS: _of_ratio}[name]
    changed = {
        number: change(row, sampling)
        for number, row in enumerate(table.iter_rows(named=True))
        if sampling.are_units_people(row) and row.get("degrees_freedom") is not None
    }
    columns = sorted({column for values in changed.values() for column in values} & set(table.columns))
    return table.with_columns(
        pl.Series(
            column,
            [changed.get(number, {}).get(column, value) for number, value in enumerate(table[column])],
            dtype=table.schema[column],
        )
        for column in columns
    )


def _of_prevalence(row: Row, sampling: Sampling) -> Row:
    """Korn and Graubard's interval of the effective respondents.

    Without weights the degrees of freedom are the respondents of the row less one.
    """
    if row["prevalence"] is None or row.get("prevalence_se") is None:
        return {}
    if sampling.is_untold(row):
        spread = ("prevalence_se", "prevalence_lower", "prevalence_upper", "design_effect", "n_effective", "degrees_freedom")
        return dict.fromkeys(spread)
    scale, n, p = sampling.scale(row), row["n_respondents"], row["prevalence"]
    degrees = row["degrees_freedom"] if row["weight"] is None else _rounded_down(row["degrees_freedom"])
    effect = row["design_effect"]
    n_effective = row["n_effective"] if effect is None else _shortened(row["n_effective"] / scale**2)
    interval = korn_graubard(p, n, n_effective, degrees, row["confidence_level"])
    found = {
        "prevalence_se": _rounded(row["prevalence_se"] * scale),
        "prevalence_lower": _rounded(interval.lower),
        "prevalence_upper": _rounded(interval.upper),
        "design_effect": None if effect is None else _rounded(effect * scale**2),
        "n_effective": n_effective,
    }
    return found if row["weight"] is None else found | {"degrees_freedom": None}


def _of_ratio(row: Row, sampling: Sampling) -> Row:
    """The interval of a ratio on its logarithm, its p-value and what is made of its limits."""
    if row["odds_ratio"] is None:
        return {}
    degrees = _rounded_down(row["degrees_freedom"])
    level, scale = row["confidence_level"], sampling.scale(row)
    shrink = scale * t_quantile(degrees, level) / t_quantile(row["degrees_freedom"], level)
    lower, upper = _limits(row, "odds_ratio", shrink)
    found: Row = {"degrees_freedom": None, "odds_ratio_lower": lower, "odds_ratio_upper": upper}
    if sampling.is_untold(row):
        found |= dict.fromkeys(("odds_ratio_lower", "odds_ratio_upper", "p_value"))
    elif lower is not None and upper is not None and upper > lower > 0:
        error = math.log(upper / lower) / (2 * t_quantile(degrees, level))
        found["p_value"] = _rounded(float(2 * scipy.special.stdtr(degrees, -abs(math.log(row["odds_ratio"])) / error)))
    if "association_p_value" in row and row["weight"] is None:
        found["association_p_value"] = None
    if row.get("prevalence_ratio") is not None:
        limits = (None, None) if sampling.is_untold(row) else _limits(row, "prevalence_ratio", shrink)
        found |= dict(zip(("prevalence_ratio_lower", "prevalence_ratio_upper"), limits, strict=True))
    if row.get("e_value") is not None:
        found["e_value_limit"] = _e_value_limit(row, found["odds_ratio_lower"], found["odds_ratio_upper"])
    return found


def _limits(row: Row, ratio: str, shrink: float) -> tuple[float | None, float | None]:
    lower, upper = row.get(f"{ratio}_lower"), row.get(f"{ratio}_upper")
    if lower is None or upper is None or not 0 < lower <= upper:
        return lower, upper
    half = shrink * math.log(upper / lower) / 2
    return _rounded(row[ratio] * math.exp(-half)), _rounded(row[ratio] * math.exp(half))


def _e_value_limit(row: Row, lower: float | None, upper: float | None) -> float | None:
    """By the same reading of the odds ratio, as one of a rare outcome or of a common one, that its E-value has."""
    if lower is None or upper is None:
        return None
    for is_rare in (True, False):
        found = e_value(row["odds_ratio"], lower, upper, measure="odds_ratio", is_rare=is_rare)
        if math.isclose(found.point, row["e_value"], rel_tol=TOLERANCE):
            return _rounded(found.limit)
    return None


def _rounded_down(degrees: float) -> int:
    return max((step for step in ROUNDED_DOWN_TO if step <= degrees), default=1)


def _rounded(value: float | None) -> float | None:
    return None if value is None else _shortened(value)


def _shortened(value: float) -> float:
    return float(np.format_float_scientific(value, DIGITS - 1)) if math.isfinite(value) else value
