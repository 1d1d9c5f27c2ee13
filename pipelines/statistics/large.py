"""Regression over a relation of any size: how many times it is read, and what is held, depends on its covariates.

All three ways give the estimates of regression() on the cells of the whole relation.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import duckdb
import numpy as np
import polars as pl

from pipelines.statistics.collapse import collapse, quoted, require_design_columns, require_design_values
from pipelines.statistics.design import (
    N_RESPONDENTS,
    N_SAMPLED,
    PSU,
    SUM_SQUARED_WEIGHTS,
    SUM_WEIGHTS,
    Cells,
    Design,
    FloatArray,
)
from pipelines.statistics.model_matrix import Term
from pipelines.statistics.perfect_prediction import Family
from pipelines.statistics.regression import Regression, regression, require_degrees_freedom
from pipelines.statistics.score_scan import Question, Scan, model_columns, scan, unscaling
from pipelines.statistics.streaming import stream
from pipelines.statistics.variance import sampling_frame, taylor_covariance

Passes = Literal["single", "two", "streaming"]

# Below this many rows the cells of the whole relation are small whatever its covariates are.
FEW_ROWS = 200_000
# PSUs times covariate patterns: below, one scan into cells is fastest; above, the hash table outgrows the processor's cache.
FEW_CELLS = 200_000
MOST_PATTERNS = 200_000
_ROWS_LOOKED_AT = 5_000  # to choose a way, never to estimate
_MEMBER, _ONE_UNIT = "is_member_of_domain", "one_unit"


def fit_regression(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    design: Design,
    outcome: str,
    terms: Sequence[Term],
    *,
    where: str | None = None,
    family: Family = "logistic",
    passes: Passes | None = None,
) -> Regression:
    """regression() of a column of a relation on others, without the cells of all PSUs where they would be many.

    `relation`: what may follow `from`. `outcome` and the terms name columns; the outcome is boolean or 0/1. `where`: an SQL
    condition, the domain (rows outside stay in the frame of PSUs). `passes` (chosen by size where None): `single` groups once
    by stratum, PSU, covariates and outcome; `two` groups without the PSU, solves, and reads again for the PSUs' scores (many
    PSUs); `streaming` reads once a Newton step, from a start on a sample, and holds no row (a number of many values). An
    element design, or one with a finite population correction or replicate weights, is always fitted in a single pass.

    Raises what collapse() and regression() raise; a streamed model whose outcome is separated raises NotConverged.
    """
    question = Question(relation, design, outcome, tuple(terms), where, family)
    chosen = passes or _passes(con, question)
    if chosen == "single" or design.samples_elements or design.population is not None or design.replicates is not None:
        return regression(_cells(con, question, relation, design), outcome, terms, family=family, domain=pl.col(_MEMBER))
    return _two_passes(con, question) if chosen == "two" else _streaming(con, question)


def _passes(con: duckdb.DuckDBPyConnection, question: Question) -> Passes:
    """By the number of rows, and by the first of them. A wrong guess costs time or memory, never the result."""
    n_rows = con.sql(f"select count(*) from {question.relation}").fetchall()[0][0]
    if n_rows <= FEW_ROWS:
        return "single"
    require_design_columns(con, question.relation, question.design)
    units = [name for name in (question.design.stratum, question.design.psu) if name is not None]
    columns = list(dict.fromkeys([*units, *(term.column for term in question.terms)]))
    selected = ", ".join(quoted(name) for name in columns)
    first = con.sql(f"select {selected} from (select * from {question.relation} limit {_ROWS_LOOKED_AT})").pl()
    n_patterns = math.prod(first[term.column].n_unique() for term in question.terms)
    if n_patterns > MOST_PATTERNS and question.numbers:
        return "streaming"
    return "single" if first.select(units).n_unique() * n_patterns <= FEW_CELLS else "two"


def _cells(con: duckdb.DuckDBPyConnection, question: Question, relation: str, design: Design) -> Cells:
    names = [question.outcome, *(term.column for term in question.terms)]
    return collapse(con, relation, design, {name: quoted(name) for name in names} | {_MEMBER: question.member})


def _two_passes(con: duckdb.DuckDBPyConnection, question: Question) -> Regression:
    require_design_columns(con, question.relation, question.design)
    one_unit = f"(select *, 0::utinyint as {_ONE_UNIT} from {question.relation})"
    table = _cells(con, question, one_unit, replace(question.design, stratum=None, psu=_ONE_UNIT)).table
    # Patterns without their PSUs, as if people had been sampled one by one: all but the covariance is that of the design.
    patterns = table.drop(PSU).with_columns(
        pl.col(SUM_WEIGHTS).alias(SUM_SQUARED_WEIGHTS), pl.col(N_RESPONDENTS).alias(N_SAMPLED)
    )
    elements = Cells(patterns, replace(question.design, stratum=None, psu=None))
    fit = regression(elements, question.outcome, question.terms, family=question.family, domain=pl.col(_MEMBER))
    respondents = patterns.filter(pl.col(N_RESPONDENTS) > 0)
    ranges = {term.column: _range(respondents[term.column]) for term in question.numbers}
    columns = model_columns(question.terms, patterns, ranges, fit.names)
    unscale = unscaling(columns)
    coefficients = np.asarray(np.linalg.solve(unscale, fit.coefficients), dtype=np.float64)
    at_solution = scan(con, question, columns, coefficients, information="none")
    require_design_values(at_solution.units, question.relation, question.design)
    information = fit.information * _analysed_weight(respondents, question) / fit.n_respondents
    return replace(fit, **_by_design(question.design, at_solution, unscale, unscale.T @ information @ unscale))


def _streaming(con: duckdb.DuckDBPyConnection, question: Question) -> Regression:
    solved = stream(con, question)
    profile, unscale, information = solved.profile, unscaling(solved.profile.columns), solved.scan.information
    back, scale = np.linalg.inv(unscale), profile.n_respondents / profile.weight
    return Regression(
        family=question.family,
        terms=question.terms,
        names=tuple(column.name for column in profile.columns),
        coefficients=unscale @ solved.coefficients,
        n_respondents=profile.n_respondents,
        n_cases=profile.n_cases,
        n_missing=profile.n_missing,
        omitted=profile.omitted,
        iterations=solved.iterations,
        log_likelihood=solved.scan.log_likelihood * scale,
        information=back.T @ information @ back * scale,
        **_by_design(question.design, solved.scan, unscale, information),
    )


def _analysed_weight(respondents: pl.DataFrame, question: Question) -> float:
    names = [question.outcome, *(term.column for term in question.terms)]
    analysed = respondents.filter(pl.col(_MEMBER), pl.all_horizontal(pl.col(names).is_not_null()))
    return float(analysed[SUM_WEIGHTS].sum())


def _range(values: pl.Series) -> tuple[float, float]:
    numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
    return float(numbers.min()), float(numbers.max())


def _by_design(design: Design, scores: Scan, unscale: FloatArray, information: FloatArray) -> dict[str, Any]:
    """Covariance of the raw coefficients and degrees of freedom, from the scores of the PSUs and the information (k, k), both
    in the scaled columns.
    """
    cells = Cells(scores.units.drop(N_SAMPLED).with_columns(pl.lit(1.0).alias(SUM_WEIGHTS)), design)
    frame, group = sampling_frame(cells), np.where(cells.n > 0, 0, -1)
    degrees_freedom = require_degrees_freedom(cells, frame, group)
    influence = scores.scores @ (unscale @ np.linalg.inv(information)).T
    return {
        "covariance": taylor_covariance(cells, frame, influence, group),
        "degrees_freedom": degrees_freedom,
        "residual_degrees_freedom": degrees_freedom + 1 - len(unscale),
    }
