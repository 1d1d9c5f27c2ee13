"""What the reports print with."""

from collections.abc import Iterable

import polars as pl
from rich.console import Console
from rich.progress import track
from rich.table import Table

console = Console(width=150)


def seeds(n: int, what: str) -> Iterable[int]:
    """1 to n, under a progress bar."""
    return track(range(1, n + 1), description=what, console=console)


def show(title: str, frame: pl.DataFrame) -> None:
    """Print a frame as a table."""
    table = Table(*frame.columns, title=title, title_justify="left")
    for row in frame.iter_rows():
        table.add_row(*("" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value) for value in row))
    console.print(table)
