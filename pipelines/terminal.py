"""How the commands speak: one console, and errors that an analyst can act on without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.disk import is_full, no_space
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
    except Exception as error:
        if not is_full(error):
            raise
        console.print(f"[red]{escape(str(no_space(_warehouse())))}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _warehouse() -> Path:
    from pipelines.settings import Settings

    return Settings().warehouse_folder


def say(text: str) -> None:
    """One line as it is: no markup, no colours, not cut."""
    console.print(escape(text), highlight=False, soft_wrap=True)
