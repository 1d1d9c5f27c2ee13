"""What can go wrong outside the estimators. A message says what happened, where, and what to do; never a respondent's value."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

Loaded = TypeVar("Loaded")


class CrampAtlasError(Exception):
    """Base of the errors that an analyst can act on."""


class WrongUsage(CrampAtlasError):
    """What was asked for on the command line does not exist or does not fit together; nothing was done."""


class ConfigurationError(CrampAtlasError):
    """study.yaml, a contract, a codebook, a source or a SQL file cannot be used.

    `problems` has one sentence for each thing to mend, with its file and, where it has one, its line and key.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


def attempt(problems: list[str], load: Callable[..., Loaded], *arguments: object) -> Loaded:
    """What `load` returns. Where it raises ConfigurationError its problems are added to the list instead, and nothing comes back:
    who calls raises the problems of all its loads together."""
    try:
        return load(*arguments)
    except ConfigurationError as error:
        problems += error.problems
        return cast(Loaded, None)


class DeliveryRejected(CrampAtlasError):
    """A delivery does not meet its contract; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class NotClosed(CrampAtlasError):
    """The tables rest on one another's older versions; the message names what to materialise first."""


class StoreDamaged(CrampAtlasError):
    """An accepted object is not in the store any more."""


class NoSpace(CrampAtlasError):
    """The disk is full. Nothing is wrong with a delivery, a contract or a select, and no verdict may say so."""


class MachineFault(CrampAtlasError):
    """The machine failed: an I/O error, no memory, no file descriptor. No verdict on anybody's data may come of it."""


class WarehouseBusy(CrampAtlasError):
    """Another process is at work on the warehouse."""
