"""A console that shows the texts of others and obeys none of them, and says commands as they can be typed."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from pipelines.machine.typed import as_typed
from pipelines.machine.visible import COMMANDS, visible


class PlainConsole(Console):
    """A console on which text is text: brackets are no markup, colons no emoji, and no character commands the terminal."""

    def __init__(self, **options: object) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)  # type: ignore[arg-type]

    def print(self, *objects: Any, **options: Any) -> None:
        """Texts with our commands as they can be typed; everything else as it is."""
        super().print(*(as_typed(shown) if isinstance(shown, str) else shown for shown in objects), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is written, piece by piece; pieces of Rich's own that move the cursor stay."""
        for segment in super().render(renderable, options):
            if segment.control or not COMMANDS.search(segment.text):
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)
