"""Regression: known answers in closed form, what is counted, and every refusal."""

import math

import numpy as np
import polars as pl
import pytest

from pipelines.statistics import (
    Categorical,
    Cells,
    Design,
    EmptyDomain,
    InvalidArgument,
    LonelyPsu,
    NoDegreesOfFreedom,
    NotConverged,
    Numeric,
    RankDeficient,
    SeparatedOutcome,
    effect,
    prevalence,
    regression,
)
from pipelines.statistics.design import LonelyOption
from pipelines.statistics.newton import maximise
from pipelines.statistics.separation import _ROWS_PER_ROUND, separating_columns
from tests.statistics.samples import collapse_frame, complete_sample, rows_of

X = Categorical("x", "a")


def sample_with(**columns: pl.Expr) -> Cells:
    """Every combination of y, x and the given columns as keys."""
    rows = complete_sample().with_row_index("person").with_columns(**columns)
    return collapse_frame(rows, keys={name: name for name in ("y", "x", *columns)})


@pytest.mark.parametrize("family", ["logistic", "poisson"])
def test_a_crude_ratio_is_the_ratio_of_weighted_prevalences(family: str) -> None:
    cells = collapse_frame(complete_sample())
    p = dict(prevalence(cells, "y", by=["x"]).table.select("x", "prevalence").iter_rows())
    found = regression(cells, "y", [X], family=family).term("x", "bb").estimate  # type: ignore[arg-type]
    odds = (p["bb"] / (1 - p["bb"])) / (p["a"] / (1 - p["a"]))
    assert found == pytest.approx(odds if family == "logistic" else p["bb"] / p["a"], rel=1e-13)


def test_intervals_use_the_design_degrees_of_freedom() -> None:
    result = regression(collapse_frame(complete_sample()), "y", [X])
    assert (result.degrees_freedom, result.residual_degrees_freedom) == (4, 2)
    found = result.term("x", "bb")
    # t(4) at 0.975, Student's table
    assert np.log(found.upper / found.estimate) == pytest.approx(2.7764451051977987 * found.se, rel=1e-12)
    assert result.term("x", "bb", degrees_freedom="residual").degrees_freedom == 2


def test_members_without_outcome_or_term_are_counted_as_missing() -> None:
    incomplete = rows_of((1, 1, 1.0, None, "a"), (1, 1, 1.0, 1, None), (1, 1, 0.0, None, "a"), (1, 2, 1.0, None, None))
    result = regression(collapse_frame(pl.concat([complete_sample(), incomplete])), "y", [X])
    assert (result.n_respondents, result.n_cases, result.n_missing) == (36, 18, 3)
    assert result.coefficients == pytest.approx(regression(collapse_frame(complete_sample()), "y", [X]).coefficients, rel=1e-14)


def test_a_level_without_members_has_no_column_and_says_so() -> None:
    result = regression(collapse_frame(complete_sample()), "y", [X], domain=pl.col("x") != "ccc")
    assert result.names == ("(intercept)", "x=bb")
    assert result.omitted == ("x=ccc",)
    with pytest.raises(EmptyDomain, match="x=ccc has no coefficient"):
        result.term("x", "ccc")


@pytest.mark.parametrize("reference", ["a", "ccc"])
def test_a_term_with_one_level_in_the_domain_changes_nothing(reference: str) -> None:
    cells = sample_with(age=pl.col("person") % 5)
    alone = regression(cells, "y", [Numeric("age")], domain=pl.col("x") == "a")
    result = regression(cells, "y", [Categorical("x", reference), Numeric("age")], domain=pl.col("x") == "a")
    assert result.names == ("(intercept)", "age")
    assert result.coefficients == pytest.approx(alone.coefficients, rel=1e-14)
    with pytest.raises(EmptyDomain):
        result.term("x", "bb")


def test_a_reference_without_members_among_several_levels_is_refused() -> None:
    with pytest.raises(RankDeficient, match="x: nobody analysed has its reference level a") as raised:
        regression(collapse_frame(complete_sample()), "y", [X], domain=pl.col("x") != "a")
    assert raised.value.names == ("x",)


def test_a_reference_that_occurs_nowhere_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="reference level A does not occur in x"):
        regression(collapse_frame(complete_sample()), "y", [Categorical("x", "A")])


def test_boolean_levels_are_named_in_lower_case() -> None:
    result = regression(sample_with(exposed=pl.col("person") % 5 < 2), "y", [Categorical("exposed", False)])
    assert result.names == ("(intercept)", "exposed=true")
    assert result.term("exposed", True).estimate > 0


def test_a_number_far_from_zero_is_no_harder_than_the_same_number_near_it() -> None:
    cells = sample_with(year=2005 + pl.col("person") % 7, wave=pl.col("person") % 7)
    far, near = (regression(cells, "y", [Numeric(column)]) for column in ("year", "wave"))
    assert far.term("year").estimate == pytest.approx(near.term("wave").estimate, rel=1e-12)
    assert far.term("year").se == pytest.approx(near.term("wave").se, rel=1e-11)
    assert far.coefficients[0] == pytest.approx(near.coefficients[0] - 2005 * near.coefficients[1], rel=1e-11)


@pytest.mark.parametrize(("family", "outcome"), [("logistic", 1), ("logistic", 0), ("poisson", 0)])
def test_a_level_where_all_or_none_have_the_outcome_is_separated(family: str, outcome: int) -> None:
    rows = complete_sample().with_columns(y=pl.when(pl.col("x") == "bb").then(outcome).otherwise("y"))
    with pytest.raises(SeparatedOutcome, match="y is predicted perfectly by x=bb:") as raised:
        regression(collapse_frame(rows), "y", [X], family=family)  # type: ignore[arg-type]
    assert raised.value.names == ("x=bb",)


def test_a_level_where_all_have_the_outcome_is_no_obstacle_to_a_prevalence_ratio() -> None:
    rows = complete_sample().with_columns(y=pl.when(pl.col("x") == "bb").then(1).otherwise("y"))
    cells = collapse_frame(rows)
    p = prevalence(cells, "y", by=["x"]).table["prevalence"]
    assert regression(cells, "y", [X], family="poisson").term("x", "bb").estimate == pytest.approx(1 / p[0], rel=1e-13)


def test_a_reference_level_without_cases_is_separated() -> None:
    rows = complete_sample().with_columns(y=pl.when(pl.col("x") == "a").then(0).otherwise("y"))
    with pytest.raises(SeparatedOutcome) as raised:
        regression(collapse_frame(rows), "y", [X])
    assert raised.value.names == ("x=bb", "x=ccc")


@pytest.mark.parametrize("outcome", [0, 1])
def test_an_outcome_that_all_or_none_have_is_separated(outcome: int) -> None:
    with pytest.raises(SeparatedOutcome) as raised:
        regression(collapse_frame(complete_sample().with_columns(y=pl.lit(outcome))), "y", [])
    assert raised.value.names == ("(intercept)",)


@pytest.mark.parametrize("overlap", [False, True])
def test_a_number_separates_unless_cases_and_noncases_overlap(overlap: bool) -> None:
    age = pl.when(pl.col("y") == 1).then(40.0).otherwise(20.0) + (pl.col("person") % 7) * (4 if overlap else 1)
    cells = sample_with(age=age)
    if overlap:
        assert np.isfinite(regression(cells, "y", [Numeric("age")]).coefficients).all()
    else:
        with pytest.raises(SeparatedOutcome, match="age"):
            regression(cells, "y", [Numeric("age")])


@pytest.mark.parametrize("separated", [False, True])
def test_separation_is_found_among_more_rows_than_one_round_holds(separated: bool) -> None:
    generator = np.random.default_rng(4)
    x = np.column_stack([np.ones(9000), generator.normal(size=(9000, 3))])
    y = x @ [0.3, 1.0, -2.0, 0.0] > 0
    if not separated:
        first_round = np.linspace(0, len(x) - 1, _ROWS_PER_ROUND).astype(int)
        others = np.setdiff1d(np.arange(len(x)), first_round)
        inconspicuous = others[np.argmin(np.abs(x[others] @ [0.3, 1.0, -2.0, 0.0] - 0.5))]
        y[inconspicuous] = False
    columns = separating_columns(np.where(y[:, None], x, -x), np.empty((0, 4)))
    assert ({1, 2} <= set(columns)) if separated else len(columns) == 0


@pytest.mark.parametrize(
    ("columns", "terms", "names"),
    [
        ({"twice": pl.col("person") * 2, "age": pl.col("person")}, [Numeric("age"), Numeric("twice")], ("twice",)),
        ({"constant": pl.lit(3)}, [Numeric("constant")], ("constant",)),
        ({"constant": pl.lit(0.1), "age": pl.col("person")}, [Numeric("age"), Numeric("constant")], ("constant",)),
        ({"copy": pl.col("x")}, [X, Categorical("copy", "a")], ("copy=bb", "copy=ccc")),
    ],
)
def test_terms_that_repeat_others_are_named(
    columns: dict[str, pl.Expr], terms: list[Categorical | Numeric], names: tuple[str, ...]
) -> None:
    with pytest.raises(RankDeficient) as raised:
        regression(sample_with(**columns), "y", terms)
    assert raised.value.names == names


def test_a_domain_in_one_psu_a_stratum_has_no_degrees_of_freedom() -> None:
    cells = sample_with(first=pl.col("psu") == 1)
    with pytest.raises(NoDegreesOfFreedom, match="as many strata as PSUs"):
        regression(cells, "y", [X], domain=pl.col("first"))


def test_a_domain_in_two_psus_of_one_stratum_has_one_degree_of_freedom() -> None:
    cells = sample_with(one=(pl.col("stratum") == 1) & pl.col("psu").is_in([1, 2]))
    assert regression(cells, "y", [Categorical("x", "a")], domain=pl.col("one")).degrees_freedom == 1


def test_a_domain_without_members_or_complete_members_is_empty() -> None:
    cells = sample_with(age=pl.lit(None, dtype=pl.Int64))
    with pytest.raises(EmptyDomain, match="Nobody"):
        regression(cells, "y", [X], domain=pl.col("x") == "d")
    with pytest.raises(EmptyDomain, match="y and every term"):
        regression(cells, "y", [Numeric("age")])


def test_a_lonely_psu_stops_a_regression_too() -> None:
    rows = pl.concat([complete_sample(), rows_of((7, 1, 1.0, 1, "a"))])
    with pytest.raises(LonelyPsu):
        regression(collapse_frame(rows), "y", [X])


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ([Numeric("x")], "x is String, not a number"),
        ([Numeric("age")], "no key age"),
        ([X, Categorical("x", "bb")], "one term only; x"),
        ([Numeric("broken")], "broken holds numbers that are not finite"),
    ],
)
def test_a_term_that_cannot_be_is_named(terms: list[Categorical | Numeric], message: str) -> None:
    broken = pl.when(pl.col("person") == 3).then(float("nan")).otherwise(1.0)
    with pytest.raises(InvalidArgument, match=message):
        regression(sample_with(broken=broken), "y", terms)


def test_an_unknown_family_or_term_is_refused() -> None:
    cells = collapse_frame(complete_sample())
    with pytest.raises(InvalidArgument, match="family must be one of"):
        regression(cells, "y", [X], family="probit")  # type: ignore[arg-type]
    result = regression(cells, "y", [X])
    for column, level, message in (("z", "b", "no term z"), ("x", "a", "reference or no level"), ("x", None, "x=None")):
        with pytest.raises(InvalidArgument, match=message):
            result.term(column, level)
    with pytest.raises(InvalidArgument, match="not 95"):
        result.term("x", "bb", 95)


def test_steps_that_never_settle_or_meet_a_singular_matrix_are_reported() -> None:
    def rising(at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        return float(at[0]), np.ones(1), np.ones((1, 1))

    def flat(at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        return 0.0, np.ones(1), np.zeros((1, 1))

    with pytest.raises(NotConverged, match="did not settle"):
        maximise(rising, np.zeros(1))
    with pytest.raises(NotConverged, match="singular"):
        maximise(flat, np.zeros(1))


@pytest.mark.parametrize("degrees_freedom", [5.0, math.inf])
def test_a_protective_effect_has_the_p_value_of_its_inverse(degrees_freedom: float) -> None:
    assert effect(-0.5, 0.2, degrees_freedom).p_value == effect(0.5, 0.2, degrees_freedom).p_value < 0.1


@pytest.mark.parametrize(("se", "degrees_freedom"), [(0.0, 5), (1.0, 0)])
def test_an_effect_needs_an_error_and_degrees_of_freedom(se: float, degrees_freedom: float) -> None:
    with pytest.raises(InvalidArgument, match="above 0"):
        effect(0.5, se, degrees_freedom)


@pytest.mark.parametrize("lonely", ["certainty", "adjust", "average"])
def test_a_variance_by_way_of_patterns_is_that_of_cells(lonely: LonelyOption, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.Generator(np.random.PCG64(6))
    n = 3_000
    rows = pl.DataFrame({"stratum": rng.integers(0, 40, n), "psu": rng.integers(0, 2, n), "weight": rng.uniform(1, 9, n)})
    rows = rows.with_columns(
        y=pl.Series(rng.integers(0, 2, n)), x=pl.Series(rng.choice(["a", "bb", "ccc"], n)), of=pl.int_range(n)
    )
    rows = rows.filter((pl.col("stratum") > 3) | (pl.col("psu") == 0))  # strata of one PSU
    design = Design("stratum", "psu", "weight", lonely=lonely)
    cells = collapse_frame(rows, design, {name: name for name in ("y", "x", "of")})
    by_cells = regression(cells, "y", [X], domain=pl.col("of") > 99)
    monkeypatch.setattr("pipelines.statistics.variance.MANY_CELLS", cells.table.height)
    by_patterns = regression(cells, "y", [X], domain=pl.col("of") > 99)
    assert not np.array_equal(by_patterns.covariance, by_cells.covariance)  # it was added in another order
    np.testing.assert_allclose(by_patterns.covariance, by_cells.covariance, rtol=1e-12)
