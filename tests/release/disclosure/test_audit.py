"""Which counts go with a small one, on tables small enough to see the answer."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from pipelines.release.disclosure.audit import Disclosed, units_to_hide


def published(
    atoms: list[int], sums: list[list[int]], sensitive: list[list[int]], units: list[list[int]] | None = None
) -> Disclosed:
    """Each of `sums` and `sensitive` lists the numbers of the atoms that it adds up; by default each sum is a unit of its own."""
    return Disclosed(
        atoms=np.array(atoms, dtype=np.float64),
        links=csr_array((0, len(atoms))),
        counts=_matrix(sums, len(atoms)),
        units=units or [[number] for number in range(len(sums))],
        sensitive=_matrix(sensitive, len(atoms)),
    )


def _matrix(sums: list[list[int]], n_atoms: int) -> csr_array:
    return csr_array(np.array([[float(atom in members) for atom in range(n_atoms)] for members in sums]).reshape(-1, n_atoms))


def test_a_small_count_beside_its_total_takes_the_smallest_other_with_it() -> None:
    # 4 + 30 + 20 + 40 = 94: the total gives the 4 away, and the 20 is the least of what can go
    table = published([4, 30, 20, 40], [[0], [1], [2], [3], [0, 1, 2, 3]], [[0]])
    assert units_to_hide(table, [0], 11) == [0, 2]


def test_a_small_count_without_a_total_goes_alone() -> None:
    table = published([4, 30, 20, 40], [[0], [1], [2], [3]], [[0]])
    assert units_to_hide(table, [0], 11) == [0]


def test_two_small_counts_do_not_protect_each_other_when_they_add_up_to_less_than_the_width() -> None:
    # 4 + 3 = 7 follows from the total, and neither can be 11 more: a third goes
    table = published([4, 3, 20, 40], [[0], [1], [2], [3], [0, 1, 2, 3]], [[0], [1]])
    assert units_to_hide(table, [0, 1], 11) == [0, 1, 2]


@pytest.mark.parametrize(("other", "hidden"), [(11, [0, 1]), (10, [0, 1, 2])])
def test_the_width_is_reached_exactly_or_not_at_all(other: int, hidden: list[int]) -> None:
    # a neighbour of 11 can give 11 people to the 4, a neighbour of 10 cannot
    table = published([4, other, 20, 40], [[0], [1], [2], [3], [0, 1, 2, 3]], [[0]])
    assert units_to_hide(table, [0, 1], 11) == hidden


def test_a_cell_of_a_table_with_all_its_margins_takes_a_rectangle_with_it() -> None:
    # [3 50; 60 70] with its rows, columns and total: as long as one other cell stays, it gives the 3 away
    margins = [[0, 1], [2, 3], [0, 2], [1, 3], [0, 1, 2, 3]]
    table = published([3, 50, 60, 70], [[0], [1], [2], [3], *margins], [[0]])
    assert units_to_hide(table, [0], 11) == [0, 1, 2, 3]
    # without the total, its row and its column are the cheaper to hide
    table = published([3, 50, 60, 70], [[0], [1], [2], [3], *margins[:-1]], [[0]])
    assert units_to_hide(table, [0], 11) == [0, 4, 6]


def test_a_difference_of_two_published_counts_is_protected_too() -> None:
    # everyone is 100, those over 20 are 95: the 5 between them are in no table
    table = published([5, 95], [[0, 1], [1]], [[0]])
    assert units_to_hide(table, [], 11) == [1]


def test_a_pooled_count_gives_away_a_wave_unless_another_wave_goes() -> None:
    table = published([6, 80], [[0], [1], [0, 1]], [[0]])
    assert units_to_hide(table, [0], 11) == [0, 1]


def test_counts_that_can_only_go_together_go_together() -> None:
    table = published([4, 30, 20], [[0], [1], [2], [0, 1, 2]], [[0]], units=[[0], [1], [2], [3, 1]])
    assert units_to_hide(table, [0], 11) == [0, 2]
    # the same people in two rows: both rows go
    table = published([4, 20], [[0], [1], [0, 1]], [[0]], units=[[0], [1], [1], [2], [2], [2]])
    assert units_to_hide(table, [0], 11) == [0, 1, 2]


def test_nothing_is_hidden_where_nothing_is_sensitive() -> None:
    table = Disclosed(np.array([20.0, 30.0]), csr_array((0, 2)), _matrix([[0], [1]], 2), [[0], [1]], csr_array((0, 2)))
    assert units_to_hide(table, [], 11) == []


def test_links_between_two_counts_of_the_same_people_are_used() -> None:
    # atoms 0 and 1 are everybody by age, 2 and 3 everybody by sex: the total of one is that of the other
    table = published([4, 30, 14, 20], [[0], [1], [2], [3]], [[0]])
    linked = Disclosed(table.atoms, csr_array(np.array([[1.0, 1, -1, -1]])), table.counts, table.units, table.sensitive)
    assert units_to_hide(table, [0], 11) == [0]
    assert units_to_hide(linked, [0], 11) == [0, 2]
