"""What belongs to a source and to no single table: its design, waves and files, top codes, what is comparable, terms of use."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.contracts.comparability import Comparability, Verdict
from pipelines.contracts.yaml_source import ContractError, read_yaml
from pipelines.machine.faults import fault_at, faults, known
from pipelines.project.designs import Imputation, Replication
from pipelines.project.form import Form, InsidePath
from pipelines.project.lines import Line, Words, line_fault, name_fault, refused
from pipelines.project.respondents import POOLED, POPULATION, REPLICATES_OF
from pipelines.statistics.design import LonelyOption

COMPONENTS = ("interview", "exam", "dietary")
"""Of a survey; the participants of each are among those of the one before."""

SHARED_WAVE = "all"
"""The wave of the tables that all waves of a source share."""

OF_PSUS = ("lonely_psu", "psus_nested", "has_strata", "has_psus", "finite_population", "calibrated_to")
"""Keys that say how a survey was drawn and weighted, which replicate weights tell themselves."""

OF_SURVEYS = ("panel", "replicate_weights", *OF_PSUS)
"""Keys that only a survey has."""

ADDRESS = re.compile(r"https?://[^/\s]+")


def _address_fault(address: str) -> str | None:
    if not ADDRESS.match(address) or line_fault(address):
        return "must be an address that begins with https://, or be left out"
    return None


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DeliveredFile(_Settings):
    """One file of a delivery, relative to the source's folder in landing; `rows` where the number is published."""

    file: InsidePath
    rows: int | None = Field(None, ge=0)
    form: Form = Form()


class Wave(_Settings):
    tables: dict[str, DeliveredFile]
    top_codes: dict[str, int] = {}


class Source(_Settings):
    """`data_contracts/sources/<source>.yaml`, checked."""

    source: str
    title: Line
    design: Literal["survey", "cohort", "clinic", "case_control", "register", "diary"] = Field(
        description="How it chose its people. A register and a diary hold events of people and no respondents."
    )
    classification: Literal["public_use", "synthetic", "restricted"] = Field(
        description="What is published of a restricted source goes through disclosure control."
    )
    microdata: Literal["included", "withheld"] = Field(
        "included", description="Whether epi.duckdb holds the people of a restricted source, and its report tables in full."
    )
    is_synthetic: bool = False
    homepage: Annotated[str, AfterValidator(refused(_address_fault))] | None = None
    citation: Words
    terms_of_use: Words
    target_population: Words | None = Field(None, description="Whom its people stand for.")
    setting: Words | None = Field(None, description="Where and when its people were asked, and how.")
    eligibility: Words | None = Field(None, description="Who could take part, and who was asked what the study is about.")
    response: Words | None = Field(None, description="How many of those chosen took part.")
    components: dict[Literal["exam", "dietary"], list[str]] = {}
    matched_on: list[str] = []
    case_definition: str | None = None
    design_columns: dict[str, list[str]] = Field(
        {}, description="Raw table -> its weights, strata, PSUs, sets, cycle: drift leaves them out."
    )
    lonely_psu: LonelyOption = Field(
        "fail", description="What a stratum with one PSU adds to a variance; `fail`: its respondents are not accepted."
    )
    psus_nested: bool | None = Field(
        None, description="Whether a PSU's id is unique within its stratum only; not said: only where every stratum counts anew."
    )
    panel: bool = Field(False, description="Whether all waves have the same strata and PSUs: pooling keeps the PSUs whole.")
    has_strata: bool = Field(True, description="Whether the sample was drawn in strata; otherwise its select returns none.")
    has_psus: bool = Field(True, description="Whether PSUs were drawn; otherwise people were, one by one.")
    finite_population: bool = Field(
        False, description="Whether variances have 1 - n / N: `n_population` is N, the units that each stratum has in all."
    )
    calibrated_to: Line | None = Field(
        None, description="What the weights were calibrated to. The gain is in no variance, and every row says so."
    )
    replicate_weights: Replication | None = Field(None, description="In the place of strata and PSUs.")
    imputed: Imputation | None = Field(None, description="Variables that were filled in several times; estimates are pooled.")
    waves_follow_one_another: bool = Field(True, description="Otherwise no wave is compared with the one before it.")
    waves: dict[str, Wave] = Field(min_length=1)
    comparability: tuple[Verdict, ...] = Field((), strict=False)
    generator: dict[str, Any] | None = Field(None, description="How a synthetic source is made.")

    @model_validator(mode="after")
    def _waves_exist(self) -> "Source":
        for index, judged in enumerate(self.comparability):
            unknown = sorted(set(judged.waves) - set(self.study_waves))
            if unknown:
                names = known(self.study_waves, unknown[0])
                raise fault_at(
                    ["comparability", index, "waves"],
                    f"names wave {', '.join(unknown)}, which is no wave of respondents under waves; {names}",
                )
        return self

    @model_validator(mode="after")
    def _waves_have_names(self) -> "Source":
        for wave in self.waves:
            if wave.casefold() == POOLED:
                raise fault_at(["waves", wave], f"{POOLED} is what all waves together are called: give the wave another name")
            fault = name_fault(wave)
            if fault:
                raise fault_at(["waves", wave], f"the name of a wave {fault}")
        by_name: dict[str, str] = {}
        for wave in (SHARED_WAVE, *self.waves):
            other = by_name.setdefault(wave.casefold(), wave)
            if other != wave:
                raise fault_at(["waves", wave], f"differs from {other} by letter case only: give the wave another name")
        if SHARED_WAVE in self.waves and self.waves[SHARED_WAVE].top_codes:
            message = f"{SHARED_WAVE} has the tables that all waves share and no respondents: say it in the waves that have some"
            raise fault_at(["waves", SHARED_WAVE, "top_codes"], message)
        if not self.study_waves:
            raise fault_at(
                ["waves"], f"names only {SHARED_WAVE}, the tables that all waves share: add the wave of the respondents"
            )
        return self

    @model_validator(mode="after")
    def _only_restricted_microdata_is_withheld(self) -> "Source":
        if self.microdata == "withheld" and not self.is_restricted:
            message = "can be withheld of a restricted source only: set classification: restricted, or leave microdata out"
            raise fault_at(["microdata"], message)
        return self

    @model_validator(mode="after")
    def _only_a_survey_has_psus(self) -> "Source":
        said = self._said(OF_SURVEYS)
        if said and self.design != "survey":
            kind = self.design.replace("_", "-")
            raise fault_at([said[0]], f"{', '.join(said)} belongs to design: survey; a {kind} source has no strata and PSUs")
        return self

    @model_validator(mode="after")
    def _replicate_weights_stand_alone(self) -> "Source":
        said = self._said(OF_PSUS)
        if said and self.replicate_weights:
            message = "replicate_weights tell how the sample was drawn and weighted: leave one of the two out"
            raise fault_at([said[0]], message)
        return self

    def _said(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if getattr(self, name) != type(self).model_fields[name].default]

    @model_validator(mode="after")
    def _only_what_is_followed_is_imputed(self) -> "Source":
        if self.imputed and self.design not in {"survey", "cohort", "clinic"}:
            raise fault_at(["imputed"], "belongs to a survey, cohort or clinic: matched odds ratios and events are not pooled")
        if self.imputed and self.is_restricted:
            message = "belongs to no restricted source: disclosure control cannot follow counts that differ by imputation"
            raise fault_at(["imputed"], message)
        return self

    @model_validator(mode="after")
    def _what_was_not_drawn_is_not_described(self) -> "Source":
        if not self.has_strata and self.psus_nested is not None:
            raise fault_at(["psus_nested"], "is about PSUs in strata, and has_strata is false: leave one of them out")
        if not self.has_psus and self.psus_nested is not None:
            raise fault_at(["psus_nested"], "is about PSUs, and has_psus is false: leave one of them out")
        if not self.has_psus and self.panel:
            message = "asks the same people again, who are then PSUs: leave has_psus out and return the person's id as psu"
            raise fault_at(["panel"], message)
        return self

    @property
    def file(self) -> str:
        """Where it is described, as messages name it."""
        return f"data_contracts/sources/{self.source}.yaml"

    @property
    def people_in_words(self) -> list[str | None]:
        """What its file says of its people to readers."""
        return [self.target_population, self.setting, self.eligibility, self.response]

    @property
    def columns_of_design(self) -> frozenset[str]:
        """The columns that its design is read from: strata, PSUs and the weight of each component, or matched sets."""
        if self.design == "survey":
            places = {"stratum": self.has_strata, "psu": self.has_psus, POPULATION: self.finite_population}
            weights = ("interview_weight", *(f"{component}_weight" for component in self.components))
            if self.replicate_weights:
                return frozenset({*weights, *(REPLICATES_OF[weight] for weight in weights)})
            return frozenset({*(name for name, is_there in places.items() if is_there), *weights})
        return frozenset({"matched_set", "is_case"}) if self.design == "case_control" else frozenset()

    @property
    def variance_method(self) -> str:
        """How sampling variances are made, and what they leave out."""
        if self.replicate_weights:
            return self.replicate_weights.words
        parts = ["Taylor linearisation"]
        if self.finite_population:
            parts.append("finite population correction of the first stage")
        if self.calibrated_to:
            parts.append(f"the gain of calibrating the weights to {self.calibrated_to} is left out")
        return "; ".join(parts)

    @property
    def estimated_by(self) -> str:
        """What the method of an estimate names beside the estimator."""
        return "replicate weights" if self.replicate_weights else "Taylor linearisation"

    @property
    def further_design(self) -> list[Any]:
        """What its file says of the design beyond strata and PSUs; nothing of a source that has no more."""
        imputed = [self.imputed.model_dump()] if self.imputed else []
        if self.replicate_weights:
            return [self.replicate_weights.model_dump(), *imputed]
        said = (self.has_strata, self.has_psus, self.finite_population, self.calibrated_to)
        return imputed if said == (True, True, False, None) else [*said, *imputed]

    @property
    def can_be_added_up(self) -> bool:
        """Whether cells say all that estimators ask of its respondents.

        They do not say who is matched with whom, nor the weight of each, which is in the variance of a sample of people, nor
        their replicate weights, nor how many units a stratum has in all, nor what was imputed.
        """
        if self.imputed:
            return False
        if self.design == "survey":
            return self.has_psus and not self.finite_population and not self.replicate_weights
        return self.design != "case_control"

    @property
    def holds_events(self) -> bool:
        """Whether its records are events of people, and it has no respondents."""
        return self.design in {"register", "diary"}

    @property
    def is_restricted(self) -> bool:
        return self.classification == "restricted"

    @property
    def is_withheld(self) -> bool:
        return self.microdata == "withheld"

    @property
    def study_waves(self) -> list[str]:
        """The waves that hold respondents, in order."""
        return [wave for wave in self.waves if wave != SHARED_WAVE]

    @property
    def tables(self) -> list[str]:
        """The raw tables of the source, in the order of its file."""
        return list(dict.fromkeys(table for wave in self.waves.values() for table in wave.tables))

    def weight_of(self, variables: Collection[str]) -> str:
        """The weight of the least common component among the variables, in a survey."""
        asked = [name for name in COMPONENTS if set(self.components.get(name, ())) & set(variables)]  # type: ignore[call-overload]
        return f"{asked[-1] if asked else COMPONENTS[0]}_weight"

    @property
    def variables(self) -> list[str]:
        """The columns of the respondent table that its file names, beside those that it judges."""
        measured = [variable for variables in self.components.values() for variable in variables]
        return list(dict.fromkeys([*measured, *self.matched_on, *self.top_codes()]))

    @property
    def verdicts(self) -> list[Comparability]:
        """What its file says about its waves, under its name."""
        return [Comparability(source=self.source, **verdict.model_dump()) for verdict in self.comparability]

    def waves_of(self, table: str) -> list[str]:
        return [name for name, wave in self.waves.items() if table in wave.tables]

    def top_codes(self) -> dict[str, int]:
        """Variable -> the lowest top code of the waves that have one: what all waves can be compared at."""
        lowest: dict[str, int] = {}
        for wave in self.waves.values():
            for variable, code in wave.top_codes.items():
                lowest[variable] = min(code, lowest.get(variable, code))
        return lowest


def load_sources(folder: Path) -> dict[str, Source]:
    """Read every source file; raises ContractError with every field that is wrong in any of them, each with file and line."""
    sources, problems = {}, []
    for path in sorted(folder.glob("*.yaml")):
        try:
            sources[path.stem] = load_source(path)
        except ContractError as error:
            problems += error.problems
    if problems:
        raise ContractError(problems)
    return sources


def load_source(path: Path) -> Source:
    """Read one source file; raises ContractError."""
    file = read_yaml(path)
    try:
        source = Source.model_validate(file.content)
    except ValidationError as error:
        wrong = faults(error, Source)
        raise ContractError([fault.at(file.place(fault.location)) for fault in wrong]) from error
    if source.source != path.stem:
        raise ContractError([f"{file.place(['source'])}: describes {source.source}: file and source must carry the same name."])
    return source
