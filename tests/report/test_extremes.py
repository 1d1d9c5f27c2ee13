"""Samples at the edge of what can be estimated: every table is there, each row has its number or its reason, numbers are R's.

The expected odds ratios are printed by extremes.R.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from pipelines.contracts.comparability import Comparability
from pipelines.project.project import Project
from pipelines.project.study import Adjustment
from pipelines.report.estimators import ESTIMATORS
from pipelines.report.finite import with_finite_numbers
from pipelines.stages import load_project
from tests.report.test_estimates import cohort, estimation

I = pl.col("i")  # noqa: E741
PEOPLE = (
    pl.DataFrame({"i": range(240)})
    .with_columns(
        source=pl.lit("berkeley"),
        wave=pl.lit("1973"),
        stratum=1 + I // 20,
        psu=1 + (I // 10) % 2,
        interview_weight=(1 + (I * 7) % 5).cast(pl.Float64),
        dietary_weight=pl.when(I % 7 == 0).then(0).otherwise(2 + (I * 3) % 4).cast(pl.Float64),
        age_years=20 + (I * 13) % 60,
        sex=pl.when(I % 3 == 0).then(pl.lit("male")).otherwise(pl.lit("female")),
        race_ethnicity=pl.lit("other"),
        is_sedentary=(I * I + I) % 5 < 2,
        takes_statin=I % 9 == 0,
        has_cramps=(3 * I * I + I // 3) % 7 < 3,
        magnesium_intake_mg=pl.when((I % 7 != 0) & (I % 11 != 3)).then((150 + (I * 37) % 211).cast(pl.Float64)),
        matched_set=(I // 2).cast(pl.String),
        is_case=I % 2 == 0,
    )
    .with_columns(
        age_band=pl.format("{}-{}", (pl.col("age_years") // 10) * 10, (pl.col("age_years") // 10) * 10 + 9),
        has_frequent_cramps=pl.col("has_cramps") & (I % 4 == 0),
    )
)
"""Made by formulas that extremes.R repeats."""

WAVES = ("1973", "1974", "1975")
ROUNDS = pl.concat([PEOPLE.with_columns(wave=pl.lit(wave)) for wave in WAVES])
IN_ORDER = pl.int_range(pl.len())
LINEAR, QUADRATIC = Adjustment(form="linear"), Adjustment(form="quadratic")
FROM_R = {
    ("age", 0.5): (1.01114176747925, 0.910544235787148, 1.12285338126072),
    ("age", 0.8): (1.01114176747925, 0.824259409854783, 1.2403955134964),
    ("age", 0.999): (1.01114176747925, 0.527551019982237, 1.93802615332918),
    ("dietary", 0.95): (1.12706517970036, 0.774269378194046, 1.64061236963274),
    ("interview", 0.95): (1.25052084125609, 0.820349905222931, 1.90626263800309),
    ("two cases", 0.95): (1.0, 0.630042537868423, 1.58719441925815),
    ("sizes", 0.95): (2.04793967826153, 1.21302259247222, 3.45752581347243),
}
"""Odds ratio of is_sedentary for has_cramps with its limits."""


@pytest.fixture(scope="module")
def project() -> Project:
    """The study with one outcome, two exposures and two populations."""
    return with_study(
        load_project(),
        outcomes=("has_cramps",),
        exposures=("is_sedentary", "takes_statin"),
        populations=("everyone_asked", "adults_20_plus"),
    )


def with_study(project: Project, **kept: Any) -> Project:
    """The study with the named entries of its sections only, or with another value of a setting."""
    study = project.study
    update = {
        section: {name: getattr(study, section)[name] for name in named} if isinstance(named, tuple) else named
        for section, named in kept.items()
    }
    return replace(project, study=study.model_copy(update=update))


def tables_of(project: Project, people: pl.DataFrame, design: str, **more: Any) -> dict[str, pl.DataFrame]:
    """Every report table of a source, estimated; a warning of a division or an overflow is an error."""
    waves = tuple(people["wave"].unique().sort()) or WAVES[:1]
    source = cohort(waves).model_copy(
        update={
            "design": design,
            "case_definition": "has_cramps" if design == "case_control" else None,
            "components": more.pop("components", {}),
        }
    )
    asked = estimation(project, people, source, standard_population=project.standard_population, **more)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return {table: estimator(asked) for table, estimator in ESTIMATORS.items()}


def odds_ratio(tables: dict[str, pl.DataFrame], model: str, **where: str) -> dict[str, Any]:
    only = {"exposure": "is_sedentary", "outcome": "has_cramps", "population": "adults_20_plus"} | where
    [row] = tables["report.odds_ratios"].filter(model=model, **only).to_dicts()
    return dict(row)


def assert_as_r(row: dict[str, Any], case: str) -> None:
    found = [row[name] for name in ("odds_ratio", "odds_ratio_lower", "odds_ratio_upper")]
    assert found == pytest.approx(FROM_R[case, row["confidence_level"]], rel=1e-8)


SAMPLES: dict[str, tuple[str, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "weights of women are 0": (
        "survey",
        lambda people: people.with_columns(
            interview_weight=pl.when(pl.col("sex") == "female").then(0.0).otherwise("interview_weight")
        ),
    ),
    "the smallest and the largest weight": (
        "survey",
        lambda people: people.with_columns(interview_weight=pl.when(I % 2 == 0).then(0.001).otherwise(999_999_999.0)),
    ),
    "text strata, PSUs with leading zeros": (
        "survey",
        lambda people: people.with_columns(
            stratum_text=pl.format("north '{}'", "stratum"), psu_text=pl.format("00{}", "psu"), stratum=None, psu=None
        ),
    ),
    "an exposure that nobody was asked": ("cohort", lambda people: people.with_columns(is_sedentary=pl.lit(None, pl.Boolean))),
    "no age is known": (
        "survey",
        lambda people: people.with_columns(age_years=pl.lit(None, pl.Int64), age_band=pl.lit(None, pl.String)),
    ),
    "ages of 130": ("survey", lambda people: people.with_columns(age_years=130, age_band=pl.lit("80+"))),
    "ages below 0": ("cohort", lambda people: people.with_columns(age_years=-1, age_band=pl.lit(None, pl.String))),
    "no sex is known": ("survey", lambda people: people.with_columns(sex=pl.lit(None, pl.String))),
    "one level of each adjuster": ("survey", lambda people: people.with_columns(age_band=pl.lit("20-29"), sex=pl.lit("male"))),
    "one respondent": ("cohort", lambda people: people.head(1)),
    "two respondents": ("cohort", lambda people: people.head(2)),
    "one respondent with a weight": (
        "survey",
        lambda people: people.with_columns(interview_weight=pl.when(I == 5).then(1.0).otherwise(0.0)),
    ),
    "sets of one": ("case_control", lambda people: people.with_columns(matched_set=I.cast(pl.String))),
    "an exposure that no set knows": ("case_control", lambda people: people.with_columns(is_sedentary=pl.lit(None, pl.Boolean))),
    "everybody in the sets is exposed": ("case_control", lambda people: people.with_columns(is_sedentary=True)),
    "no age of the sets is known": (
        "case_control",
        lambda people: people.with_columns(age_years=pl.lit(None, pl.Int64), age_band=pl.lit(None, pl.String)),
    ),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_table_is_there_and_every_row_has_its_number_or_its_reason(project: Project, sample: str) -> None:
    design, change = SAMPLES[sample]
    for table, found in tables_of(project, change(PEOPLE), design).items():
        assert with_finite_numbers(found).equals(found), table
        if "presentation" in found.columns:
            assert found.filter(pl.col("presentation") != "show")["presentation_reason"].null_count() == 0, table


def test_text_strata_and_psus_give_the_numbers_of_numbered_ones(project: Project) -> None:
    as_numbers = tables_of(project, PEOPLE, "survey")
    as_text = tables_of(project, SAMPLES["text strata, PSUs with leading zeros"][1](PEOPLE), "survey")
    numbers, texts = odds_ratio(as_numbers, "adjusted"), odds_ratio(as_text, "adjusted")
    assert texts["odds_ratio_upper"] == pytest.approx(numbers["odds_ratio_upper"], rel=1e-10)
    assert texts["degrees_freedom"] == numbers["degrees_freedom"] == 12


def test_an_empty_population_has_rows_that_say_so(project: Project) -> None:
    adults = project.study.populations["adults_20_plus"]
    nobody = {"adults_20_plus": adults.model_copy(update={"where": "age_years >= 110"})}
    empty = with_study(project, populations=project.study.populations | nobody)
    for design in ("cohort", "survey", "case_control"):
        row = odds_ratio(tables_of(empty, PEOPLE, design), "matched" if design == "case_control" else "adjusted")
        assert row.get("odds_ratio") is None
        assert row["presentation_reason"]


def test_waves_that_cannot_be_pooled_stand_by_themselves(project: Project) -> None:
    verdict = Comparability(
        source="berkeley",
        waves=["1973", "1974"],
        variables=["has_cramps"],
        verdict="not_comparable",
        reason="other words",
        reference="none",
    )
    rounds = ROUNDS.with_columns(
        # nobody has it in one wave; each exposure was asked in one wave
        has_cramps=pl.col("has_cramps") & (pl.col("wave") != "1975"),
        is_sedentary=pl.when(pl.col("wave") != "1974").then("is_sedentary"),
        takes_statin=pl.when(pl.col("wave") == "1974").then("takes_statin"),
    )
    tables = tables_of(project, rounds, "survey", comparability=[verdict])
    alone = odds_ratio(tables_of(project, PEOPLE, "survey"), "crude")["odds_ratio"]
    assert odds_ratio(tables, "crude", wave="1973")["odds_ratio"] == pytest.approx(alone, rel=1e-12)
    for wave, reason in (("1974", ""), ("1975", ""), ("pooled", "other words")):
        row = odds_ratio(tables, "crude", wave=wave)
        assert row["odds_ratio"] is None
        assert row["presentation_reason"].endswith(reason)
        assert row["presentation_reason"]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.999])
def test_limits_are_those_of_the_level(project: Project, level: float) -> None:
    at_level = with_study(project, confidence_level=level, adjustment={"age_years": LINEAR})
    assert_as_r(odds_ratio(tables_of(at_level, PEOPLE, "survey"), "adjusted"), "age")


@pytest.mark.parametrize(("component", "n_missing"), [("dietary", 205 - 186), ("interview", 240 - 186)])
def test_people_who_lack_a_number_that_is_adjusted_for_are_left_out_under_the_weight_of_its_component(
    project: Project, component: str, n_missing: int
) -> None:
    """35 people have no dietary day (weight 0), 19 of the others no magnesium."""
    numbers = with_study(project, adjustment={"age_years": LINEAR, "magnesium_intake_mg": QUADRATIC})
    components = {component: ["magnesium_intake_mg"]} if component == "dietary" else {}
    row = odds_ratio(tables_of(numbers, PEOPLE, "survey", components=components), "adjusted")
    assert_as_r(row, component)
    assert (row["weight"], row["n_missing"]) == (f"{component}_weight", n_missing)


@pytest.mark.parametrize(
    "change",
    [
        pl.lit(None, pl.Float64),
        pl.lit(5.0),
    ],
    ids=["nobody has it", "all have the same"],
)
def test_a_number_that_cannot_be_adjusted_for_is_left_out_of_the_words(project: Project, change: pl.Expr) -> None:
    numbers = with_study(project, adjustment={"age_years": LINEAR, "magnesium_intake_mg": QUADRATIC})
    row = odds_ratio(tables_of(numbers, PEOPLE.with_columns(magnesium_intake_mg=change), "survey"), "adjusted")
    assert row["adjusted_for"] == "age_years (linear)"
    assert row["odds_ratio"] == pytest.approx(FROM_R["age", 0.5][0], rel=1e-8)
    assert row["n_missing"] == 0


def test_adjusters_that_say_the_same_count_once(project: Project) -> None:
    people = PEOPLE.with_columns(race_ethnicity=pl.col("sex").replace_strict({"male": "a", "female": "b"}))
    once, twice = (
        with_study(project, adjustment=dict.fromkeys(names, Adjustment())) for names in (["sex"], ["sex", "race_ethnicity"])
    )
    for design in ("cohort", "survey"):
        one, both = (odds_ratio(tables_of(study, people, design), "adjusted") for study in (once, twice))
        assert both["adjusted_for"] == "sex, race_ethnicity"
        for name in ("odds_ratio", "odds_ratio_upper", "prevalence_ratio", "p_value"):
            assert both[name] == pytest.approx(one[name], rel=1e-12)
        assert both["presentation"] == "show"


def test_an_odds_ratio_has_all_reasons_for_a_look(project: Project) -> None:
    few = PEOPLE.filter(pl.col("stratum") <= 6).with_columns(
        has_cramps=pl.when(pl.col("is_sedentary")).then(pl.col("has_cramps") & (I < 9)).otherwise(pl.col("has_cramps"))
    )
    row = odds_ratio(tables_of(project, few, "survey"), "crude")
    assert row["presentation"] == "review"
    assert row["presentation_reason"] == "fewer than 5 respondents in one of the four cells; fewer than 8 degrees of freedom"


def test_one_outcome_one_exposure_and_no_adjustment(project: Project) -> None:
    least = with_study(project, exposures=("is_sedentary",), adjustment={})
    for design in ("cohort", "survey"):
        tables = tables_of(least, PEOPLE, design)
        crude, adjusted = odds_ratio(tables, "crude"), odds_ratio(tables, "adjusted")
        assert adjusted["odds_ratio"] == crude["odds_ratio"]
        assert adjusted["adjusted_for"] is None


@pytest.mark.parametrize(
    ("case", "matched_set", "is_case"),
    [
        ("two cases", IN_ORDER // 4, IN_ORDER % 4 < 2),
        (
            "sizes",
            pl.when(IN_ORDER < 100).then(IN_ORDER // 2).otherwise(100 + IN_ORDER // 5),
            pl.when(IN_ORDER < 100).then(IN_ORDER % 2 == 0).otherwise(IN_ORDER % 5 == 0),
        ),
    ],
)
def test_sets_of_two_cases_and_of_several_sizes(project: Project, case: str, matched_set: pl.Expr, is_case: pl.Expr) -> None:
    people = PEOPLE.with_columns(matched_set=matched_set.cast(pl.String), is_case=is_case)
    assert_as_r(odds_ratio(tables_of(project, people, "case_control"), "matched"), case)
