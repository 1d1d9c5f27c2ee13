"""Whether a schedule of study.yaml can be kept: its cron expression and its time zone, in the words of an analyst."""

import re
from functools import cache
from itertools import product
from zoneinfo import available_timezones

from pipelines.machine.faults import nearest

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, WEEKDAYS),
)
"""Name, lowest and highest value of each field, and the names of its values from the lowest on."""

MACROS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")

EXAMPLE = 'write minute, hour, day of the month, month and day of the week, such as "0 4 * * *" for four in the morning'

PART = re.compile(r"(?P<range>\*|(?P<low>\w+)(-(?P<high>\w+))?)(/(?P<step>\d+))?")


def cron_fault(cron: str) -> str | None:
    """Why an expression is no schedule that ever comes; None where it is one."""
    if cron in MACROS:
        return None
    fields = cron.split()
    if len(fields) != len(FIELDS):
        return f"{cron!r} is no cron expression of five fields: {EXAMPLE}"
    values = [_values(text, field) for text, field in zip(fields, FIELDS, strict=True)]
    for text, field, held in zip(fields, FIELDS, values, strict=True):
        if not held:
            name, lowest, highest, _ = field
            return f"{cron!r} is no cron expression: {text!r} is no {name} from {lowest} to {highest}; {EXAMPLE}"
    _, _, days, months, _ = values
    if fields[4] == "*" and not any(day <= LONGEST_MONTHS[month - 1] for day, month in product(days, months)):
        return f"{cron!r} never comes: none of its months has such a day"
    return None


def timezone_fault(name: str) -> str | None:
    """Why a name is no time zone; None where it is one."""
    if name in _timezones():
        return None
    near = nearest(name, _timezones())
    return f"{name!r} is no time zone; " + (f"did you mean {near}?" if near else "known are names such as Europe/Paris and UTC")


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _values(text: str, field: tuple[str, int, int, tuple[str, ...]]) -> set[int]:
    """What a field of a cron expression stands for; nothing where a part of it is wrong."""
    held: set[int] = set()
    for part in text.lower().split(","):
        values = _part(part, field)
        if not values:
            return set()
        held |= values
    return held


def _part(part: str, field: tuple[str, int, int, tuple[str, ...]]) -> set[int]:
    name, lowest, highest, names = field
    if part == "l" and name == "day of the month":
        return {28}
    match = PART.fullmatch(part)
    step = int(match["step"] or 1) if match else 0
    if match is None or not 1 <= step <= highest or (match["step"] and match["range"] != "*" and not match["high"]):
        return set()
    if match["range"] == "*":
        return set(range(lowest, highest + 1, step))
    low, high = _value(match["low"], lowest, names), _value(match["high"] or match["low"], lowest, names)
    if low is None or high is None or not lowest <= low <= high <= highest:
        return set()
    return set(range(low, high + 1, step))


def _value(text: str, lowest: int, names: tuple[str, ...]) -> int | None:
    if text in names:
        return names.index(text) + lowest
    return int(text) if text.isdecimal() else None
