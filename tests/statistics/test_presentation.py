"""The boundaries of the NCHS Data Presentation Standards for Proportions (Series 2, number 175)."""

import math
from typing import Any

import pytest

from pipelines.statistics import nchs_presentation, presentation
from pipelines.statistics.presentation import judge_presentation

GOOD: dict[str, Any] = {
    "proportion": 0.5,
    "n_respondents": 500,
    "n_effective": 400.0,
    "lower": 0.45,
    "upper": 0.55,
    "degrees_freedom": 15,
}
BELOW, ABOVE = -math.inf, math.inf


def judge(**changes: Any) -> tuple[str, str | None]:
    verdict = judge_presentation(**(GOOD | changes))
    return verdict.status, verdict.reason


def test_a_reliable_proportion_is_shown_without_a_reason() -> None:
    assert judge() == ("show", None)


@pytest.mark.parametrize("count", ["n_respondents", "n_effective"])
def test_thirty_respondents_are_enough_and_fewer_are_not(count: str) -> None:
    assert judge(**{count: 30}) == ("show", None)
    too_few = 29 if count == "n_respondents" else math.nextafter(30.0, BELOW)
    assert judge(**{count: too_few}) == ("suppress", presentation.TOO_FEW)


def test_an_interval_of_30_points_is_too_wide_and_less_is_not() -> None:
    assert judge(lower=0.0, upper=0.30) == ("suppress", presentation.TOO_WIDE)
    assert judge(lower=0.0, upper=math.nextafter(0.30, BELOW)) == ("show", None)


def test_an_interval_of_5_points_is_reliable_whatever_the_proportion() -> None:
    assert judge(proportion=0.01, lower=0.0, upper=0.05) == ("show", None)
    beyond = math.nextafter(0.05, ABOVE)
    assert judge(proportion=0.01, lower=0.0, upper=beyond) == ("suppress", presentation.TOO_WIDE_FOR_ITS_SIZE)


def test_an_interval_of_130_percent_of_the_proportion_is_shown_and_wider_is_not() -> None:
    assert judge(proportion=0.125, lower=0.0, upper=0.1625) == ("show", None)
    beyond = math.nextafter(0.1625, ABOVE)
    assert judge(proportion=0.125, lower=0.0, upper=beyond) == ("suppress", presentation.TOO_WIDE_FOR_ITS_SIZE)


def test_the_complement_is_footnoted_beyond_130_percent() -> None:
    # from 0, so that the width is exact; the rule looks at the width alone
    assert judge(proportion=0.875, lower=0.0, upper=0.1625) == ("show", None)
    beyond = math.nextafter(0.1625, ABOVE)
    assert judge(proportion=0.875, lower=0.0, upper=beyond) == ("footnote", presentation.UNRELIABLE_COMPLEMENT)


def test_a_narrow_interval_needs_no_footnote_for_its_complement() -> None:
    assert judge(proportion=0.99, lower=0.95, upper=1.0) == ("footnote", presentation.UNRELIABLE_COMPLEMENT)  # 1.0 - 0.95 > 0.05
    assert judge(proportion=0.99, lower=0.953125, upper=1.0) == ("show", None)


def test_eight_degrees_of_freedom_are_enough_and_seven_need_review() -> None:
    assert judge(degrees_freedom=8) == ("show", None)
    assert judge(degrees_freedom=7) == ("review", presentation.FEW_DEGREES_OF_FREEDOM)
    assert judge(degrees_freedom=None) == ("show", None)


@pytest.mark.parametrize(("proportion", "lower", "upper"), [(0.0, 0.0, 0.1), (1.0, 0.9, 1.0)])
def test_a_proportion_of_0_or_1_needs_review(proportion: float, lower: float, upper: float) -> None:
    assert judge(proportion=proportion, lower=lower, upper=upper) == ("review", presentation.ZERO_OR_ONE)


def test_all_reasons_are_given_and_the_gravest_verdict_wins() -> None:
    status, reason = judge(proportion=0.1, n_respondents=20, lower=0.0, upper=0.35, degrees_freedom=3)
    assert status == "suppress"
    assert reason == "; ".join([presentation.TOO_FEW, presentation.TOO_WIDE, presentation.TOO_WIDE_FOR_ITS_SIZE])


def test_nobody_is_suppressed() -> None:
    verdict = nchs_presentation(proportion=0.0, standard_error=0.0, n_respondents=0)
    assert (verdict.status, verdict.reason) == ("suppress", presentation.NO_KNOWN_OUTCOME)


def test_no_degrees_of_freedom_are_suppressed() -> None:
    verdict = nchs_presentation(proportion=0.5, standard_error=0.01, n_respondents=900, degrees_freedom=0)
    assert verdict.status == "suppress"
