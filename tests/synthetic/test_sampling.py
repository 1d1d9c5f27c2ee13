"""Units are drawn with the probabilities they were promised. Expected values are those probabilities, not the code's own."""

import numpy as np
import pytest

from pipelines.machine.errors import ConfigurationError
from pipelines.synthetic.sampling import allocated, systematic, two_proportional_to_size

GRID = (np.arange(400) + 0.5) / 400
COARSE_GRID = (np.arange(50) + 0.5) / 50


def test_allocated_numbers_add_up_and_stay_within_one_of_their_share() -> None:
    sizes = np.array([1.0, 2.5, 3.0, 0.1])
    given = allocated(100, sizes)
    assert given.sum() == 100
    assert np.abs(given - 100 * sizes / sizes.sum()).max() < 1


def test_ties_of_remainders_go_to_the_first() -> None:
    assert allocated(5, np.ones(3)).tolist() == [2, 2, 1]


def test_two_units_are_drawn_with_probability_twice_their_share_of_the_size() -> None:
    sizes = np.array([100.0, 250.0, 400.0, 50.0, 200.0])
    times = np.zeros(5)
    for first in GRID:
        for second in COARSE_GRID:
            drawn, chances = two_proportional_to_size(sizes, first, second)
            assert drawn[0] != drawn[1]
            assert chances == pytest.approx(2 * sizes[drawn] / 1_000)
            times[drawn] += 1
    assert times / (400 * 50) == pytest.approx(2 * sizes / 1_000, abs=0.005)


@pytest.mark.parametrize(("largest", "is_refused"), [(99.0, False), (100.0, True)])
def test_a_unit_that_holds_half_of_the_stratum_is_refused(largest: float, is_refused: bool) -> None:
    sizes = np.array([largest, 60.0, 40.0])
    if is_refused:
        with pytest.raises(ConfigurationError, match="half"):
            two_proportional_to_size(sizes, 0.5, 0.5)
    else:
        two_proportional_to_size(sizes, 0.5, 0.5)


def test_systematic_draws_each_unit_with_its_probability_and_always_as_many() -> None:
    probabilities = np.array([0.9, 0.1, 0.5, 0.25, 0.25, 1.0])
    order = np.array([3, 0, 5, 1, 4, 2])
    times = np.zeros(6)
    for start in GRID:
        drawn = systematic(probabilities, order, start)
        assert len(set(drawn.tolist())) == 3
        times[drawn] += 1
    assert times / len(GRID) == pytest.approx(probabilities, abs=1 / len(GRID))


def test_a_probability_above_1_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="too few people"):
        systematic(np.array([1.01, 0.99]), np.array([0, 1]), 0.5)
