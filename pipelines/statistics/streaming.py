"""Newton's method where every step is one scan, for covariates of too many values to group by. It never holds the rows.

Not here: the scan (score_scan.py) and what the design makes of its scores (large.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl

from pipelines.statistics.collapse import (
    VALUE_ERRORS,
    WEIGHT_UNITS,
    called,
    quoted,
    require_design_columns,
    require_design_values,
    require_weights,
)
from pipelines.statistics.counting import ordered
from pipelines.statistics.design import (
    N_RESPONDENTS,
    N_SAMPLED,
    SUM_SQUARED_WEIGHTS,
    SUM_WEIGHTS,
    Cells,
    Design,
    FloatArray,
)
from pipelines.statistics.errors import EmptyDomain, InvalidArgument, InvalidOutcome, NotConverged, StatsError
from pipelines.statistics.model_matrix import INTERCEPT, Categorical, Numeric, Term, column_name, model_matrix, require_full_rank
from pipelines.statistics.regression import regression
from pipelines.statistics.score_scan import ModelColumn, Question, Scan, model_columns, scan

MOST_SCANS = 30
# An error of the coefficients below this, relatively, changes scores and information by less than 1e-10.
_LEFT_OVER = 1e-12
# Rounding may keep steps from getting that small; then they stop shrinking below this.
_ROUNDING_STEP = 1e-9
_MOST_BINS, _BINNED_PATTERNS = 32, 50_000
_NOT_SETTLED = (
    f"The regression did not settle within {MOST_SCANS} scans; a term may predict the outcome perfectly. "
    "Merge sparse levels or drop a term."
)
_ELEMENTS = Design(stratum=None, psu=None, weight=SUM_WEIGHTS)


@dataclass(frozen=True, eq=False)
class Profile:
    """The analysed rows before any fit. `columns`: of the model, scaled. `omitted`: levels nobody analysed has."""

    columns: tuple[ModelColumn, ...]
    omitted: tuple[str, ...]
    n_respondents: int
    n_cases: int
    n_missing: int
    weight: float
    weight_of_cases: float


@dataclass(frozen=True, eq=False)
class Streamed:
    """The solution in the scaled columns of the profile and the last scan, made at it."""

    profile: Profile
    coefficients: FloatArray
    scan: Scan
    iterations: int


def stream(con: duckdb.DuckDBPyConnection, question: Question) -> Streamed:
    """Solve the weighted score equations by scans.

    Raises as collapse() and regression() do; a separated outcome is NotConverged here.
    """
    require_design_columns(con, question.relation, question.design)
    profile = _profiled(con, question)
    at = _start(con, question, profile)
    size = 1.0
    for iteration in range(1, MOST_SCANS + 1):
        here, last_size = scan(con, question, profile.columns, at, information="rough"), size
        if iteration == 1:
            require_design_values(here.units, question.relation, question.design)
            _require_rank(here.information, profile.columns)
        step = _solved(here.information, here.scores.sum(axis=0))
        at = _rounded(at + step)
        size = float(np.max(np.abs(step))) / max(1.0, float(np.max(np.abs(at))))
        # Newton's steps shrink as size = c * last_size^2, so the next would be c * size^2.
        left_over = size if iteration == 1 else size * (size / last_size) ** 2
        if left_over < _LEFT_OVER or (size < _ROUNDING_STEP and size > last_size / 2):
            return Streamed(profile, at, scan(con, question, profile.columns, at), iteration)
    raise NotConverged(_NOT_SETTLED)


def _solved(information: FloatArray, score: FloatArray) -> FloatArray:
    try:
        return np.asarray(np.linalg.solve(information, score), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise NotConverged(_NOT_SETTLED) from None


def _rounded(coefficients: FloatArray) -> FloatArray:
    """To multiples of 2^-48: the last digits of rough information differ from run to run, and must not reach the result."""
    rounded: FloatArray = np.round(coefficients * 2.0**48) * 2.0**-48
    return rounded


def _require_rank(information: FloatArray, columns: Sequence[ModelColumn]) -> None:
    values, vectors = np.linalg.eigh(information)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T  # root.T @ root is the information
    require_full_rank(root, [column.name for column in columns])


def _rows(question: Question) -> str:
    """SQL: categories g0.., numbers x0.., the outcome y, the usable weight and, for analysed rows only, w."""
    parts = [f"{quoted(term.column)} as g{i}" for i, term in enumerate(question.categories)]
    parts += [f"cast({quoted(term.column)} as double) as x{i}" for i, term in enumerate(question.numbers)]
    parts += [f"cast({quoted(question.outcome)} as double) as y", f"case when {question.member} then {question.weight} end as wt"]
    parts += [f"{question.weight} as usable"]
    needed = ["y", *(f"g{i}" for i in range(len(question.categories))), *(f"x{i}" for i in range(len(question.numbers)))]
    is_complete = " and ".join(f"{name} is not null" for name in needed)
    return f"(select *, case when {is_complete} then wt end as w from (select {', '.join(parts)} from {question.relation}))"


def _profiled(con: duckdb.DuckDBPyConnection, question: Question) -> Profile:
    _require_types(con, question)
    x = [f"x{i}" for i in range(len(question.numbers))]
    columns = [f"g{i} as {quoted(term.column)}" for i, term in enumerate(question.categories)]
    columns += [
        f"count(w) as {N_RESPONDENTS}",
        f"cast(coalesce(sum(cast(w * {WEIGHT_UNITS} as bigint)), 0) as double) / {WEIGHT_UNITS} as {SUM_WEIGHTS}",
        "count(wt) as n_members",
        "count(case when y = 1 then w end) as n_cases",
        f"coalesce(sum(case when y = 1 then cast(w * {WEIGHT_UNITS} as bigint) end), 0)::double / {WEIGHT_UNITS} as w_cases",
        "count(*) as n_rows",
        "count(usable) as n_usable",
        "count(case when y not in (0, 1) then 1 end) as n_other_outcomes",
        *(f"count(case when w is not null and not isfinite({name}) then 1 end) as not_finite_{name}" for name in x),
        *(f"min(case when w is not null then {name} end) as low_{name}" for name in x),
        *(f"max(case when w is not null then {name} end) as high_{name}" for name in x),
    ]
    try:
        groups = con.sql(f"select {', '.join(columns)} from {_rows(question)} group by all order by all").pl()
    except VALUE_ERRORS:
        raise InvalidArgument(
            f"The population {question.where} or a column of {called(question.relation)} cannot be computed for every row, "
            "for example because of a cast. Use try_cast, or give the column its type in the select that makes it."
        ) from None
    if question.design.weight is not None and groups["n_rows"].sum() != groups["n_usable"].sum():
        require_weights(con, question.relation, question.design.weight)
    _require_values(groups, question)
    cells = Cells(groups.with_columns(pl.lit(0).alias(SUM_SQUARED_WEIGHTS), pl.col("n_rows").alias(N_SAMPLED)), _ELEMENTS)
    matrix = model_matrix(cells, question.categories, cells.n > 0)
    return Profile(
        columns=model_columns(question.terms, groups, _ranges(groups, question), matrix.names),
        omitted=matrix.omitted,
        n_respondents=int(groups[N_RESPONDENTS].sum()),
        n_cases=int(groups["n_cases"].sum()),
        n_missing=int(groups["n_members"].sum()) - int(groups[N_RESPONDENTS].sum()),
        weight=float(groups[SUM_WEIGHTS].sum()),
        weight_of_cases=float(groups["w_cases"].sum()),
    )


def _ranges(groups: pl.DataFrame, question: Question) -> dict[str, tuple[float, float]]:
    return {
        term.column: (float(np.nanmin(groups[f"low_x{i}"].to_numpy())), float(np.nanmax(groups[f"high_x{i}"].to_numpy())))
        for i, term in enumerate(question.numbers)
    }


def _require_types(con: duckdb.DuckDBPyConnection, question: Question) -> None:
    names = [question.outcome, *(term.column for term in question.terms)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidArgument(f"A column may be in one term only; {', '.join(twice)} is in several.", names=twice)
    types = con.sql(f"select {', '.join(quoted(name) for name in names)} from {question.relation} limit 0").pl().schema
    if not (types[question.outcome].is_numeric() or types[question.outcome] == pl.Boolean):
        raise InvalidOutcome(
            f"The outcome {question.outcome} must be boolean or 0/1, NULL where it is missing; it is {types[question.outcome]}.",
            names=[question.outcome],
        )
    for term in question.numbers:
        if not (types[term.column].is_numeric() or types[term.column] == pl.Boolean):
            raise InvalidArgument(
                f"{term.column} is {types[term.column]}, not a number. Make it Categorical, or cast its column.",
                names=[term.column],
            )


def _require_values(groups: pl.DataFrame, question: Question) -> None:
    if groups["n_other_outcomes"].sum():
        raise InvalidOutcome(
            f"The outcome {question.outcome} must be boolean or 0/1, NULL where it is missing; it has other values.",
            names=[question.outcome],
        )
    if not groups[N_RESPONDENTS].sum():
        names = [question.outcome, *(term.column for term in question.terms)]
        raise EmptyDomain(f"No member of the domain has a weight above 0, {question.outcome} and every term.", names=names)
    for i, term in enumerate(question.numbers):
        if groups[f"not_finite_x{i}"].sum():
            raise InvalidArgument(
                f"{term.column} holds numbers that are not finite. A missing value must be NULL.", names=[term.column]
            )


def _start(con: duckdb.DuckDBPyConnection, question: Question, profile: Profile) -> FloatArray:
    """Coefficients of the scaled columns to start from: those with every number rounded to a few values, or where that has
    none, those of the outcome's share alone.
    """
    n_bins = _number_of_bins(question, profile)
    try:
        rounded = regression(_binned(con, question, profile, n_bins), "y", _binned_terms(question), family=question.family)
    except StatsError:  # a number that is constant when rounded, say: the scans decide
        at = np.zeros(len(profile.columns))
        share = min(max(profile.weight_of_cases / profile.weight, 1e-6), 1 - 1e-6)
        at[0] = math.log(share / (1 - share)) if question.family == "logistic" else math.log(share)
        return at
    found = dict(zip(rounded.names, rounded.coefficients, strict=True))
    term_of = dict(zip(question.terms, _binned_terms(question), strict=True))
    start = np.array([found[INTERCEPT], *(found.get(_name(column, term_of), 0.0) for column in profile.columns[1:])])
    for i, column in enumerate(profile.columns):
        if column.number is not None:  # from per bin, counted from the lowest, to -1 .. 1
            start[i] *= n_bins / 2
            start[0] += start[i]
    return start


def _name(column: ModelColumn, term_of: Mapping[Term, Term]) -> str:
    return INTERCEPT if column.term is None else column_name(term_of[column.term], column.level)


def _number_of_bins(question: Question, profile: Profile) -> int:
    n_levels: dict[str, int] = {}
    for column in profile.columns:
        if isinstance(column.term, Categorical):
            n_levels[column.term.column] = n_levels.get(column.term.column, 1) + 1
    combinations = max(1.0, _BINNED_PATTERNS / math.prod(n_levels.values()))
    return max(2, min(_MOST_BINS, int(combinations ** (1 / max(1, len(question.numbers))))))


def _binned_terms(question: Question) -> list[Term]:
    categories = {term.column: Categorical(f"g{i}", term.reference) for i, term in enumerate(question.categories)}
    numbers = {term.column: Numeric(f"x{i}") for i, term in enumerate(question.numbers)}
    return [categories[term.column] if isinstance(term, Categorical) else numbers[term.column] for term in question.terms]


def _binned(con: duckdb.DuckDBPyConnection, question: Question, profile: Profile, n_bins: int) -> Cells:
    """Cells of the analysed rows by categories, outcome and rounded numbers, without PSUs."""
    keys = {f"g{i}": f"g{i}" for i in range(len(question.categories))} | {"y": "cast(y as utinyint)"}
    for i, column in enumerate(column for column in profile.columns if column.number is not None):
        bins = f"{n_bins / (2 * column.spread)!r}::double"
        # DuckDB may round numbers of rows that it filters out afterwards: those outside the range.
        keys[f"x{i}"] = f"try_cast((x{i} - {column.centre - column.spread!r}::double) * {bins} as utinyint)"
    selected = ", ".join(f"{expression} as {name}" for name, expression in keys.items())
    groups = con.sql(
        f"""select {selected}, count(w) as {N_RESPONDENTS}, count(*) as {N_SAMPLED},
            cast(sum(cast(w * {WEIGHT_UNITS} as bigint)) as double) / {WEIGHT_UNITS} as {SUM_WEIGHTS}
        from {_rows(question)} where w is not null group by all"""
    ).pl()
    return Cells(ordered(groups, list(keys)).with_columns(pl.col(SUM_WEIGHTS).alias(SUM_SQUARED_WEIGHTS)), _ELEMENTS)
