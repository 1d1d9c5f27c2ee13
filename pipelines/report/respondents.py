"""The respondents of one source as they can be asked: added up to cells where these are held, otherwise one by one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import duckdb
import polars as pl

from pipelines.machine.errors import ConfigurationError
from pipelines.machine.quoting import identifier, literal
from pipelines.making.cells import LARGEST_SUM, has_cells
from pipelines.making.design import are_nested, counted_psus, psu_of, stratum_of
from pipelines.making.replicates import replicates_of
from pipelines.project.conditions import columns_of
from pipelines.project.respondents import AGE, POPULATION, REPLICATES_OF, TEXT_OF
from pipelines.project.sources import Source
from pipelines.project.standards import StandardPopulation
from pipelines.project.study import Study
from pipelines.report.held import PLACES, Asked, Held, as_text
from pipelines.report.strata import pooled_stratum, stratum_of_wave
from pipelines.statistics import Cells, Design, ReplicateWeights, collapse
from pipelines.statistics.collapse import collapse_added, whole_units
from pipelines.statistics.design import MANY_CELLS, SQUARES_WITHIN, same_levels
from pipelines.statistics.moments import Measured, Scale, scale_of
from pipelines.store import digest

STANDARD_AGE_GROUP = "standard_age_group"
"""The key for the age group of the standard population, which may differ from the study's age bands."""


@dataclass(frozen=True)
class Scope:
    """One wave, or all waves of a source pooled."""

    wave: str
    waves: tuple[str, ...]


class Question(NamedTuple):
    """Whom cells are of, by which weight, keys and populations, and which number they have the mean of."""

    scope: Scope
    weight: str | None
    keys: tuple[str, ...]
    populations: tuple[str, ...]
    number: str | None


@dataclass(frozen=True)
class Respondents:
    """The respondents of one source, bound in `connection` under the name `respondents`.

    `waves` are those that hold respondents; a source may declare more. What is asked is answered from the cells that are `held`,
    and otherwise from the respondents, with the same numbers to the bit. `columns_read` notes the columns of the respondents
    whose values an estimator has taken, `of_all_waves` what it asked of all waves together, with digests of the answers.
    """

    connection: duckdb.DuckDBPyConnection
    respondents: str
    study: Study
    source: Source
    waves: Sequence[str]
    standard_population: StandardPopulation | None = field(default=None, kw_only=True)
    held: Held = field(default_factory=Held, kw_only=True)
    columns_read: set[str] = field(default_factory=set, kw_only=True)
    of_all_waves: dict[str, str] = field(default_factory=dict, kw_only=True)
    _replicated: dict[tuple[Scope, str], tuple[ReplicateWeights, str]] = field(default_factory=dict, repr=False, kw_only=True)
    _counted: dict[Question, Cells] = field(default_factory=dict, repr=False, kw_only=True)
    _summed: dict[tuple[Question, tuple[str, ...]], Cells] = field(default_factory=dict, repr=False, kw_only=True)
    _levels: dict[tuple[str, str | None], list[bool | str]] = field(default_factory=dict, repr=False, kw_only=True)
    _scales: dict[tuple[str, str, str], Scale | None] = field(default_factory=dict, repr=False, kw_only=True)

    @property
    def standard(self) -> StandardPopulation:
        """The standard population of the study, its oldest groups merged where the source's top code of age cannot tell them
        apart; raises ConfigurationError where there is none."""
        if self.standard_population is None:
            raise ConfigurationError("standardisation needs a standard population")
        return self.standard_population.at_most(self.source.top_codes().get(AGE))

    @property
    def is_weighted(self) -> bool:
        return self.source.design == "survey"

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns of the respondents."""
        return frozenset(self.connection.sql(f"select * from {self.respondents} limit 0").columns)

    def types_of_respondents(self) -> dict[str, str]:
        """Column of the respondents -> its type."""
        if self.held.types:
            return dict(self.held.types)
        described = self.connection.sql(f"describe {self.respondents}").fetchall()
        return {name: kind for name, kind, *_ in described}

    def population_variables(self, population: str) -> set[str]:
        """The columns that decide who is in a population."""
        return columns_of(self.study.populations[population].where)

    def asked(self, names: Sequence[str]) -> list[str]:
        """Those of the columns that the source asked anybody about."""
        held = {name: self.held.is_answered(self.waves, name) for name in names}
        unread = [name for name, is_answered in held.items() if is_answered is None]
        answered = self._answered(self.respondents, unread) if unread else set()
        found = [name for name in names if held[name] or name in answered]
        self.of_all_waves[f"asked: {', '.join(names)}"] = digest(found)
        return found

    def _answered(self, relation: str, names: Sequence[str]) -> set[str]:
        counts = ", ".join(f"count({identifier(name)})" for name in names)
        [found] = self.connection.sql(f"select {counts} from {relation}").fetchall()
        return {name for name, count in zip(names, found, strict=True) if count > 0}

    def levels(self, variable: str, population: str | None = None) -> list[bool | str]:
        """The levels of a variable that occur in this source, or in a population of it, in order."""
        self.columns_read.add(variable)
        if (variable, population) not in self._levels:
            self._levels[variable, population] = levels = self._levels_of(variable, population)
            self.of_all_waves[f"levels of {variable} in {population or 'all'}"] = digest(levels)
        return self._levels[variable, population]

    def _levels_of(self, variable: str, population: str | None) -> list[bool | str]:
        members = {"is_member": self.study.populations[population].where} if population else {}
        added = self.held.added(self.waves, Asked((variable,), members))
        if added is not None:
            inside = added.filter("is_member") if members else added
            return inside[variable].drop_nulls().unique().sort().to_list()
        column = identifier(variable)
        people, inside_of = self.people(self.waves, (variable,), list(members.values()))
        found = self.connection.sql(
            f"select distinct {column} from {people} where {' and '.join([f'{column} is not null', *inside_of])} order by 1"
        ).fetchall()
        return [level for (level,) in found]

    def people(
        self, waves: Collection[str], keys: Collection[str], conditions: Sequence[str] = (), weight: str | None = None
    ) -> tuple[str, list[str]]:
        """The respondents of some waves, added up or each on a row, and whether each of the conditions is true, as SQL.

        A relation that may follow `from`: columns `wave`, those of strata and PSUs, the keys, `n_sampled`, `n` and `units` as
        Held.relation() has them.
        """
        asked = Asked(keys, {f"condition {number}": condition for number, condition in enumerate(conditions)}, weight)
        relation = self.held.relation(self.connection, waves, asked) or self._each(waves, asked)
        return relation, [identifier(name) for name in asked.conditions]

    @property
    def _everybody(self) -> str:
        """The respondents by where they were sampled, added up or each on a row."""
        return self.held.relation(self.connection, self.waves, Asked()) or self.respondents

    def _each(self, waves: Collection[str], asked: Asked) -> str:
        """The respondents themselves, as Held.relation() has them added up."""
        there = self.connection.sql(f"select * from {self.respondents} limit 0").columns
        places = [name for name in PLACES if name in there]
        members = [f"coalesce(({condition}\n), false) as {identifier(name)}" for name, condition in asked.conditions.items()]
        number = f"cast({identifier(asked.weight)} as double)" if asked.weight else ""
        units = whole_units(number) if number else "null"
        n = f"cast({number} > 0 as integer)" if number else "1"
        columns = ["wave", *places, *(identifier(key) for key in dict.fromkeys(asked.keys) if key not in places)]
        columns += [*members, "1 as n_sampled", f"{n} as n", f"{units} as units"]
        listed = ", ".join(literal(wave) for wave in waves) or "null"
        return f"(select {', '.join(columns)} from {self.respondents} where wave in ({listed}))"

    def cells(
        self,
        scope: Scope,
        weight: str | None,
        keys: tuple[str, ...],
        population: str,
        of: Sequence[str] | None = None,
        number: str | None = None,
    ) -> Cells:
        """Sufficient statistics by `keys` (columns) and by the flag `in_<population>` of a population, counted once.

        The flags of all populations that are not counted apart are there together. Waves pool as disjoint sets of strata; those
        of a panel have the same strata and PSUs. `of`: those of the keys that are needed; many cells are then summed by them
        and by the one flag. `number`: a further key, which the mean is asked of: of large waves each cell has the mean of it,
        of others there is one for each value.
        """
        question = Question(scope, weight, keys, self._counted_together(population), number)
        parts = self._parts(question) or [question]
        if of is None or sum(self._counted_once(part).table.height for part in parts) < MANY_CELLS:
            return self._counted_once(question)
        return self._summed_by(question, (*dict.fromkeys(of), in_population(population)))

    def _counted_once(self, question: Question) -> Cells:
        if question not in self._counted:
            parts = self._parts(question)
            self._counted[question] = self._joined(map(self._counted_once, parts)) if parts else self._count(question)
            weight = question.weight
            self.columns_read.update(AGE if key == STANDARD_AGE_GROUP else key for key in question.keys)
            self.columns_read.update({question.number} if question.number else ())
            self.columns_read.update(*(self.population_variables(population) for population in self.study.populations))
            self.columns_read.update({"wave", weight, *self._columns_of_places()} if weight else {"wave"})
            if weight and self.source.replicate_weights:
                self.columns_read.add(REPLICATES_OF[weight])
        return self._counted[question]

    def _summed_by(self, question: Question, needed: tuple[str, ...]) -> Cells:
        if (question, needed) not in self._summed:
            parts = [self._summed_by(part, needed) for part in self._parts(question)]
            self._summed[question, needed] = self._joined(parts) if parts else self._counted_once(question).summed(needed)
        return self._summed[question, needed]

    def _parts(self, question: Question) -> list[Question]:
        """The question to each wave of a pool, where all of them were answered and waves are strata of their own."""
        waves = question.scope.waves
        if not question.weight or len(waves) == 1 or self.source.panel or self.source.replicate_weights:
            return []
        parts = [question._replace(scope=Scope(wave, (wave,))) for wave in waves]
        if any(self._measured(part) for part in parts):
            return parts
        return parts if all(part in self._counted for part in parts) else []

    def _joined(self, waves: Iterable[Cells]) -> Cells:
        """The cells of a pool of these waves; the same to the bit as if they were counted together."""
        is_text, tables, parts = "stratum" in self._texts, [], list(waves)
        number = next((cells.number for cells in parts if cells.number), None)
        for index, cells in enumerate(parts):
            columns = {"stratum": stratum_of_wave(pl.col("stratum"), index, is_text=is_text)}
            if number and not cells.number:  # a small wave among large ones
                columns |= {number: pl.col(number).cast(pl.Float64), SQUARES_WITHIN: pl.lit(0.0)}
            tables.append(cells.table.with_columns(**columns))
        columns_in_order = tables[0].columns
        return Cells(pl.concat(same_levels([table.select(columns_in_order) for table in tables])), parts[0].design, number)

    def _counted_together(self, population: str) -> tuple[str, ...]:
        """The populations whose flags stand beside that of a population."""
        populations = self.study.populations
        if populations[population].counted_apart:
            return (population,)
        return tuple(name for name, other in populations.items() if not other.counted_apart)

    def _count(self, question: Question) -> Cells:
        scope, weight, keys, populations, number = question
        measured = self._measured(question)
        keys = (*keys, number) if number and not measured else keys
        columns_of = {key: self.standard.group_of_age(AGE) if key == STANDARD_AGE_GROUP else identifier(key) for key in keys}
        conditions = {in_population(name): self.study.populations[name].where for name in populations}
        design = self._design(weight)
        places = {"stratum": self._stratum(scope), "psu": self._psu}
        by = [AGE if key == STANDARD_AGE_GROUP else key for key in keys]
        added = self.held.added(scope.waves, Asked(by, conditions, weight, measured.name if measured else None))
        if added is not None:
            computed = {key: text for key, text in columns_of.items() if key == STANDARD_AGE_GROUP}
            computed |= {name: place for name, place in places.items() if self.is_weighted and place != name}
            return collapse_added(self._with_computed(added, computed), design, [*columns_of, *conditions], measured)
        waves = ", ".join(literal(wave) for wave in scope.waves)
        people, columns = self.respondents, self._with(places) if self.is_weighted else "*"
        if self.source.replicate_weights and weight:
            replicates, units = self._replicates(scope, weight)
            people, columns = f"{people} join {units} using (wave, respondent_id)", self._with({"psu": "unit"})
            design = Design(None, "psu", weight, replicates=replicates)
        relation = f"(select {columns} from {people} where wave in ({waves})) as respondents"
        flags = {name: f"coalesce({condition}, false)" for name, condition in conditions.items()}
        return collapse(self.connection, relation, design, columns_of | flags, measured)

    def _with_computed(self, added: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
        """What is held, with further columns (name -> SQL of the wave, of where people were sampled, and of their age)."""
        if not columns:
            return added
        of = [name for name in ("wave", *PLACES, AGE) if name in added.columns]
        each = added.select(of).unique()
        self.connection.register("each", as_text(each).with_row_index("row_of_each").to_arrow())
        computed = ", ".join(f"{text} as {identifier(f'computed {name}')}" for name, text in columns.items())
        found = each.hstack(self.connection.sql(f"select {computed} from each order by row_of_each").pl())
        joined = added.join(found, on=of, how="left", nulls_equal=True, maintain_order="left")
        return joined.with_columns(pl.col(f"computed {name}").alias(name) for name in columns)

    def _measured(self, question: Question) -> Measured | None:
        """How the number of a question is added up: of one large wave of a survey, as its cells are; None where it is a key."""
        (wave, *others), weight, number = question.scope.waves, question.weight, question.number
        if not (number and weight) or others or not self.source.can_be_added_up:
            return None
        if (wave, weight, number) not in self._scales:
            held = self.held.scale(wave, number, weight)
            self._scales[wave, weight, number] = held or self._scale_of_respondents(wave, weight, number)
        scale = self._scales[wave, weight, number]
        return Measured(number, scale) if scale else None

    def _scale_of_respondents(self, wave: str, weight: str, number: str) -> Scale | None:
        people = f"(select * from {self.respondents} where wave = {literal(wave)})"
        units = whole_units(f"cast({identifier(weight)} as double)")
        [(n, total)] = self.connection.sql(f"select count(*), coalesce(sum({units}), 0) from {people}").fetchall()
        return scale_of(self.connection, people, identifier(number)) if has_cells(n) and total <= LARGEST_SUM else None

    def _replicates(self, scope: Scope, weight: str) -> tuple[ReplicateWeights, str]:
        """The replicate weights of a scope, and the name of the table with the unit of each of its people."""
        if (scope, weight) not in self._replicated:
            replication = self.source.replicate_weights
            assert replication
            replicates, units = replicates_of(self.connection, self.respondents, replication, weight, scope.waves)
            name = f"units_{len(self._replicated)}"
            self.connection.register(name, units.to_arrow())
            self._replicated[scope, weight] = replicates, name
        return self._replicated[scope, weight]

    def _with(self, columns: Mapping[str, str]) -> str:
        """SQL of all columns of the respondents, with these (name -> expression) in the place of their own."""
        held = columns.keys() & self.columns
        replaced, added = (
            ", ".join(f"{expression} as {name}" for name, expression in columns.items() if (name in held) == is_held)
            for is_held in (True, False)
        )
        return f"*{f' replace ({replaced})' if replaced else ''}{f', {added}' if added else ''}"

    def _design(self, weight: str | None) -> Design:
        if not self.is_weighted:
            return Design(None, None, None)
        psu = "psu" if self.source.has_psus else None
        population = POPULATION if self.source.finite_population else None
        return Design("stratum", psu, weight, lonely=self.source.lonely_psu, population=population)

    def _columns_of_places(self) -> set[str]:
        """The columns that say where people were sampled."""
        places = self.source.columns_of_design & {*TEXT_OF, POPULATION}
        return {*places, *(TEXT_OF[name] for name in self._texts)}

    @cached_property
    def _texts(self) -> frozenset[str]:
        """Those of `stratum` and `psu` that are text in some wave of the source."""
        there = self.source.columns_of_design & TEXT_OF.keys()
        names = [name for name in TEXT_OF if name in there and TEXT_OF[name] in self.columns]
        asked = self._answered(self._everybody, [f"{name}_text" for name in names]) if names else set()
        texts = frozenset(name for name in names if f"{name}_text" in asked)
        self.of_all_waves["places that are text"] = digest(sorted(texts))
        return texts

    def _stratum(self, scope: Scope) -> str:
        """SQL of the stratum in which a respondent counts: waves are strata of their own, but for those of a panel."""
        stratum = stratum_of(self.source, is_text="stratum" in self._texts)
        if self.source.panel or len(scope.waves) == 1:
            return stratum
        return pooled_stratum(stratum, scope.waves, is_text="stratum" in self._texts)

    @cached_property
    def _moved_psus(self) -> int:
        """PSUs of a panel that are in several strata, unless they are numbered anew in each."""
        if not (self.is_weighted and self.source.panel) or self.source.replicate_weights:
            return 0
        stratum = stratum_of(self.source, is_text="stratum" in self._texts)
        psus = counted_psus(self.connection, self._everybody, stratum, self._psu)
        return 0 if are_nested(self.source, psus) else psus.n_in_several_strata

    @property
    def _psu(self) -> str:
        return psu_of(self.source, is_text="psu" in self._texts)


def in_population(name: str) -> str:
    """The key that marks the members of a population among the cells."""
    return f"in_{name}"
