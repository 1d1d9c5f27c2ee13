"""An attacker: he solves for a sum with what was published and what everybody knows, and uses none of the code under test."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

Group = dict[str, Any]
Condition = Callable[[Group], bool]


@dataclass
class Attacker:
    """Knows groups of people, each a dict of what its people have in common, and sums over some of them."""

    groups: list[Group]
    _known: dict[tuple[tuple[tuple[int, int], ...], float], None] = field(default_factory=dict)

    def sum_of(self, condition: Condition) -> dict[int, int]:
        return {number: 1 for number, group in enumerate(self.groups) if condition(group)}

    def learn(self, condition: Condition, value: int | None) -> None:
        """That the groups that meet a condition have so many people, if it was published."""
        if value is not None:
            self._add(self.sum_of(condition), value)

    def learn_equal(self, one: Condition, other: Condition) -> None:
        """That two conditions hold for the same number of people."""
        both = self.sum_of(one)
        for number, coefficient in self.sum_of(other).items():
            both[number] = both.get(number, 0) - coefficient
        self._add(both, 0)

    def _add(self, coefficients: dict[int, int], value: float) -> None:
        if coefficients or value:
            self._known[tuple(sorted(coefficients.items())), value] = None

    @cached_property
    def _system(self) -> tuple[csr_array, list[float]]:
        """What was learnt until it was first asked for."""
        entries = [(row, column, c) for row, (terms, _) in enumerate(self._known) for column, c in terms]
        rows, columns, coefficients = zip(*entries, strict=True) if entries else ((), (), ())
        known = csr_array((coefficients, (rows, columns)), shape=(len(self._known), len(self.groups)))
        return known, [value for _, value in self._known]

    def bounds(self, condition: Condition) -> tuple[float, float]:
        """The smallest and the largest number of people that can meet a condition."""
        costs = np.zeros(len(self.groups))
        costs[list(self.sum_of(condition))] = 1
        known, values = self._system
        limits = []
        for sign in (1, -1):
            found = linprog(sign * costs, A_eq=known, b_eq=values, bounds=(0, None), method="highs")
            assert found.status in (0, 3, 4), found.message
            limits.append(float(sign * found.fun) if found.status == 0 else np.inf)
        return limits[0], limits[1]


def crossed(**values: Iterable[Any]) -> list[Group]:
    """Every combination of the values."""
    groups: list[Group] = [{}]
    for name, options in values.items():
        groups = [group | {name: option} for group in groups for option in options]
    return groups
