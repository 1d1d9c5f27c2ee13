"""What `generator:` in the file of a synthetic source can say, by its design. Its SQL uses the names of effects and streams."""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.machine.errors import ConfigurationError
from pipelines.machine.faults import Fault, fault_at, faults, known
from pipelines.project.sources import Source

Share = Annotated[float, Field(ge=0, lt=1)]
Effect = Annotated[float, Field(allow_inf_nan=False)]
OddsRatio = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Sets = Annotated[int, Field(ge=1)]
KindOfMissing = Literal["refused", "dont_know", "missing"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tables(_Settings):
    """The raw tables that are delivered, without their schema."""

    people: str
    planted: str


class Unanswered(_Settings):
    """Variables that a person leaves unanswered together, completely at random; kind of missing -> share of the people."""

    variables: list[str] = Field(min_length=1)
    share: dict[KindOfMissing, Share]

    @model_validator(mode="after")
    def _some_answer(self) -> "Unanswered":
        if sum(self.share.values()) >= 1:
            raise fault_at(["share"], "the shares of unanswered must add up to less than 1")
        return self


class Impossible(_Settings):
    """A value that no person can have, in so many records."""

    variable: str
    value: int
    records: int = Field(ge=1)


class Mess(_Settings):
    """What a delivery suffers on its way; the contract and the codebook of the table say how each is met."""

    # share of the answers of a variable that arrive as another text that its codebook lists for the same code
    text_variants: dict[str, Share] = {}
    # share of the answers of a variable that arrive with a space before them
    padded: dict[str, Share] = {}
    impossible: list[Impossible] = []
    repeated_records: int = Field(default=0, ge=0)


class Population(_Settings):
    """Sizes of strata, and of primary sampling units within a stratum, spread evenly between two relative sizes."""

    people: int = Field(ge=1)
    strata: int = Field(ge=1)
    psus_per_stratum: int = Field(ge=3)
    stratum_size: tuple[float, float]
    psu_size: tuple[float, float]


class SurveyStreams(_Settings):
    """Names of the uniforms `u_<name>` that the select finds at each level."""

    strata: list[str] = []
    psus: list[str] = []
    people: list[str]


class Sample(_Settings):
    """Two primary sampling units a stratum; `weights` are multiplied by one over the probability of being drawn."""

    people: int = Field(ge=1)
    weights: list[str]


class SurveyGenerator(_Settings):
    seed: int = Field(ge=0)
    tables: Tables
    population: Population
    streams: SurveyStreams
    effects: dict[str, Effect] = Field(description="Bound as generator.effects, one row with a column each.")
    sample: Sample
    unanswered: list[Unanswered] = []
    mess: Mess = Mess()


class MatchedStreams(_Settings):
    """Names of the uniforms `u_<name>` that the select finds for a matched set and for each of its members."""

    sets: list[str]
    members: list[str]


class CaseControlGenerator(_Settings):
    seed: int = Field(ge=0)
    tables: Tables
    sets: dict[str, Sets] = Field(description="Wave -> matched sets of one case and one control.")
    streams: MatchedStreams
    planted: dict[str, OddsRatio] = Field(description="Exposure -> odds ratio within a set; bound as generator.planted.")
    unanswered: list[Unanswered] = []
    mess: Mess = Mess()


class EventStreams(_Settings):
    """Names of the uniforms `u_<name>` that the select finds for a person, for a person and a planted value, and for a day."""

    people: list[str]
    courses: list[str] = []
    days: list[str] = []


class EventsGenerator(_Settings):
    """Events of people: a register or a diary. Each wave has people of its own."""

    seed: int = Field(ge=0)
    tables: Tables
    people: int = Field(ge=1)
    days: int = Field(0, ge=0, description="Days of each person, where the select asks for them.")
    streams: EventStreams
    planted: dict[str, OddsRatio] = Field(description="What is to be found again: a ratio a class, or a rate a day.")


Generator = SurveyGenerator | CaseControlGenerator | EventsGenerator

GENERATORS: Mapping[str, type[SurveyGenerator] | type[CaseControlGenerator] | type[EventsGenerator]] = {
    "survey": SurveyGenerator,
    "case_control": CaseControlGenerator,
    "register": EventsGenerator,
    "diary": EventsGenerator,
}
"""Design of a source -> what its generator can say."""

_Made = TypeVar("_Made", SurveyGenerator, CaseControlGenerator, EventsGenerator)


def survey_generator(source: Source) -> SurveyGenerator:
    """The checked settings of a synthetic survey; raises ConfigurationError that names every setting that is wrong."""
    return _checked(SurveyGenerator, source)


def case_control_generator(source: Source) -> CaseControlGenerator:
    """The checked settings of a synthetic case-control source; raises ConfigurationError that names all that are wrong."""
    return _checked(CaseControlGenerator, source)


def events_generator(source: Source) -> EventsGenerator:
    """The checked settings of synthetic events; raises ConfigurationError that names all that are wrong."""
    return _checked(EventsGenerator, source)


def check_generator(source: Source) -> None:
    """Raises ConfigurationError where the generator of the source cannot be used, with everything that is wrong."""
    wrong = list(generator_faults(source))
    if wrong:
        raise ConfigurationError([fault.at(f"{source.file} ({'.'.join(map(str, fault.location))})") for fault in wrong])


def _checked(settings: type[_Made], source: Source) -> _Made:
    check_generator(source)
    return settings.model_validate(source.generator)


def generator_faults(source: Source, columns: Mapping[str, Collection[str]] | None = None) -> Iterator[Fault]:
    """Everything that is wrong with the generator of a source; `columns`: raw table without its schema -> its columns, where
    they are known."""
    if not source.is_synthetic or source.generator is None:
        yield Fault(("generator",), "only a source with is_synthetic: true and a generator can be generated")
        return
    settings = GENERATORS.get(source.design)
    if settings is None:
        *designs, last = sorted(GENERATORS)
        yield Fault(("generator",), f"only a source of design {', '.join(designs)} or {last} can be generated")
        return
    try:
        made = settings.model_validate(source.generator)
    except ValidationError as error:
        yield from (Fault(("generator", *fault.location), fault.message) for fault in faults(error, settings))
        return
    yield from _tables(source, made)
    if not isinstance(made, EventsGenerator):
        yield from _variables(made, (columns or {}).get(made.tables.people))
    if isinstance(made, SurveyGenerator):
        yield from _sizes(made.population)
    elif isinstance(made, CaseControlGenerator) and set(made.sets) != set(source.study_waves):
        yield Fault(("generator", "sets"), f"must name the waves of the source, each once: {', '.join(source.study_waves)}")


def _tables(source: Source, made: Generator) -> Iterator[Fault]:
    """A name that is no table, once; and tables of a wave that nothing generates, where all names are tables of it."""
    given = {"people": made.tables.people, "planted": made.tables.planted}
    for key, table in given.items():
        without = [wave for wave in source.study_waves if table not in source.waves[wave].tables]
        if without:
            tables = source.waves[without[0]].tables
            yield Fault(("generator", "tables", key), f"{table} is no table of wave {', '.join(without)}; {known(tables, table)}")
    for wave in source.study_waves:
        tables = source.waves[wave].tables
        if set(given.values()) <= set(tables):
            for table in sorted(set(tables) - set(given.values())):
                yield Fault(("waves", wave, "tables", table), "is not generated: generator.tables names people and planted only")


def _variables(made: SurveyGenerator | CaseControlGenerator, columns: Collection[str] | None) -> Iterator[Fault]:
    """The variables that are left unanswered or messed up are columns of the people."""
    if columns is None:
        return
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("unanswered", number, "variables", index), name)
        for number, item in enumerate(made.unanswered)
        for index, name in enumerate(item.variables)
    ]
    named += [(("mess", key, name), name) for key in ("text_variants", "padded") for name in getattr(made.mess, key)]
    named += [(("mess", "impossible", number, "variable"), item.variable) for number, item in enumerate(made.mess.impossible)]
    for location, name in named:
        if name not in columns:
            people = made.tables.people
            yield Fault(("generator", *location), f"names {name}, which is no column of raw.{people}; {known(columns, name)}")


def _sizes(population: Population) -> Iterator[Fault]:
    for name in ("stratum_size", "psu_size"):
        least, most = getattr(population, name)
        if not 0 < least <= most < math.inf:
            message = f"must be the smallest and the largest size, such as [0.5, 1.5]; found [{least:g}, {most:g}]"
            yield Fault(("generator", "population", name), message)
