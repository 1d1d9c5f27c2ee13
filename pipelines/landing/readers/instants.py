"""Dates, times and durations of SAS, SPSS and Stata: numbers whose display format says what they count, and from when.

Dates and instants become dates and timestamps, times of day and durations stay seconds. Sources: SAS 9.4 Formats and Informats:
Reference; IBM SPSS Statistics Command Syntax Reference, Date and Time; Stata Data Management Reference, Datetime.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import isnan
from typing import Any, Literal

import numpy as np
import polars as pl

from pipelines.landing.readers.delivered import SECONDS

Counts = Literal["days", "seconds", "milliseconds", "leap milliseconds", "weeks", "months", "quarters", "half-years"]
Shows = Literal["date", "instant", "time"]

EPOCH = date(1970, 1, 1)
SINCE_1960 = date(1960, 1, 1)
SINCE_1582 = date(1582, 10, 14)
FIRST, LAST = date(1, 1, 1), date(9999, 12, 31)
"""What both DATE and TIMESTAMP, and those who read them, can hold."""

LEAP_DAYS_SAS_LACKS = (date(4000, 2, 29), date(8000, 2, 29))
"""The years 4000 and 8000 are no leap years to SAS: its 9999-12-31 is day 2936547, two less than elsewhere."""

DAY_SECONDS = 86_400
MICROSECONDS = 1_000_000
PER_SECOND = {"seconds": 1, "milliseconds": 1_000, "leap milliseconds": 1_000}
MONTHS = {"months": 1, "quarters": 3, "half-years": 6}
STATA_WEEKS = 52
"""Weeks of a Stata year; the last has eight or nine days."""

LEAP_SECONDS = tuple(
    date.fromisoformat(day)
    for day in (
        *("1972-06-30", "1972-12-31", "1973-12-31", "1974-12-31", "1975-12-31", "1976-12-31", "1977-12-31", "1978-12-31"),
        *("1979-12-31", "1981-06-30", "1982-06-30", "1983-06-30", "1985-06-30", "1987-12-31", "1989-12-31", "1990-12-31"),
        *("1992-06-30", "1993-06-30", "1994-06-30", "1995-12-31", "1997-06-30", "1998-12-31", "2005-12-31", "2008-12-31"),
        *("2012-06-30", "2015-06-30", "2016-12-31"),
    )
)
"""Days at whose end a second was inserted (IERS Bulletin C)."""


@dataclass(frozen=True)
class Clock:
    """What the numbers of a column count since `origin`, and how much of it their format shows. `note` is for a draft.

    `is_of_day`: the format shows the time of day of instants as of times, so that only the numbers tell which they are.
    """

    counts: Counts
    shows: Shows
    origin: date = SINCE_1960
    note: str = ""
    is_of_sas: bool = False
    is_of_day: bool = False


SAS_DATE = re.compile(
    r"DATE|DAY|DOWNAME|JULDAY|JULIAN|MONNAME|MONTH|MONYY|NENGO|MINGUO|HDATE|HEBDATE|PDJUL[GI]|QTRR?|WEEKDAT[EX]|WEEKDAY|WEEK[UVW]"
    r"|WORDDAT[EX]|YEAR|YYMON|YYWEEK[UVW]|(DDMMYY|MMDDYY|YYMMDD)[BCDNPS]?|(MMYY|YYMM)[CDNPS]?|YYQ[CDNPSZ]?|YYQR[CDNPS]?"
    r"|X?YYMMDD|([EB]|IS)8601DA|NLDATE[A-Z]*|[A-Z]{3}DF(DD|DE|DN|DWN|MN|MY|WDX|WKX)"
)
SAS_WHOLE_DATE = re.compile(
    r"DATE|JULIAN|NENGO|MINGUO|HDATE|HEBDATE|PDJUL[GI]|WEEKDAT[EX]|WORDDAT[EX]|X?(DDMMYY|MMDDYY|YYMMDD)[BCDNPS]?"
    r"|([EB]|IS)8601D[AN]|NLDATE[LSW]?|[A-Z]{3}DF(DD|DE|DWN|WDX|WKX)|DTDATE|DTWKDATX"
)
SAS_DAY_OF_INSTANT = re.compile(r"DTDATE|DTMONYY|DTWKDATX|DTYEAR|DTYYQC|([EB]|IS)8601DN")
SAS_INSTANT = re.compile(r"DATETIME|DATEAMPM|MDYAMPM|([EB]|IS)8601(DT|DX|DZ|LX)|NLDATM[A-Z]*|[A-Z]{3}DFDT")
SAS_TIME = re.compile(r"TIME|TIMEAMPM|HHMM|HOUR|MMSS|TOD|([EB]|IS)8601(LZ|TM|TX|TZ)|NLTI(ME|MAP)[A-Z]*")
SAS_OF_DAY = re.compile(r"TOD|TIMEAMPM")
SAS_NUMBER = re.compile(
    r"|F|[DEZ]|BEST[DX]?|COMMAX?|DOLLARX?|EUROX?|YEN|NUMX|PERCENTN?|NEGPAREN|FRACT|FLOAT|IEEER?|ROMAN|SSN|WORD[FS]|PVALUE|ODDSR"
    r"|SIZEK(B|MG)?|BINARY|HEX|OCTAL|P?IBR?|RB|P[DK]|Z?D|VAXRB|BITS|S370F[A-Z]+|NL(BEST|NUM|NUMI|PCT|PCTI|PCTN|PCTP|PVALUE|STRMON)"
    r"|NLMN[LI][A-Z]*|NLMNY[I]?|\$.*"
)
"""Formats of SAS that show numbers as numbers; any other is one of its user's, or shows what only SAS knows."""

SAS_UTC = re.compile(r"([EB]|IS)8601(DX|DZ|LX|LZ|TX|TZ)")

SPSS_DATES = frozenset({"DATE", "ADATE", "EDATE", "SDATE", "JDATE", "QYR", "MOYR", "WKYR"})
SPSS_PERIODS = frozenset({"QYR", "MOYR", "WKYR"})
SPSS_INSTANTS = frozenset({"DATETIME", "YMDHMS"})
SPSS_TIMES = frozenset({"TIME", "DTIME", "MTIME"})

STATA = re.compile(r"%-?(?:t(?P<kind>[cCdwmqh])|d)(?P<mask>.*)")
STATA_CLOCK_MASK = re.compile(r"(HH|Hh|hH|hh|MM|mm|SS|ss|\.s+|AM|am|A\.M\.|a\.m\.|!.|[.,:_/\\+ -])+")
"""What a mask of %tc shows where it shows the time of day alone."""

STATA_PERIODS: dict[str, Counts] = {"w": "weeks", "m": "months", "q": "quarters", "h": "half-years"}

NOTES = {
    ("SPSS", "WKDAY"): "the format WKDAY shows the number as a day of the week, 1 for Sunday",
    ("SPSS", "MONTH"): "the format MONTH shows the number as a month, 1 for January",
}


def clock_of(system: str, shown: str | None) -> Clock | None:
    """The clock behind a display format of SAS, SPSS or Stata; None where it shows plain numbers or text."""
    if not shown:
        return None
    if system == "Stata":
        return _stata(shown)
    name = _without_width(shown)
    return _sas(name) if system == "SAS" else _spss(name)


def _without_width(shown: str) -> str:
    return re.sub(r"[0-9]*\.?[0-9]*$", "", shown.upper())


def note_of(system: str, shown: str | None) -> str:
    """What a person has to know of numbers that are kept as they are."""
    if system == "Stata" and shown and (period := re.match(r"%-?t(y|b)", shown)):
        return "the format shows the number as a year" if period[1] == "y" else f"{shown} counts the days of a business calendar"
    name = _without_width(shown or "")
    if system == "SAS" and not SAS_NUMBER.fullmatch(name):
        return f"SAS shows these numbers by the format {name}, whose meanings are not in the file: codes, or dates?"
    return NOTES.get((system, name), "")


def _sas(name: str) -> Clock | None:
    part = "" if SAS_WHOLE_DATE.fullmatch(name) else f"SAS shows a part of this date only ({name})"
    zone = f"instants in UTC ({name})" if SAS_UTC.fullmatch(name) else ""
    if SAS_DAY_OF_INSTANT.fullmatch(name):
        return Clock("seconds", "date", note=part, is_of_sas=True)
    if SAS_INSTANT.fullmatch(name):
        return Clock("seconds", "instant", note=zone, is_of_sas=True)
    if SAS_TIME.fullmatch(name):
        return Clock("seconds", "time", note=zone, is_of_sas=True, is_of_day=SAS_OF_DAY.fullmatch(name) is not None)
    return Clock("days", "date", note=part, is_of_sas=True) if SAS_DATE.fullmatch(name) else None


def _spss(name: str) -> Clock | None:
    if name in SPSS_DATES:
        part = f"SPSS shows a part of this date only ({name})" if name in SPSS_PERIODS else ""
        return Clock("seconds", "date", SINCE_1582, part)
    if name in SPSS_INSTANTS:
        return Clock("seconds", "instant", SINCE_1582)
    return Clock("seconds", "time") if name in SPSS_TIMES else None


def _stata(shown: str) -> Clock | None:
    found = STATA.fullmatch(shown)
    if found is None:
        return None
    kind, mask = found["kind"] or "d", found["mask"]
    if kind in STATA_PERIODS:
        counts: Counts = STATA_PERIODS[kind]
        return Clock(counts, "date", note=f"%t{kind} counts {counts}: the value is the first day of each")
    if kind == "d":
        return Clock("days", "date")
    counts = "milliseconds" if kind == "c" else "leap milliseconds"
    is_of_day = bool(mask and STATA_CLOCK_MASK.fullmatch(mask))
    return Clock(counts, "time" if is_of_day else "instant", is_of_day=is_of_day)


def of_these(clock: Clock, values: Iterable[Any]) -> Clock:
    """The clock behind these numbers: where a format shows the time of day alone, numbers beyond one day are instants."""
    if not clock.is_of_day:
        return clock
    day = DAY_SECONDS * PER_SECOND[clock.counts]
    if all(0 <= value < day for value in values if isinstance(value, float) and not isnan(value)):
        return clock
    return replace(clock, shows="instant", note="the format shows the time of day only: the numbers are instants with a day")


def decoded(values: pl.Series, clock: Clock) -> tuple[pl.Series, str]:
    """The numbers as dates, timestamps or seconds, and what is wrong with the column; then the numbers are as they were."""
    given = values.cast(pl.Float64).fill_nan(None)
    if clock.shows == "time":
        return given / PER_SECOND[clock.counts], ""
    numbers = given.drop_nulls().to_numpy()
    try:
        found = _days(numbers, clock) if clock.counts in ("days", "weeks", *MONTHS) else _instants(numbers, clock)
    except _NoInstant as fault:
        return values, str(fault)
    read = pl.Series(values.name, [None] * len(given), dtype=found.dtype)
    return read.scatter(given.is_not_null().arg_true(), found) if len(found) else read, ""


def unit_of(clock: Clock) -> str:
    return SECONDS if clock.shows == "time" else ""


class _NoInstant(Exception):
    """Numbers that are no date or time."""


def _days(numbers: np.ndarray, clock: Clock) -> pl.Series:
    whole = np.floor(numbers)
    if clock.counts == "days":
        if (whole != numbers).any():  # part of a day is a time of day
            return _as_instants(whole, np.rint((numbers - whole) * DAY_SECONDS * MICROSECONDS), clock)
        return _as_dates(whole, clock)
    if (whole != numbers).any():
        raise _NoInstant(f"{int((whole != numbers).sum()):,} fractions of {clock.counts}")
    year, part = np.divmod(whole, STATA_WEEKS if clock.counts == "weeks" else 12 / MONTHS[clock.counts])
    year += clock.origin.year
    _check(((year < FIRST.year) | (year > LAST.year)).sum())
    months = 0 * part if clock.counts == "weeks" else part * MONTHS[clock.counts]
    first = ((year - EPOCH.year) * 12 + months).astype("int64").astype("datetime64[M]").astype("datetime64[D]")
    if clock.counts == "weeks":
        first = first + (7 * part).astype("int64").astype("timedelta64[D]")
    return pl.Series(first.astype("int32"), dtype=pl.Int32).cast(pl.Date)


def _instants(numbers: np.ndarray, clock: Clock) -> pl.Series:
    per_second = PER_SECOND[clock.counts]
    if clock.counts == "leap milliseconds":
        numbers = _without_leap_seconds(numbers)
    seconds = np.floor(numbers / per_second)
    rest = np.rint((numbers - seconds * per_second) * (MICROSECONDS / per_second))
    days = np.floor(seconds / DAY_SECONDS)
    within = (seconds - days * DAY_SECONDS) * MICROSECONDS + rest
    if clock.shows == "date" and not within.any():
        return _as_dates(days, clock)
    return _as_instants(days, within, clock)


def _without_leap_seconds(numbers: np.ndarray) -> np.ndarray:
    """Milliseconds that count inserted seconds as milliseconds that do not."""
    ends = [
        ((day - SINCE_1960 + timedelta(days=1)).days * DAY_SECONDS + before) * 1_000 for before, day in enumerate(LEAP_SECONDS)
    ]
    inserted = np.searchsorted(np.array(ends, dtype="float64"), numbers, side="right")
    inside = (inserted > 0) & (numbers < np.array([0.0, *ends])[inserted] + 1_000)
    if inside.any():
        raise _NoInstant(f"{int(inside.sum()):,} instants within a leap second")
    without: np.ndarray = numbers - inserted * 1_000.0
    return without


def _as_dates(days: np.ndarray, clock: Clock) -> pl.Series:
    since_epoch = _since_epoch(days, clock)
    return pl.Series(since_epoch.astype("int32"), dtype=pl.Int32).cast(pl.Date)


def _as_instants(days: np.ndarray, microseconds: np.ndarray, clock: Clock) -> pl.Series:
    since_epoch = _since_epoch(days, clock)
    instants = since_epoch.astype("int64") * DAY_SECONDS * MICROSECONDS + microseconds.astype("int64")
    return pl.Series(instants, dtype=pl.Int64).cast(pl.Datetime("us"))


def _since_epoch(days: np.ndarray, clock: Clock) -> np.ndarray:
    since_epoch = days + (clock.origin - EPOCH).days
    for day in LEAP_DAYS_SAS_LACKS if clock.is_of_sas else ():
        since_epoch = since_epoch + (since_epoch >= (day - EPOCH).days)
    _check(((since_epoch < (FIRST - EPOCH).days) | (since_epoch > (LAST - EPOCH).days)).sum())
    return since_epoch


def _check(n_outside: int) -> None:
    if n_outside:
        raise _NoInstant(f"{int(n_outside):,} dates before the year 1 or after 9999")
