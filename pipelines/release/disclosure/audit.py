"""Which published counts must go, so that no small count follows from those that stay.

Counts are sums over atoms: people in the finest groups that the published tables can tell apart. An attacker knows the sums that
are published and that no group has fewer than no people. A sum is safe from him when there is another world, with the same
published sums, in which it is larger by the width that is asked for: a world of whole people, or he could tell by their halves.
Nothing in here knows tables, columns or study.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FloatArray = npt.NDArray[np.float64]

TOLERANCE = 1e-6
"""People; what a linear program may err by."""

INFEASIBLE = 2
"""What scipy's linprog calls a program that no numbers solve."""

DIGITS = 6
"""After the point, of people in a possible world."""

SEARCH = {"mip_rel_gap": 0.1, "node_limit": 1_000}
"""How long HiGHS looks for a cheap world of whole people. It does not look at the clock: equal tables give equal answers."""


@dataclass(frozen=True, eq=False)
class Disclosed:
    """What is to be published, and what must not follow from it.

    `atoms` (atoms,): the true number of people of each atom. `links` (links, atoms): sums that everybody knows to be 0,
    because they count the same people twice. `counts` (counts, atoms): the sums to publish. `units`: numbers of the counts that
    can only be published together; one count may be in several. `sensitive` (targets, atoms): the sums that must not be learnt.
    `known` (sums, atoms): sums that were published before, and cannot be hidden any more.
    """

    atoms: FloatArray
    links: "csr_array"
    counts: "csr_array"
    units: Sequence[Sequence[int]]
    sensitive: "csr_array"
    known: "csr_array | None" = None


def units_to_hide(published: Disclosed, small: Iterable[int], width: int) -> list[int]:
    """`small` and the units that must go with them, so that each sensitive sum may as well be larger by `width` people.

    One linear program a sum (the attacker's problem of Kelly, Golden and Assad, Networks 1992;22:397): of all worlds in which the
    sum is larger by the width, take the one that contradicts the least of what is published, and hide what it contradicts.
    Small counts are cheap to hide and large ones dear; what is hidden already costs nothing. Less published leaves every world
    possible that was, so a sum that is safe stays safe, and each is settled once, in order. A sum for which what is known already
    leaves no such world is lost: nothing is hidden for it.
    """
    hidden = set(small)
    highest = published.sensitive @ published.atoms
    wanted = highest + width
    for target in range(len(wanted)):
        if highest[target] < wanted[target] - TOLERANCE:
            found = _nearest_world(published, hidden, target, wanted[target])
            if found is None:
                continue
            world, contradicted = found
            hidden |= {number for number, unit in enumerate(published.units) if contradicted.intersection(unit)}
            highest = np.maximum(highest, published.sensitive @ world)
    return sorted(hidden)


def _nearest_world(published: Disclosed, hidden: set[int], target: int, wanted: float) -> tuple[FloatArray, set[int]] | None:
    """The atoms (atoms,) of the cheapest world in which a sum has the wanted value, and the counts that are other ones in it.

    None where what is known already leaves no such world.
    """
    n_units = np.bincount(
        [count for number, unit in enumerate(published.units) if number not in hidden for count in set(unit)],
        minlength=published.counts.shape[0],
    )
    visible = np.flatnonzero(n_units)
    counts, links = published.counts[visible], published.links
    if published.known is not None:
        links = scipy.sparse.vstack([links, published.known], format="csr")
    values = counts @ published.atoms
    price = n_units[visible] * np.sqrt(1 + values)
    n_atoms, n_visible = len(published.atoms), len(visible)
    differs = scipy.sparse.eye_array(n_visible, format="csr")
    conditions = scipy.sparse.vstack(
        [
            scipy.sparse.hstack([links, scipy.sparse.csr_array((links.shape[0], 2 * n_visible))]),
            scipy.sparse.hstack([counts, differs, -differs]),
            scipy.sparse.hstack([published.sensitive[[target]], scipy.sparse.csr_array((1, 2 * n_visible))]),
        ],
        format="csr",
    )
    values = np.concatenate([links @ published.atoms, values, [wanted]])
    found = _cheapest(np.concatenate([np.zeros(n_atoms), price, price]), conditions, values, n_atoms)
    if found is None:
        if published.known is None:
            raise RuntimeError("disclosure control: a linear program without a solution")
        return None
    world = np.round(found, DIGITS)
    return world, set(visible[np.abs(counts @ (world - published.atoms)) > TOLERANCE].tolist())


def _cheapest(costs: FloatArray, conditions: "csr_array", values: FloatArray, n_atoms: int) -> FloatArray | None:
    """The first `n_atoms` unknowns at least cost, none below 0; in whole people where they can be found. None: there are none."""
    found = scipy.optimize.linprog(costs, A_eq=conditions, b_eq=values, bounds=(0, None), method="highs")
    if found.status == INFEASIBLE:
        return None
    if found.status != 0:
        raise RuntimeError(f"disclosure control: a linear program was not solved: {found.message}")
    atoms: FloatArray = found.x[:n_atoms]
    if np.abs(atoms - np.round(atoms)).max() <= TOLERANCE:
        return atoms
    are_people = np.concatenate([np.ones(n_atoms), np.zeros(len(costs) - n_atoms)])
    whole = scipy.optimize.milp(
        costs, constraints=scipy.optimize.LinearConstraint(conditions, values, values), integrality=are_people, options=SEARCH
    )
    return atoms if whole.x is None else whole.x[:n_atoms]
