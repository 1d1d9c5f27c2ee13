"""What `generator:` in the file of a synthetic source can say, by its design. Its SQL uses the names of effects and streams."""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.machine.errors import ConfigurationError
from pipelines.machine.faults import faults
from pipelines.project.sources import Source

Share = Annotated[float, Field(ge=0, lt=1)]
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
            raise ValueError("the shares of unanswered must add up to less than 1")
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
    seed: int
    tables: Tables
    population: Population
    streams: SurveyStreams
    effects: dict[str, float] = Field(description="Bound as generator.effects, one row with a column each.")
    sample: Sample
    unanswered: list[Unanswered] = []
    mess: Mess = Mess()


class MatchedStreams(_Settings):
    """Names of the uniforms `u_<name>` that the select finds for a matched set and for each of its members."""

    sets: list[str]
    members: list[str]


class CaseControlGenerator(_Settings):
    seed: int
    tables: Tables
    sets: dict[str, int] = Field(description="Wave -> matched sets of one case and one control.")
    streams: MatchedStreams
    planted: dict[str, float] = Field(description="Exposure -> odds ratio within a set; bound as generator.planted.")
    unanswered: list[Unanswered] = []
    mess: Mess = Mess()


def survey_generator(source: Source) -> SurveyGenerator:
    """The checked settings of a synthetic survey; raises ConfigurationError that names every field that is wrong."""
    return _checked(SurveyGenerator, source)


def case_control_generator(source: Source) -> CaseControlGenerator:
    """The checked settings of a synthetic case-control source; raises ConfigurationError that names every field that is wrong."""
    checked = _checked(CaseControlGenerator, source)
    if set(checked.sets) != set(source.study_waves):
        raise ConfigurationError(
            f"sources/{source.source}.yaml: generator.sets must name the waves {', '.join(source.study_waves)}"
        )
    return checked


_Generator = TypeVar("_Generator", SurveyGenerator, CaseControlGenerator)


def _checked(settings: type[_Generator], source: Source) -> _Generator:
    if not source.is_synthetic or source.generator is None:
        raise ConfigurationError(
            f"sources/{source.source}.yaml: only a source with is_synthetic and a generator can be generated"
        )
    try:
        checked = settings.model_validate(source.generator)
    except ValidationError as error:
        wrong = faults(error, settings)
        said = [fault.at(f"sources/{source.source}.yaml (generator.{'.'.join(map(str, fault.location))})") for fault in wrong]
        raise ConfigurationError(said) from error
    for wave in source.study_waves:
        if {checked.tables.people, checked.tables.planted} != set(source.waves[wave].tables):
            raise ConfigurationError(f"sources/{source.source}.yaml: generator.tables must be the tables of wave {wave}")
    return checked
