"""What the terminal shows while a run works: a line for each step that ended, what failed, and a bar of what is left.

The bar is drawn on a terminal only. Where errors go to a file or a pipe, or NO_COLOR or TERM=dumb asks for plain text, there are
lines and nothing else.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster import DagsterEventType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from pipelines.machine.console import PlainConsole
from pipelines.machine.visible import visible
from pipelines.machine.working import heard_by


class _Steps(logging.Handler):
    """Writes Dagster's events as lines for people, and moves the bar on."""

    def __init__(self, console: PlainConsole, bar: "_Bar | None") -> None:
        super().__init__(logging.DEBUG)  # at which Dagster logs its events
        self._console = console
        self._bar = bar

    def emit(self, record: logging.LogRecord) -> None:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        if event is None:
            message = meta.get("orig_message") or record.getMessage()
            if logging.INFO <= record.levelno < logging.ERROR:  # why a step was not executed is said with the failed step
                self._console.print(f"    {message}", style="dim")
        elif event.event_type == DagsterEventType.STEP_SUCCESS:
            seconds = event.step_success_data.duration_ms / 1000
            self._console.print(Text.assemble(("✓", "green"), f" {event.step_key} ", (f"{seconds:.1f} s", "dim")))
        elif event.event_type == DagsterEventType.STEP_FAILURE:
            self._console.print(Text.assemble(("✗", "red"), f" {event.step_key}"))
        if event is not None and self._bar is not None:
            self._bar.follow(event)


class _Bar:
    """Steps done of all steps, and below, while a step works through parts, those done of them."""

    def __init__(self, console: PlainConsole) -> None:
        columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        self.console = console
        self.progress = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        self._steps = self.progress.add_task("steps", total=None)
        self._parts = self.progress.add_task("", total=None, visible=False)

    def begin(self, n_steps: int) -> None:
        self.progress.update(self._steps, total=n_steps)

    def follow(self, event: dg.DagsterEvent) -> None:
        if event.event_type == DagsterEventType.STEP_START:
            self.progress.update(self._steps, description=visible(str(event.step_key)), refresh=True)
        elif event.event_type in {DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE, DagsterEventType.STEP_SKIPPED}:
            self.progress.update(self._parts, visible=False)
            self.progress.advance(self._steps)

    def hear(self, part: str, done: int, total: int) -> None:
        if done == 0:
            self.progress.reset(self._parts)
        self.progress.update(self._parts, description=visible(part), completed=done, total=total, visible=True, refresh=True)


_bars: list[_Bar] = []
"""The bar of the run in this process, where one is drawn: Dagster makes the logger, and can be given nothing."""


@contextmanager
def shown() -> Iterator[None]:
    """Draw a bar of the run in here, on a terminal that can."""
    if not sys.stderr.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        yield
        return
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") as terminal:  # Dagster keeps what a step prints to stderr
        bar = _Bar(PlainConsole(file=terminal, force_terminal=True, soft_wrap=True))
        _bars.append(bar)
        try:
            with bar.progress, heard_by(bar.hear):
                yield
        finally:
            _bars.remove(bar)


def _terminal_logger(init: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("cramp_atlas", logging.DEBUG)
    bar = _bars[-1] if _bars else None
    if bar and init.job_def:
        bar.begin(len(init.job_def.nodes))
    console = bar.console if bar else PlainConsole(stderr=True, soft_wrap=True)
    logger.addHandler(_Steps(console, bar))
    return logger


terminal_logger = dg.LoggerDefinition(_terminal_logger, description="Lines for the terminal.")
