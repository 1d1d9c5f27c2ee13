"""Making core.cells: the respondents of one wave, added up."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipelines.core.packing import Digit, digits, flag, packed
from pipelines.core.plan import plan_cells
from pipelines.machine.quoting import identifier, literal
from pipelines.making.build import Built, Made, build
from pipelines.making.cells import (
    LARGEST_SUM,
    MOMENTS_ADDED,
    MOST_KEYS,
    OF_NUMBER,
    QUESTIONS,
    WEIGHTS_ADDED,
    Keys,
    Wanted,
    added_together,
    halves,
    has_cells,
    is_gain,
)
from pipelines.making.engine import confine, engine
from pipelines.making.ordering import BATCH_ROWS
from pipelines.making.seeing import bind_for
from pipelines.project.project import Project
from pipelines.project.respondents import CELLS
from pipelines.statistics.collapse import VALUE_ERRORS, is_usable, whole_units
from pipelines.statistics.moments import Scale, scale_of
from pipelines.store import Place
from pipelines.store.recipe import Plan

PLACES = {"stratum": "INTEGER", "psu": "INTEGER", "stratum_text": "VARCHAR", "psu_text": "VARCHAR"}
"""Where a respondent of a survey was sampled."""


def build_cells(project: Project, place: Place) -> Built:
    """Bring the cells of one wave up to date and accept them, or keep the accepted ones and say why."""
    return build(project, plan_cells(project, place), "harmonisation", cells_of_wave)


def places_of_cells(project: Project) -> list[Place]:
    """The waves whose accepted respondents are added up: those of a large wave."""
    schema, _, table = project.study.respondents.partition(".")
    return [
        place
        for place in project.places(CELLS)
        if (made := project.store.accepted(Place(schema, table, place.source, place.wave))) and has_cells(made.rows)
    ]


def cells_of_wave(project: Project, plan: Plan) -> Made:
    """The cells of the accepted respondents of a wave, for the questions that the plan names.

    Where they cannot be added up, because a condition fails for somebody's values, there are no cells: who asks reads the
    respondents, and says what is wrong with them.
    """
    objects = {read: project.store.path(read, content) for read, content in plan.inputs.items()}
    schema = project.contracts[plan.place.name].arrow_schema()
    with engine(project.settings) as connection:
        bind_for(project, connection, plan.place, project.study.respondents, objects)
        confine(connection)
        try:
            is_survey = project.sources[plan.place.source].design == "survey"
            types = project.contracts[project.study.respondents].column_types()
            wanted = Wanted.parse(plan.ingredients[QUESTIONS])
            adding = Adding(connection, project.study.respondents, types, plan.place, wanted, is_survey)
            rows = pa.RecordBatchReader.from_batches(schema, adding.batches(schema))
            return Made(*project.store.write(plan.place, rows))
        except VALUE_ERRORS:
            return Made(*project.store.write(plan.place, schema.empty_table()))


class Adding:
    """Adds up one wave, which is bound in `connection` under the name `respondents`; `place` is that of its cells.

    A group of questions is added up to one table by all of its keys, in one pass over the respondents; the cells of each question
    are added up from that. All sums are of whole numbers, so that it does not matter which way they are added.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        respondents: str,
        types: Mapping[str, str],
        place: Place,
        wanted: Wanted,
        is_survey: bool,
    ) -> None:
        self.connection = connection
        self.respondents = respondents
        self.types = types
        self.place = place
        self.wanted = wanted
        self.places = list(PLACES) if is_survey else []
        self.weights = list(WEIGHTS_ADDED) if is_survey else []
        self.digits: dict[str, Digit] = {}
        self.looked_at: dict[str, Digit | None] = {}

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows of each key set in turn, so that no group of rows in the Parquet holds two of them."""
        n_respondents = self._only_weights_that_add_up()
        groups = added_together(self.wanted.questions, self.types)
        while groups:
            questions = groups.pop(0)
            if not is_gain(self._added(questions), n_respondents):
                groups = [*halves(questions), *groups]
                continue
            for keys in questions:
                yield from self._batches(keys, None, schema)
        waiting = [[number for name, weight in self.wanted.numbers if (number := self._number(name, weight))]]
        while waiting:
            numbers = waiting.pop(0)
            if numbers and not is_gain(self._added([self.wanted.outcomes], numbers), n_respondents):
                waiting = [*halves(numbers), *waiting]
                continue
            for number in numbers:
                yield from self._batches(self.wanted.outcomes, number, schema)

    def _number(self, name: str, weight: str) -> "Number | None":
        scale = scale_of(self.connection, self.respondents, identifier(name)) if weight in self.weights else None
        return Number(name, scale, weight) if scale else None

    def _batches(self, keys: Keys, number: "Number | None", schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in self.connection.sql(self._rows(keys, number)).to_arrow_reader(BATCH_ROWS):
            yield batch.select(schema.names).cast(schema)

    def _only_weights_that_add_up(self) -> int:
        """Keep the weights that are 0 or usable for everybody, and above 0 for somebody; returns the number of respondents."""
        counts = ["count(*)"]
        for weight in self.weights:
            number = f"cast({weight} as double)"
            counts += [
                f"count(*) filter (not coalesce({is_usable(number)} or {number} = 0, false))",
                f"coalesce(sum({whole_units(number)}), 0)",
            ]
        [(n, *found)] = self.connection.sql(f"select {', '.join(counts)} from {self.respondents}").fetchall()
        by_weight = zip(self.weights, found[::2], found[1::2], strict=True)
        self.weights = [weight for weight, n_unusable, total in by_weight if not n_unusable and 0 < total <= LARGEST_SUM]
        return int(n)

    def _added(self, questions: Sequence[Keys], numbers: Sequence["Number"] = ()) -> int:
        """Add up the respondents by all keys of a group, in the table `added`, and the moments of numbers; returns how many
        cells there are."""
        keys = sorted({name for question in questions for name in question})
        columns = {name: PLACES[name] for name in self.places} | {name: self.types[name] for name in keys}
        known = self._known(columns)
        flags = [flag(where) for where in self.wanted.conditions]
        is_known = {number.known: flag(f"{identifier(number.name)} is not null") for number in numbers}
        self.digits = {member(number): digit for number, digit in enumerate(flags)} | known | is_known
        codes = packed(self.digits)
        as_they_are = [identifier(name) for name in columns if name not in known]
        units = [f"{whole_units(f'cast({weight} as double)')} as {WEIGHTS_ADDED[weight][1]}" for weight in self.weights]
        selected = [f"{code} as code_{number}" for number, code in enumerate(codes.codes, 1)]
        grouped = [*(f"code_{number}" for number in range(1, len(codes.codes) + 1)), *as_they_are]
        added = [
            f"count({billionths}) as {n}, cast(sum({billionths}) as bigint) as {billionths}"
            for n, billionths in map(WEIGHTS_ADDED.__getitem__, self.weights)
        ]
        units += [name for name in sorted({identifier(number.name) for number in numbers}) if name not in as_they_are]
        for number in numbers:
            parts = number.scale.parts(WEIGHTS_ADDED[number.weight][1], identifier(number.name))
            added += [f"cast(sum({part}) as bigint) as {moment}" for part, moment in zip(parts, number.moments, strict=True)]
        people = f"(select {', '.join([*selected, *as_they_are, *units])} from {self.respondents})"
        sums = f"select {', '.join([*grouped, 'count(*) as n_respondents', *added])} from {people} group by {', '.join(grouped)}"
        parted = [f"cast({digit} as integer) as {identifier(name)}" for name, digit in codes.digits.items()]
        shown = [*as_they_are, *parted, *self._sizes, *(moment for number in numbers for moment in number.moments)]
        self.connection.execute(f"create or replace temp table added as select {', '.join(shown)} from ({sums})")
        [(n_cells,)] = self.connection.sql("select count(*) from added").fetchall()
        return int(n_cells)

    def _known(self, columns: Mapping[str, str]) -> dict[str, Digit]:
        """The digits of those columns (column -> type) that have few levels, which takes a scan for those not seen before."""
        new = {name: kind for name, kind in columns.items() if name not in self.looked_at}
        found = digits(self.connection, self.respondents, new)
        self.looked_at |= {name: found.get(name) for name in new}
        return {name: digit for name in columns if (digit := self.looked_at[name])}

    def _rows(self, keys: Keys, number: "Number | None") -> str:
        """The rows of one key set as the contract has them, in an order that hangs on nothing else."""
        sizes = {name: name for name in self._sizes}
        if number:
            n_and_units = WEIGHTS_ADDED[number.weight]
            sizes = {name: name for name in ("n_respondents", *n_and_units)}
            sizes |= dict(zip(number.moments, MOMENTS_ADDED[number.weight], strict=True))
        constants: Mapping[str, str] = {
            "source": self.place.source,
            "wave": self.place.wave,
            "keys": json.dumps(keys, ensure_ascii=False),
            "conditions": json.dumps(self.wanted.conditions, ensure_ascii=False),
        }
        members = [member(number) for number in range(len(self.wanted.conditions))]
        there = ", ".join(map(identifier, [*self.places, *members, *keys, *([number.known] if number else [])]))
        sums = ", ".join(f"cast(sum({column}) as bigint) as {name}" for column, name in sizes.items())
        by_keys = f"select {there}, {sums} from added group by {there} order by {there}"
        levels = [f"cast({self._column(name)} as varchar)" for name in keys]
        levels += ["cast(null as varchar)"] * (MOST_KEYS - len(keys))
        columns = [f"{literal(value)} as {name}" for name, value in constants.items()]
        columns += [f"{level} as level_{number}" for number, level in enumerate(levels, 1)]
        columns += [f"{self._column(name) if name in self.places else 'null'}::{kind} as {name}" for name, kind in PLACES.items()]
        flags = " || ".join(f"cast({identifier(name)} as varchar)" for name in members) or literal("")
        columns += [f"{flags} as members"]
        of_number = ["null", "null", "null", "null"]
        if number:
            middle, reach = (f"cast({literal(repr(end))} as double)" for end in (number.scale.middle, number.scale.reach))
            of_number = [literal(number.name), self._column(number.known), middle, reach]
        columns += [f"{value} as {name}" for name, value in zip(OF_NUMBER, of_number, strict=True)]
        of_weights = [name for names in (*WEIGHTS_ADDED.values(), *MOMENTS_ADDED.values()) for name in names]
        columns += [
            name if name in sizes.values() else f"cast(null as bigint) as {name}" for name in ("n_respondents", *of_weights)
        ]
        return f"select {', '.join(columns)} from ({by_keys})"

    @property
    def _sizes(self) -> list[str]:
        return ["n_respondents", *(name for weight in self.weights for name in WEIGHTS_ADDED[weight])]

    def _column(self, name: str) -> str:
        """SQL of a column of the respondents in the table `added`."""
        digit = self.digits.get(name)
        return digit.column(identifier(name)) if digit else identifier(name)


def member(number: int) -> str:
    """The column of `added` that says whether the respondents meet a condition."""
    return f"member {number}"


@dataclass(frozen=True)
class Number:
    """A number whose moments with a weight are added up."""

    name: str
    scale: Scale
    weight: str

    @property
    def known(self) -> str:
        """The column of `added` that says whether it is known."""
        return f"has {self.name}"

    @property
    def moments(self) -> list[str]:
        """SQL of the columns of `added` with its moments."""
        return [identifier(f"{moment} of {self.name}") for moment in MOMENTS_ADDED[self.weight]]
