"""What the terminal shows while a run works: a line for each step that ended, and what failed."""

import logging
from typing import Any

import dagster as dg
from dagster import DagsterEventType
from rich.console import Console
from rich.markup import escape


class _Steps(logging.Handler):
    """Writes Dagster's events as lines for people."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.DEBUG)  # at which Dagster logs its events
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        if event is None:
            message = meta.get("orig_message") or record.getMessage()
            if logging.INFO <= record.levelno < logging.ERROR:  # why a step was not executed is said with the failed step
                self._console.print(f"    [dim]{escape(str(message))}[/dim]", highlight=False)
        elif event.event_type == DagsterEventType.STEP_SUCCESS:
            seconds = event.step_success_data.duration_ms / 1000
            self._console.print(f"[green]✓[/green] {event.step_key} [dim]{seconds:.1f} s[/dim]", highlight=False)
        elif event.event_type == DagsterEventType.STEP_FAILURE:
            self._console.print(f"[red]✗[/red] {event.step_key}", highlight=False)


def _terminal_logger(_: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("cramp_atlas", logging.DEBUG)
    logger.addHandler(_Steps(Console(stderr=True, soft_wrap=True)))
    return logger


terminal_logger = dg.LoggerDefinition(_terminal_logger, description="Lines for the terminal.")
