"""Sources without weights, whose estimates are formulas of their counts; estimated by the estimators themselves."""

import polars as pl
import pytest

from pipelines.project.project import Project
from pipelines.project.respondents import FOUR_CELLS
from pipelines.release.disclosure.hiding import DEGREES_HIDDEN, HIDDEN, with_hidden
from pipelines.release.disclosure.model import ODDS_RATIOS
from pipelines.release.disclosure.people import count_people, find_equal_weights, sampling_of
from pipelines.release.disclosure.protecting import KNOWN_TABLES, protected, protected_pairs
from pipelines.release.disclosure.sampling import Sampling
from pipelines.release.disclosure.words import LEFT_OUT, TOO_MANY_TERMS
from pipelines.report.estimators import ESTIMATORS
from pipelines.report.matched_sets import fewest_speaking
from pipelines.stages import load_project
from tests.report.test_estimates import admissions, cohort, estimation

BESIDE_AN_ODDS_RATIO = ("odds_ratio_exact_lower", "odds_ratio_exact_upper", "e_value_limit", "p_value_family_size")


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


def protect(project: Project, people: pl.DataFrame, minimum: int) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """The report tables of a cohort, in full and as they may be published."""
    asked = estimation(project, people, cohort(), standard_population=project.standard_population)
    tables = {name: frame for name in KNOWN_TABLES if not (frame := ESTIMATORS[name](asked)).is_empty()}
    counted, names = count_people(
        asked.connection,
        asked.respondents,
        project.study,
        project.standard_population,
        [],
        asked.asked(list(project.study.exposures)),
    )
    sampling = sampling_of(asked.connection, asked.respondents, [], minimum, is_weighted=False)
    return tables, protected(tables, counted, names, minimum, sampling)


def by_age(people: pl.DataFrame) -> pl.DataFrame:
    """The same people in three age bands, a tenth of them without an ethnicity."""
    number = pl.int_range(pl.len())
    return people.with_columns(
        age_years=25 + 10 * (number % 3),
        age_band=pl.concat_str(20 + 10 * (number % 3), pl.lit("-"), 29 + 10 * (number % 3)),
        race_ethnicity=pl.when(number % 10 > 0).then("race_ethnicity"),
        sex=pl.when(number % 2 == 0).then(pl.lit("female")).otherwise(pl.lit("male")),
    )


def test_every_count_of_every_table_is_a_sum_of_its_people(project: Project) -> None:
    # with thousands of people and a threshold of 2 nothing is small; a count that its people do not give would be hidden
    tables, public = protect(project, by_age(admissions()), 2)
    assert set(tables) == set(KNOWN_TABLES)
    for name, table in tables.items():
        columns = [column for column in table.columns if column.startswith(("n_", "exposed_", "unexposed_"))]
        columns = [column for column in columns if column != "n_effective"]
        assert public[name].select(columns).rows() == table.select(columns).rows(), name


def test_estimates_without_weights_are_hidden_with_the_counts_that_they_are_made_of(project: Project) -> None:
    people = by_age(admissions())
    few = people.filter((pl.col("age_band") != "20-29") | ~pl.col("has_cramps") | (pl.int_range(pl.len()) % 300 == 0))
    tables, public = protect(project, few, 11)
    [row] = (
        tables["report.prevalence_by_age_band"]
        .filter(population="everyone_asked", outcome="has_cramps", age_band="20-29")
        .to_dicts()
    )
    assert 0 < row["n_cases"] < 11
    for name in ("report.trends", "report.prevalence_age_standardised"):
        shown = tables[name].filter(pl.col("presentation") != "suppress")
        assert len(shown) > 0
        assert public[name].filter(presentation_reason=HIDDEN).height == len(public[name])
    crude = public[ODDS_RATIOS].filter(model="crude")
    assert crude.filter(pl.col("exposed_cases").is_null() != pl.col("odds_ratio").is_null()).is_empty()


@pytest.mark.parametrize(("equal", "is_hidden"), [(["interview_weight"], True), ([], False)])
def test_estimates_with_equal_weights_go_as_those_without(project: Project, equal: list[str], is_hidden: bool) -> None:
    people = by_age(admissions())
    few = people.filter((pl.col("age_band") != "20-29") | ~pl.col("has_cramps") | (pl.int_range(pl.len()) % 300 == 0))
    asked = estimation(project, few.with_columns(interview_weight=7.5), cohort(), standard_population=project.standard_population)
    names = ("report.prevalence_by_age_band", "report.trends")
    tables = {name: ESTIMATORS[name](asked).with_columns(weight=pl.lit("interview_weight")) for name in names}
    weights = ["interview_weight"]
    counted, columns = count_people(
        asked.connection,
        asked.respondents,
        project.study,
        project.standard_population,
        weights,
        asked.asked(list(project.study.exposures)),
    )
    assert find_equal_weights(asked.connection, asked.respondents, weights) == weights
    trends = protected(tables, counted, columns, 11, Sampling(equal_weights=equal))["report.trends"]
    assert set(trends["presentation_reason"]) == ({HIDDEN} if is_hidden else {None})


def test_weights_that_differ_are_not_taken_for_equal(project: Project) -> None:
    people = admissions().with_columns(interview_weight=1.0 + pl.int_range(pl.len()) % 2, exam_weight=0.0)
    asked = estimation(project, people, cohort())
    assert find_equal_weights(asked.connection, asked.respondents, ["exam_weight", "interview_weight"]) == []


def test_degrees_of_freedom_without_weights_are_respondents_less_one_and_not_shown(project: Project) -> None:
    tables, public = protect(project, by_age(admissions()), 2)
    crude = (pl.col("model") == "crude") & (pl.col("outcome") == "has_cramps")
    cells = ("exposed_cases", "exposed_noncases", "unexposed_cases", "unexposed_noncases")
    [(degrees, analysed)] = tables[ODDS_RATIOS].filter(crude).select("degrees_freedom", pl.sum_horizontal(cells)).rows()
    assert degrees == analysed - 1
    [row] = public[ODDS_RATIOS].filter(crude).to_dicts()
    assert row["degrees_freedom"] is None
    assert (row["presentation_reason"], row["is_suppressed"]) == (DEGREES_HIDDEN, True)


def test_a_model_with_too_many_terms_does_not_tell_the_degrees_of_freedom() -> None:
    reason = "the model has 14 coefficients, the design 13 degrees of freedom: use fewer terms"
    rows = pairs(case_only=60, control_only=20, both=100, neither=200).with_columns(
        weight=pl.lit(None, pl.String), degrees_freedom=pl.lit(13, pl.Int64), presentation_reason=pl.lit(reason)
    )
    [row] = with_hidden({ODDS_RATIOS: rows}, [], [])[ODDS_RATIOS].to_dicts()
    assert row["degrees_freedom"] is None
    assert row["presentation_reason"] == f"{TOO_MANY_TERMS}; {DEGREES_HIDDEN}"
    assert not any(character.isdigit() for character in row["presentation_reason"])


def test_why_a_model_failed_is_not_told(project: Project) -> None:
    # in one department everybody is admitted, and the estimator would name it
    people = by_age(admissions()).with_columns(has_cramps=pl.col("has_cramps") | (pl.col("race_ethnicity") == "1"))
    tables, public = protect(project, people, 11)
    assert tables[ODDS_RATIOS]["presentation_reason"].str.contains("race_ethnicity").any()
    told = public[ODDS_RATIOS]["presentation_reason"]
    assert not told.str.contains("race_ethnicity").any()
    assert told.str.contains(LEFT_OUT, literal=True).any()


def pairs(**cells: int) -> pl.DataFrame:
    row: dict[str, object] = {
        "source": "pairs",
        "wave": "one",
        "population": "adults_20_plus",
        "outcome": "has_cramps",
        "exposure": "is_sedentary",
        "exposure_level": "true",
        "reference_level": "false",
        "model": "matched",
        "adjusted_for": None,
        "n_missing": 0,
        "confidence_level": 0.95,
        "presentation": "show",
        "presentation_reason": None,
        "is_suppressed": False,
        "is_synthetic": True,
    }
    case_only, control_only, both, neither = (cells[kind] for kind in ("case_only", "control_only", "both", "neither"))
    return pl.DataFrame(
        row
        | {
            "exposed_cases": both + case_only,
            "exposed_noncases": both + control_only,
            "unexposed_cases": neither + control_only,
            "unexposed_noncases": neither + case_only,
            "odds_ratio": case_only / control_only if control_only else None,
            "odds_ratio_exact_lower": 0.5 if control_only else None,
            "odds_ratio_exact_upper": 9.0 if control_only else None,
            "e_value_limit": 1.5 if control_only else None,
            "p_value_family_size": 7,
        }
    )


@pytest.mark.parametrize(
    ("changed", "is_hidden"),
    [
        ({}, False),
        ({"control_only": 11}, False),
        ({"control_only": 10}, True),
        ({"control_only": 0}, True),
        ({"case_only": 10}, True),
        ({"both": 10}, True),
        ({"neither": 10}, True),
        ({"case_only": 40, "control_only": 40}, True),  # an odds ratio of 1 does not tell how many pairs are discordant
    ],
)
def test_an_odds_ratio_of_pairs_is_hidden_where_one_kind_of_pair_is_rare(
    project: Project, changed: dict[str, int], is_hidden: bool
) -> None:
    kinds = {"case_only": 60, "control_only": 20, "both": 100, "neither": 200} | changed
    [row] = protected_pairs(pairs(**kinds), project.study).to_dicts()
    assert row["is_suppressed"] == is_hidden
    numbers = ("odds_ratio", *FOUR_CELLS, *BESIDE_AN_ODDS_RATIO)
    assert [row[name] is None for name in numbers] == [is_hidden] * len(numbers)
    assert row["presentation_reason"] == (HIDDEN if is_hidden else None)


@pytest.mark.parametrize(
    ("ratio", "exact_lower", "is_hidden"),
    [(1.4, None, False), (1.4, 1.1, True), (None, None, True)],  # an exact interval, or no ratio, says that few sets speak
)
def test_an_odds_ratio_of_larger_sets_is_hidden_where_hardly_any_speak_for_one_direction(
    project: Project, ratio: float | None, exact_lower: float | None, is_hidden: bool
) -> None:
    two_controls = pairs(case_only=60, control_only=20, both=100, neither=200).with_columns(
        exposed_noncases=pl.lit(200, pl.Int64),
        unexposed_noncases=pl.lit(560, pl.Int64),
        odds_ratio=pl.lit(ratio, pl.Float64),
        odds_ratio_exact_lower=pl.lit(exact_lower, pl.Float64),
    )
    [row] = protected_pairs(two_controls, project.study).to_dicts()
    assert [row[name] is None for name in (*FOUR_CELLS, "e_value_limit", "odds_ratio_exact_upper")] == [is_hidden] * 6
    assert row["presentation_reason"] == (HIDDEN if is_hidden else None)


@pytest.mark.parametrize(("speaking", "is_hidden"), [(10, True), (11, False)])
def test_an_odds_ratio_of_larger_sets_is_hidden_where_fewer_sets_inform_it_than_may_be_published(
    project: Project, speaking: int, is_hidden: bool
) -> None:
    two_controls = pairs(case_only=60, control_only=20, both=100, neither=200).with_columns(
        exposed_noncases=pl.lit(200, pl.Int64),
        unexposed_noncases=pl.lit(560, pl.Int64),
        odds_ratio_exact_lower=pl.lit(None, pl.Float64),
    )
    [row] = protected_pairs(two_controls, project.study, {0: speaking}).to_dicts()
    assert (row["odds_ratio"] is None) == (row["exposed_cases"] is None) == is_hidden
    assert row["n_missing"] == 0


def test_informative_sets_are_counted_in_sets_and_in_people_of_each_direction(project: Project) -> None:
    # 1:2 sets. Six in which the case alone is exposed, seven in which one control is; in three all are
    kinds = [(True, False, False)] * 6 + [(False, True, False)] * 7 + [(True, True, True)] * 3
    people = pl.DataFrame(
        [
            {"matched_set": str(number), "is_case": member == 0, "is_sedentary": is_exposed}
            for number, kind in enumerate(kinds)
            for member, is_exposed in enumerate(kind)
        ]
    ).with_columns(source=pl.lit("berkeley"), wave=pl.lit("1973"), age_years=30, age_band=pl.lit("30-39"))
    asked = estimation(project, people, cohort().model_copy(update={"design": "case_control", "case_definition": "has_cramps"}))
    [scope] = asked.scopes()
    assert fewest_speaking(asked, scope, "is_sedentary", "adults_20_plus") == 6
    paired = people.filter(pl.int_range(pl.len()).over("matched_set") < 2)
    asked = estimation(project, paired, asked.source)
    assert fewest_speaking(asked, scope, "is_sedentary", "adults_20_plus") is None


def test_a_few_unmatched_people_are_not_given_away_by_another_exposure_of_the_same_people(project: Project) -> None:
    # 760 + 6 people, and 732 + 34: from either row and the analysed of the other, the number missing follows
    rows = pairs(case_only=60, control_only=20, both=100, neither=200).with_columns(n_missing=pl.lit(6, pl.Int64))
    others = pairs(case_only=50, control_only=40, both=90, neither=186).with_columns(
        exposure=pl.lit("takes_statin"), n_missing=pl.lit(34, pl.Int64)
    )
    alone = protected_pairs(rows, project.study)
    assert (alone["n_missing"].to_list(), alone["odds_ratio"].null_count()) == ([None], 0)
    both = protected_pairs(pl.concat([rows, others]), project.study)
    assert both["n_missing"].to_list() == [None, None]
    assert both["odds_ratio"].null_count() == 0


def test_matched_rows_of_a_second_population_are_hidden(project: Project) -> None:
    rows = pairs(case_only=60, control_only=20, both=100, neither=200)
    study = project.study.model_copy(
        update={"odds_ratios": project.study.odds_ratios.model_copy(update={"populations": ["adults_20_plus", "adults_60_plus"]})}
    )
    both = pl.concat([rows, rows.with_columns(population=pl.lit("adults_60_plus"))])
    assert protected_pairs(both, study)["is_suppressed"].to_list() == [False, True]
