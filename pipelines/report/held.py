"""The cells that are held of a source, and which of them answer a question."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.machine.quoting import identifier, literal
from pipelines.making.cells import MOMENTS_ADDED, NUMBER_IS_KNOWN, WEIGHTS_ADDED, Keys
from pipelines.making.engine import bind_objects
from pipelines.project.project import Project
from pipelines.project.respondents import CELLS
from pipelines.statistics.moments import FIRST, SECOND, Measured, Scale
from pipelines.store import Place


@dataclass(frozen=True)
class KeySet:
    """The cells of one wave by some keys: the conditions that they tell apart, and the weights that they have sums of."""

    keys: Keys
    conditions: tuple[str, ...]
    weights: frozenset[str]
    n_cells: int
    text: str
    """The keys as the cells have them."""
    relation: str
    """What the cells of the wave are bound as."""
    measured: Measured | None
    """The number that they have moments of."""


@dataclass(frozen=True)
class Held:
    """Wave -> the key sets of its cells, which are bound by wave, and column of the respondents -> its type."""

    sets: Mapping[str, Sequence[KeySet]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    def relation(
        self,
        waves: Collection[str],
        keys: Collection[str],
        conditions: Mapping[str, str],
        weight: str | None = None,
        number: str | None = None,
    ) -> str | None:
        """SQL of what is held by these keys, a relation that may follow `from`; None where a wave does not have it.

        Its rows add up the respondents of some waves. Columns: `wave`, `stratum`, `psu` and their texts, the keys, whether each
        condition is true (name -> condition), `n_sampled` (respondents), and `n` and `units`: respondents with a weight above 0,
        and the sum of it as `whole_units` has it; without a weight all respondents, and NULL. With a `number`: true under its
        name where it is known, otherwise NULL, and its moments with the weight.
        """
        chosen = {wave: self._smallest(wave, set(keys), set(conditions.values()), weight, number) for wave in waves}
        selects = [self._select(held, keys, conditions, weight, number) for held in chosen.values() if held]
        return f"({' union all '.join(selects)})" if selects and len(selects) == len(chosen) else None

    def scale(self, wave: str, number: str, weight: str) -> Scale | None:
        """That of the moments of a number with a weight, of one wave; None where there are none."""
        held = self._smallest(wave, set(), set(), weight, number)
        return held.measured.scale if held and held.measured else None

    def _smallest(self, wave: str, keys: set[str], conditions: set[str], weight: str | None, number: str | None) -> KeySet | None:
        answering = [
            held
            for held in self.sets.get(wave, ())
            if keys <= set(held.keys)
            and conditions <= set(held.conditions)
            and (weight is None or weight in held.weights)
            and (number is None or (held.measured is not None and held.measured.name == number))
        ]
        return min(answering, key=lambda held: (held.n_cells, held.keys), default=None)

    def _select(
        self, held: KeySet, keys: Collection[str], conditions: Mapping[str, str], weight: str | None, number: str | None
    ) -> str:
        levels = [
            f"cast(level_{held.keys.index(name) + 1} as {self.types[name]}) as {identifier(name)}" for name in dict.fromkeys(keys)
        ]
        members = [
            f"substr(members, {held.conditions.index(condition) + 1}, 1) = '1' as {identifier(name)}"
            for name, condition in conditions.items()
        ]
        n, units = WEIGHTS_ADDED[weight] if weight else ("n_respondents", "cast(null as bigint)")
        columns = ["wave", "stratum", "psu", "stratum_text", "psu_text", *levels, *members]
        columns += ["n_respondents as n_sampled", f"{n} as n", f"{units} as units"]
        if number:
            columns.append(f"case when {NUMBER_IS_KNOWN} then true end as {identifier(number)}")
            columns += [
                f"{moment} as {name}" for moment, name in zip(MOMENTS_ADDED.get(weight or "", ()), (FIRST, SECOND), strict=False)
            ]
        of_number = literal(held.measured.name) if held.measured else "null"
        return (
            f"select {', '.join(columns)} from {held.relation} "
            f"where keys = {literal(held.text)} and number is not distinct from {of_number}"
        )


def bound_cells(project: Project, connection: duckdb.DuckDBPyConnection, respondents: Mapping[Place, str]) -> Held:
    """The accepted cells of these respondents (place -> content), bound in a connection."""
    if CELLS not in project.contracts:
        return Held()
    cells = {place.wave: found for place, content in respondents.items() if (found := cells_of(project, place, content))}
    sets = {wave: _bound(project, connection, wave, path) for wave, path in cells.items()}
    return Held(sets, project.contracts[project.study.respondents].column_types())


def _bound(project: Project, connection: duckdb.DuckDBPyConnection, wave: str, cells: Path) -> list[KeySet]:
    """Bind the cells of one wave: no question to it then opens those of others."""
    schema, _, table = CELLS.partition(".")
    name = f"{table} of {wave}"
    relation = f"{identifier(schema)}.{identifier(name)}"
    bind_objects(connection, project.contracts[CELLS], [cells], name=f"{schema}.{name}")
    sums = ", ".join(f"count({n}) > 0" for n, _ in WEIGHTS_ADDED.values())
    columns = "keys, conditions, number, number_middle, number_reach"
    found = connection.sql(f"select {columns}, count(*), {sums} from {relation} group by all order by all").fetchall()
    sets = []
    for keys, conditions, number, middle, reach, n_cells, *has_sums in found:
        weights = frozenset(weight for weight, has in zip(WEIGHTS_ADDED, has_sums, strict=True) if has)
        measured = Measured(number, Scale(middle, reach)) if number else None
        sets.append(KeySet(tuple(json.loads(keys)), tuple(json.loads(conditions)), weights, n_cells, keys, relation, measured))
    return sets


def cells_of(project: Project, respondents: Place, content: str) -> Path | None:
    """The accepted cells of one wave, if they were made of this object of the respondents."""
    schema, _, table = CELLS.partition(".")
    place = Place(schema, table, respondents.source, respondents.wave)
    recipe = project.store.acceptance(place.source, place.wave).tables.get(CELLS)
    sidecar = project.store.sidecar(place, recipe) if recipe else None
    if not sidecar or not sidecar.content or sidecar.inputs.get(str(respondents)) != content:
        return None
    return project.store.path(place, sidecar.content)
