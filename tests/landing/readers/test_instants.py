"""Dates, times and durations of the statistical systems, by their documentation: the day that the system itself shows."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from pipelines.landing.readers.instants import clock_of, decoded, note_of, of_these, unit_of

DAY = 86_400
Y2024 = 23_376
"""Days from 1960-01-01 to 2024-01-01: 64 years of 365 days and 16 leap days."""

SPSS_2000 = 13_166_064_000.0
"""Seconds from 1582-10-14 to 2000-01-01, as the SPSS manual counts: 152,385 days."""

DATES: list[tuple[str, str, float, Any]] = [
    *(
        ("SAS", shown, Y2024, date(2024, 1, 1))
        for shown in (
            *("DATE9.", "DATE", "DDMMYY10.", "DDMMYYP8", "MMDDYYD10.", "YYMMDD10.", "YYMMDDN8.", "JULIAN7.", "MONYY7.", "YEAR4."),
            *("YYQ6.", "YYQR6.", "YYMM7.", "YYMON7.", "MMYYS7.", "WEEKDATE29.", "WEEKDATX.", "WORDDATE18.", "WORDDATX18."),
            *("E8601DA10.", "B8601DA8.", "IS8601DA.", "NENGO10.", "DOWNAME9.", "QTR1.", "DAY2.", "NLDATE20.", "EURDFDD10."),
        )
    ),
    *(
        ("SAS", shown, Y2024 * DAY, date(2024, 1, 1))
        for shown in ("DTDATE9.", "DTMONYY7.", "DTYEAR4.", "DTWKDATX29.", "DTYYQC6.", "E8601DN10.", "B8601DN8.")
    ),
    *(
        ("SAS", shown, Y2024 * DAY + 0.5, datetime(2024, 1, 1, 0, 0, 0, 500_000))
        for shown in (
            "DATETIME20.",
            "DATEAMPM22.",
            "E8601DT19.",
            "E8601DZ20.",
            "B8601DT15.",
            "MDYAMPM25.",
            "NLDATM30.",
            "DTDATE9.",
        )
    ),
    ("SAS", "DATE9.", -1, date(1959, 12, 31)),
    ("SAS", "DATE9.", -138_061, date(1582, 1, 1)),
    ("SAS", "DATE9.", 2_936_547, date(9999, 12, 31)),
    ("SAS", "DATETIME20.", 253_717_747_199, datetime(9999, 12, 31, 23, 59, 59)),
    ("SAS", "DATE9.", Y2024 + 0.25, datetime(2024, 1, 1, 6)),
    *(
        ("SPSS", shown, SPSS_2000, date(2000, 1, 1))
        for shown in ("DATE11", "ADATE10", "EDATE10", "SDATE10", "JDATE5", "QYR6", "MOYR6", "WKYR8")
    ),
    *(("SPSS", shown, SPSS_2000 + 1, datetime(2000, 1, 1, 0, 0, 1)) for shown in ("DATETIME20", "YMDHMS19", "ADATE10")),
    ("Stata", "%td", Y2024, date(2024, 1, 1)),
    ("Stata", "%d", Y2024, date(2024, 1, 1)),
    ("Stata", "%-tdD_m_CY", Y2024, date(2024, 1, 1)),
    ("Stata", "%tm", 768, date(2024, 1, 1)),
    ("Stata", "%tm", -1, date(1959, 12, 1)),
    ("Stata", "%tmCCYY-NN", 779, date(2024, 12, 1)),
    ("Stata", "%tq", 257, date(2024, 4, 1)),
    ("Stata", "%tq", -1, date(1959, 10, 1)),
    ("Stata", "%th", 129, date(2024, 7, 1)),
    ("Stata", "%tw", 52 * 64 + 51, date(2024, 12, 23)),
    ("Stata", "%tc", Y2024 * DAY * 1_000 + 1, datetime(2024, 1, 1, 0, 0, 0, 1_000)),
    ("Stata", "%tC", (Y2024 * DAY + 27) * 1_000, datetime(2024, 1, 1)),
    ("Stata", "%tC", 0, datetime(1960, 1, 1)),
]


@pytest.mark.parametrize(("system", "shown", "number", "expected"), DATES)
def test_a_number_is_the_date_that_its_system_shows(system: str, shown: str, number: float, expected: Any) -> None:
    clock = clock_of(system, shown)
    assert clock is not None
    values, fault = decoded(pl.Series("x", [number, None], dtype=pl.Float64), clock)
    assert values.to_list() == [expected, None]
    assert not fault


TIMES = [
    *(
        ("SAS", shown)
        for shown in ("TIME8.", "HHMM5.", "HOUR2.", "MMSS5.", "TOD8.", "TIMEAMPM11.", "E8601TM8.", "B8601TM6.", "NLTIME20.")
    ),
    *(("SPSS", shown) for shown in ("TIME8", "DTIME11", "MTIME8")),
]


@pytest.mark.parametrize(("system", "shown"), TIMES)
def test_times_of_day_and_durations_are_seconds(system: str, shown: str) -> None:
    clock = clock_of(system, shown)
    assert clock is not None
    assert unit_of(clock) == "seconds"
    assert decoded(pl.Series("x", [37_800.5, 100_000.0, None]), clock)[0].to_list() == [37_800.5, 100_000.0, None]


def test_a_clock_time_of_stata_is_seconds() -> None:
    clock = clock_of("Stata", "%tcHH:MM:SS")
    assert clock is not None
    assert unit_of(clock) == "seconds"
    assert decoded(pl.Series("x", [37_800_500.0]), clock)[0].to_list() == [37_800.5]


@pytest.mark.parametrize("shown", ["%tcHH:MM", "%tCHH:MM:SS"])
def test_a_clock_of_stata_that_hides_the_day_of_its_instants_keeps_it(shown: str) -> None:
    clock = clock_of("Stata", shown)
    assert clock is not None
    within, beyond = [0.0, 86_399_999.0], [37_800_000.0, 86_400_000.0, None]
    assert of_these(clock, within) == clock
    clock = of_these(clock, beyond)
    assert unit_of(clock) == ""
    assert decoded(pl.Series("x", beyond), clock)[0].to_list() == [datetime(1960, 1, 1, 10, 30), datetime(1960, 1, 2), None]


@pytest.mark.parametrize(
    ("system", "shown"),
    [
        *(("SAS", shown) for shown in ("BEST12.", "F8.2", "$CHAR8.", "DOLLAR8.", None)),
        *(("SPSS", shown) for shown in ("F8.2", "A8", "WKDAY9", "MONTH9")),
        *(("Stata", shown) for shown in ("%9.0g", "%ty", "%tbnyse", "%8s")),
    ],
)
def test_other_formats_show_numbers(system: str, shown: str | None) -> None:
    assert clock_of(system, shown) is None


@pytest.mark.parametrize(
    ("system", "shown", "words"),
    [
        ("SPSS", "WKDAY9", "1 for Sunday"),
        ("SPSS", "MONTH9", "1 for January"),
        ("Stata", "%ty", "as a year"),
        ("Stata", "%tbnyse", "business calendar"),
        ("Stata", "%9.0g", ""),
        ("SAS", "BEST12.", ""),
    ],
)
def test_numbers_that_stand_for_a_part_of_time_are_said(system: str, shown: str, words: str) -> None:
    assert words in note_of(system, shown)
    assert bool(note_of(system, shown)) is bool(words)


@pytest.mark.parametrize(
    ("system", "shown", "words"),
    [("SAS", "MONYY7.", "a part of this date"), ("SPSS", "QYR6", "a part of this date"), ("Stata", "%tm", "counts months"),
     ("SAS", "E8601DZ20.", "UTC"), ("SAS", "DATE9.", ""), ("Stata", "%td", "")],
)  # fmt: skip
def test_a_date_that_stands_for_more_is_said(system: str, shown: str, words: str) -> None:
    clock = clock_of(system, shown)
    assert clock is not None
    assert words in clock.note
    assert bool(clock.note) is bool(words)


@pytest.mark.parametrize(
    ("system", "shown", "numbers", "words"),
    [
        ("SAS", "DATE9.", [Y2024 * DAY, 0], "1 dates before the year 1 or after 9999"),
        ("SAS", "DATE9.", [2_936_548], "after 9999"),
        ("SAS", "DATETIME20.", [1e18], "after 9999"),
        ("SPSS", "DATE11", [-1e15], "before the year 1"),
        ("Stata", "%tm", [0.5], "1 fractions of months"),
        ("Stata", "%tm", [1e7], "after 9999"),
        ("Stata", "%tC", [(20_820 * DAY + 26) * 1_000 + 999], "within a leap second"),
    ],
)
def test_numbers_that_are_no_date_are_a_fault_of_their_column(system: str, shown: str, numbers: list[float], words: str) -> None:
    clock = clock_of(system, shown)
    assert clock is not None
    values, fault = decoded(pl.Series("x", numbers, dtype=pl.Float64), clock)
    assert words in fault
    assert values.to_list() == numbers
