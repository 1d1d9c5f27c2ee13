"""What a release says of each design, in its report tables and in SQL, against R survey (make_designs.R wrote expected.csv)."""

import math
from functools import cache
from typing import Any

import duckdb
import polars as pl
import pytest
from scipy import stats

from pipelines import ask as questions
from pipelines.release.macros.estimating import MEASURES
from pipelines.report import characteristics, trends
from pipelines.statistics.replicate_weights import NOBODY_IN_A_REPLICATE
from tests.atlas import Atlas
from tests.designs.study import DATA, SAMPLES
from tests.golden.reference import assert_close

TOLERANCE = 1e-8
ANSWERED = [name for name in SAMPLES if name != "brr"]
"""Samples of which every table gives what R gives. Of `brr` R answers one share, and the tables refuse the rest."""

Row = dict[str, Any]


@cache
def expected(source: str) -> dict[str, Row]:
    rows = pl.read_csv(DATA / "expected.csv", infer_schema_length=None).filter(source=source).to_dicts()
    return {row["what"]: row for row in rows}


def rows(atlas: Atlas, table: str, source: str, **where: Any) -> list[Row]:
    with duckdb.connect(str(atlas.warehouse / "epi.duckdb"), read_only=True) as connection:
        found = connection.sql(f"from report.{table}").pl().filter(source=source, outcome="has_outcome")
    return found.filter(**where).to_dicts()


def ask(atlas: Atlas, question: str) -> list[Row]:
    with duckdb.connect(str(atlas.warehouse / "epi.duckdb"), read_only=True) as connection:
        return connection.sql(f"from ask.{question}").pl().to_dicts()


def assert_share(row: Row, wanted: Row, what: str, name: str = "prevalence") -> None:
    """A share with its error, interval, degrees of freedom and verdict; what is not to be shown has none of them."""
    assert (row["n_respondents"], row["degrees_freedom"]) == (wanted["n"], wanted["df"]), what
    assert row["presentation"] == wanted["presentation"], what
    is_shown = wanted["presentation"] != "suppress"
    for column, value in ((name, "estimate"), (f"{name}_se", "se"), (f"{name}_lower", "lower"), (f"{name}_upper", "upper")):
        assert_close(row[column], wanted[value] if is_shown else None, TOLERANCE, f"{what} {column}")


@pytest.mark.parametrize("source", ANSWERED)
def test_prevalence_by_age_band_sex_and_exposure(published_designs: Atlas, source: str) -> None:
    wanted, found = expected(source), {}
    for row in rows(published_designs, "prevalence_by_age_band", source, population="everyone"):
        found[f"prevalence {row['age_band']}"] = row
    for row in rows(published_designs, "prevalence_by_age_band_and_sex", source, population="everyone"):
        found[f"sex {row['sex']} {row['age_band']}"] = row
    for row in rows(published_designs, "prevalence_by_exposure", source, population="everyone", exposure="is_exposed"):
        found[f"exposure {row['exposure_level']}"] = row
    assert set(found) == {what for what in wanted if what.startswith(("prevalence", "sex", "exposure")) and " by " not in what}
    for what, row in found.items():
        assert_share(row, wanted[what], what)


@pytest.mark.parametrize("source", ANSWERED)
def test_standardised(published_designs: Atlas, source: str) -> None:
    [row] = rows(published_designs, "prevalence_age_standardised", source, sex="all")
    wanted = expected(source)["standardised all"]
    assert (row["n_respondents"], row["degrees_freedom"]) == (wanted["n"], wanted["df"])
    assert_close(row["prevalence"], wanted["estimate"], TOLERANCE, "standardised")
    assert_close(row["prevalence_se"], wanted["se"], TOLERANCE, "its error")


def assert_ratio(row: Row, measure: str, wanted: Row, what: str) -> None:
    assert row["degrees_freedom"] == wanted["df"], what
    assert_close(math.log(row[measure]), wanted["estimate"], TOLERANCE, f"{what} {measure}")
    margin = stats.t.ppf(0.975, wanted["exact"]) * wanted["se"]
    for limit, sign in (("lower", -1), ("upper", 1)):
        assert_close(math.log(row[f"{measure}_{limit}"]), wanted["estimate"] + sign * margin, TOLERANCE, f"{what} {limit}")


@pytest.mark.parametrize("model", ["crude", "adjusted"])
@pytest.mark.parametrize("source", ANSWERED)
def test_odds_and_prevalence_ratios(published_designs: Atlas, source: str, model: str) -> None:
    [row] = rows(published_designs, "odds_ratios", source, model=model, exposure="is_exposed")
    odds, ratio = expected(source)[f"odds {model}"], expected(source)[f"ratio {model}"]
    assert_ratio(row, "odds_ratio", odds, model)
    assert_ratio(row, "prevalence_ratio", ratio, model)
    p_value = 2 * stats.t.sf(abs(odds["estimate"] / odds["se"]), odds["exact"])
    assert_close(row["p_value"], p_value, TOLERANCE, "p-value")


@pytest.mark.parametrize("source", ANSWERED)
def test_trend_and_association(published_designs: Atlas, source: str) -> None:
    [row] = rows(published_designs, "trends", source, population="everyone")
    assert_ratio(row, "odds_ratio", expected(source)["trend"], "trend")
    assert_close(row["association_p_value"], expected(source)["association"]["estimate"], TOLERANCE, "association")


@pytest.mark.parametrize("source", ANSWERED)
def test_characteristics(published_designs: Atlas, source: str) -> None:
    wanted = expected(source)
    [age] = rows(published_designs, "characteristics_by_outcome", source, characteristic="age_years")
    [exposed] = rows(published_designs, "characteristics_by_outcome", source, characteristic="is_exposed", level="true")
    for group in ("cases", "noncases"):
        is_many = wanted[f"age of {group}"]["n"] >= 30
        shares, ages = wanted[f"exposed {group}"], wanted[f"age of {group}"]
        for column, value in (
            (f"mean_of_{group}", ages["estimate"]),
            (f"mean_of_{group}_se", ages["se"]),
            (f"sd_of_{group}", wanted[f"sd of {group}"]["estimate"]),
        ):
            assert_close(age[column], value if is_many else None, TOLERANCE, column)
        is_shown = shares["presentation"] != "suppress"
        assert_close(exposed[f"share_of_{group}"], shares["estimate"] if is_shown else None, TOLERANCE, group)
        assert_close(exposed[f"share_of_{group}_se"], shares["se"] if is_shown else None, TOLERANCE, f"{group} error")
    for row, what in ((age, "age difference"), (exposed, "exposure by outcome")):
        assert row["degrees_freedom"] == wanted[what]["df"]
        assert_close(row["p_value"], wanted[what]["estimate"], TOLERANCE, what)


@pytest.mark.parametrize("source", ["strat", "clus", "calibrated"])
def test_questions_in_sql(published_designs: Atlas, source: str) -> None:
    wanted = expected(source)
    for row in ask(published_designs, f"prevalence('has_outcome', by := 'age_band', source := '{source}')"):
        assert_share(row, wanted[f"prevalence {row['age_band']}"], row["age_band"])
    [crude] = ask(published_designs, f"odds_ratio('has_outcome', 'is_exposed', source := '{source}')")
    assert_ratio(crude, "odds_ratio", wanted["odds crude"], "in SQL")
    [ratio] = ask(published_designs, f"prevalence_ratio('has_outcome', 'is_exposed', source := '{source}')")
    assert_ratio(ratio, "prevalence_ratio", wanted["ratio crude"], "in SQL")
    for row in ask(published_designs, f"mean('age_years', by := 'has_outcome', source := '{source}')"):
        mean = wanted["age of cases" if row["has_outcome"] else "age of noncases"]
        assert_close(row["mean"], mean["estimate"], TOLERANCE, "mean")
        assert_close(row["mean_se"], mean["se"], TOLERANCE, "its error")


@pytest.mark.parametrize(
    ("source", "variance", "rule"),
    [
        ("strat", "Taylor linearisation; finite population correction of the first stage", "respondents - strata"),
        ("clus", "Taylor linearisation; finite population correction of the first stage", "PSUs - 1"),
        (
            "calibrated",
            "Taylor linearisation; the gain of calibrating the weights to the schools of each type is left out",
            "PSUs - 1",
        ),
        ("jk1", "replicate weights (jk1), scattered about the estimate", "rank of the replicate weights - 1"),
        ("fay", "replicate weights (fay, rho 0.3), scattered about their mean", "rank of the replicate weights - 1"),
        (
            "imputed",
            "Taylor linearisation; pooled over 5 imputations by Rubin's rules, with the counts of people of the first",
            "Barnard and Rubin 1999 on PSUs - strata, rounded down",
        ),
    ],
)
def test_every_row_names_how_its_variance_was_made(published_designs: Atlas, source: str, variance: str, rule: str) -> None:
    tables = ("prevalence_by_age_band", "prevalence_by_exposure", "prevalence_age_standardised", "trends", "odds_ratios")
    for table in (*tables, "characteristics_by_outcome", "prevalence_by_age_band_and_sex"):
        named = {(row["variance_method"], row["degrees_freedom_rule"]) for row in rows(published_designs, table, source)}
        assert named == {(variance, rule)}, table
    if source in {"strat", "clus", "calibrated"}:
        [row] = ask(published_designs, f"mean('age_years', source := '{source}')")
        assert row["variance_method"] == variance


def test_published_half_samples_of_cardiac_arrests(published_designs: Atlas) -> None:
    """?svrepdesign gives 0.1535 with an error of 0.0094. A crew with all its weight in other half samples has no variance."""
    [whole] = rows(published_designs, "prevalence_by_age_band", "brr", population="everyone", age_band="all")
    assert_share(whole, expected("brr")["prevalence all"], "all")
    [crew] = rows(published_designs, "prevalence_by_age_band_and_sex", "brr", population="everyone", age_band="all", sex="female")
    assert (crew["prevalence"], crew["presentation"], crew["presentation_reason"]) == (None, "suppress", NOBODY_IN_A_REPLICATE)
    [crude] = rows(published_designs, "odds_ratios", "brr", model="crude")
    assert (crude["odds_ratio"], crude["presentation"]) == (None, "suppress")
    assert crude["presentation_reason"].startswith("In some replicate the regression has no solution")


QUESTIONS = (
    "prevalence('has_outcome'",
    "mean('age_years'",
    "total('age_years'",
    *(f"{measure}('has_outcome', 'is_exposed'" for measure in MEASURES),
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_replicate_weights_are_refused_in_sql(published_designs: Atlas, question: str) -> None:
    with pytest.raises(duckdb.Error, match="fay has replicate weights, by which questions are not answered"):
        ask(published_designs, f"{question}, source := 'fay')")


@pytest.mark.parametrize("question", QUESTIONS)
def test_imputed_values_are_refused_in_sql(published_designs: Atlas, question: str) -> None:
    with pytest.raises(duckdb.Error, match="of imputed was imputed several times, and questions pool no imputations"):
        ask(published_designs, f"{question}, condition := 'has_outcome is not null', source := 'imputed')")


def test_imputed_values_are_refused_in_python(published_designs: Atlas) -> None:
    """Where they are asked about, adjusted for, split by or in a condition."""
    of: dict[str, Any] = {"source": "imputed", "project": published_designs.folder}
    with pytest.raises(questions.Refused, match="was imputed several times, and questions pool no imputations"):
        questions.prevalence("has_outcome", **of)
    with pytest.raises(questions.Refused, match="questions pool no imputations"):
        questions.mean("age_years", where="has_outcome is not null", **of)
    with pytest.raises(questions.Refused, match="questions pool no imputations"):
        questions.mean("age_years", by="has_outcome", **of)


def test_what_was_not_imputed_is_answered_in_sql(published_designs: Atlas) -> None:
    [row] = ask(published_designs, "mean('age_years', source := 'imputed')")
    assert row["n_respondents"] == pl.read_csv(DATA / "imputed.csv").height


def test_no_test_of_a_table_is_pooled(published_designs: Atlas) -> None:
    [trend] = rows(published_designs, "trends", "imputed", population="everyone")
    assert (trend["association_p_value"], trend["presentation_reason"]) == (None, trends.NOT_POOLED)
    found = rows(published_designs, "characteristics_by_outcome", "imputed", characteristic="is_exposed")
    assert {(row["p_value"], row["p_value_reason"]) for row in found} == {(None, characteristics.NOT_POOLED)}


def test_the_flow_tells_how_many_were_filled_in(published_designs: Atlas) -> None:
    delivered = pl.read_csv(DATA / "imputed.csv")
    [row] = rows(published_designs, "respondent_flow", "imputed", population="everyone")
    assert (row["n_analysed"], row["n_imputed"]) == (delivered.height, delivered["y"].null_count())
    assert {row["n_imputed"] for row in rows(published_designs, "respondent_flow", "fay")} == {None}
    with duckdb.connect(str(published_designs.warehouse / "epi.duckdb"), read_only=True) as connection:
        kept = connection.sql("select count(*) filter (has_outcome is null) from core.respondents where source = 'imputed'")
        assert kept.fetchall() == [(row["n_imputed"],)]


def test_the_page_names_each_design(published_designs: Atlas) -> None:
    page = (published_designs.warehouse / "current" / "report.html").read_text(encoding="utf-8")
    for source in published_designs.project.sources.values():
        named = f" ({source.variance_method})" if source.further_design else "."
        assert f"strata and primary sampling units{named}" in page
    assert "The sample imputed\nimputed has outcome, is exposed 5 times" in page
    assert "(or by replicate weights, where a design has them)" in page
