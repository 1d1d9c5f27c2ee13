"""The sections of the page, drawn one by one: where one fails, it says so in words, and everything else is published."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar

from pipelines.making.faults import ANY, verdict_on

PAGE = "report.html"
"""The name of the page in the folder of a release."""

T = TypeVar("T")


@dataclass(frozen=True)
class Undrawn:
    """Stands where a section would: what it would have shown, of which source, and why it could not be drawn."""

    title: str
    source: str | None
    reason: str

    name: ClassVar[str] = ""
    about: ClassVar[str] = ""

    @property
    def in_words(self) -> str:
        named = f"{self.title} ({self.source})" if self.source else self.title
        return f"This section could not be drawn: {named}: {self.reason}"


@dataclass
class Sections:
    """Draws sections and notes which could not be. `warehouse`: where a full disk is told from a fault of the page."""

    warehouse: Path
    undrawn: list[Undrawn] = field(default_factory=list)

    def draw(self, title: str, source: str | None, section: Callable[[], T]) -> T | Undrawn:
        """What `section` returns, or what is said in its place. Faults of the machine are raised."""
        try:
            return section()
        except ANY as error:
            failed = Undrawn(title, source, verdict_on(error, self.warehouse))
            self.undrawn.append(failed)
            return failed
