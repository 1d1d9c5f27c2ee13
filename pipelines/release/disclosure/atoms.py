"""The atoms of a source: people in the finest groups that the report tables can tell apart, and no finer.

One block of atoms has age and sex; each group of exposures that depend on one another has a block of its own, without them. All
blocks count the same people: their sums by wave, population and outcomes are linked, and those of the people whose exposures
are unknown together. Which groups there can be is read off the people themselves: more than an attacker knows, and never less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy

if TYPE_CHECKING:
    from scipy.sparse import csr_array

CHANCE = 0.05
"""Probability under which it is no accident that everybody with one answer has a certain other one too."""

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Classification:
    """The columns of a table of people, one row per combination with `n` people.

    `places`: wave, `in_<population>`, `has_<weight>` and `is_complete` (the adjustment variables are known); `details`: age band,
    sex and whether the age is in the standard, which the first block has beside them.
    """

    places: tuple[str, ...]
    details: tuple[str, ...]
    outcomes: tuple[str, ...]
    exposures: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Block:
    """Atoms that exclude one another, one a row of `table`; `atoms` (rows,) are their numbers."""

    table: pl.DataFrame
    atoms: IntArray

    def members(self, condition: pl.Expr) -> IntArray:
        """Numbers of the atoms that meet a condition on the columns; NULL does not."""
        chosen = self.table.select(condition.fill_null(False)).to_series().to_numpy()
        members: IntArray = self.atoms[chosen]
        return members


@dataclass(frozen=True, eq=False)
class Atoms:
    """`people` (atoms,): the true numbers. `links` (links, atoms): differences between blocks that are 0."""

    details: Block
    by_exposure: dict[str, Block]
    people: npt.NDArray[np.float64]
    links: "csr_array"


def atoms_of(people: pl.DataFrame, names: Classification) -> Atoms:
    """The blocks of a source, with every combination of outcomes that occurs for everybody."""
    states = people.select(names.outcomes).unique().sort(pl.all())
    key = [*names.places, *names.outcomes]
    columns = [names.details, *dependent(people, names.exposures)]
    blocks: list[Block] = []
    first = 0
    for own in columns:
        table = _block(people, [*names.places, *own], states)
        blocks.append(Block(table, np.arange(first, first + table.height)))
        first += table.height
    by_exposure = {name: block for block, own in zip(blocks[1:], columns[1:], strict=True) for name in own}
    links = [_link(blocks[0], block, key, first) for block in blocks[1:]]
    for number, other in enumerate(names.exposures):
        alike = (one for one in names.exposures[:number] if _are_unknown_together(people, one, other))
        if (one := next(alike, None)) and by_exposure[one] is not by_exposure[other]:
            links.append(_link(_unknown(by_exposure[one], one), _unknown(by_exposure[other], other), key, first))
    return Atoms(
        details=blocks[0],
        by_exposure=by_exposure,
        people=np.concatenate([block.table["n"].to_numpy() for block in blocks]).astype(np.float64),
        links=scipy.sparse.vstack(links, format="csr") if links else scipy.sparse.csr_array((0, first)),
    )


def counted_anew(atoms: Atoms, people: pl.DataFrame) -> npt.NDArray[np.float64]:
    """(atoms,): the same atoms filled with other people, of the same columns and of no other kinds."""
    found = np.zeros(len(atoms.people))
    for block in {id(block): block for block in (atoms.details, *atoms.by_exposure.values())}.values():
        key = [column for column in block.table.columns if column != "n"]
        counted = people.group_by(key).agg(pl.col("n").sum())
        joined = block.table.select(key).join(counted, on=key, how="left", nulls_equal=True, maintain_order="left")
        found[block.atoms] = joined["n"].fill_null(0).to_numpy()
    return found


def _block(people: pl.DataFrame, columns: list[str], states: pl.DataFrame) -> pl.DataFrame:
    counted = people.group_by(*columns, *states.columns).agg(pl.col("n").sum())
    crossed = people.select(columns).unique().sort(pl.all()).join(states, how="cross")
    joined = crossed.join(counted, on=[*columns, *states.columns], how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.col("n").fill_null(0))


def _link(one: Block, other: Block, key: list[str], n_atoms: int) -> "csr_array":
    """(keys, atoms): for each wave, population and outcomes, the people of one block less those of the other."""
    keys = pl.concat([one.table.select(key), other.table.select(key)]).unique().sort(pl.all()).with_row_index("key")
    parts = []
    for block, sign in ((one, 1.0), (other, -1.0)):
        rows = block.table.select(key).join(keys, on=key, how="left", nulls_equal=True, maintain_order="left")["key"].to_numpy()
        parts.append(scipy.sparse.csr_array((np.full(len(rows), sign), (rows, block.atoms)), shape=(keys.height, n_atoms)))
    return parts[0] + parts[1]


def _unknown(block: Block, exposure: str) -> Block:
    is_unknown = block.table[exposure].is_null()
    return Block(block.table.filter(is_unknown), block.atoms[is_unknown.to_numpy()])


def _are_unknown_together(people: pl.DataFrame, one: str, other: str) -> bool:
    unknown = people.select(pl.col(one, other).is_null())
    return bool(unknown[one].any() and (unknown[one] == unknown[other]).all())


def dependent(people: pl.DataFrame, exposures: Sequence[str]) -> list[tuple[str, ...]]:
    """Exposures in groups: together are those of which one's level implies another's, such as a drug and its class."""
    group = {name: {name} for name in exposures}
    for one, other in permutations(exposures, 2):
        if other not in group[one] and _implies(people, one, other):
            joined = group[one] | group[other]
            group |= dict.fromkeys(joined, joined)
    return list(dict.fromkeys(tuple(name for name in exposures if name in group[one]) for one in exposures))


def _implies(people: pl.DataFrame, one: str, other: str) -> bool:
    """Whether everybody at some level of one exposure is at one level of the other, more often than chance would have it."""
    known = people.drop_nulls([one, other])
    pairs = known.group_by(one, other).agg(pl.col("n").sum())
    everybody = pairs["n"].sum()
    share = dict(pairs.group_by(other).agg(pl.col("n").sum() / everybody).iter_rows())
    levels = pairs.group_by(one).agg(pl.col("n").sum(), pl.col(other).n_unique().alias("levels"), pl.col(other).first())
    return any(
        row["levels"] == 1 and share[row[other]] < 1 and share[row[other]] ** row["n"] < CHANCE
        for row in levels.iter_rows(named=True)
    )
