"""From dispensings to rows of report.sequence_ratios: who counts for what, and published ratios from the events themselves."""

import math
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from pipelines.project.drug_classes import DrugClass
from pipelines.project.project import Project
from pipelines.report.events import Events
from pipelines.report.finite import NOT_FINITE, with_finite_numbers
from pipelines.report.sequence_months import sequence_pairs_by_month
from pipelines.report.sequences import sequence_ratios
from tests.events.register import INDEX, MARKER, OTHER, dispensed, only
from tests.golden.reference import DATA, assert_close

BEGIN = date(2015, 1, 1)


def register(*events: tuple[str, int, str], **more: Any) -> pl.DataFrame:
    """(person, day, code) as dispensings, and what is known of all of them alike."""
    rows = [{"person_id": who, "event_date": BEGIN + timedelta(days=day), "atc_code": code, **more} for who, day, code in events]
    return pl.DataFrame(rows)


EVENTS = register(
    *[("a", 400, INDEX), ("a", 405, INDEX), ("a", 420, MARKER)],  # 20 days after the first, whatever follows
    *[("b", 500, MARKER), ("b", 510, INDEX)],
    *[("c", 400, INDEX), ("c", 600, MARKER)],
    *[("d", 700, INDEX), ("d", 700, MARKER)],  # on one day
    *[("e", 10, INDEX), ("e", 430, INDEX), ("e", 440, MARKER)],  # may have begun before, where there is a run-in
    *[("f", 700, "C03CB02"), ("f", 710, MARKER)],  # of the class, whatever the last letters
    *[("g", 0, "A10BA02"), ("g", 800, MARKER), ("h", 900, OTHER), ("h", 905, MARKER), ("i", 905, OTHER), ("i", 900, MARKER)],
)


def test_pairs_are_counted_by_first_dispensings_within_each_window(project: Project) -> None:
    with dispensed(project, EVENTS) as events:
        found = sequence_ratios(events)
    short, long = (only(found, index_class="index", window_days=days) for days in (30, 365))
    assert (short["n_index_first"], short["n_marker_first"], short["sequence_ratio"]) == (2, 1, 2.0)  # a, f; b
    assert (long["n_index_first"], long["n_marker_first"], long["sequence_ratio"]) == (3, 1, 3.0)  # and c; e is 430 days apart
    assert (short["n_index"], short["n_marker"]) == (6, 9)
    assert short["presentation"] == "review"
    assert "fewer than 5 pairs" in short["presentation_reason"]


def test_who_had_a_medicine_in_the_run_in_counts_for_no_first_dispensing_of_it(project: Project) -> None:
    with dispensed(project, EVENTS, run_in_days=365) as events:
        row = only(sequence_ratios(events), index_class="index", window_days=365)
    assert (row["n_index"], row["n_index_first"], row["run_in_days"]) == (5, 3, 365)
    later = EVENTS.filter(~((pl.col("person_id") == "e") & (pl.col("event_date") < date(2015, 6, 1))))
    with dispensed(project, later, run_in_days=365) as events:
        assert only(sequence_ratios(events), index_class="index", window_days=365)["n_index_first"] == 4


def test_the_window_of_the_null_effect_ratio_is_its_own(project: Project) -> None:
    with dispensed(project, EVENTS, null_window_days=15) as near, dispensed(project, EVENTS) as far:
        short, wide = (sequence_ratios(events).filter(index_class="index") for events in (near, far))
    assert short["n_index_first"].equals(wide["n_index_first"])
    assert short["null_ratio"].n_unique() == wide["null_ratio"].n_unique() == 1
    # within 15 days of an index of 400, 400, 10, 500 + 10, 700, 700: 500 before 510, 710 twice after 700, none of the others
    assert short["null_ratio"].to_list() == [2.0, 2.0]
    assert wide["null_ratio"].to_list() != short["null_ratio"].to_list()


def test_a_gap_leaves_out_what_is_close_and_a_class_may_have_nobody(project: Project) -> None:
    with dispensed(project, EVENTS, gap_days=15) as events:
        found = sequence_ratios(events)
    row = only(found, index_class="index", window_days=30)
    assert (row["n_index_first"], row["n_marker_first"], row["sequence_ratio"]) == (1, 0, math.inf)
    assert (row["sequence_ratio_lower"] > 0, row["presentation"]) == (True, "review")
    given = only(with_finite_numbers(found), index_class="index", window_days=30)
    assert (given["sequence_ratio"], given["sequence_ratio_upper"]) == (None, None)
    assert NOT_FINITE in given["presentation_reason"]
    none = only(found, index_class="other", window_days=30)
    assert (none["sequence_ratio"], none["presentation"]) == (None, "suppress")


def test_the_ratio_over_the_comparator_is_that_of_the_same_window(project: Project) -> None:
    with dispensed(project, EVENTS) as events:
        found = sequence_ratios(events)
    row = only(found, index_class="index", window_days=30)
    assert (row["active_comparator"], row["comparator_ratio"]) == ("other", 2.0)
    assert only(found, index_class="other", window_days=30)["active_comparator"] is None
    assert only(found, index_class="other", window_days=30)["role"] == "negative_control"


def test_months_lie_on_both_sides_and_add_up_to_the_longest_window(project: Project) -> None:
    with dispensed(project, EVENTS) as events:
        months = sequence_pairs_by_month(events)
        ratios = sequence_ratios(events)
    ours = months.filter(index_class="index")
    assert ours["month"].to_list() == [*range(-12, 0), *range(1, 13)]
    assert dict(ours.filter(pl.col("n_pairs") > 0).select("month", "n_pairs").iter_rows()) == {-1: 1, 1: 2, 7: 1}
    row = only(ratios, index_class="index", window_days=365)
    assert ours.filter(pl.col("month") > 0)["n_pairs"].sum() == row["n_index_first"]


def test_the_model_leaves_out_who_is_not_known_and_says_why_there_is_none(project: Project) -> None:
    about = EVENTS.with_columns(age_years=pl.when(pl.col("person_id") == "c").then(None).otherwise(70), sex=pl.lit("female"))
    with dispensed(project, about) as events:
        row = only(sequence_ratios(events), index_class="index", window_days=365)
    assert row["n_not_in_model"] == 1
    assert row.get("model_ratio") is None
    assert "age_years" in row["model_reason"]


def test_a_person_whose_sex_is_told_in_two_ways_has_none(project: Project) -> None:
    sexes = ["female", "male"] * EVENTS.height
    with dispensed(project, EVENTS.with_columns(sex=pl.Series(sexes[: EVENTS.height]))) as events:
        row = only(sequence_ratios(events), index_class="index", window_days=30)
    assert row["n_not_in_model"] == 3


@pytest.mark.parametrize("case", ["person and date", "age"])
def test_the_order_of_rows_changes_nothing(project: Project, case: str) -> None:
    rows = EVENTS.with_columns(age_years=60 + pl.int_range(pl.len()) % 20, sex=pl.lit("male"))
    shuffled = rows.sample(fraction=1, shuffle=True, seed=7)
    with dispensed(project, rows) as one, dispensed(project, shuffled) as other:
        assert sequence_ratios(one).equals(sequence_ratios(other)), case


def test_published_ratios_of_aspirin_and_acetaminophen_from_their_eras(project: Project) -> None:
    """CohortSymmetry on GiBleed: 1235 and 682 pairs, null-effect ratios within 548 days by both definitions."""
    eras = pl.read_csv(DATA / "in_gibleed.csv", try_parse_dates=True).select(
        pl.col("person_id", "drug_concept_id").cast(pl.String), event_date="drug_era_start_date"
    )
    with dispensed(project, eras.rename({"drug_concept_id": "atc_code"}), marker="acetaminophen", index={"aspirin": {}}) as bound:
        asked = bound.study.sequence_symmetry
        assert asked is not None
        # above the longest window of study.yaml, so that every pair counts
        unbounded = bound.study.model_copy(update={"sequence_symmetry": asked.model_copy(update={"windows_days": [45_000]})})
        classes = {"aspirin": DrugClass("Aspirin", ("1112807",)), "acetaminophen": DrugClass("Acetaminophen", ("1125315",))}
        events = Events(bound.connection, bound.table, unbounded, bound.source, bound.waves, classes)
        row = only(sequence_ratios(events), index_class="aspirin")
    assert (row["n_index_first"], row["n_marker_first"]) == (1235, 682)
    for column, published in (
        ("sequence_ratio", 1.810850439882698),
        ("sequence_ratio_jeffreys_lower", 1.6497096381704204),
        ("sequence_ratio_jeffreys_upper", 1.9889669416023366),
        ("null_ratio", 1.031438272810589),
        ("adjusted_ratio", 1.7556556583345229),
        ("null_ratio_of_pairs", 1.0132597130420764),
        ("adjusted_ratio_of_pairs", 1.78715329996299),
    ):
        assert_close(row[column], published, 1e-10, column)
