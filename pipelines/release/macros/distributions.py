"""Quantiles of the beta distribution, and of Student's t beyond its table, as scalar macros: SQL has neither.

A tail of the beta distribution is an integral over the logit of the proportion, whose integrand falls off exponentially: the
double exponential rule (Takahasi and Mori 1974) needs few nodes for all digits that lgamma leaves.
"""

import math

import polars as pl

from pipelines.statistics.intervals import t_quantile
from pipelines.statistics.presentation import STANDARD_LEVEL

N_NODES = 61
FIRST_NODE, LAST_NODE = -4.6, 4.6
STEP = (LAST_NODE - FIRST_NODE) / (N_NODES - 1)

_PLACES = [FIRST_NODE + STEP * number for number in range(N_NODES)]
_DISTANCES = [math.exp(place - math.exp(-place)) for place in _PLACES]
_NODES = (
    "["
    + ", ".join(
        f"{{'distance': {distance!r}::double, 'weight': {distance * (1 + math.exp(-place))!r}::double}}"
        for place, distance in zip(_PLACES, _DISTANCES, strict=True)
    )
    + "]"
)

NEWTON_STEPS = 16
"""From the mode, where the curve bends, to the quantile of any tail that is asked for: monotonically, and then quadratically."""

LARGEST_TABLED = 500
"""Degrees of freedom up to which meta.t_quantiles has rows; beyond, five terms of the expansion in 1 / df have all digits."""

DISTRIBUTIONS = {
    "_log_beta(a, b)": "lgamma(a) + lgamma(b) - lgamma(a + b)",
    "_logit_density(a, b, log_beta, y)": "exp(a * y - (a + b) * (greatest(y, 0) + ln(1 + exp(-abs(y)))) - log_beta)",
    "_reach(a, b, y)": "1 / greatest(a - (a + b) / (1 + exp(-y)), sqrt((a + b) * exp(-abs(y))) / (1 + exp(-abs(y))))",
    "_tail(a, b, log_beta, y)": f"""
      list_transform([ask._reach(a, b, y)], lambda reach: {STEP!r}::double * reach * list_sum(list_transform({_NODES},
        lambda node: node.weight * ask._logit_density(a, b, log_beta, y - reach * node.distance))))[1]""",
    "_beta_quantile(a, b, log_beta, tail)": f"""
      1 / (1 + exp(-list_reduce(range({NEWTON_STEPS})::double[], lambda y, step:
        y - (ask._tail(a, b, log_beta, y) - tail) / ask._logit_density(a, b, log_beta, y), ln(a / b))))""",
    # P(|T| > t): the beta distribution with a = df / 2 and b = 1 / 2, below df / (df + t^2)
    "_two_sided_p(t, df)": """
      list_transform([struct_pack(a := df / 2::double, b := 0.5::double, y := ln(df / (t * t)),
        log_beta := ask._log_beta(df / 2::double, 0.5::double))], lambda q:
        case when t = 0 then 1::double when q.y <= ln(df) then ask._tail(q.a, q.b, q.log_beta, q.y)
          else 1 - ask._tail(q.b, q.a, q.log_beta, -q.y) end)[1]""",
    "_t_of_many(z, df)": """
      z + (z^3 + z) / (4 * df) + (5 * z^5 + 16 * z^3 + 3 * z) / (96 * df^2)
      + (3 * z^7 + 19 * z^5 + 17 * z^3 - 15 * z) / (384 * df^3)
      + (79 * z^9 + 776 * z^7 + 1482 * z^5 - 1920 * z^3 - 945 * z) / (92160 * df^4)""",
    "_t(df, level)": """
      coalesce(
        (select t_quantile from meta.t_quantiles where confidence_level = level and degrees_freedom = df),
        ask._t_of_many((select any_value(normal_quantile) from meta.t_quantiles where confidence_level = level), df::double))""",
}
"""Macro with its parameters -> what it gives. `level` is one of the table's; `tail` lies below the median."""


def t_quantiles(level: float) -> pl.DataFrame:
    """The rows of meta.t_quantiles: two-sided, for the study's confidence level and for that of the presentation standards."""
    rows = [
        {
            "confidence_level": one,
            "degrees_freedom": degrees,
            "t_quantile": t_quantile(degrees, one),
            "normal_quantile": t_quantile(math.inf, one),
        }
        for one in sorted({level, STANDARD_LEVEL})
        for degrees in range(1, LARGEST_TABLED + 1)
    ]
    return pl.DataFrame(rows)
