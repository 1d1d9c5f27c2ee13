"""How far a fetch is: a bar for all files, one for the file on its way. None off a terminal, or where plain text is asked for."""

from pathlib import PurePosixPath
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Meter:
    """Counts what comes in, in bytes, and shows it while it is open."""

    def __init__(self, console: Console, n_files: int) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeRemainingColumn(),
        )
        self.bytes = 0
        is_plain = not console.is_terminal or console.is_dumb_terminal or console.no_color
        self._progress = Progress(*columns, console=console, disable=is_plain)
        self._n_files = n_files
        self._n_done = 0
        self._all_files = self._progress.add_task("all files", total=n_files, amount="")
        self._file = self._all_files
        self._name = ""
        self._arrived = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def start_file(self, name: str) -> None:
        self._name = PurePosixPath(name).name
        self._file = self._progress.add_task(self._name, total=None, amount="")

    def begin(self, done: int, total: int | None) -> None:
        """A transfer begins with `done` of `total` bytes there already; total is None where the server does not say."""
        self._arrived = done
        self._progress.reset(self._file, total=total, completed=done, description=self._name)

    def receive(self, size: int) -> None:
        self.bytes += size
        self._arrived += size
        self._progress.update(self._file, completed=self._arrived, amount=decimal(self._arrived))

    def remark(self, text: str) -> None:
        """Say beside the file's name what it is waiting for."""
        self._progress.update(self._file, description=f"{self._name}: {text}", refresh=True)

    def end_file(self) -> None:
        self._n_done += 1
        self._progress.remove_task(self._file)
        amount = f"{self._n_done} of {self._n_files} files, {decimal(self.bytes)}"
        self._progress.update(self._all_files, completed=self._n_done, amount=amount)
