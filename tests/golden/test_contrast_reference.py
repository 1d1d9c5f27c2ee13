"""Contrasts of domains, standardised prevalence and standardised rates against R.

survey 4.1-1 svycontrast (`data/out_contrasts.csv`) and svystandardize (`data/out_standardised*.csv`), epitools ageadjust.direct
(`data/out_rates_fayfeuer.csv`).
"""

from typing import Any

import polars as pl
import pytest

from pipelines.statistics import (
    Cells,
    Standardised,
    UnknownStandardCell,
    compare,
    prevalence,
    standardise,
    standardised_rate,
)
from pipelines.statistics.contrast import ContrastMeasure
from pipelines.statistics.standardise import EMPTY_STANDARD_CELLS
from tests.golden.reference import NHANES_DESIGN, assert_close, cells_of, is_true, reference

TOLERANCE = 1e-12
WOMEN, MEN = {"sex": "F"}, {"sex": "M"}
STANDARD = {row["age_band"]: row["weight"] for row in reference("in_std_population_test")}
IS_ADULT = ~pl.col("age_band").is_in(["0-11", "12-19"])


@pytest.fixture(scope="module")
def nhanes() -> Cells:
    return cells_of("nhanes_like", NHANES_DESIGN, {key: key for key in ("age_band", "sex", "y", "y_rare")})


@pytest.mark.parametrize("measure", ["difference", "ratio", "odds_ratio"])
def test_contrasts_of_women_and_men_equal_svycontrast(nhanes: Cells, measure: ContrastMeasure) -> None:
    found = compare(prevalence(nhanes, "y", by=["sex"]), WOMEN, MEN, measure=measure)
    rows = {row["contrast"]: row for row in reference("out_contrasts")}
    assert found.estimate is not None
    assert found.se is not None
    assert found.degrees_freedom == 15
    if measure == "difference":
        assert_close(found.estimate, rows["diff"]["est"], TOLERANCE, "difference")
        assert_close(found.se, rows["diff"]["se"], TOLERANCE, "standard error")
        # R 4.2.2: 2 * pt(-0.025700038662533967 / 0.0076423500981715039, 15)
        assert_close(found.p_value, 0.0042712934476772284, TOLERANCE, "p")
    elif measure == "ratio":
        assert_close(found.estimate, rows["ratio"]["est"], TOLERANCE, "ratio")
        assert_close(found.estimate * found.se, rows["ratio"]["se"], TOLERANCE, "standard error, of the log by the delta method")
    else:
        # R 4.2.2: exp(0.2814835954578272 + c(0, -1, 1) * qt(.975, 15) * 0.080918958112731046)
        assert_close(found.estimate, 1.3250942585785754, TOLERANCE, "odds ratio")
        assert_close(found.lower, 1.1151722964756217, TOLERANCE, "lower limit")
        assert_close(found.upper, 1.5745322939487936, TOLERANCE, "upper limit")
        assert_close(found.se, rows["lor"]["se"], TOLERANCE, "standard error of the log")


def standardised(nhanes: Cells, what: str) -> Standardised:
    outcome = "y"
    return {
        "all": lambda: standardise(nhanes, outcome, column="age_band", standard=STANDARD),
        "sex": lambda: standardise(nhanes, outcome, column="age_band", standard=STANDARD, by=["sex"]),
        "adults sex": lambda: standardise(
            nhanes,
            outcome,
            column="age_band",
            standard={band: weight for band, weight in STANDARD.items() if band not in ("0-11", "12-19")},
            by=["sex"],
            domain=IS_ADULT,
        ),
    }[what]()


@pytest.mark.parametrize("row", reference("out_standardised"), ids=lambda row: row["what"])
def test_standardised_prevalence_equals_svystandardize(nhanes: Cells, row: dict[str, Any]) -> None:
    what, _, sex = row["what"].removesuffix("_lincomb_of_svyby").partition("=")
    if row["what"] == "sex F-M":
        difference = compare(standardised(nhanes, "sex"), WOMEN, MEN)
        found = {"prevalence": difference.estimate, "prevalence_se": difference.se, "degrees_freedom": difference.degrees_freedom}
    else:
        table = standardised(nhanes, what).table
        found = (table.filter(pl.col("sex") == sex) if sex else table).row(0, named=True)
    assert found["degrees_freedom"] == row["df"]
    assert_close(found["prevalence"], row["p"], TOLERANCE, "prevalence")
    assert_close(found["prevalence_se"], row["se"], TOLERANCE, "standard error")


@pytest.mark.parametrize("row", reference("out_standardised_kg"), ids=lambda row: f"{row['what']}, {row['outcome']}")
def test_age_adjusted_korn_graubard_equals_the_nchs_macro(nhanes: Cells, row: dict[str, Any]) -> None:
    what, _, sex = row["what"].partition("=")
    domain = IS_ADULT if what == "adults" else pl.col("sex") == sex if sex else None
    standard = {band: weight for band, weight in STANDARD.items() if what != "adults" or band not in ("0-11", "12-19")}
    result = standardise(nhanes, row["outcome"], column="age_band", standard=standard, domain=domain)
    found = result.table.row(0, named=True)
    assert (found["n_respondents"], found["degrees_freedom"]) == (row["n"], row["df"])
    for column, expected in (
        ("prevalence", "p"),
        ("prevalence_se", "se"),
        ("design_effect", "deff"),
        ("n_effective", "n_eff"),
        ("prevalence_lower", "kg_l"),
        ("prevalence_upper", "kg_u"),
    ):
        assert_close(found[column], row[expected], TOLERANCE, column)
    assert row["status"] == "present"
    assert not is_true(row["footnote_complement"])
    assert (found["presentation"], found["presentation_reason"], found["empty_standard_cells"]) == ("show", None, [])


def test_empty_cells_of_the_standard_give_their_weight_to_the_others_and_are_named(nhanes: Cells) -> None:
    # the adults again, with the children's bands left in the standard: R droplevels() the bands, and so renormalises
    found = standardise(nhanes, "y", column="age_band", standard=STANDARD, domain=IS_ADULT).table.row(0, named=True)
    row = next(row for row in reference("out_standardised_kg") if row["what"] == "adults" and row["outcome"] == "y")
    assert_close(found["prevalence"], row["p"], TOLERANCE, "prevalence")
    assert_close(found["prevalence_upper"], row["kg_u"], TOLERANCE, "upper limit")
    assert found["empty_standard_cells"] == ["0-11", "12-19"]
    assert found["presentation_reason"] == EMPTY_STANDARD_CELLS


def test_people_outside_the_standard_are_refused(nhanes: Cells) -> None:
    adults_only = {band: weight for band, weight in STANDARD.items() if band not in ("0-11", "12-19")}
    with pytest.raises(UnknownStandardCell, match="age_band = 0-11, 12-19") as error:
        standardise(nhanes, "y", column="age_band", standard=adults_only)
    assert error.value.names == ("0-11", "12-19")


def test_the_gamma_interval_of_a_standardised_rate_equals_epitools() -> None:
    rows = reference("in_rates")
    counts, population, standard = ([row[column] for row in rows] for column in ("count", "pop", "stdpop"))
    found = standardised_rate(counts, population, standard)
    (row,) = reference("out_rates_fayfeuer")
    for value, column in ((found.crude_rate, "crude.rate"), (found.rate, "adj.rate"), (found.lower, "lci"), (found.upper, "uci")):
        assert_close(value, row[column], 1e-10, column)
