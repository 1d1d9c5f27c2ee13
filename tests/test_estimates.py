"""What is estimated for which design, on small tables whose answers are known by hand or from R."""

import duckdb
import polars as pl
import pytest

from pipelines.contracts.comparability import Comparability
from pipelines.estimates import ESTIMATORS, SETTINGS_NOT_READ, Estimation
from pipelines.plan import plan_report
from pipelines.project import Project
from pipelines.sources import Source
from tests.golden.reference import reference


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.load()


def test_an_estimator_is_not_given_the_settings_that_its_recipe_leaves_out(project: Project) -> None:
    assert SETTINGS_NOT_READ.keys() == ESTIMATORS.keys()
    for sections in SETTINGS_NOT_READ.values():
        for section in sections:
            with pytest.raises(AttributeError):
                getattr(project.study.without(sections), section)


@pytest.mark.parametrize("table", ESTIMATORS)
def test_a_recipe_names_the_settings_that_its_estimator_is_given(project: Project, table: str) -> None:
    sections = set(project.study.of_estimates()) - SETTINGS_NOT_READ[table]
    [place, *_] = project.places(table)
    named = {
        name.removeprefix("study.yaml: ").split(".")[0] for name in plan_report(project, place).ingredients if "study" in name
    }
    assert named == sections


def cohort(waves: tuple[str, ...] = ("1973",)) -> Source:
    return Source.model_validate(
        {
            "source": "berkeley",
            "title": "A cohort",
            "design": "cohort",
            "classification": "public_use",
            "citation": "made for a test",
            "terms_of_use": "none",
            "waves": {wave: {"tables": {}} for wave in waves},
        }
    )


def estimation(project: Project, people: pl.DataFrame, source: Source, **more: object) -> Estimation:
    """People with the columns given; every other column of core.respondents is NULL."""
    types = project.contracts["core.respondents"].column_types()
    connection = duckdb.connect()
    connection.register("people", people.to_arrow())
    columns = ", ".join(name if name in people.columns else f"cast(null as {kind}) as {name}" for name, kind in types.items())
    connection.execute(f"create schema core; create table core.respondents as select {columns} from people")
    return Estimation(connection, "core.respondents", project.study, source, source.study_waves, **more)  # type: ignore[arg-type]


def admissions() -> pl.DataFrame:
    """R's UCBAdmissions as a cohort: department as the adjusted variable, male sex as the exposure, admission as the outcome."""
    counts = [stratum for stratum in reference("in_mh") if stratum["set"] == "UCBAdmissions"]
    rows = []
    for stratum in counts:
        for exposed, case, cell in ((True, True, "a"), (True, False, "b"), (False, True, "c"), (False, False, "d")):
            rows.append(
                {"race_ethnicity": str(stratum["stratum"]), "is_sedentary": exposed, "has_cramps": case, "n": int(stratum[cell])}
            )
    people = pl.DataFrame(rows).select(pl.exclude("n").repeat_by("n").explode())
    return people.with_columns(
        source=pl.lit("berkeley"),
        wave=pl.lit("1973"),
        age_years=30,
        age_band=pl.lit("30-39"),
        sex=pl.lit("male"),
        has_frequent_cramps="has_cramps",
    )


def test_an_unweighted_source_has_the_mantel_haenszel_odds_ratio_of_r(project: Project) -> None:
    found = ESTIMATORS["report.odds_ratios"](estimation(project, admissions(), cohort()))
    [row] = found.filter(model="mantel_haenszel", outcome="has_cramps", exposure="is_sedentary").to_dicts()
    [expected] = [row for row in reference("out_mh") if row["set"] == "UCBAdmissions"]
    assert row["adjusted_for"] == "race_ethnicity"
    assert row["odds_ratio"] == pytest.approx(expected["or_mh"], rel=1e-12)
    assert row["odds_ratio_lower"] == pytest.approx(expected["l"], rel=1e-12)
    assert row["odds_ratio_upper"] == pytest.approx(expected["u"], rel=1e-12)


def test_a_source_that_did_not_ask_for_an_adjuster_is_adjusted_for_the_others(project: Project) -> None:
    """UCBAdmissions with the department in another adjuster: the odds ratio is R's all the same."""
    people = admissions().with_columns(age_band="race_ethnicity", race_ethnicity=pl.lit(None, pl.String))
    found = ESTIMATORS["report.odds_ratios"](estimation(project, people, cohort()))
    [row] = found.filter(model="mantel_haenszel", outcome="has_cramps", exposure="is_sedentary").to_dicts()
    [expected] = [row for row in reference("out_mh") if row["set"] == "UCBAdmissions"]
    assert (row["adjusted_for"], row["n_missing"]) == ("age_band", 0)
    assert row["odds_ratio"] == pytest.approx(expected["or_mh"], rel=1e-12)
    [adjusted] = found.filter(model="adjusted", outcome="has_cramps", exposure="is_sedentary").to_dicts()
    assert (adjusted["adjusted_for"], adjusted["n_missing"]) == ("age_band", 0)
    assert adjusted["odds_ratio"] == pytest.approx(expected["or_mh"], rel=0.01)  # the two methods agree closely on these data


def test_a_crude_odds_ratio_of_an_unweighted_source_is_the_cross_product(project: Project) -> None:
    people = admissions()
    found = ESTIMATORS["report.odds_ratios"](estimation(project, people, cohort()))
    [row] = found.filter(model="crude", outcome="has_cramps", exposure="is_sedentary").to_dicts()
    a, b, c, d = (row[name] for name in ("exposed_cases", "exposed_noncases", "unexposed_cases", "unexposed_noncases"))
    assert (a, b, c, d) == (1198, 1493, 557, 1278)  # R: apply(UCBAdmissions, c(1, 2), sum)
    assert row["odds_ratio"] == pytest.approx(a * d / (b * c), rel=1e-10)
    assert row["weight"] is None


def test_waves_that_are_not_comparable_are_refused_with_the_reason(project: Project) -> None:
    people = pl.concat([admissions(), admissions().with_columns(wave=pl.lit("1974"))])
    verdict = Comparability(
        source="berkeley",
        variables=("is_sedentary",),
        waves=("1973", "1974"),
        verdict="not_comparable",
        reason="the question changed",
        reference="the questionnaire of 1974",
    )
    found = ESTIMATORS["report.odds_ratios"](estimation(project, people, cohort(("1973", "1974")), comparability=[verdict]))
    pooled = found.filter(wave="pooled", exposure="is_sedentary")
    assert pooled["odds_ratio"].null_count() == len(pooled) > 0
    assert set(pooled["presentation_reason"]) == {"is_sedentary is not comparable between 1973 and 1974: the question changed"}
    assert found.filter(wave="1974", exposure="is_sedentary", model="crude")["odds_ratio"].null_count() == 0


def test_adjusted_p_values_are_holms_within_a_family(project: Project) -> None:
    people = admissions().with_columns(takes_statin=pl.col("is_sedentary"), takes_diuretic=pl.int_range(pl.len()) % 2 == 0)
    found = ESTIMATORS["report.odds_ratios"](estimation(project, people, cohort())).filter(model="crude", outcome="has_cramps")
    p = {row["exposure"]: row["p_value"] for row in found.iter_rows(named=True)}
    adjusted = {row["exposure"]: row["p_value_adjusted"] for row in found.iter_rows(named=True)}
    # Holm: three times the smallest, twice the next, once the largest, and never less than the one before
    assert adjusted["is_sedentary"] == pytest.approx(3 * p["is_sedentary"])
    assert adjusted["takes_statin"] == pytest.approx(3 * p["takes_statin"])
    assert adjusted["takes_diuretic"] == pytest.approx(max(3 * p["takes_statin"], p["takes_diuretic"]))


def test_a_separated_outcome_is_a_row_that_says_so(project: Project) -> None:
    people = admissions().with_columns(takes_statin=pl.col("has_cramps") & (pl.int_range(pl.len()) % 2 == 0))
    found = ESTIMATORS["report.odds_ratios"](estimation(project, people, cohort()))
    [row] = found.filter(model="crude", outcome="has_cramps", exposure="takes_statin").to_dicts()
    assert row["odds_ratio"] is None
    assert row["presentation"] == "suppress"
    assert "takes_statin" in row["presentation_reason"]


def test_a_population_without_members_is_a_row_that_says_so(project: Project) -> None:
    found = ESTIMATORS["report.prevalence_by_age_band"](estimation(project, admissions(), cohort()))
    women = found.filter(population="women_20_44")
    assert set(women["presentation"]) == {"suppress"}
    assert women["prevalence"].null_count() == len(women) == 2
    empty_band = found.filter(population="everyone_asked", age_band="40-49")
    assert set(empty_band["presentation_reason"]) == {"no respondents"}
    assert set(empty_band["n_respondents"]) == {0}


def test_ages_outside_the_standard_are_no_part_of_it(project: Project) -> None:
    """One age group only: its prevalence is that of the group, and the verdict says that the others are empty."""
    with_standard = estimation(project, admissions(), cohort(), standard_population=project.standard_population)
    found = ESTIMATORS["report.prevalence_age_standardised"](with_standard).filter(outcome="has_cramps", sex="all")
    assert found["prevalence"].to_list() == pytest.approx([1755 / 4526])  # admitted of all in UCBAdmissions
    assert "nobody in some cells of the standard" in found["presentation_reason"][0]


def test_a_source_that_did_not_ask_for_sex_is_standardised_for_both_together(project: Project) -> None:
    people = admissions().with_columns(sex=pl.lit(None, pl.String))
    with_standard = estimation(project, people, cohort(), standard_population=project.standard_population)
    found = ESTIMATORS["report.prevalence_age_standardised"](with_standard).filter(outcome="has_cramps")
    assert found.select("sex", "prevalence").rows() == [("all", pytest.approx(1755 / 4526))]


def test_strata_with_large_numbers_stay_apart_where_waves_are_pooled(project: Project) -> None:
    """The second wave's strata are those of the first plus a million: merged, the pooled design would have half of them."""
    numbers = pl.int_range(pl.len())
    first = admissions().with_columns(stratum=numbers % 2 + 1, psu=numbers % 6, interview_weight=pl.lit(1.0), wave=pl.lit("1973"))
    second = first.with_columns(wave=pl.lit("1974"))
    people = pl.concat([first.with_columns(pl.col("stratum") + 1_000_000), second]).with_columns(pl.col("stratum").cast(pl.Int32))
    survey = cohort(("1973", "1974")).model_copy(update={"design": "survey"})
    found = ESTIMATORS["report.prevalence_by_age_band"](estimation(project, people, survey))
    whole = found.filter(population="everyone_asked", outcome="has_cramps", age_band="all")
    # three PSUs in each of two strata a wave: 6 - 2 a wave, 12 - 4 pooled
    assert dict(whole.select("wave", "degrees_freedom").iter_rows()) == {"1973": 4, "1974": 4, "pooled": 8}
