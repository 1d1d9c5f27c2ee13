"""Small counts in report tables: what is hidden, at the very threshold, and that an attacker does not get it back."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.release.disclosure.hiding import HIDDEN, MISSING_HIDDEN
from pipelines.release.disclosure.protecting import protected
from tests.release.disclosure.attack import Attacker, Group, crossed
from tests.release.disclosure.tables import BANDS, LEVELS, NAMES, POPULATIONS, SEXES, people_of, tables_of

MINIMUM = 11

EMPTY = {"age_band": "old", "sex": "male", "smokes": "false"}


def large(**changed: int) -> list[Group]:
    """A cohort in which every count is far above the threshold, but for the cells of old men who do not smoke."""
    groups = crossed(age_band=BANDS, sex=SEXES, smokes=LEVELS, ill=[True, False, None])
    sizes = {"cases": 100, "others": 100, "missing": 100} | changed
    names = {True: "cases", False: "others", None: "missing"}
    return [
        group
        | {"n": sizes[names[group["ill"]]] if group.items() >= EMPTY.items() else 0 if group.items() >= SMOKERS.items() else 100}
        for group in groups
    ]


SMOKERS = {"age_band": "old", "sex": "male", "smokes": "true"}
"""There are none of them, so that the row of old men has the cells of those who do not smoke."""


def shown(groups: list[Group], minimum: int = MINIMUM) -> dict[str, pl.DataFrame]:
    return protected(tables_of(groups), people_of(groups), NAMES, minimum)


def old_men(tables: dict[str, pl.DataFrame]) -> dict[str, Any]:
    [row] = tables["report.prevalence_by_age_band_and_sex"].filter(population="everyone", age_band="old", sex="male").to_dicts()
    return row


@pytest.mark.parametrize(
    ("counts", "is_hidden"),
    [
        ({"cases": MINIMUM - 1}, True),
        ({"cases": MINIMUM}, False),
        ({"cases": MINIMUM + 1}, False),
        ({"cases": 1}, True),
        ({"others": MINIMUM - 1}, True),
        ({"others": MINIMUM}, False),
        ({"cases": 0}, True),  # nobody of the group is ill: that is known of each of them
        ({"others": 0}, True),  # a full cell: everybody is
        ({"cases": 0, "others": 0}, False),  # an empty group tells of nobody
    ],
)
def test_a_row_with_few_cases_or_few_others_is_hidden(counts: dict[str, int], is_hidden: bool) -> None:
    row = old_men(shown(large(**counts)))
    assert (row["n_cases"] is None) == is_hidden
    assert row["is_suppressed"] == is_hidden


@pytest.mark.parametrize(("missing", "is_hidden"), [(MINIMUM - 1, True), (MINIMUM, False), (1, True), (0, False)])
def test_a_small_number_without_an_answer_is_hidden_and_the_answers_stay(missing: int, is_hidden: bool) -> None:
    row = old_men(shown(large(missing=missing)))
    assert (row["n_missing"] is None) == (row["missing_weight_share"] is None) == row["is_suppressed"] == is_hidden
    assert row["n_cases"] == 100
    assert row["presentation"] == "show"
    assert row["presentation_reason"] == (MISSING_HIDDEN if is_hidden else None)


def test_a_hidden_row_keeps_its_keys_and_no_number() -> None:
    row = old_men(shown(large(cases=3)))
    # without weights, the share of those without an answer and their number would give the number of those with one
    numbers = ("n_respondents", "n_cases", "prevalence", "missing_weight_share")
    assert [row[name] for name in numbers] == [None] * 4
    assert row["n_missing"] == 100
    assert row["presentation"] == "suppress"
    assert row["presentation_reason"] == HIDDEN
    assert (row["age_band"], row["sex"], row["confidence_level"]) == ("old", "male", 0.95)


def test_small_counts_and_those_that_protect_them_look_the_same() -> None:
    tables = shown(large(cases=3))
    hidden = pl.concat((table.filter(pl.col("n_cases").is_null()) for table in tables.values()), how="diagonal")
    few = [row["n_cases"] for row in tables_of(large(cases=3))["report.prevalence_by_age_band_and_sex"].to_dicts()]
    assert len(hidden) > sum(count < MINIMUM for count in few)
    assert hidden.select("presentation", "presentation_reason", "is_suppressed").unique().rows() == [("suppress", HIDDEN, True)]


def test_the_smaller_part_of_two_populations_is_not_given_away_by_their_difference() -> None:
    # the young are in no row of their own when only `all` is left of everyone
    groups = [group | {"n": 2} if group["age_band"] == "young" and group["ill"] else group for group in large()]
    tables = tables_of(groups)
    tables["report.prevalence_by_age_band"] = tables["report.prevalence_by_age_band"].filter(age_band="all")
    del tables["report.prevalence_by_age_band_and_sex"], tables["report.prevalence_by_exposure"]
    assert [row["n_cases"] for row in tables["report.prevalence_by_age_band"].to_dicts()] == [708, 700]
    found = protected(tables, people_of(groups), NAMES, MINIMUM)["report.prevalence_by_age_band"]
    assert found["n_cases"].to_list() == [708, None]


def test_a_row_that_its_people_do_not_add_up_to_is_hidden() -> None:
    tables = tables_of(large())
    wrong = tables["report.prevalence_by_exposure"].with_columns(n_cases=pl.col("n_cases") + 1)
    found = protected(tables | {"report.prevalence_by_exposure": wrong}, people_of(large()), NAMES, MINIMUM)
    assert found["report.prevalence_by_exposure"]["n_cases"].null_count() == len(wrong)
    assert found["report.prevalence_by_age_band"]["n_cases"].null_count() == 0


def test_a_count_that_disclosure_control_does_not_know_is_hidden_in_every_row() -> None:
    tables = tables_of(large())
    more = tables["report.prevalence_by_exposure"].with_columns(n_women=pl.col("n_cases") // 2)
    found = protected(tables | {"report.prevalence_by_exposure": more}, people_of(large()), NAMES, MINIMUM)
    exposures = found["report.prevalence_by_exposure"]
    assert exposures["n_women"].null_count() == len(more)
    assert exposures["n_cases"].null_count() == 0
    assert set(exposures["presentation_reason"]) == {"n_women: not known to disclosure control"}


def test_large_counts_are_published_as_they_are() -> None:
    tables = shown(large())
    for name, table in tables_of(large()).items():
        assert tables[name].rows() == table.rows()


def test_protection_is_the_same_every_time() -> None:
    first, second = shown(large(cases=3, missing=2)), shown(large(cases=3, missing=2))
    assert all(first[name].equals(second[name]) for name in first)


SIZES = st.one_of(st.integers(0, 6), st.integers(0, 60))


CELLS = crossed(wave=["one", "two"], age_band=BANDS, sex=SEXES, smokes=LEVELS, ill=[True, False, None])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(SIZES, min_size=len(CELLS), max_size=len(CELLS)).filter(any), st.integers(2, 12))
def test_an_attacker_bounds_no_small_count_to_less_than_the_threshold(sizes: list[int], minimum: int) -> None:
    groups = [group | {"n": n} for group, n in zip(CELLS, sizes, strict=True)]
    published = shown(groups, minimum)
    attacker = Attacker(CELLS)
    answers = {"n_cases": (True,), "n_others": (False,), "n_respondents": (True, False), "n_missing": (None,)}

    def condition(row: Group, column: str) -> Any:
        def holds(group: Group) -> bool:
            return (
                POPULATIONS[row["population"]](group)
                and row["wave"] in ("pooled", group["wave"])
                and row.get("age_band", "all") in ("all", group["age_band"])
                and row.get("sex", group["sex"]) == group["sex"]
                and row.get("exposure_level", group["smokes"]) == group["smokes"]
                and group["ill"] in answers[column]
            )

        return holds

    for table in published.values():
        for row in table.iter_rows(named=True):
            for column in ("n_cases", "n_respondents", "n_missing"):
                attacker.learn(condition(row, column), row[column])
    for name, truth in ((name, row) for name, table in tables_of(groups).items() for row in table.to_dicts()):
        counts = truth | {"n_others": truth["n_respondents"] - truth["n_cases"]}
        for column in answers:
            is_attribute = column in ("n_cases", "n_others") and counts["n_respondents"] > 0
            if counts[column] < minimum and (is_attribute or counts[column] > 0):
                lower, upper = attacker.bounds(condition(truth, column))
                assert upper - lower >= minimum - 1e-5, (name, truth, column)
