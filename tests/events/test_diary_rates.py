"""From the days of a diary to rows of report.diary_rates."""

from datetime import date

import duckdb
import polars as pl
import pytest

from pipelines.project.project import Project
from pipelines.report.diary import diary_rates
from tests.events.register import noted, only

DAYS = pl.DataFrame(
    [
        ("a", date(2024, 1, 30), 0, None, None),
        ("a", date(2024, 1, 31), 2, 6, "heat"),
        ("a", date(2024, 2, 1), None, None, None),
        ("a", date(2024, 2, 2), 1, 4, None),
        ("b", date(2024, 1, 31), 1, 5, "exercise"),
        ("b", date(2024, 2, 1), 0, None, None),
        ("c", date(2024, 3, 1), 0, None, None),
    ],
    schema={
        "person_id": pl.String,
        "event_date": pl.Date,
        "cramps": pl.Int32,
        "severity": pl.Int32,
        "trigger": pl.String,
    },
    orient="row",
)


def test_days_with_an_entry_are_person_days_and_the_others_are_missing(project: Project) -> None:
    with noted(project, DAYS) as events:
        row = only(diary_rates(events), variable="all")
    assert (row["n_people"], row["n_person_days"], row["n_missing"]) == (3, 6, 1)
    assert (row["n_days_with_events"], row["n_events"], row["mean_severity"]) == (3, 4, 5.0)
    assert row["rate_per_person_day"] == pytest.approx(4 / 6, rel=1e-15)
    # events less rate times days of a, b, c: 3 - 2, 1 - 4/3, 0 - 2/3
    variance = 3 / 2 * (1 + 1 / 9 + 4 / 9) / 36
    assert row["rate_per_person_day_se"] == pytest.approx(variance**0.5, rel=1e-14)
    assert row["method"] == "linearised_log_t"


def test_months_have_their_own_days_and_triggers_share_all_of_them(project: Project) -> None:
    with noted(project, DAYS) as events:
        found = diary_rates(events)
    january, march = (only(found, variable="month", level=level) for level in ("01", "03"))
    assert (january["n_person_days"], january["n_events"]) == (3, 3)
    assert (march["n_people"], march["rate_per_person_day_lower"], march["method"]) == (1, 0.0, "exact_poisson")
    triggers = found.filter(variable="trigger")
    assert dict(triggers.select("level", "n_events").iter_rows()) == {"exercise": 1, "heat": 2, "not noted": 1}
    assert triggers["n_person_days"].unique().to_list() == [6]
    total = only(found, variable="all")["rate_per_person_day"]
    assert triggers["rate_per_person_day"].sum() == pytest.approx(total, rel=1e-14)


def test_one_person_has_a_rate_and_no_interval(project: Project) -> None:
    with noted(project, DAYS.filter(person_id="a")) as events:
        row = only(diary_rates(events), variable="all")
    assert (row["rate_per_person_day"], row["rate_per_person_day_lower"], row["presentation"]) == (1.0, None, "review")


def test_a_diary_without_an_entry_has_no_rate(project: Project) -> None:
    with noted(project, DAYS.filter(pl.col("cramps").is_null())) as events:
        row = only(diary_rates(events), variable="all")
    assert (row["n_missing"], row["presentation"], row.get("rate_per_person_day")) == (1, "suppress", None)


def test_a_diary_may_lack_severity_and_trigger(project: Project) -> None:
    with noted(project, DAYS.drop("severity", "trigger"), severity=None, trigger=None) as events:
        found = diary_rates(events)
    assert "trigger" not in found["variable"].to_list()
    assert only(found, variable="all")["n_events"] == 4


DAY = {"person_id": "a", "event_date": date(2024, 1, 31), "cramps": 1, "severity": 4, "trigger": "heat"}
REASONS = dict.fromkeys(("cramps_missing", "severity_missing", "trigger_missing"))
NO_CRAMPS = {"cramps": 0, "severity": None, "trigger": None}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        (NO_CRAMPS, None),
        ({"severity": None, "severity_missing": "refused"}, None),
        (NO_CRAMPS | {"cramps": None, "cramps_missing": "missing"}, None),
        ({"severity": None}, "severity"),
        ({"trigger_missing": "missing"}, "trigger"),
        (NO_CRAMPS | {"cramps": None}, "cramps"),
        (NO_CRAMPS | {"severity": 3}, "severity without cramps"),
        (NO_CRAMPS | {"trigger_missing": "missing"}, "trigger without cramps"),
    ],
)
def test_a_day_without_cramps_needs_no_reason_and_any_other_gap_does(
    project: Project, changes: dict[str, object], said: str | None
) -> None:
    [check] = [check for check in project.checks["cramp_diary"] if check.name.endswith("unanswered_has_a_reason.sql")]
    schema = pl.Schema({**DAYS.schema, **dict.fromkeys(REASONS, pl.String())})
    with duckdb.connect() as connection:
        connection.register("days", pl.DataFrame([DAY | REASONS | changes], schema=schema).to_arrow())
        connection.execute("create schema core; create table core.cramp_diary as from days")
        assert [row[2] for row in connection.sql(check.text).fetchall()] == ([said] if said else [])
