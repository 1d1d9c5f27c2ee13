"""Every published NHANES number against R's survey package, which reads the same files by a script of its own (expected.R)."""

import math
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
from scipy import stats

from tests.atlas import Atlas
from tests.nhanes_files import nhanes_folder
from tests.patience import PATIENCE_SECONDS

TOLERANCE = 1e-6

PREVALENCE_KEYS = ["wave", "population", "outcome", "age_band"]
ODDS_RATIO_KEYS = ["wave", "population", "outcome", "exposure", "exposure_level", "model"]
NOT_POOLED = {"is_sedentary", "activity_level", "sitting_minutes_per_day"}


@pytest.fixture(scope="module")
def from_r(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("Rscript"):
        pytest.skip("R is not installed: apt-get install r-base-core r-cran-survey r-cran-foreign")
    folder = tmp_path_factory.mktemp("r")
    subprocess.run(
        ["Rscript", str(Path(__file__).with_name("expected.R")), str(nhanes_folder()), str(folder)],
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    return folder


def compare(expected: pl.DataFrame, found: pl.DataFrame, keys: list[str]) -> None:
    """Every row that R has is published, and every column that R has is equal."""
    joined = expected.join(found, on=keys, how="left", suffix="_found", validate="1:1")
    for column in set(expected.columns) - set(keys):
        differs = joined.filter(((pl.col(column) - pl.col(f"{column}_found")).abs() > TOLERANCE).fill_null(True))
        assert differs.is_empty(), f"{column}: {differs.select(*keys, column, f'{column}_found').head()}"


def compare_prevalence(expected: pl.DataFrame, found: pl.DataFrame, keys: list[str]) -> None:
    """Every row that R has is there: hidden where R's numbers call for it by the NCHS standards, and otherwise equal."""
    width = pl.col("prevalence_upper") - pl.col("prevalence_lower")
    is_imprecise = (width >= 0.3) | ((width > 0.05) & (width > 1.3 * pl.col("prevalence")))
    is_small = pl.min_horizontal("n_respondents", "n_effective") < 30
    hidden = expected.filter(is_small | is_imprecise)
    shown = expected.join(hidden, on=keys, how="anti")
    verdicts = hidden.join(found, on=keys, how="left", suffix="_found", validate="1:1")
    assert verdicts["presentation"].to_list() == ["suppress"] * len(hidden)
    assert verdicts["prevalence_found"].null_count() == len(hidden)
    assert "suppress" not in shown.join(found, on=keys, how="left", suffix="_found")["presentation"].to_list()
    compare(shown, found, keys)
    assert len(found) == len(expected)


def published(atlas: Atlas, table: str) -> pl.DataFrame:
    path = atlas.warehouse / "current" / "report" / f"{table}.parquet"
    return pl.read_parquet(path).filter(pl.col("source") == "nhanes")


def test_prevalences_are_those_of_survey(published_nhanes: Atlas, from_r: Path) -> None:
    expected = pl.read_csv(from_r / "prevalence.csv")
    found = published(published_nhanes, "prevalence_by_age_band")
    compare_prevalence(expected, found, PREVALENCE_KEYS)


def test_prevalences_by_sex_are_those_of_survey(published_nhanes: Atlas, from_r: Path) -> None:
    expected = pl.read_csv(from_r / "prevalence_by_sex.csv")
    found = published(published_nhanes, "prevalence_by_age_band_and_sex").filter(pl.col("population") == "everyone_asked")
    compare_prevalence(expected, found, [*PREVALENCE_KEYS, "sex"])


def test_prevalences_by_exposure_are_those_of_survey(published_nhanes: Atlas, from_r: Path) -> None:
    expected = pl.read_csv(from_r / "prevalence_by_exposure.csv", schema_overrides={"exposure_level": pl.String})
    found = published(published_nhanes, "prevalence_by_exposure").filter(pl.col("population") == "adults_20_plus")
    not_comparable = pl.col("exposure").is_in(NOT_POOLED) & (pl.col("wave") == "pooled")
    keys = ["wave", "population", "outcome", "exposure", "exposure_level"]
    compare_prevalence(expected.filter(~not_comparable), found.filter(~not_comparable), keys)
    assert found.filter(not_comparable)["prevalence"].null_count() == 2 * (2 + 3)
    assert set(found.filter(exposure="is_in_lowest_magnesium_quartile")["weight"]) == {"dietary_weight"}


def test_standardised_prevalences_are_those_of_survey(published_nhanes: Atlas, from_r: Path) -> None:
    expected = pl.read_csv(from_r / "standardised.csv")
    found = published(published_nhanes, "prevalence_age_standardised")
    compare(expected, found, ["wave", "population", "outcome", "sex"])
    assert len(found) == len(expected)


def test_trends_over_age_are_those_of_survey(published_nhanes: Atlas, from_r: Path) -> None:
    expected = pl.read_csv(from_r / "trends.csv")
    found = published(published_nhanes, "trends")
    compare(expected, found, ["wave", "population", "outcome"])
    assert len(found) == len(expected)


def test_odds_and_prevalence_ratios_are_those_of_survey(published_nhanes: Atlas, from_r: Path) -> None:
    everything = pl.read_csv(from_r / "odds_ratios.csv", null_values="NA")
    # minutes spent sitting were first asked in 2007
    unasked = (pl.col("exposure") == "sitting_minutes_per_day") & (pl.col("wave") == "2005-2006")
    not_comparable = pl.col("exposure").is_in(NOT_POOLED) & (pl.col("wave") == "pooled")
    rows = published(published_nhanes, "odds_ratios")
    assert rows.filter(unasked)["odds_ratio"].null_count() == len(rows.filter(unasked)) == 2 * 2
    found, expected = rows.filter(~unasked & ~not_comparable), everything.filter(~not_comparable)
    of_numbers = pl.col("unexposed_cases").is_null()
    unexposed = ["unexposed_cases", "unexposed_noncases"]
    compare(expected.filter(~of_numbers), found, ODDS_RATIO_KEYS)
    compare(expected.filter(of_numbers).drop(unexposed), found, ODDS_RATIO_KEYS)
    assert set(found.filter(pl.col("reference_level").is_null())["exposure"]) == set(expected.filter(of_numbers)["exposure"])
    assert found.filter(pl.col("reference_level").is_null()).select(unexposed).null_count().row(0) == (4 * 12 - 8,) * 2
    assert len(found) == len(expected)


def test_each_further_exposure_has_the_weight_of_its_component_and_a_family_of_its_own(published_nhanes: Atlas) -> None:
    rows = published(published_nhanes, "odds_ratios").filter(pl.col("hypotheses") == "further exposures")
    weights = set(rows.select("exposure", "population", "weight").iter_rows())
    assert weights == {
        ("magnesium_intake_mg", "adults_20_plus", "dietary_weight"),
        ("is_in_lowest_magnesium_quartile", "adults_20_plus", "dietary_weight"),
        ("serum_calcium_mg_dl", "adults_20_plus", "exam_weight"),
        ("serum_potassium_mmol_l", "adults_20_plus", "exam_weight"),
        ("sitting_minutes_per_day", "adults_20_plus", "interview_weight"),
        ("is_pregnant", "women_20_44", "exam_weight"),
    }
    families = rows.filter(wave="pooled", population="adults_20_plus").drop_nulls("p_value_family_size")
    assert set(families["p_value_family_size"]) == {4}
    others = published(published_nhanes, "odds_ratios").filter(
        pl.col("hypotheses").is_null(), wave="pooled", exposure="takes_statin"
    )
    assert not others["p_value_family"].str.contains("magnesium|serum|pregnant").any()


def test_characteristics_are_those_of_survey(published_nhanes: Atlas, from_r: Path) -> None:
    """Counts, shares, means, standard errors, standard deviations and p-values, of cases and of noncases."""
    schema = {"level": pl.String, "sd": pl.Float64}
    everything = pl.read_csv(from_r / "characteristics.csv", null_values="NA", schema_overrides=schema)
    rows = published(published_nhanes, "characteristics_by_outcome")
    keys = ["wave", "population", "outcome", "characteristic", "level"]
    found = pl.concat(
        rows.select(
            *(*keys, "n_missing", "degrees_freedom", "p_value", "presentation"),
            group=pl.lit(group),
            n=f"n_{group}",
            estimate=pl.coalesce(f"share_of_{group}", f"mean_of_{group}"),
            se=pl.coalesce(f"share_of_{group}_se", f"mean_of_{group}_se"),
            sd=f"sd_of_{group}",
        )
        for group in ("cases", "noncases")
    )
    not_pooled = pl.col("characteristic").is_in(NOT_POOLED) & (pl.col("wave") == "pooled")
    assert found.filter(not_pooled)["estimate"].null_count() == 2 * 2 * (2 + 3 + 1)
    expected = everything.filter(~not_pooled)
    # minutes spent sitting were first asked in 2007
    unasked = found.filter(pl.col("characteristic") == "sitting_minutes_per_day", pl.col("wave") == "2005-2006")
    assert unasked["estimate"].null_count() == len(unasked) == 4
    assert len(expected) == len(found) - len(found.filter(not_pooled)) - len(unasked) == 464
    keys.append("group")
    width = pl.col("upper") - pl.col("lower")
    is_imprecise = (width >= 0.3) | ((width > 0.05) & (width > 1.3 * pl.col("estimate")))
    hidden = expected.filter(is_imprecise.fill_null(False) | (pl.col("n_effective") < 30).fill_null(False))
    verdicts = hidden.join(found, on=keys, suffix="_found", validate="1:1")
    assert len(verdicts) == len(hidden) > 0
    assert set(verdicts["presentation"]) == {"suppress"}
    assert verdicts["estimate_found"].null_count() == len(hidden)
    compare(hidden.select(*keys, "n", "n_missing", "degrees_freedom", "p_value"), found, keys)
    shown = expected.join(hidden, on=keys, how="anti")
    compare(shown.select(*keys, "n", "n_missing", "degrees_freedom", "p_value", "estimate", "se"), found, keys)
    means = shown.filter(pl.col("level") == "mean")
    compare(means.select(*keys, "sd"), found, keys)
    # of 10,902 adults with an answer: not weighed and measured, or without a reliable dietary day (538 missing, 429 not asked)
    of_components = found.filter(wave="pooled", outcome="has_cramps", level="mean", group="cases")
    missing = dict(of_components.select("characteristic", "n_missing").iter_rows())
    assert (missing["body_mass_index_kg_m2"], missing["magnesium_intake_mg"]) == (621, 967)
    assert len(means) == 2 * 2 * (3 + 3 + 1 + 3 + 3 + 3)


def test_the_flow_starts_at_the_published_number_of_records_and_ends_where_survey_begins(
    published_nhanes: Atlas, from_r: Path
) -> None:
    # records of DEMO_D and DEMO_E, as CDC publishes them
    records = {"2005-2006": 10_348, "2007-2008": 10_149, "pooled": 20_497}
    expected = pl.read_csv(from_r / "prevalence.csv").filter(pl.col("age_band") == "all")
    flow = published(published_nhanes, "respondent_flow")
    joined = expected.join(flow, on=["wave", "population", "outcome"], suffix="_flow", validate="1:1")
    assert len(joined) == len(flow) == 3 * 5 * 2
    for row in joined.iter_rows(named=True):
        assert (row["n_received"], row["n_set_aside"]) == (records[row["wave"]], 0)
        assert (row["n_analysed"], row["n_missing_flow"]) == (row["n_respondents"], row["n_missing"])
        assert row["n_out_of_scope"] == records[row["wave"]] - row["n_respondents"] - row["n_missing"]


def test_coefficients_and_standard_errors_are_those_of_svyglm_from_its_own_solution(
    published_nhanes: Atlas, from_r: Path
) -> None:
    keys = ["wave", "outcome", "exposure", "exposure_level", "model"]
    found = published(published_nhanes, "odds_ratios").filter(pl.col("odds_ratio").is_not_null())
    joined = pl.read_csv(from_r / "coefficients.csv").join(found, on=keys, validate="1:1")
    assert len(joined) == len(found)
    for row in joined.iter_rows(named=True):
        margin = stats.t.ppf(0.975, row["degrees_freedom"])
        se = math.log(row["odds_ratio_upper"] / row["odds_ratio_lower"]) / (2 * margin)
        assert math.log(row["odds_ratio"]) == pytest.approx(row["b"], abs=1e-8)
        assert se == pytest.approx(row["se"], abs=1e-8)


def test_waves_that_are_not_comparable_are_not_pooled(published_nhanes: Atlas) -> None:
    pooled = published(published_nhanes, "odds_ratios").filter(pl.col("exposure").is_in(NOT_POOLED), pl.col("wave") == "pooled")
    assert len(pooled) == 12 + 4
    assert pooled["odds_ratio"].null_count() == len(pooled)
    assert pooled["presentation_reason"].str.contains("questionnaire changed in 2007|first asked in 2007").all()


def test_headline_numbers_are_the_published_ones(published_nhanes: Atlas) -> None:
    # made with R's survey 4.1-1 on the pooled cycles
    [(n, prevalence, se)] = published_nhanes.query(
        """
        select n_respondents, prevalence, prevalence_se from report.prevalence_by_age_band
        where source = 'nhanes' and wave = 'pooled' and population = 'adults_20_plus'
          and outcome = 'has_cramps' and age_band = 'all'
        """
    )
    assert n == 10_902
    assert prevalence == pytest.approx(0.3088504, abs=5e-8)
    assert se == pytest.approx(0.0092887, abs=5e-8)
    [(analysed,)] = published_nhanes.query(
        """
        select exposed_cases + exposed_noncases + unexposed_cases + unexposed_noncases from report.odds_ratios
        where source = 'nhanes' and wave = 'pooled' and outcome = 'has_cramps'
          and exposure = 'takes_diuretic' and model = 'adjusted'
        """
    )
    assert analysed == 10_807


def test_every_respondent_is_there(published_nhanes: Atlas) -> None:
    assert published_nhanes.query("select count(*) from core.respondents where source = 'nhanes'") == [(20_497,)]
    # persons by drug class and cycle, counted in the delivered files
    classes = published_nhanes.query(
        """
        select count(*) filter (takes_diuretic), count(*) filter (takes_beta_agonist), count(*) filter (takes_statin)
        from core.respondents where source = 'nhanes' group by wave order by wave
        """
    )
    assert classes == [(671, 430, 717), (929, 547, 1106)]
