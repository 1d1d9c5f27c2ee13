"""What reading a file ends with: what was delivered, or why it is not readable. Neither is written or logged from here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.landing.readers.names import column_name
from pipelines.machine.errors import CrampAtlasError

DUPLICATED = "{name}_duplicated_{repeat}"
"""How the second and further columns of a name are named."""

DELIVERED_TWICE = re.compile(r"(?P<name>.+)_duplicated_[0-9]+")
"""By which `conform` recognises them."""

IN_UTC = "instants in UTC: no clock of the respondent may have shown this date and time"
"""What is to be known of a column of them."""

SECONDS = "seconds"
"""The unit of a time of day (since midnight) and of a duration, in whatever format it is delivered."""

LOWEST, HIGHEST = "LOWEST", "HIGHEST"
"""The open ends of a range that a file declares missing."""

FRAME_FILE = "frame.arrow"
"""The file by which the worker hands a frame over."""


@dataclass(frozen=True)
class Delivered:
    """The content of a delivered file.

    `column_labels`: column -> what the file says it means. `value_labels`: column -> received value as text -> its label.
    `column_units` and `column_notes`: column -> what its numbers count, and what a person has to know of how they came about.
    `declared_missing`: column -> (lowest, highest) received value of each range that the file declares missing, as text, equal
    for a single value, LOWEST or HIGHEST where it is open. `column_faults`: column -> why none of its values can be taken in;
    the column stands in the frame all the same. `notes`: what a person has to know of the file as a whole.
    """

    frame: pl.DataFrame
    column_labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    column_units: Mapping[str, str] = field(default_factory=dict)
    column_notes: Mapping[str, str] = field(default_factory=dict)
    declared_missing: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    column_faults: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def told(self) -> dict[str, Any]:
        """Everything but the frame, as JSON holds it."""
        told = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "frame"}
        return {name: dict(value) if isinstance(value, Mapping) else list(value) for name, value in told.items()}


class DeliveryUnreadable(CrampAtlasError):
    """A delivered file cannot be read. The message names the file, what is wrong and what to do, and shows no content."""


class UnreadableHere(DeliveryUnreadable):
    """A file cannot be read for more than what it is: a limit of this machine, or what lies beside it. The next night reads it
    again, so that a limit that was raised, or a file that came after it, is noticed."""


class NotReadNow(DeliveryUnreadable):
    """A file could not be read on this machine, within its limits: nothing is known of the file, and it is tried again."""


class Refused(Exception):
    """What a reader found instead of a readable file, and what to do. Neither part shows content."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found, remedy)
        self.found = found
        self.remedy = remedy

    def of(self, path: Path) -> DeliveryUnreadable:
        """The same about a file that has a name."""
        return DeliveryUnreadable(f"{path.name} cannot be read: found {self.found} at {path.parent}. {self.remedy}.")


class RefusedHere(Refused):
    """What a reader found that the file alone does not decide."""

    def of(self, path: Path) -> DeliveryUnreadable:
        return UnreadableHere(str(super().of(path)))


class BeyondTheMachine(Refused):
    """What kept a reader from its work that is no fault of the file, as far as anybody knows."""

    def of(self, path: Path) -> DeliveryUnreadable:
        return NotReadNow(f"{path.name} was not read: found {self.found} at {path.parent}. {self.remedy}.")


class StillArriving(BeyondTheMachine):
    """A file that is not any more what it was a moment ago."""

    def __init__(self) -> None:
        super().__init__(
            "other bytes than a moment before", "It is still arriving: it is taken in when nothing changes it any more"
        )


def unique_names(names: list[str]) -> list[str]:
    """The names, of which the second and further of a kind are marked, so that a column delivered twice is not lost."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        repeats = seen.get(name)
        unique.append(name if repeats is None else DUPLICATED.format(name=name, repeat=repeats))
        seen[name] = 0 if repeats is None else repeats + 1
    return unique


def with_plain_names(delivered: Delivered) -> Delivered:
    """The same with the names of its columns composed (NFC) and on one line, wherever they stand."""
    names = delivered.frame.columns
    plain = dict(zip(names, unique_names([column_name(name) for name in names]), strict=True))
    if all(name == other for name, other in plain.items()):
        return delivered
    told: dict[str, Any] = {
        item: {plain.get(name, name): value for name, value in given.items()} if isinstance(given, Mapping) else given
        for item, given in delivered.told().items()
    }
    return Delivered(delivered.frame.rename(plain), **told)


def shown(name: str) -> str:
    """The name of a sheet or member for a message, where it is short and printable."""
    return repr(name) if name.isprintable() and len(name) <= 64 else f"one with a name of {len(name)} characters"
