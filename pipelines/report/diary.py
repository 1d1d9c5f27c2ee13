"""Rows of report.diary_rates: events per person-day, over all days, by calendar month, and by what was noted as their trigger."""

from typing import Any

import polars as pl

from pipelines.machine.quoting import identifier
from pipelines.project.event_checks import DAY, PERSON
from pipelines.project.events import DiarySettings
from pipelines.report.events import Events
from pipelines.report.verdicts import Row, not_shown, with_note
from pipelines.statistics import clustered_rate

ALL, MONTH, TRIGGER = "all", "month", "trigger"
"""What the rows of a diary are broken down by."""

NOT_NOTED = "not noted"
"""The trigger of events on days without one."""

ONE_PERSON = "one person only: how people differ, and so an interval, cannot be known"


def diary_rates(events: Events) -> pl.DataFrame:
    """One row per wave and breakdown: all days; each calendar month, among its own days; each trigger, among all days.

    Days without a count are no person-days: they are counted as missing. Intervals allow for people who differ.
    """
    settings = events.study.diary
    if settings is None:
        raise ValueError("there is no section diary")
    rows: list[Row] = []
    for wave in events.waves:
        days = _days(events, wave, settings)
        rows.append(_row(events, wave, ALL, ALL, days))
        for month in range(1, 13):
            of_month = days.filter(pl.col("month") == month)
            if not of_month.is_empty():
                rows.append(_row(events, wave, MONTH, f"{month:02}", of_month))
        if settings.trigger:
            rows += _by_trigger(events, wave, days)
    return pl.DataFrame(rows, infer_schema_length=None)


def _days(events: Events, wave: str, settings: DiarySettings) -> pl.DataFrame:
    """One row per person, month and trigger: days with a count, days without, days with events, events, and severity.

    Columns: person, month, trigger, n_days, n_missing, n_days_with_events, n_events, severity, n_severity.
    """
    count = identifier(settings.count)
    severity = identifier(settings.severity) if settings.severity else "null"
    trigger = f"coalesce({identifier(settings.trigger)}, '{NOT_NOTED}')" if settings.trigger else f"'{NOT_NOTED}'"
    read = [settings.count, settings.severity, settings.trigger]
    events.columns_read.update({"wave", PERSON, DAY, *(name for name in read if name)})
    return events.connection.sql(
        f"""
        select
          {PERSON} as person,
          extract(month from {DAY}) as month,
          {trigger} as trigger,
          count({count}) as n_days,
          count(*) - count({count}) as n_missing,
          count(*) filter ({count} > 0) as n_days_with_events,
          coalesce(cast(sum({count}) as bigint), 0) as n_events,
          sum({severity}) filter ({count} > 0) as severity,
          count({severity}) filter ({count} > 0) as n_severity
        from {events.of_wave(wave)}
        group by all
        order by all
        """
    ).pl()


def _by_trigger(events: Events, wave: str, days: pl.DataFrame) -> list[Row]:
    """Events of each trigger over all person-days: the rates of all triggers add up to the rate of all events."""
    rows = []
    for trigger in days.filter(pl.col("n_events") > 0)["trigger"].unique().sort().to_list():
        is_its = pl.col("trigger") == trigger
        its_events = [pl.when(is_its).then(pl.col(name)).otherwise(0).alias(name) for name in _OF_EVENTS]
        rows.append(_row(events, wave, TRIGGER, trigger, days.with_columns(its_events)))
    return rows


_OF_EVENTS = ("n_days_with_events", "n_events", "severity", "n_severity")


def _row(events: Events, wave: str, variable: str, level: str, days: pl.DataFrame) -> Row:
    by_person = days.group_by("person").agg(pl.col("n_events", "n_days").sum()).filter(pl.col("n_days") > 0).sort("person")
    n_severity = int(days["n_severity"].sum())
    row: Row = dict(events.key(wave)) | {
        "variable": variable,
        "level": level,
        "n_people": by_person.height,
        "n_person_days": int(by_person["n_days"].sum()),
        "n_missing": int(days["n_missing"].sum()),
        "n_days_with_events": int(days["n_days_with_events"].sum()),
        "n_events": int(days["n_events"].sum()),
        "mean_severity": float(days["severity"].sum()) / n_severity if n_severity else None,
        "confidence_level": events.study.confidence_level,
    }
    if by_person.is_empty():
        return row | not_shown("no day has a count")
    found = clustered_rate(
        by_person["n_events"].to_list(), by_person["n_days"].to_list(), confidence_level=events.study.confidence_level
    )
    shown: dict[str, Any] = {"presentation": "show", "presentation_reason": None}
    return (
        row
        | {
            "rate_per_person_day": found.rate,
            "rate_per_person_day_se": found.se,
            "rate_per_person_day_lower": found.lower,
            "rate_per_person_day_upper": found.upper,
            "method": found.method,
        }
        | with_note(shown, ONE_PERSON if found.n_people == 1 else None)
    )
