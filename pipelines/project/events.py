"""The sections of study.yaml about events of people, which are estimated from core tables of their own."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pipelines.machine.faults import fault_at, found
from pipelines.project.lines import Line, refused

REPORTS_OF: Mapping[str, tuple[str, ...]] = {
    "sequence_symmetry": ("report.sequence_ratios", "report.sequence_pairs_by_month"),
    "diary": ("report.diary_rates",),
}
"""Section of study.yaml -> the report tables that are estimated for it."""

OF_EVENTS = frozenset(REPORTS_OF)

LONGEST_WINDOW = 3_660
"""Days. Ten years: a longer window compares people of different times."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def section_of(report_table: str) -> str | None:
    """The section that a report table is estimated for; None where it is about respondents."""
    return next((section for section, tables in REPORTS_OF.items() if report_table in tables), None)


def _windows_fault(windows: list[int]) -> str | None:
    if windows and not (windows[0] >= 1 and windows[-1] <= LONGEST_WINDOW):
        return f"must be from 1 to {LONGEST_WINDOW:,} days; {found(windows[0] if windows[0] < 1 else windows[-1])}"
    if sorted(set(windows)) != windows:
        return f"must ascend without repeats; found {', '.join(map(str, windows))}"
    return None


class SequenceIndex(_Settings):
    """A class of medicines whose order with the marker is asked for. `negative_control`: none is expected to have an effect."""

    role: Literal["exposure", "negative_control"] = "exposure"
    active_comparator: str | None = None


class SequenceSymmetrySettings(_Settings):
    """Which of two medicines people had first. `events`: a core table of dispensings; classes are those of `drug_classes`, a
    version of data_contracts/drug_classes.csv. Who had a medicine in the first `run_in_days` of a wave may have had it before."""

    events: str
    drug_classes: str
    marker: str
    index: dict[str, SequenceIndex]
    windows_days: Annotated[list[int], Field(min_length=1), AfterValidator(refused(_windows_fault))]
    gap_days: int = Field(0, ge=0, le=LONGEST_WINDOW)
    run_in_days: int = Field(ge=0, le=LONGEST_WINDOW)
    null_window_days: int = Field(548, ge=1, le=LONGEST_WINDOW)

    @model_validator(mode="after")
    def _can_be_asked(self) -> "SequenceSymmetrySettings":
        if not self.index:
            raise fault_at(["index"], "names no class of medicines: name at least one")
        if self.marker in self.index:
            raise fault_at(["index", self.marker], "is the marker, too: nothing comes before itself")
        if self.windows_days and self.gap_days >= self.windows_days[0]:
            raise fault_at(["gap_days"], f"must be shorter than the shortest window; {found(self.gap_days)}")
        for name, index in self.index.items():
            other = index.active_comparator
            if other is not None and (other == name or other not in self.index):
                names = ", ".join(known for known in self.index if known != name) or "no other"
                raise fault_at(
                    ["index", name, "active_comparator"], f"must be another class under index ({names}); {found(other)}"
                )
        return self


class DiarySettings(_Settings):
    """Events that people count day by day. `events`: a core table with one row a person and day; `count`, `severity` and
    `trigger` are columns of it."""

    events: str
    label: Line
    count: str
    severity: str | None = None
    trigger: str | None = None
