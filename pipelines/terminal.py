"""How the commands speak: one console, and errors that an analyst can act on without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.errors import CrampAtlasError

WIDTH_OF_A_FILE = 120

console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)


@contextmanager
def explained() -> Iterator[None]:
    """Print an error that an analyst can act on, and end with 1."""
    try:
        yield
    except CrampAtlasError as error:
        console.print(f"[red]{escape(str(error))}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


def say(text: str) -> None:
    """One line as it is: no markup, no colours, not cut."""
    console.print(escape(text), highlight=False, soft_wrap=True)
