"""Parts of the page that several modules make or show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.release.figures.drawing import Figure
from pipelines.release.page.display import DisplayTable
from pipelines.release.page.sections import Undrawn

Drawing = Callable[[], Figure]
Table = DisplayTable | Undrawn


@dataclass(frozen=True)
class EventsPart:
    """What a release says of one kind of events: figures, drawn when asked for, and tables."""

    title: str
    figures: Sequence[Drawing]
    tables: Sequence[Table]
