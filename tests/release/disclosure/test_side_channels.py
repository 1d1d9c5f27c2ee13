"""What standard errors, intervals, p-values, families and reasons tell of counts that are hidden.

Each channel is an inversion written here, which gets the count exactly from the full rows; from the public rows it must not.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl
import pytest
from scipy import stats

from pipelines.project.project import Project
from pipelines.project.respondents import FOUR_CELLS
from pipelines.project.sources import Source
from pipelines.release.disclosure.families import with_public_families
from pipelines.release.disclosure.hiding import DEGREES_HIDDEN, HIDDEN
from pipelines.release.disclosure.model import ODDS_RATIOS
from pipelines.release.disclosure.people import count_people, sampling_of
from pipelines.release.disclosure.protecting import KNOWN_TABLES, protected
from pipelines.release.disclosure.sampling import Sampling, with_public_spread
from pipelines.report.estimators import ESTIMATORS
from pipelines.report.families import with_adjusted_p_values
from pipelines.stages import load_project
from tests.release.disclosure.test_cohort import by_age
from tests.report.test_estimates import admissions, cohort, estimation

Row = dict[str, Any]
Tables = dict[str, pl.DataFrame]

MINIMUM = 11
MOST_PEOPLE = 20_000
CLOSE = 0.1
"""Relative distance at which a hidden count is as good as known."""

PEOPLE = range(4526)
NO_CRAMPS = {n for n in PEOPLE if n % 700 == 3}
NO_ACTIVITY = {n for n in PEOPLE if n % 600 == 5}
NO_ETHNICITY = {n for n in PEOPLE if n % 10 == 0}
"""Who gave no answer, by his place in the data: 7, 8 and 453 people, all different ones."""

BANDS = "report.prevalence_by_age_band"
STANDARDISED = "report.prevalence_age_standardised"


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


def some_unanswered() -> pl.DataFrame:
    """4,526 people of whom seven gave no answer about cramps, eight others none about activity, and 453 more no ethnicity."""
    number = pl.int_range(pl.len())
    return by_age(admissions()).with_columns(
        has_cramps=pl.when(~number.is_in(NO_CRAMPS)).then("has_cramps"),
        has_frequent_cramps=pl.when(~number.is_in(NO_CRAMPS)).then("has_frequent_cramps"),
        is_sedentary=pl.when(~number.is_in(NO_ACTIVITY)).then("is_sedentary"),
    )


def one_by_one() -> tuple[pl.DataFrame, Source]:
    """The same people as a survey in which each of them is a PSU of his own."""
    people = some_unanswered().with_row_index("psu")
    weighted = people.with_columns(
        pl.col("psu").cast(pl.Int64), stratum=pl.lit(1, pl.Int64), interview_weight=1.0 + (pl.int_range(pl.len()) * 7919) % 100
    )
    return weighted, cohort().model_copy(update={"design": "survey", "psus_nested": True})


def published(project: Project, people: pl.DataFrame, source: Source) -> tuple[Tables, Tables]:
    """The report tables in full and as they may be published."""
    asked = estimation(project, people, source, standard_population=project.standard_population)
    tables = {name: frame for name in KNOWN_TABLES if not (frame := ESTIMATORS[name](asked)).is_empty()}
    weights = {weight for frame in tables.values() for weight in frame["weight"].drop_nulls()}
    exposures = asked.asked(list(project.study.exposures))
    counted, names = count_people(
        asked.connection, asked.respondents, project.study, project.standard_population, weights, exposures
    )
    is_weighted = source.design == "survey"
    sampling = sampling_of(asked.connection, asked.respondents, weights, MINIMUM, is_weighted=is_weighted)
    return tables, protected(tables, counted, names, MINIMUM, sampling)


# The channels: each yields numbers of people that follow from one row.


def from_design_effects(row: Row) -> Iterator[float]:
    """Without weights a design effect is N / (N - 1), with all N who were sampled."""
    if row.get("design_effect") and row["design_effect"] > 1:
        yield row["design_effect"] / (row["design_effect"] - 1)


def from_standard_errors(row: Row) -> Iterator[float]:
    """So are a standard error and the effective respondents, beside the prevalence."""
    p, n, se = row.get("prevalence"), row.get("n_respondents"), row.get("prevalence_se")
    if p is not None and n and se and 0 < p < 1:
        for factor in (se**2 * n / (p * (1 - p)), n / row["n_effective"]):
            if factor > 1 + 1 / MOST_PEOPLE:
                yield factor / (factor - 1)


def from_degrees_of_freedom(row: Row) -> Iterator[float]:
    """Beside a prevalence without weights they are its own respondents less one, which tells nothing else."""
    if row.get("degrees_freedom") is not None and row["degrees_freedom"] + 1 != row.get("n_respondents"):
        yield row["degrees_freedom"] + 1


def from_intervals_and_tests(row: Row) -> Iterator[float]:
    """The limits of a ratio and its p-value are two equations: t at the level, and t of the test, for one standard error."""
    ratio, lower, upper, p = (row.get(name) for name in ("odds_ratio", "odds_ratio_lower", "odds_ratio_upper", "p_value"))
    if ratio is None or lower is None or upper is None or p is None or not 0 < p < 0.9 or ratio == 1:
        return
    level, half = 0.5 + row["confidence_level"] / 2, math.log(upper / lower) / 2
    wanted = abs(math.log(ratio)) / half

    def mismatch(degrees: float) -> float:
        return float(stats.t.isf(p / 2, degrees) / stats.t.ppf(level, degrees) - wanted)

    low, high = 2.0, float(MOST_PEOPLE)
    if mismatch(low) * mismatch(high) < 0:
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if mismatch(low) * mismatch(middle) > 0 else (low, middle)
        yield low + 1


CHANNELS: tuple[Callable[[Row], Iterator[float]], ...] = (
    from_design_effects,
    from_standard_errors,
    from_degrees_of_freedom,
    from_intervals_and_tests,
)


def told(tables: Tables, *channels: Callable[[Row], Iterator[float]]) -> set[float]:
    """Every number of people that follows from any row by the channels."""
    return {
        found
        for table in tables.values()
        for row in table.iter_rows(named=True)
        for channel in channels
        for found in channel(row)
    }


def hidden_missing(full: Tables, public: Tables) -> set[int]:
    """Numbers without an answer that are hidden, for they are from 1 to ten."""
    pairs = [
        (truth["n_missing"], row["n_missing"])
        for name in full
        if "n_missing" in full[name].columns
        for truth, row in zip(full[name].to_dicts(), public[name].to_dicts(), strict=True)
    ]
    return {truth for truth, shown in pairs if shown is None and truth and truth < MINIMUM}


@pytest.fixture(scope="module")
def people(project: Project) -> tuple[Tables, Tables]:
    return published(project, some_unanswered(), cohort())


@pytest.fixture(scope="module")
def persons_as_psus(project: Project) -> tuple[Tables, Tables]:
    return published(project, *one_by_one())


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_channel_tells_people_from_the_full_rows_of_a_cohort_and_none_from_the_public_ones(
    people: tuple[Tables, Tables], channel: Callable[[Row], Iterator[float]]
) -> None:
    full, public = people
    everybody = set(PEOPLE)
    gone: list[set[int]] = [set(), NO_CRAMPS, NO_ACTIVITY, NO_CRAMPS | NO_ACTIVITY]
    secret = {len(everybody - some) for some in gone}
    assert secret == {4526, 4519, 4518, 4511}
    assert {round(found) for found in told(full, channel)} & secret
    assert not [found for found in told(public, channel) if any(abs(found - count) < CLOSE * count for count in secret)]


def test_degrees_of_freedom_of_a_survey_of_single_persons_are_hidden(persons_as_psus: tuple[Tables, Tables]) -> None:
    full, public = persons_as_psus
    assert max(full[ODDS_RATIOS]["degrees_freedom"].drop_nulls().to_list()) > 4000
    for name, table in public.items():
        assert table["degrees_freedom"].null_count() == table.height, name
    shown = public[ODDS_RATIOS].filter(pl.col("odds_ratio").is_not_null())
    assert shown["presentation_reason"].str.contains(DEGREES_HIDDEN, literal=True).all()
    # trends are of who told of cramps, crude odds ratios of those who told of activity, too, adjusted ones of ethnicity, too
    answered = [
        set(PEOPLE) - NO_CRAMPS,
        set(PEOPLE) - NO_CRAMPS - NO_ACTIVITY,
        set(PEOPLE) - NO_CRAMPS - NO_ACTIVITY - NO_ETHNICITY,
    ]
    assert [len(some) for some in answered] == [4519, 4511, 4058]
    assert {round(n) for n in told(full, from_intervals_and_tests)} == {4058, 4511, 4519}
    assert {round(n) for n in told(public, from_intervals_and_tests)} == {101}


def test_all_channels_together_tell_no_hidden_number_without_an_answer(people: tuple[Tables, Tables]) -> None:
    full, public = people
    exposed = some_unanswered()["is_sedentary"].to_list()
    of_groups = [
        NO_CRAMPS,
        *({n for n in NO_CRAMPS if n % 3 == band} for band in range(3)),
        *({n for n in NO_CRAMPS if exposed[n] is level} for level in (True, False)),
    ]
    assert [len(some) for some in of_groups] == [7, 3, 2, 2, 4, 3]  # all, by age band, by activity
    assert hidden_missing(full, public) == {2, 3, 4, 7}
    [everybody] = public[BANDS].filter(population="everyone_asked", outcome="has_cramps", age_band="all").to_dicts()
    assert everybody["n_respondents"] == len(PEOPLE) - len(NO_CRAMPS)
    assert round(max(told(full, *CHANNELS))) == len(PEOPLE)  # beside the respondents it would tell the seven
    # all that is left is that intervals have a hundred degrees of freedom, and the design effects of standardisation
    standardised = told({STANDARDISED: public[STANDARDISED]}, *CHANNELS)
    assert {round(found) for found in told(public, *CHANNELS) - standardised} == {101}
    assert max(standardised) < MINIMUM


def test_intervals_with_fewer_degrees_of_freedom_hold_those_of_the_full_rows(people: tuple[Tables, Tables]) -> None:
    full, public = people
    pairs = [
        (truth, row)
        for truth, row in zip(full[ODDS_RATIOS].to_dicts(), public[ODDS_RATIOS].to_dicts(), strict=True)
        if row["odds_ratio_lower"] is not None and truth["degrees_freedom"]
    ]
    assert len(pairs) > 3
    for truth, row in pairs:
        for ratio in ("odds_ratio", "prevalence_ratio"):
            assert row[ratio] == truth[ratio]
            assert row[f"{ratio}_lower"] < truth[f"{ratio}_lower"] < truth[f"{ratio}_upper"] < row[f"{ratio}_upper"]
            assert row[f"{ratio}_lower"] == pytest.approx(truth[f"{ratio}_lower"], rel=0.01)
        assert row["p_value"] >= truth["p_value"]
        assert 1 <= row["e_value_limit"] <= truth["e_value_limit"]


@pytest.mark.parametrize(
    ("degrees", "told"),
    [
        (0.4, 1),
        (1, 1),
        (6.9, 6),
        (7.9, 6),
        (8, 8),
        (9.9, 8),
        (10, 10),
        (14.9, 10),
        (15, 15),
        (29, 20),
        (59, 30),
        (99.5, 60),
        (4510, 100),
    ],
)
def test_degrees_of_freedom_are_rounded_down_to_those_of_a_printed_table_of_t(degrees: float, told: int) -> None:
    row = {
        "weight": None,
        "confidence_level": 0.95,
        "odds_ratio": 2.0,
        "odds_ratio_lower": 2.0 * math.exp(-0.3 * stats.t.ppf(0.975, degrees)),
        "odds_ratio_upper": 2.0 * math.exp(0.3 * stats.t.ppf(0.975, degrees)),
        "p_value": 2 * stats.t.sf(math.log(2) / 0.3, degrees),
        "degrees_freedom": float(degrees),
    }
    [public] = with_public_spread(ODDS_RATIOS, pl.DataFrame([row]), Sampling()).to_dicts()
    assert public["odds_ratio_upper"] == pytest.approx(2.0 * math.exp(0.3 * stats.t.ppf(0.975, told)), rel=1e-8)
    assert public["p_value"] == pytest.approx(2 * stats.t.sf(math.log(2) / 0.3, told), rel=1e-8)


def test_a_crude_interval_is_that_of_its_cells_with_a_hundred_degrees_of_freedom(people: tuple[Tables, Tables]) -> None:
    [row] = people[1][ODDS_RATIOS].filter(model="crude", outcome="has_cramps", exposure="is_sedentary").to_dicts()
    se = math.sqrt(sum(1 / row[cell] for cell in FOUR_CELLS))
    t = stats.t.ppf(0.975, 100)
    assert row["odds_ratio_upper"] == pytest.approx(row["odds_ratio"] * math.exp(t * se), rel=1e-9)
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(math.log(row["odds_ratio"])) / se, 100), rel=1e-7)


def test_a_standard_error_without_weights_is_that_of_its_counts(people: tuple[Tables, Tables]) -> None:
    shown = people[1][BANDS].filter(pl.col("prevalence_se").is_not_null()).to_dicts()
    assert len(shown) > 3
    for row in shown:
        p, n = row["n_cases"] / row["n_respondents"], row["n_respondents"]
        assert row["prevalence_se"] == pytest.approx(math.sqrt(p * (1 - p) / n), rel=1e-9)
        assert (row["design_effect"], row["n_effective"]) == (1.0, n)
        exact = stats.binomtest(row["n_cases"], n).proportion_ci()
        assert (row["prevalence_lower"], row["prevalence_upper"]) == pytest.approx((exact.low, exact.high), rel=1e-8)


# Families of p-values.


def family(*p_values: float | None, method: str = "holm") -> pl.DataFrame:
    rows = [
        {
            "wave": "1",
            "population": "all",
            "outcome": "ill",
            "model": "crude",
            "hypotheses": None,
            "exposure": f"x{n}",
            "exposure_level": "true",
            "p_value": p,
        }
        for n, p in enumerate(p_values)
    ]
    frame = pl.DataFrame(rows, schema_overrides={"p_value": pl.Float64, "hypotheses": pl.String})
    return with_adjusted_p_values(frame, method)  # type: ignore[arg-type]


def hidden_of(frame: pl.DataFrame, *numbers: int) -> list[Row]:
    return with_public_families(frame, pl.int_range(pl.len()).is_in(list(numbers))).to_dicts()


def test_adjusted_p_values_of_shown_rows_are_the_same_whatever_the_hidden_ones_are() -> None:
    # in the whole family they tell how many hidden ones are smaller, and where it is passed on a hidden one itself
    one, other, none = (family(0.01, p, 0.02, 0.03) for p in (0.004, 0.025, None))
    assert one["p_value_adjusted"].to_list()[2:] != other["p_value_adjusted"].to_list()[2:]
    found = [hidden_of(frame, 1) for frame in (one, other, none)]
    family_of = [[(row["p_value_adjusted"], row["p_value_family"], row["p_value_family_size"]) for row in rows] for rows in found]
    assert family_of[0] == family_of[1] == family_of[2]
    # Holm by hand with 0.01, 0.02, 0.03 and 1: 4 * 0.01, 3 * 0.02, and 2 * 0.03
    assert [row["p_value_adjusted"] for row in found[0]] == [pytest.approx(0.04), None, pytest.approx(0.06), pytest.approx(0.06)]
    assert found[0][0]["p_value_family_size"] == 4


def bonferroni(p_values: Sequence[float]) -> list[float]:
    return [min(1.0, len(p_values) * p) for p in p_values]


def holm(p_values: Sequence[float]) -> list[float]:
    """The largest of (n - rank + 1) p over all that are no larger."""
    n, sorted_ones = len(p_values), sorted(p_values)
    return [min(1.0, max((n - i) * smaller for i, smaller in enumerate(sorted_ones) if smaller <= p)) for p in p_values]


def hochberg(p_values: Sequence[float]) -> list[float]:
    """The smallest of (n - rank + 1) p over all that are no smaller."""
    n, sorted_ones = len(p_values), sorted(p_values)
    return [min(1.0, min((n - i) * larger for i, larger in enumerate(sorted_ones) if larger >= p)) for p in p_values]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    return list(stats.false_discovery_control(p_values, method="bh"))


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    return list(stats.false_discovery_control(p_values, method="by"))


@pytest.mark.parametrize("adjust", [holm, hochberg, bonferroni, benjamini_hochberg, benjamini_yekutieli])
@pytest.mark.parametrize("hidden", [(0,), (1, 2), (3,), (0, 4, 5)])
def test_shown_rows_are_adjusted_as_if_hidden_ones_had_a_p_value_of_1(
    adjust: Callable[[Sequence[float]], list[float]], hidden: tuple[int, ...]
) -> None:
    p_values = (0.001, 0.5, 0.02, 0.9, 0.011, 0.04)
    frame = family(*p_values, method=adjust.__name__)
    expected = adjust([1.0 if n in hidden else p for n, p in enumerate(p_values)])
    rows = hidden_of(frame, *hidden)
    assert [n for n, row in enumerate(rows) if row["p_value_adjusted"] is None] == list(hidden)
    shown = [n for n in range(len(p_values)) if n not in hidden]
    assert [rows[n]["p_value_adjusted"] for n in shown] == pytest.approx([expected[n] for n in shown], rel=1e-12)
    whole = adjust(p_values)
    assert frame["p_value_adjusted"].to_list() == pytest.approx(whole, rel=1e-12)
    assert [n for n in shown if rows[n]["p_value_adjusted"] < whole[n] - 1e-15] == []


def test_a_family_of_which_nothing_is_hidden_stays_to_the_bit() -> None:
    frame = family(0.01, None, 0.02, 0.03)
    assert with_public_families(frame, pl.lit(False)).equals(frame)


def test_in_a_cohort_the_family_is_adjusted_by_its_public_rows(project: Project) -> None:
    """Holm of what is shown, by hand: hidden rows stand last with a p-value of 1."""
    few = some_unanswered().with_columns(takes_statin=pl.int_range(pl.len()) % 450 == 0)
    full, public = published(project, few, cohort())
    rows = public[ODDS_RATIOS].filter(model="crude", outcome="has_cramps").to_dicts()
    hidden = [row for row in rows if HIDDEN in row["presentation_reason"]]
    assert [row["exposure"] for row in hidden] == ["takes_statin"]
    assert {row[name] for row in hidden for name in ("p_value", "p_value_adjusted", "p_value_family_size")} == {None}
    shown = sorted(row["p_value"] for row in rows if row["p_value"] is not None)
    size = len(shown) + 1
    adjusted = {row["p_value"]: row["p_value_adjusted"] for row in rows if row["p_value"] is not None}
    expected = [min(1.0, max((size - i) * shown[i] for i in range(place + 1))) for place in range(len(shown))]
    assert [adjusted[p] for p in shown] == pytest.approx(expected)
    assert full[ODDS_RATIOS]["p_value_adjusted"].drop_nulls().len() > len(shown)
