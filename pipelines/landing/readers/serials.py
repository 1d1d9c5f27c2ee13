"""Numbers that a workbook shows as dates and times: which number formats do, and what the number means then."""

import re
from datetime import datetime, timedelta
from typing import Literal

from pipelines.landing.readers.cells import Instant, Seconds, Value

Shown = Literal["number", "date", "time", "duration"]

BUILT_IN: dict[int, Shown] = {
    **dict.fromkeys((*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58), "date"),
    **dict.fromkeys((*range(18, 22), *range(32, 36), 45, 47, 55, 56), "time"),
    46: "duration",
}
"""Formats that have a number only (ECMA-376 part 1, 18.8.30; 27 to 58 are those of East Asian languages)."""

LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.')
ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
BRACKETED = re.compile(r"\[[^\]]*\]")
NO_LETTERS = re.compile(r"general|e[+-]|am/pm|a/p", re.IGNORECASE)
MINUTES = re.compile(r"h[^a-z]*m+|m+[^a-z]*s", re.IGNORECASE)

SCALED = re.compile("[0#?],+(?![0#?,])")
"""Separators of thousands behind the digits, each of which divides what is shown by a thousand."""

AS_PERCENT = "shown as percent: 0.25 stands for 25 %"
PART_OF_A_DATE = "the format shows a part of the date only"
IN_THOUSANDS = "shown in thousands or millions: 1200 may be shown as 1.2"
WITH_ZEROS = "shown with leading zeros, which the numbers do not have: identifiers?"

REMARKS = {**dict.fromkeys((9, 10), AS_PERCENT), **dict.fromkeys((16, 17), PART_OF_A_DATE)}
"""Of the formats that have a number only."""

SECONDS_A_DAY = 86_400
LEAP_DAY_THAT_WAS_NOT = 60
LAST_DAY = datetime(9999, 12, 31)
EPOCH = datetime(1899, 12, 30)
EPOCH_1904 = datetime(1904, 1, 1)


def shown_by(code: str) -> Shown:
    """What a number format shows, told from its first section."""
    code = LITERAL.sub("", code).split(";")[0]
    if ELAPSED.search(code):
        return "duration"
    code = NO_LETTERS.sub(lambda found: "h" if "/" in found[0] else "", BRACKETED.sub("", code))
    without_minutes = MINUTES.sub(lambda found: re.sub("m", "", found[0], flags=re.IGNORECASE), code)
    if re.search("[dymeg]|bb", without_minutes, re.IGNORECASE):
        return "date"
    return "time" if re.search("[hs]", code, re.IGNORECASE) else "number"


def remark_on(code: str, shown: Shown) -> str:
    """What a person who sees the cells should know of their numbers; empty where they show as they are."""
    code = LITERAL.sub("", code).split(";")[0]
    if shown == "date":
        letters = BRACKETED.sub("", code).lower()
        return "" if "d" in letters and re.search("[yegb]", letters) else PART_OF_A_DATE
    if "%" in code:
        return AS_PERCENT
    if SCALED.search(code):
        return IN_THOUSANDS
    before_point = re.split("[.eE]", BRACKETED.sub("", code))[0]
    return WITH_ZEROS if shown == "number" and before_point.count("0") > 1 else ""


def read_serial(number: float, shown: Shown, is_1904: bool) -> Value | None:
    """The date or the seconds that a number stands for, to the millisecond, as spreadsheets keep them.

    None where there is no such day. Days before 1900-03-01 are those that Excel shows: it has a 29 February 1900, which was not.
    """
    if shown == "duration" or (shown == "time" and 0 <= number < 1):
        return Seconds(round(number * SECONDS_A_DAY, 3))
    if is_1904:
        first, epoch = 0, EPOCH_1904
    else:
        first, epoch = 1, EPOCH if number >= LEAP_DAY_THAT_WAS_NOT else EPOCH + timedelta(days=1)
        if int(number) == LEAP_DAY_THAT_WAS_NOT:
            return None
    if not first <= number < (LAST_DAY - epoch).days + 1:
        return None
    days = int(number)
    moment = epoch + timedelta(days=days, milliseconds=round((number - days) * SECONDS_A_DAY * 1000))
    return Instant(*moment.timetuple()[:6], moment.microsecond) if shown == "time" else moment
