"""The cells that are held of a source, and which of them answer a question."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl

from pipelines.machine.quoting import identifier
from pipelines.making.cells import MOMENTS_ADDED, MOST_KEYS, NUMBER_IS_KNOWN, OF_NUMBER, WEIGHTS_ADDED, Keys
from pipelines.project.project import Project
from pipelines.project.respondents import CELLS, TEXT_OF
from pipelines.statistics.design import same_levels
from pipelines.statistics.moments import FIRST, SECOND, Measured, Scale
from pipelines.store import Place

PLACES = (*TEXT_OF, *TEXT_OF.values())
"""Where the people of a cell were sampled."""

WHOLE = {"TINYINT": pl.Int8, "SMALLINT": pl.Int16, "INTEGER": pl.Int32, "BIGINT": pl.Int64}

MOST_OBJECTS = 1_000
"""Of cells, whose key sets are remembered."""

MOST_BYTES = 2**30
"""Of cells as they were read, which are kept in memory: those of some 40 waves of millions."""

_numbers = count()
_DECODED: dict[tuple[object, ...], pl.DataFrame] = {}
"""What was read, the oldest first."""


class Asked(NamedTuple):
    """What is asked of cells: by which keys, whether which conditions (name -> condition) are true, and with which weight; with a
    `number`, the moments of it with the weight."""

    keys: Collection[str] = ()
    conditions: Mapping[str, str] = {}
    weight: str | None = None
    number: str | None = None


@dataclass(frozen=True)
class KeySet:
    """The cells of one wave by some keys: the conditions that they tell apart, and the weights that they have sums of."""

    path: Path
    keys: Keys
    answered: frozenset[str]
    """Those of the keys that somebody has a level of."""
    conditions: tuple[str, ...]
    weights: frozenset[str]
    n_cells: int
    text: str
    """The keys as the cells have them."""
    measured: Measured | None
    """The number that they have moments of."""
    is_measured: bool
    """Whether it is known of anybody."""

    def answers(self, asked: Asked) -> bool:
        """Whether the cells tell the keys and conditions apart and have sums of the weight, and moments of the number."""
        return (
            set(asked.keys) <= set(self.keys)
            and set(asked.conditions.values()) <= set(self.conditions)
            and (asked.weight is None or asked.weight in self.weights)
            and (asked.number is None or (self.measured is not None and self.measured.name == asked.number))
        )

    def added(self, asked: Asked, types: Mapping[str, str]) -> pl.DataFrame:
        """The cells as Held.added() has them, without the wave; `types`: those of the keys."""
        keys, conditions, weight, number = asked
        n, units = WEIGHTS_ADDED[weight] if weight else ("n_respondents", None)
        moments = MOMENTS_ADDED[weight] if weight and number else ()
        return self._decoded(types).select(
            *PLACES,
            *(pl.col(f"level_{self.keys.index(key) + 1}").alias(key) for key in dict.fromkeys(keys)),
            *(pl.col(f"condition_{self.conditions.index(condition)}").alias(flag) for flag, condition in conditions.items()),
            pl.col("n_respondents").alias("n_sampled"),
            pl.col(n).alias("n"),
            (pl.col(units) if units else pl.lit(None, pl.Int64)).alias("units"),
            *([pl.when(NUMBER_IS_KNOWN).then(True).alias(number)] if number else []),
            *(pl.col(moment).alias(name) for moment, name in zip(moments, (FIRST, SECOND), strict=False)),
        )

    def _decoded(self, types: Mapping[str, str]) -> pl.DataFrame:
        """All columns of the cells, with the levels of `level_1` and on in their types, a flag for each condition, and text as
        Enum; kept in memory for other tables that ask."""
        kinds = tuple(types[key] for key in self.keys)
        known = self.path, self.text, self.measured, kinds
        if known not in _DECODED:
            frame = self._read(kinds)
            while _DECODED and sum(kept.estimated_size() for kept in _DECODED.values()) > MOST_BYTES - frame.estimated_size():
                _DECODED.pop(next(iter(_DECODED)))
            _DECODED[known] = frame
        return _DECODED[known]

    def _read(self, kinds: Sequence[str]) -> pl.DataFrame:
        number = pl.lit(self.measured.name if self.measured else None, pl.String)
        levels = {f"level_{place}": kind for place, kind in enumerate(kinds, 1)}
        people = ["n_respondents", *(WEIGHTS_ADDED[weight][0] for weight in sorted(self.weights))]
        sums = [WEIGHTS_ADDED[weight][1] for weight in sorted(self.weights)]
        moments = [name for names in MOMENTS_ADDED.values() for name in names] if self.measured else []
        cells = (
            pl.scan_parquet(self.path, glob=False)
            .filter(pl.col("keys") == self.text, pl.col("number").eq_missing(number))
            .select(
                *PLACES,
                *(_level(name, kind).alias(name) for name, kind in levels.items()),
                *(
                    (pl.col("members").str.slice(place, 1) == "1").alias(f"condition_{place}")
                    for place in range(len(self.conditions))
                ),
                *people,
                *sums,
                *moments,
                *([NUMBER_IS_KNOWN] if self.measured else []),
            )
            .collect()
        )
        texts = [name for name, kind in cells.schema.items() if kind == pl.String]
        return cells.with_columns(cells[name].cast(pl.Enum(cells[name].drop_nulls().unique().sort())) for name in texts)


def _level(column: str, kind: str) -> pl.Expr:
    """The levels of a key, of which the cells have the text that DuckDB casts them to."""
    if kind == "BOOLEAN":
        return pl.col(column) == "true"
    return pl.col(column).cast(WHOLE[kind]) if kind in WHOLE else pl.col(column)


@dataclass(frozen=True)
class Held:
    """Wave -> the key sets of its cells, and column of the respondents -> its type."""

    sets: Mapping[str, Sequence[KeySet]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    def added(self, waves: Collection[str], asked: Asked) -> pl.DataFrame | None:
        """What is held of it: the respondents of some waves added up; None where a wave does not have it.

        Columns: `wave`, `stratum`, `psu` and their texts, the keys (all text as Enum), whether each condition is true,
        `n_sampled` (respondents), and `n` and `units`: respondents with a weight above 0, and the sum of it as `whole_units`
        has it; without a weight all respondents, and NULL. With a number: true under its name where it is known, otherwise NULL,
        and its moments.
        """
        chosen = self._chosen(waves, asked)
        if not chosen:
            return None
        names = pl.Enum(waves)
        added = [
            held.added(asked, self.types).select(pl.lit(wave, names).alias("wave"), pl.all())
            for wave, held in zip(waves, chosen, strict=True)
        ]
        return pl.concat(same_levels(added))

    def relation(self, connection: duckdb.DuckDBPyConnection, waves: Collection[str], asked: Asked) -> str | None:
        """The same as a relation of a connection, which may follow `from`; text is VARCHAR."""
        added = self.added(waves, asked)
        if added is None:
            return None
        name = f"held {next(_numbers)}"
        connection.register(name, as_text(added).to_arrow())
        return identifier(name)

    def is_answered(self, waves: Collection[str], name: str) -> bool | None:
        """Whether anybody answered a column, or has a number of it; None where a wave does not tell."""
        chosen = self._chosen(waves, Asked((name,)))
        if chosen:
            return any(name in held.answered for held in chosen)
        measured = self._chosen(waves, Asked(number=name))
        return any(held.is_measured for held in measured) if measured else None

    def scale(self, wave: str, number: str, weight: str) -> Scale | None:
        """That of the moments of a number with a weight, of one wave; None where there are none."""
        chosen = self._chosen([wave], Asked(weight=weight, number=number))
        return chosen[0].measured.scale if chosen and chosen[0].measured else None

    def _chosen(self, waves: Collection[str], asked: Asked) -> list[KeySet]:
        """The smallest key set of each wave that answers; none where a wave has none."""
        found = [[held for held in self.sets.get(wave, ()) if held.answers(asked)] for wave in waves]
        return [min(answering, key=lambda held: (held.n_cells, held.keys)) for answering in found] if all(found) else []


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with String in the place of Enum."""
    return frame.with_columns(pl.selectors.enum().cast(pl.String))


def held_cells(project: Project, respondents: Mapping[Place, str]) -> Held:
    """The accepted cells of these respondents (place -> content)."""
    if CELLS not in project.contracts:
        return Held()
    cells = {place.wave: found for place, content in respondents.items() if (found := cells_of(project, place, content))}
    sets = {wave: key_sets(path) for wave, path in cells.items()}
    return Held(sets, project.contracts[project.study.respondents].column_types())


@lru_cache(maxsize=MOST_OBJECTS)
def key_sets(path: Path) -> Sequence[KeySet]:
    """The key sets of an object of cells; what is at a path of the store never changes."""
    weights = [pl.col(n).count().alias(weight) > 0 for weight, (n, _) in WEIGHTS_ADDED.items()]
    found = (
        pl.scan_parquet(path, glob=False)
        .group_by("keys", "conditions", *(name for name in OF_NUMBER if name != NUMBER_IS_KNOWN))
        .agg(
            pl.len(),
            pl.col(NUMBER_IS_KNOWN).any(),
            *weights,
            *(pl.col(f"level_{number}").count() > 0 for number in range(1, MOST_KEYS + 1)),
        )
        .sort("keys", "number")
        .collect()
    )
    sets = []
    for row in found.iter_rows(named=True):
        keys, number = tuple(json.loads(row["keys"])), row["number"]
        sets.append(
            KeySet(
                path=path,
                keys=keys,
                answered=frozenset(key for place, key in enumerate(keys, 1) if row[f"level_{place}"]),
                conditions=tuple(json.loads(row["conditions"])),
                weights=frozenset(weight for weight in WEIGHTS_ADDED if row[weight]),
                n_cells=row["len"],
                text=row["keys"],
                measured=Measured(number, Scale(row["number_middle"], row["number_reach"])) if number else None,
                is_measured=bool(row[NUMBER_IS_KNOWN]),
            )
        )
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
