"""The study as its analyst wrote it in study.yaml: outcomes, exposures, populations, age bands, schedule."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pipelines.contracts.yaml_source import read_yaml
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.faults import faults, found
from pipelines.project.events import OF_EVENTS, DiarySettings, SequenceSymmetrySettings, section_of
from pipelines.project.lines import Line, Words, refused
from pipelines.project.publication import Publication
from pipelines.project.schedule import cron_fault, timezone_fault
from pipelines.statistics.multiplicity import AdjustmentMethod

NO_UPPER_AGE = 1_000

LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.5, 0.9999
"""Below, the level of a test is meant (0.05); above, two levels are printed alike."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _bounds_fault(bounds: list[int]) -> str | None:
    if bounds and bounds[0] < 0:
        return f"must not be negative; {found(bounds[0])}"
    if bounds and max(bounds) >= NO_UPPER_AGE:
        return f"must be below {NO_UPPER_AGE:,} years; found {max(bounds)}"
    if sorted(set(bounds)) != bounds:
        return f"must ascend without repeats; found {', '.join(map(str, bounds))}"
    return None


def _confidence_fault(level: float) -> str | None:
    if level < LEAST_CONFIDENCE:
        return f"must be at least {LEAST_CONFIDENCE}; {found(level)}, and intervals of 95 % are written 0.95"
    if level > MOST_CONFIDENCE:
        return f"must be at most {MOST_CONFIDENCE}; {found(level)}"
    return None


def _level_fault(level: object) -> str | None:
    if isinstance(level, bool) or (isinstance(level, str) and level):
        return None
    return f"must be true, false or the name of a level; {found(level)}"


Level = Annotated[bool | str, BeforeValidator(refused(_level_fault))]
"""A level of a variable."""


class AgeBands(_Settings):
    """Half-open age bands: a band holds its lower bound and stops before the next one."""

    lower_bounds: Annotated[list[int], Field(min_length=1), AfterValidator(refused(_bounds_fault))]

    def frame(self) -> pl.DataFrame:
        """One row per band: `age_band`, `lower_age` (held), `upper_age` (not held), in years."""
        uppers = [*self.lower_bounds[1:], NO_UPPER_AGE]
        labels = [
            f"{lower}+" if upper == NO_UPPER_AGE else f"{lower}-{upper - 1}"
            for lower, upper in zip(self.lower_bounds, uppers, strict=True)
        ]
        return pl.DataFrame(
            {"age_band": labels, "lower_age": self.lower_bounds, "upper_age": uppers},
            schema={"age_band": pl.String, "lower_age": pl.Int32, "upper_age": pl.Int32},
        )


class Population(_Settings):
    """A domain of the respondent table; `where` is a SQL condition on its columns.

    `counted_apart`: its members are marked in sums of their own. A population that is added so moves no last digit of the others,
    which a mark beside theirs does: it parts their sums, and these add up in another order.
    """

    label: Line
    where: str
    by_age_band: bool = False
    counted_apart: bool = False


class Outcome(_Settings):
    label: Line


class Exposure(_Settings):
    """An exposure with levels, of which `reference` is the one that the others are compared with, or a number.

    The odds ratio of a number is `per` so many of its `unit`. `populations`: those in which it is related to outcomes, where they
    are not those of `odds_ratios`. `hypotheses`: the name of a group of exposures whose p-values are adjusted among themselves,
    apart from those of exposures without one.
    """

    label: Line
    per: float | None = Field(None, gt=0)
    reference: bool | str | None
    unit: Line | None = None
    populations: Annotated[list[str], Field(min_length=1)] | None = None
    hypotheses: Line | None = None

    @model_validator(mode="before")
    @classmethod
    def _number_has_no_reference(cls, given: Any) -> Any:
        return {"reference": None, **given} if isinstance(given, dict) and given.get("per") is not None else given

    @field_validator("reference", mode="before")
    @classmethod
    def _reference_is_a_level(cls, level: Any, so_far: ValidationInfo) -> Any:
        if level is None and so_far.data.get("per") is not None:
            return None
        return refused(_level_fault)(level)

    @model_validator(mode="after")
    def _is_whole(self) -> "Exposure":
        if self.reference is not None and self.per is not None:
            raise ValueError("an exposure has a reference (one of its levels) or is a number, per so many of its unit; not both")
        if (self.per is None) != (self.unit is None):
            raise ValueError("per and unit stand together, such as per: 100 and unit: mg")
        return self

    @property
    def is_number(self) -> bool:
        return self.per is not None

    @property
    def step(self) -> str:
        """What the odds ratio of a number is of, such as `per 100 mg`."""
        return f"per {self.per:,g} {self.unit}" if self.per != 1 else f"per {self.unit}"


class Adjustment(_Settings):
    """An adjustment variable: by its levels, the first in order being the reference if none is named, or a number in a form.

    `knots` of a spline: where its cubic pieces meet; beyond the outermost it is linear.
    """

    reference: Level | None = None
    form: Literal["linear", "quadratic", "spline"] | None = None
    knots: tuple[float, ...] = Field((), strict=False)

    @model_validator(mode="after")
    def _form_is_whole(self) -> "Adjustment":
        if self.form and self.reference is not None:
            raise ValueError("an adjustment has a reference (by levels) or a form (as a number), not both")
        if (self.form == "spline") != bool(self.knots):
            raise ValueError("form: spline needs knots, and no other form has any")
        if self.knots and (len(self.knots) < 3 or list(self.knots) != sorted(set(self.knots))):
            raise ValueError("knots must be three or more numbers that ascend without repeats")
        return self


class Characteristic(_Settings):
    label: Line


class Characteristics(_Settings):
    """What describes the people with and without an outcome, beside the adjustment variables and the exposures."""

    categorical: dict[str, Characteristic] = {}
    continuous: dict[str, Characteristic] = {}


class OddsRatioSettings(_Settings):
    populations: Annotated[list[str], Field(min_length=1)]
    common_outcome_prevalence: float = Field(gt=0, lt=1)
    multiple_testing: AdjustmentMethod


class Standardisation(_Settings):
    """A standard of data_contracts/standard_populations.csv, and the populations that are standardised to it."""

    standard_population: str
    populations: list[str]


class DriftThresholds(_Settings):
    """What a table may differ from the wave and from the delivery before it without a warning; shares and distances in [0, 1]."""

    shift: float = Field(0.1, ge=0, le=1, description="Distance between two distributions.")
    missing_share: float = Field(0.05, ge=0, le=1, description="Difference between two shares of missing.")
    row_count: float = Field(0.2, ge=0, le=1, description="Difference of two numbers of rows, as a share of the larger.")
    code_share: float = Field(0.005, ge=0, le=1, description="Share of the rows that have a code which the other side has not.")


class Retention(_Settings):
    """How many releases and runs of Dagster are kept, and how many days longer what nothing in the store needs any more."""

    releases: int = Field(ge=1, le=10_000)
    grace_days: int = Field(7, ge=0, le=36_500)
    runs: int = Field(100, ge=1, le=1_000_000)


class DisclosureSettings(_Settings):
    """What holds for restricted sources; docs/disclosure.md has the source of the default."""

    minimum_cell: int = Field(11, ge=2, le=1_000_000, description="The smallest count of people that may be published.")


class Nightly(_Settings):
    """When the night is, and for how long nothing in landing must have changed before a delivery counts as whole."""

    cron: Annotated[str, AfterValidator(refused(cron_fault))]
    timezone: Annotated[str, AfterValidator(refused(timezone_fault))]
    quiet_seconds: float = Field(60, gt=0, le=86_400)


class Alerts(_Settings):
    """From how many standard errors on a number that moved is news. Who is told stands in the environment, never here."""

    moved_standard_errors: float = Field(1.0, gt=0)


class OutcomeDefinition(_Settings):
    """How the study defines an outcome, in the words that published estimates are compared by."""

    recall_window: Line | None = None
    case_threshold: Line | None = None


class ExposureDefinition(_Settings):
    """By what the study knows of an exposure, in the words that published estimates are compared by."""

    instrument: Line | None = None


class EvidenceSettings(_Settings):
    """What estimates of the study are compared with published ones by; without it nothing is. The register: docs/evidence.md."""

    populations: dict[str, Line] = Field(
        {}, description="Population -> whom it stands for, in the words of `people` in the register."
    )
    outcomes: dict[str, OutcomeDefinition] = {}
    exposures: dict[str, ExposureDefinition] = {}


class PageSettings(_Settings):
    """What the page of a release says in the words of its author; docs/page.md."""

    exposures: list[str] = Field([], description="Exposures that the page opens with; otherwise those without hypotheses.")
    not_concluded: Words | None = Field(None, description="What may not be concluded, beyond what follows from the design.")
    confounding: Words | None = Field(None, description="What goes with exposure and outcome and is not adjusted for.")
    complete_cases: Words | None = Field(None, description="What leaving out people with missing answers may bias.")
    limits: Words | None = Field(None, description="How answers were given and measured, and which way that bends numbers.")
    generalisability: Words | None = Field(None, description="For whom else, where and when the numbers may hold.")
    funding: Words | None = Field(None, description="Who paid for the study, and what they had to do with it.")


class Study(_Settings):
    """study.yaml, checked. The sections on events are optional: without one there are no tables of it."""

    study: Line
    title: Line
    question: Words
    respondents: str
    confidence_level: Annotated[float, Field(gt=0, lt=1), AfterValidator(refused(_confidence_fault))]
    age_bands: AgeBands
    populations: dict[str, Population]
    outcomes: dict[str, Outcome]
    exposures: dict[str, Exposure]
    adjustment: dict[str, Adjustment]
    characteristics: Characteristics = Characteristics()
    odds_ratios: OddsRatioSettings
    standardisation: Standardisation
    sequence_symmetry: SequenceSymmetrySettings | None = None
    diary: DiarySettings | None = None
    drift: DriftThresholds = DriftThresholds()
    disclosure: DisclosureSettings = DisclosureSettings()
    retention: Retention
    nightly: Nightly
    alerts: Alerts = Alerts()
    evidence: EvidenceSettings | None = None
    publication: Publication | None = None
    page: PageSettings = PageSettings()

    @property
    def asked_about(self) -> list[str]:
        """The exposures that the page opens with: those that it names, or those that are in no group of further hypotheses."""
        named = [name for name in self.page.exposures if name in self.exposures]
        return named or [name for name, exposure in self.exposures.items() if not exposure.hypotheses]

    @property
    def exposures_with_levels(self) -> list[str]:
        return [name for name, exposure in self.exposures.items() if not exposure.is_number]

    def populations_of(self, exposure: str) -> list[str]:
        """The populations in which an exposure is related to outcomes."""
        return self.exposures[exposure].populations or self.odds_ratios.populations

    @property
    def categorical_characteristics(self) -> list[str]:
        """Those of `characteristics`, and all exposures and variables that are adjusted for by their levels."""
        by_levels = [name for name, adjustment in self.adjustment.items() if adjustment.form is None]
        return list(dict.fromkeys([*self.characteristics.categorical, *by_levels, *self.exposures_with_levels]))

    @property
    def continuous_characteristics(self) -> list[str]:
        """Those of `characteristics`, and the exposures and the variables that are adjusted for as numbers."""
        numbers = [name for name, adjustment in self.adjustment.items() if adjustment.form]
        numbers += [name for name, exposure in self.exposures.items() if exposure.is_number]
        return list(dict.fromkeys([*self.characteristics.continuous, *numbers]))

    @property
    def variables(self) -> list[str]:
        """The columns of the respondent table that the study estimates something of."""
        return list(dict.fromkeys([*self.outcomes, *self.categorical_characteristics, *self.continuous_characteristics]))

    def of_estimates(self) -> dict[str, Any]:
        """The settings that a number in a report table can depend on, of the sections that there are."""
        without = {"title", "question", "drift", "disclosure", "retention", "nightly", "alerts", "evidence"}
        without |= {"publication", "page"}
        without |= {section for section in OF_EVENTS if getattr(self, section, None) is None}
        return self.model_dump(mode="json", exclude=without)

    def table_of(self, report_table: str) -> str | None:
        """The core table that an estimated report table is made from; None where its section is not there."""
        section = section_of(report_table)
        if section is None:
            return self.respondents
        settings: SequenceSymmetrySettings | DiarySettings | None = getattr(self, section)
        return settings.events if settings else None

    def settings_of_estimates(self, sections: Collection[str]) -> dict[str, str]:
        """Setting -> its value as JSON, such as `odds_ratios.multiple_testing`, of those sections that a number can depend on."""
        settings: dict[str, str] = {}
        for section, value in self.of_estimates().items():
            if section in sections:
                named = (
                    {f"{section}.{name}": part for name, part in value.items()} if isinstance(value, dict) else {section: value}
                )
                settings |= {name: json.dumps(part, sort_keys=True, ensure_ascii=False) for name, part in named.items()}
        return settings

    def without(self, sections: Collection[str]) -> "Study":
        """The study without some sections: whoever reads one of them fails, so that no number depends on it unseen."""
        kept = type(self).model_construct(**{name: value for name, value in self if name not in sections})
        for name in sections:
            kept.__dict__.pop(name, None)  # a section with a default would be back
        return kept


def load_study(path: Path) -> Study:
    """Read study.yaml; raises ConfigurationError with every field that is wrong, each with its line and the known names."""
    if not path.exists():
        raise ConfigurationError(
            f"{path} does not exist: {path.parent} is no project. Work in the folder of one, name it in CRAMP_ATLAS_PROJECT, or "
            "make one: cramp-atlas init DIR"
        )
    file = read_yaml(path)
    try:
        return Study.model_validate(file.content)
    except ValidationError as error:
        wrong = faults(error, Study)
        raise ConfigurationError([fault.at(file.place(fault.location)) for fault in wrong]) from error
