"""What is estimated for which design, on small tables whose answers are known by hand or from R."""

import re
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml

from pipelines.contracts.comparability import Comparability
from pipelines.machine.errors import ConfigurationError
from pipelines.project.project import Project
from pipelines.project.sources import Source
from pipelines.project.study import load_study
from pipelines.report.estimators import ESTIMATORS, SETTINGS_NOT_READ, Estimation
from pipelines.report.plan import plan_report
from pipelines.report.scales import marked_for_scale, scale_warnings
from pipelines.stages import load_project
from tests.atlas import Atlas, make_atlas
from tests.golden.reference import reference


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


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


def test_characteristics_are_shares_of_cases_and_of_noncases(project: Project) -> None:
    """Of UCBAdmissions: 1198 of 1755 admitted and 1493 of 2771 rejected applicants were men. Ten more have no known sex."""
    unknown = admissions().head(10).with_columns(is_sedentary=pl.lit(None, pl.Boolean))
    people = pl.concat([admissions(), unknown])
    found = ESTIMATORS["report.characteristics_by_outcome"](estimation(project, people, cohort()))
    levels = found.filter(characteristic="is_sedentary", outcome="has_cramps", population="adults_20_plus").to_dicts()
    assert [row["level"] for row in levels] == ["false", "true"]
    [no, yes] = levels
    assert (yes["n_cases"], yes["n_noncases"], yes["n_missing"]) == (1198, 1493, 10)
    assert (no["n_cases"], no["n_noncases"], no["n_missing"]) == (557, 1278, 10)
    assert (yes["share_of_cases"], yes["share_of_noncases"]) == (pytest.approx(1198 / 1755), pytest.approx(1493 / 2771))
    share, n = 1198 / 1755, 1755
    # Taylor with n / (n - 1) of everybody in the sample
    assert yes["share_of_cases_se"] ** 2 == pytest.approx(share * (1 - share) / n * 4536 / 4535)
    assert yes["p_value"] == no["p_value"] < 1e-15
    assert (yes["presentation"], yes["weight"], yes["kind"]) == ("show", None, "categorical")
    # everybody is a man of 30: nothing to test, and no spread
    [age] = found.filter(characteristic="age_years", outcome="has_cramps").to_dicts()
    assert (age["level"], age["mean_of_cases"], age["sd_of_noncases"], age["p_value"]) == ("mean", 30, 0, None)
    assert age["p_value_reason"] == "the standard error of the difference is 0"
    [sex] = found.filter(characteristic="sex", outcome="has_cramps").to_dicts()
    assert (sex["share_of_cases"], sex["p_value"]) == (1, None)
    assert "Everybody analysed has the same sex" in sex["p_value_reason"]
    # what nobody was asked has no row
    assert not found.filter(pl.col("characteristic").is_in(["takes_statin", "magnesium_intake_mg"])).height


def test_a_share_that_is_too_uncertain_is_not_shown_and_the_other_one_is(project: Project) -> None:
    people = pl.concat([admissions().filter(~pl.col("has_cramps")), admissions().filter("has_cramps").head(29)])
    found = ESTIMATORS["report.characteristics_by_outcome"](estimation(project, people, cohort()))
    [row] = found.filter(characteristic="is_sedentary", level="true", outcome="has_cramps").to_dicts()
    assert (row["n_cases"], row["share_of_cases"], row["share_of_cases_se"]) == (29, None, None)
    assert row["share_of_noncases"] == pytest.approx(1493 / 2771)
    assert row["presentation"] == "suppress"
    assert row["presentation_reason"].startswith("cases: fewer than 30 respondents")
    [age] = found.filter(characteristic="age_years", outcome="has_cramps").to_dicts()
    assert (age["n_cases"], age.get("mean_of_cases"), age["mean_of_noncases"]) == (29, None, 30)
    assert age["presentation_reason"] == "cases: fewer than 30 respondents"


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (
            "is_sedentary",
            "study.yaml, line 59 (characteristics.continuous.is_sedentary): is_sedentary is BOOLEAN in core.respondents",
        ),
        (
            "cramp_frequency",
            "(characteristics.continuous.cramp_frequency): cramp_frequency is VARCHAR in core.respondents",
        ),
        ("shoe_size", "(characteristics.continuous.shoe_size): shoe_size is no column of core.respondents"),
    ],
)
def test_a_characteristic_that_has_no_mean_is_refused(tmp_path: Path, column: str, said: str) -> None:
    atlas = make_atlas(tmp_path / "project")
    atlas.edit("study.yaml", "    age_years: {label", f"    {column}: {{label")
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        _ = atlas.project


def test_an_outcome_without_a_column_of_reasons_is_refused(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path / "project")
    atlas.edit("study.yaml", "  has_frequent_cramps:\n", "  is_case:\n")
    with pytest.raises(ConfigurationError, match="has no column is_case_missing, which says why is_case"):
        _ = atlas.project


def test_without_the_section_adjustment_variables_and_exposures_are_described(tmp_path: Path) -> None:
    path = make_atlas(tmp_path / "project").folder / "study.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    del content["characteristics"]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    study = load_study(path)
    assert study.categorical_characteristics == [*study.adjustment, *study.exposures]


def test_characteristics_of_waves_that_are_not_comparable_are_not_pooled(project: Project) -> None:
    people = pl.concat([admissions(), admissions().with_columns(wave=pl.lit("1974"))])
    verdict = Comparability(
        source="berkeley",
        variables=("age_years",),
        waves=("1973", "1974"),
        verdict="not_comparable",
        reason="coded anew",
        reference="the codebook of 1974",
    )
    both = estimation(project, people, cohort(("1973", "1974")), comparability=[verdict])
    pooled = ESTIMATORS["report.characteristics_by_outcome"](both).filter(wave="pooled", outcome="has_cramps")
    # the population goes by age, so nothing of it can be pooled
    assert set(pooled["presentation_reason"]) == {"age_years is not comparable between 1973 and 1974: coded anew"}
    assert pooled["n_cases"].null_count() == pooled.height > 0


def test_cases_and_controls_are_described_without_a_test(published_synthetic: Atlas) -> None:
    found = published_synthetic.query(
        """
        select characteristic, level, n_cases, n_noncases, share_of_cases, share_of_cases_se, p_value, p_value_reason
        from report.characteristics_by_outcome where source = 'synthetic_case_control' and wave = '136-pairs'
        """
    )
    shares = {(row[0], row[1]): row[2:] for row in found}
    # matched on sex: as many women among the cases as among the controls
    n_cases, n_noncases, share, se, p_value, reason = shares["sex", "female"]
    assert n_cases == n_noncases
    assert share == pytest.approx(n_cases / 136)
    assert (se, p_value) == (None, None)
    assert "were matched on it" in reason
    assert "report.odds_ratios" in shares["is_sedentary", "true"][-1]


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


def in_waves(*, later_weight: float, pregnant_women: tuple[int, ...]) -> pl.DataFrame:
    """Twice 200 women of 20 to 59 in two strata; whether those of some ages are pregnant is known in the first wave."""
    number = pl.int_range(200)
    women = pl.select(
        age_years=20 + number % 40,
        sex=pl.lit("female"),
        has_cramps=number % 3 == 0,
        has_frequent_cramps=number % 7 == 0,
        stratum=number % 2 + 1,
        psu=number % 6,
        interview_weight=pl.lit(1.0),
        wave=pl.lit("1973"),
    )
    known = pl.when(pl.col("age_years").is_in(pregnant_women)).then(pl.col("has_frequent_cramps"))
    later = women.with_columns(wave=pl.lit("1974"), interview_weight=pl.lit(later_weight))
    young = pl.when(pl.col("age_years") < 45).then(pl.col("has_frequent_cramps"))
    return pl.concat([women.with_columns(is_pregnant=known), later.with_columns(is_pregnant=young)])


@pytest.mark.parametrize(
    ("ages", "population", "is_refused"),
    [
        (range(20, 60), "adults_20_plus", True),
        (range(20, 60), "women_20_44", False),
        (range(20, 45), "adults_20_plus", False),
    ],
)
def test_what_is_comparable_among_some_is_pooled_among_them_only(
    project: Project, ages: range, population: str, is_refused: bool
) -> None:
    verdict = Comparability.model_validate(
        {
            "source": "berkeley",
            "variables": ["is_pregnant"],
            "waves": ["1973", "1974"],
            "verdict": "recoded",
            "reason": "released for women of 20 to 44 only in 1974",
            "reference": "made for a test",
            "where": "age_years >= 20 and age_years < 45",
        }
    )
    people = in_waves(later_weight=1.0, pregnant_women=tuple(ages))
    survey = cohort(("1973", "1974")).model_copy(update={"design": "survey"})
    asked = estimation(project, people, survey, comparability=[verdict])
    pooled, alone = asked.scopes()[-1], asked.scopes()[0]
    refusal = asked.refusal(pooled, {"has_cramps", "is_pregnant"}, population)
    assert asked.refusal(alone, {"has_cramps", "is_pregnant"}, population) is None
    assert asked.refusal(pooled, {"has_cramps"}, population) is None
    assert (refusal is not None) == is_refused
    assert refusal is None or refusal == (
        "is_pregnant is comparable between 1973 and 1974 where age_years >= 20 and age_years < 45 only, and others of this "
        "population have it: released for women of 20 to 44 only in 1974"
    )


@pytest.mark.parametrize(("later_weight", "is_marked"), [(10.0, False), (10.1, True), (0.099, True)])
def test_pooled_weights_of_different_scales_are_marked(project: Project, later_weight: float, is_marked: bool) -> None:
    people = in_waves(later_weight=later_weight, pregnant_women=())
    survey = cohort(("1973", "1974")).model_copy(update={"design": "survey"})
    asked = estimation(project, people, survey)
    rows = pl.DataFrame(
        {
            "wave": ["1973", "pooled", "pooled", "pooled"],
            "weight": ["interview_weight", "interview_weight", "interview_weight", None],
            "presentation": ["show", "show", "suppress", "show"],
            "presentation_reason": [None, None, "no respondents", None],
        }
    )
    found = marked_for_scale(rows, asked)
    words = "the weights of the waves are on different scales: their sums differ more than 10 times"
    if is_marked:
        assert found["presentation"].to_list() == ["show", "review", "suppress", "show"]
        assert found["presentation_reason"].to_list() == [None, words, "no respondents", None]
        marked = found.with_columns(source=pl.lit("berkeley")).to_dicts()
        [said] = scale_warnings([*marked, *marked])
        assert said.startswith(f"berkeley, interview_weight: {words}")
        assert said.endswith("sql/core/respondents/berkeley.sql")
    else:
        assert found.equals(rows)
        assert scale_warnings(found.with_columns(source=pl.lit("berkeley")).to_dicts()) == []
