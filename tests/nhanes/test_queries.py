"""Queries for people whose answers need two waves or a real survey."""

import pytest

from tests.atlas import Atlas
from tests.terminal.test_queries import answer, report


def test_two_waves_are_compared_as_independent_samples(published_nhanes: Atlas) -> None:
    bands = report(published_nhanes, "prevalence_by_age_band").filter(
        source="nhanes", population="adults_20_plus", outcome="has_cramps", age_band="all"
    )
    (one, one_se), (other, other_se) = (
        bands.filter(wave=wave).select("prevalence", "prevalence_se").row(0) for wave in ("2005-2006", "2007-2008")
    )
    margin = 1.959964 * (one_se**2 + other_se**2) ** 0.5
    found = answer(published_nhanes, "two_waves_compared").filter(population="adults_20_plus", outcome="has_cramps")
    assert found.height == 1
    assert found.select("difference", "difference_lower", "difference_upper").row(0) == pytest.approx(
        (other - one, other - one - margin, other - one + margin), abs=0.0005
    )
    assert found["comparability"].to_list() == ["identical"]


def test_no_interval_of_nhanes_holds_9_34(published_nhanes: Atlas) -> None:
    found = answer(published_nhanes, "nhanes_and_9_34").filter(source="nhanes")
    assert found.height == 8
    assert not found["holds_9_34"].any()
    assert 1 < found["odds_ratio"].min() < found["odds_ratio"].max() < 3  # type: ignore[operator]


def test_pooled_waves_are_shown_where_there_are_any(published_nhanes: Atlas) -> None:
    found = answer(published_nhanes, "prevalence_by_age_band").filter(source="nhanes", outcome="has_cramps", age_band="all")
    # as R's survey package has it, see expected.R
    assert found.select("wave", "n_respondents", "prevalence").row(0) == ("pooled", 12_673, 0.303)


def test_the_weighted_share_by_hand_is_that_of_each_wave(published_nhanes: Atlas) -> None:
    found = answer(published_nhanes, "weighted_share_by_hand").filter(source="nhanes")
    assert found.height == 2 * 8
    assert found["difference"].abs().max() == pytest.approx(0, abs=1e-12)


def test_what_is_not_comparable_is_named_with_its_reason(published_nhanes: Atlas) -> None:
    found = answer(published_nhanes, "waves_not_comparable").filter(verdict="not_comparable")
    assert set(found["variable"]) == {"activity_level", "is_sedentary", "sitting_minutes_per_day"}
    assert found["reason"].null_count() == 0


def test_the_words_of_the_question_are_there(published_nhanes: Atlas) -> None:
    [question] = answer(published_nhanes, "what_a_column_means", column="SLQ160")["question"]
    assert question.startswith("[In the past month, how often did")
