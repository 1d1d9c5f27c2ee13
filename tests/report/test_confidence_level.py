"""No interval of a report table is at another level than the study's."""

import ast
import inspect
from pathlib import Path

import polars as pl
import pytest
from scipy import stats

import pipelines.report
from pipelines import statistics
from pipelines.report.estimators import ESTIMATORS
from pipelines.stages import load_project
from tests.report.test_estimates import cohort, estimation

MODULES = sorted(Path(pipelines.report.__file__).parent.glob("*.py"))

WITH_A_LEVEL = {
    name
    for name, function in inspect.getmembers(statistics, inspect.isfunction)
    if "confidence_level" in inspect.signature(function).parameters
} | {"term"}
"""Estimators, and the method of fitted models, that have a level of their own where none is given."""


def test_the_methods_of_fitted_models_take_a_level() -> None:
    for fitted in (statistics.Regression, statistics.FirthLogistic, statistics.ConditionalLogistic):
        assert "confidence_level" in inspect.signature(fitted.term).parameters
    assert {"trend", "prevalence", "standardise", "mantel_haenszel", "pair_odds_ratio"} <= WITH_A_LEVEL


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_estimator_of_a_report_table_is_given_the_level(path: Path) -> None:
    for call in (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
        if called in WITH_A_LEVEL:
            given = [ast.unparse(argument) for argument in [*call.args, *(keyword.value for keyword in call.keywords)]]
            named = [argument for argument in given if "confidence_level" in argument or argument == "STANDARD_LEVEL"]
            assert named, f"{path.name}, line {call.lineno}: {called}() is at a level of its own"


def test_a_trend_has_the_interval_of_the_study() -> None:
    """Half the width of a design-based interval on the log scale is t times one standard error, at every level."""
    project = load_project()
    numbers = pl.int_range(pl.len())
    people = pl.DataFrame({"age_years": [25, 35, 45, 55] * 60}).with_columns(
        source=pl.lit("berkeley"),
        wave=pl.lit("1973"),
        age_band=pl.format("{}-{}", pl.col("age_years") - 5, pl.col("age_years") + 4),
        has_cramps=numbers * 7 % 10 < pl.col("age_years") // 10,
        has_frequent_cramps=numbers * 7 % 10 < pl.col("age_years") // 10,
    )
    errors = []
    for level in (0.5, 0.9, 0.95, 0.99):
        asked = estimation(project, people, cohort())
        object.__setattr__(asked, "study", project.study.model_copy(update={"confidence_level": level}))
        [row] = ESTIMATORS["report.trends"](asked).filter(population="adults_20_plus", outcome="has_cramps").to_dicts()
        assert row["confidence_level"] == level
        width = pl.Series([row["odds_ratio_upper"] / row["odds_ratio_lower"]]).log().item()
        errors.append(width / 2 / stats.t.ppf(0.5 + level / 2, row["degrees_freedom"]))
    assert errors == pytest.approx([errors[0]] * 4, rel=1e-9)
