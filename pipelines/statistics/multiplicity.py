"""P-values adjusted for the number of tests in one declared family. Keep the raw p-value beside the adjusted one."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from pipelines.statistics.design import FloatArray
from pipelines.statistics.errors import InvalidArgument

AdjustmentMethod = Literal["holm", "hochberg", "bonferroni", "benjamini_hochberg", "benjamini_yekutieli"]


def adjust_p_values(p_values: Sequence[float], *, method: AdjustmentMethod = "holm") -> FloatArray:
    """Adjusted p-values of all tests of one family, in the order given, shape (tests,).

    holm (1979) and bonferroni bound the probability of any false finding under any dependence, hochberg (1988) for independent
    or positively dependent tests. benjamini_hochberg (1995; the same dependence) and benjamini_yekutieli (2001; any) bound the
    expected share of false findings. As p.adjust of R. A test without a p-value is no test: leave it out. Raises
    InvalidArgument for an unknown method or values outside 0-1.
    """
    if method not in get_args(AdjustmentMethod):
        raise InvalidArgument(f"method must be one of {', '.join(get_args(AdjustmentMethod))}, not {method!r}.")
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise InvalidArgument("The p-values of a family are a list of numbers between 0 and 1; leave out tests that have none.")
    n = len(p)
    order, place = np.argsort(p, kind="stable"), np.arange(1, n + 1)
    harmonic = (1 / place).sum() if method == "benjamini_yekutieli" else 1.0
    factor = {"bonferroni": np.full(n, n), "holm": n - place + 1, "hochberg": n - place + 1}.get(method, n / place * harmonic)
    scaled = p[order] * factor
    if method == "holm":
        scaled = np.maximum.accumulate(scaled)
    elif method != "bonferroni":
        scaled = np.minimum.accumulate(scaled[::-1])[::-1]
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(scaled, 1.0)
    return adjusted
