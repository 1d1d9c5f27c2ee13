"""Sparse sources, one by one, from delivery to the rows of the report: what R gives, or why a row has no number.

The expected values are printed by tests/statistics/cases.R.
"""

from typing import Any, NamedTuple

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.project.project import Project
from pipelines.statistics import Categorical, Design, SeparatedOutcome, collapse, firth_logistic, rao_scott_test, regression
from pipelines.statistics.errors import DegenerateTable
from pipelines.statistics.quadratic_form import weighted_f_tail
from tests.atlas import Atlas, make_atlas
from tests.survey_cases import add_case, harmonise, report

SOURCES = ("birthwt", "bdendo", "nullcase")


class Cases(NamedTuple):
    """The small sources in a project, harmonised."""

    atlas: Atlas
    project: Project

    def rows(self, source: str, table: str) -> list[dict[str, Any]]:
        return report(self.atlas, source, table, self.project).to_dicts()


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """The study with the three sources and a perfectly associated cohort, harmonised."""
    atlas = make_atlas(tmp_path_factory.mktemp("cases") / "project")
    names = [add_case(atlas, f"statistics/survey_{name}") for name in SOURCES]
    names.append(add_case(atlas, "deliveries/perfect_association"))
    project = atlas.project
    for name in names:
        assert harmonise(atlas, name, project) == []
    return Cases(atlas, project)


def test_a_separated_level_of_an_adjuster_leaves_the_exposures_odds_ratio(cases: Cases) -> None:
    rows = cases.rows("birthwt", "odds_ratios")
    [row] = [row for row in rows if (row["outcome"], row["exposure"], row["model"]) == ("has_cramps", "is_sedentary", "adjusted")]
    assert row["odds_ratio"] == pytest.approx(3.53809255096237, rel=1e-8)
    assert row["odds_ratio_lower"] == pytest.approx(1.52442916202209, rel=1e-8)
    assert row["odds_ratio_upper"] == pytest.approx(8.21166323174418, rel=1e-8)
    assert row["prevalence_ratio"] == pytest.approx(2.14204278028495, rel=1e-8)
    assert row["prevalence_ratio_upper"] == pytest.approx(3.45873318918895, rel=1e-8)
    assert row["degrees_freedom"] == 137
    assert row["presentation"] == "review"
    assert row["presentation_reason"].startswith("in some level of age_band everybody or nobody has the outcome")
    assert row["n_missing"] == 0


def test_of_a_matched_set_the_person_of_unknown_exposure_is_left_out(cases: Cases) -> None:
    [row] = [row for row in cases.rows("bdendo", "odds_ratios") if row["exposure"] == "takes_statin"]
    assert row["odds_ratio"] == pytest.approx(1.49319431989554, rel=1e-8)
    assert row["odds_ratio_lower"] == pytest.approx(0.740619176385263, rel=1e-8)
    assert row["odds_ratio_upper"] == pytest.approx(3.0104935816683, rel=1e-8)
    cells = ("exposed_cases", "exposed_noncases", "unexposed_cases", "unexposed_noncases")
    assert (sum(row[cell] for cell in cells), row["n_missing"]) == (265, 50)
    assert (row["presentation"], row["odds_ratio_exact_lower"]) == ("show", None)


def test_a_set_with_somebody_of_unknown_status_is_not_whole_and_few_sets_have_the_exact_interval_beside(
    cases: Cases,
) -> None:
    [row] = [row for row in cases.rows("nullcase", "odds_ratios") if row["exposure"] == "is_sedentary"]
    assert row["odds_ratio"] == pytest.approx(6.60555127546133, rel=1e-8)
    assert row["odds_ratio_lower"] == pytest.approx(0.716953769301226, rel=1e-8)
    assert row["odds_ratio_upper"] == pytest.approx(60.8593043527418, rel=1e-8)
    assert row["odds_ratio_exact_lower"] == pytest.approx(0.614914505542616, rel=1e-8)
    assert row["odds_ratio_exact_upper"] == pytest.approx(334.777215088295, rel=1e-8)
    assert (row["presentation"], row["n_missing"]) == ("review", 3)
    assert row["presentation_reason"] == "fewer than 5 informative matched sets in one direction"
    flow = [row for row in cases.rows("nullcase", "respondent_flow") if row["population"] == "adults_20_plus"]
    counted = [(row["n_analysed"], row["n_no_value"], row["n_in_incomplete_sets"], row["n_without_matched_set"]) for row in flow]
    assert counted == [(29 * 3, 1, 2, 0)]


def test_a_perfect_association_is_a_row_without_p_value_and_with_its_reason(cases: Cases) -> None:
    rows = cases.rows("mini", "characteristics_by_outcome")
    sexes = [row for row in rows if row["characteristic"] == "sex" and row["outcome"] == "has_cramps"]
    assert len(sexes) == 2
    for row in sexes:
        assert row["p_value"] is None
        assert "determine one another" in row["p_value_reason"]
        assert row["n_cases"] + row["n_noncases"] == 15


def survey() -> pl.DataFrame:
    i = pl.int_range(120, eager=True).alias("i").to_frame()
    x, i = pl.col("i") % 3 == 0, i
    g = pl.when(pl.col("i") % 11 == 0).then(pl.lit("c")).when(pl.col("i") % 2 == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
    return i.with_columns(
        stratum=1 + pl.col("i") // 20,
        psu=1 + (pl.col("i") // 10) % 2,
        weight=(1 + (pl.col("i") * 7) % 5).cast(pl.Float64),
        x=x,
        g=g,
        y=(pl.col("i") ** 2 + 3 * pl.col("i")) % 7 < 3,
    ).with_columns(y=pl.col("y") & (pl.col("g") != "c"))


@pytest.mark.parametrize(
    ("family", "x", "x_se", "b", "b_se"),
    [
        ("logistic", -0.145599227355026, 0.720130179348997, -0.305917688917318, 0.396568444616746),
        ("poisson", -0.103304556678274, 0.515332582599749, -0.216610886528853, 0.280903297167485),
    ],
)
def test_a_separated_level_in_a_survey_leaves_the_other_coefficients_of_svyglm(
    family: str, x: float, x_se: float, b: float, b_se: float
) -> None:
    connection = duckdb.connect()
    connection.register("people", survey().to_arrow())
    cells = collapse(connection, "people", Design("stratum", "psu", "weight"), keys={name: name for name in ("x", "g", "y")})
    terms = [Categorical("x", False), Categorical("g", "a")]
    with pytest.raises(SeparatedOutcome):
        regression(cells, "y", terms, family=family)  # type: ignore[arg-type]
    model = regression(cells, "y", terms, family=family, separation="limit")  # type: ignore[arg-type]
    assert (model.separated, model.n_separated, model.degrees_freedom) == (("g=c",), 11, 6)
    for term, expected in ((model.term("x", True), (x, x_se)), (model.term("g", "b"), (b, b_se))):
        assert (term.log_estimate, term.se) == pytest.approx(expected, rel=1e-8)
    with pytest.raises(SeparatedOutcome, match="predicted perfectly by g=c"):
        model.term("g", "c")


def test_a_reference_level_that_is_separated_leaves_no_odds_ratio_against_it() -> None:
    connection = duckdb.connect()
    people = survey().with_columns(y=pl.col("y") & pl.col("x"))
    connection.register("people", people.to_arrow())
    cells = collapse(connection, "people", Design("stratum", "psu", "weight"), keys={name: name for name in ("x", "g", "y")})
    model = regression(cells, "y", [Categorical("x", False), Categorical("g", "a")], separation="limit")
    with pytest.raises(SeparatedOutcome):
        model.term("x", True)
    assert np.isfinite(model.term("g", "b").estimate)


@pytest.mark.parametrize("shift", [0.0, 1e4])
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e6, 1e9, 1e12])
def test_the_limits_of_a_firth_slope_go_with_its_unit(unit: float, shift: float) -> None:
    x = (np.arange(1.0, 9.0) + shift) * unit
    found = firth_logistic([0, 0, 1, 0, 1, 1, 0, 1], x).term("x0")
    assert found.log_lower * unit == pytest.approx(-0.2364595636, abs=2e-10)
    assert found.log_upper * unit == pytest.approx(1.0495748483, abs=2e-10)
    assert found.upper == pytest.approx(np.exp(min(found.log_upper, 709.7)) if found.log_upper < 709 else np.inf)


def test_a_table_without_variance_is_refused_in_words() -> None:
    connection = duckdb.connect()
    connection.register("people", survey().with_columns(x=pl.col("i") % 2 == 0).with_columns(h="x").to_arrow())
    cells = collapse(connection, "people", Design(None, None, None), keys={name: name for name in ("x", "h")})
    with pytest.raises(DegenerateTable, match="x and h determine one another"):
        rao_scott_test(cells, "x", "h")


def test_the_tail_of_a_strong_association_among_a_million_people() -> None:
    """Where the denominator has more degrees of freedom than the largest weight outweighs at the end of the search."""
    assert 0 <= weighted_f_tail(1e9, [1.0], 1e6) < 1e-100
