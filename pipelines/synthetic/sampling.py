"""Drawing with unequal probabilities. Pure functions of uniforms; what the probabilities are for is the caller's business."""

import numpy as np
from numpy.typing import NDArray

from pipelines.machine.errors import ConfigurationError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def allocated(total: int, sizes: Floats) -> Indices:
    """Whole numbers that add up to `total`, proportional to `sizes` (largest remainders; ties go to the first)."""
    shares = total * sizes / sizes.sum()
    whole: Indices = np.floor(shares).astype(np.int64)
    largest = np.argsort(whole - shares, kind="stable")[: total - int(whole.sum())]
    whole[largest] += 1
    return whole


def two_proportional_to_size(sizes: Floats, first: float, second: float) -> tuple[Indices, Floats]:
    """Two different units, each drawn with probability 2 * size / sum of sizes, and those two probabilities.

    Brewer (1963), Australian Journal of Statistics 5:5-13: the first draw is proportional to p (1 - p) / (1 - 2 p), the second to
    p among the others. `first` and `second` are uniforms. No unit may hold half of the total.
    """
    shares = sizes / sizes.sum()
    if shares.max() >= 0.5:
        raise ConfigurationError("a stratum has a primary sampling unit that holds half of its people: make the units more alike")
    one = _drawn(shares * (1 - shares) / (1 - 2 * shares), first)
    others = shares.copy()
    others[one] = 0
    drawn = np.array([one, _drawn(others, second)])
    return drawn, 2 * shares[drawn]


def systematic(probabilities: Floats, order: Indices, start: float) -> Indices:
    """Units drawn with exactly these probabilities, as many as they add up to: a fixed step along the units in a random order.

    Madow (1949), Annals of Mathematical Statistics 20:333-354. `start` is a uniform; probabilities must be at most 1.
    """
    if probabilities.max() > 1:
        raise ConfigurationError(
            "a primary sampling unit has too few people for the sample: lower sample.people or make units more alike"
        )
    count = round(float(probabilities.sum()))
    reached = np.cumsum(probabilities[order])
    return np.sort(order[np.searchsorted(reached, start + np.arange(count), side="right").clip(max=len(order) - 1)])


def _drawn(sizes: Floats, uniform: float) -> int:
    reached = np.cumsum(sizes)
    return int(np.searchsorted(reached, uniform * reached[-1], side="right"))
