"""Releases of the same source against one another: few people who came or went must not follow by subtraction.

An attacker holds the counts of an earlier release and those of this one. He is taken to know all but one thing: who went,
and so he looks for who came; or who came, and so he looks for who went. In either case there are two layers of the same atoms:
the people whom both releases count, and those whom one of them counts besides.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import scipy

from pipelines.project.respondents import POOLED
from pipelines.release.disclosure.atoms import Classification, atoms_of, counted_anew
from pipelines.release.disclosure.audit import Disclosed, FloatArray, units_to_hide
from pipelines.release.disclosure.former import COUNTS, MANY, name_of
from pipelines.release.disclosure.model import Model, Row, Unit, has_weight, model_of
from pipelines.release.disclosure.pairs import kinds_of_sets
from pipelines.report.respondents import in_population

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Tables = Mapping[str, pl.DataFrame]


NEEDED = ("wave", "is_complete", "age_band", "sex", "is_in_standard")
"""Columns without which the people of two releases cannot be compared."""


@dataclass(frozen=True)
class Now:
    """What is about to be shown: `tables` in full with their `units`, the people, and the smallest count that may be shown."""

    tables: Tables
    units: Sequence[Unit]
    people: pl.DataFrame
    names: Classification
    minimum: int


def units_to_keep_back(now: Now, hidden: Collection[int], then: pl.DataFrame, shown: Tables) -> list[int]:
    """Numbers of the units of `now` that must not be shown anew: `hidden`, and those that tell who came or went since `then`.

    `then` are the people of an earlier release, counted by columns of the same names and meanings, of whom the rows `shown` were
    shown. Rows for which the people of one side cannot be counted are left as they are.
    """
    shared = _shared(now.names, then.columns)
    if not set(NEEDED) <= {*shared.places, *shared.details}:
        return sorted(hidden)
    layers = _layers(now.people, then, [*shared.places, *shared.details, *shared.outcomes, *shared.exposures])
    if 0 < layers.select(pl.sum("came") + pl.sum("went")).item() < MANY * now.minimum:
        return list(range(len(now.units)))
    key = pl.exclude("stayed", "came", "went")
    atoms = atoms_of(layers.select(key, n=pl.sum_horizontal("stayed", "came", "went")), shared)
    stayed, came, went = (counted_anew(atoms, layers.select(key, n=name)) for name in ("stayed", "came", "went"))
    tables, rows = _countable(now.tables, shared)
    earlier, _ = _countable(shown, shared)
    new = model_of(tables, replace(atoms, people=stayed + came), now.minimum)
    old = model_of(earlier, replace(atoms, people=stayed + went), now.minimum)
    places = {(unit.table, unit.row, unit.name): number for number, unit in enumerate(now.units)}
    numbers = [places[unit.table, rows[unit.table][unit.row], unit.name] for unit in new.units]
    back = {number for number, whole in enumerate(numbers) if whole in hidden}
    for upper, own in ((new, came), (old, went)):
        if own.any() or upper is new:
            alone = model_of(tables, replace(atoms, people=own), now.minimum)
            disclosed = _stacked(new, old, upper, alone.sensitive.matrix(), np.concatenate([stayed, own]), atoms.links)
            back |= set(units_to_hide(disclosed, back, now.minimum))
    return sorted({*hidden, *(numbers[number] for number in back)})


def _stacked(new: Model, old: Model, upper: Model, of_own: "csr_array", people: FloatArray, links: "csr_array") -> Disclosed:
    """Both releases over two layers of atoms, `people` (2 * atoms,): `upper` counts both, the other one the first.

    `of_own` (sums, atoms): sums of the second layer that are small.
    """
    n_atoms = len(people) // 2
    has_own = bool(people[n_atoms:].any())

    def over_layers(model: Model, sums: "csr_array") -> "csr_array":
        return scipy.sparse.hstack([sums, sums if model is upper else scipy.sparse.csr_array(sums.shape)], format="csr")

    nothing = scipy.sparse.csr_array(links.shape)
    seen = sorted({count for unit in old.units for count in unit.counts})
    of_layer = scipy.sparse.hstack([scipy.sparse.csr_array((of_own.shape[0], n_atoms)), of_own], format="csr")
    parts = [over_layers(model, model.sensitive.matrix()) for model in (new, old)]
    columns = slice(None) if has_own else slice(0, n_atoms)
    sensitive = scipy.sparse.vstack([*parts, of_layer] if has_own else parts, format="csr")
    both = scipy.sparse.vstack([scipy.sparse.hstack([links, nothing]), scipy.sparse.hstack([nothing, links])], format="csr")
    return Disclosed(
        atoms=people[columns],
        links=both[:, columns] if has_own else links,
        counts=over_layers(new, new.counts.matrix())[:, columns],
        units=[unit.counts for unit in new.units],
        sensitive=sensitive[:, columns],
        known=over_layers(old, old.counts.matrix())[seen][:, columns],
    )


def _shared(names: Classification, columns: Collection[str]) -> Classification:
    """The columns of both releases."""
    return Classification(
        places=tuple(name for name in names.places if name in columns),
        details=tuple(name for name in names.details if name in columns),
        outcomes=tuple(name for name in names.outcomes if name in columns),
        exposures=tuple(name for name in names.exposures if name in columns),
    )


def _layers(now: pl.DataFrame, then: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """By `key`, how many people are in both releases (`stayed`), in the later one only (`came`) and in the earlier one only."""
    counted = [frame.group_by(key).agg(pl.col("n").sum()) for frame in (now, then)]
    joined = counted[0].join(counted[1], on=key, how="full", nulls_equal=True, coalesce=True, suffix="_then").sort(key)
    one, other = pl.col("n").fill_null(0), pl.col("n_then").fill_null(0)
    stayed = pl.min_horizontal(one, other)
    return joined.select(*key, stayed=stayed, came=one - stayed, went=other - stayed)


def _countable(tables: Tables, names: Classification) -> tuple[dict[str, pl.DataFrame], dict[str, list[int]]]:
    """The rows whose people the atoms tell, and their numbers in the tables."""
    kept: dict[str, pl.DataFrame] = {}
    rows: dict[str, list[int]] = {}
    for name, table in tables.items():
        rows[name] = [number for number, row in enumerate(table.iter_rows(named=True)) if _is_countable(row, names)]
        kept[name] = table[rows[name]]
    return kept, rows


def _is_countable(row: Row, names: Classification) -> bool:
    return (
        in_population(row["population"]) in names.places
        and (row["weight"] is None or has_weight(row["weight"]) in names.places)
        and row["outcome"] in names.outcomes
        and row.get("exposure") in {None, *names.exposures}
    )


def rows_to_keep_back(now: pl.DataFrame, earlier: Sequence[pl.DataFrame], minimum: int) -> list[int]:
    """Numbers of the matched rows that must not be shown anew: all of a wave in which some count is a little other than it was.

    Their people cannot be told from the respondents: so a difference of fewer than `minimum` people in any cell, or in any kind
    of pairs, from any earlier release keeps back the rows of its wave, and those that pool it.
    """
    waves = set()
    for table in earlier:
        before = {name_of(row): row for row in table.iter_rows(named=True)}
        for row in now.iter_rows(named=True):
            other = before.get(name_of(row))
            if other and any(0 < abs(change) < minimum for change in _differences(row, other)):
                waves.add(row["wave"])
    if waves:
        waves.add(POOLED)
    return [number for number, wave in enumerate(now["wave"]) if wave in waves]


def _differences(row: Row, other: Row) -> list[int]:
    shown = [name for name in COUNTS if row.get(name) is not None and other.get(name) is not None]
    found = [row[name] - other[name] for name in shown]
    if row["exposed_cases"] is not None and other["exposed_cases"] is not None:
        kinds, before = kinds_of_sets(row), kinds_of_sets(other)
        found += [kinds[name] - before[name] for name in kinds if name not in COUNTS and name in before]
    return found
