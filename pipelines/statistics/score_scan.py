"""One scan of a relation: the score and the information of a regression at given coefficients, by PSU.

Not here: the steps between scans (large.py). Categorical terms are group keys and numbers enter as sums and products, so a scan
sums as few columns as the model has numbers and never holds a row.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal

import duckdb
import numpy as np
import polars as pl

from pipelines.statistics.collapse import LARGEST_WEIGHT, is_usable, quoted
from pipelines.statistics.design import N_RESPONDENTS, N_SAMPLED, PSU, STRATUM, Design, FloatArray
from pipelines.statistics.errors import NotConverged
from pipelines.statistics.model_matrix import INTERCEPT, Categorical, Numeric, Term, column_name
from pipelines.statistics.perfect_prediction import Family

# Sums are of whole numbers, so that equal data give equal bits: the largest possible addend becomes 2^60.
_LARGEST_ADDEND_BITS = 60


@dataclass(frozen=True)
class Question:
    """What a scan reads: the relation, its design, the outcome's column and the condition (SQL) of the domain."""

    relation: str
    design: Design
    outcome: str
    terms: tuple[Term, ...]
    where: str | None
    family: Family

    @property
    def categories(self) -> tuple[Categorical, ...]:
        return tuple(term for term in self.terms if isinstance(term, Categorical))

    @property
    def numbers(self) -> tuple[Numeric, ...]:
        return tuple(term for term in self.terms if isinstance(term, Numeric))

    @property
    def weight(self) -> str:
        """SQL: the weight as DOUBLE; NULL where it is 0 or cannot be used."""
        if self.design.weight is None:
            return "1::double"
        number = f"cast({quoted(self.design.weight)} as double)"
        return f"case when {is_usable(number)} then {number} end"

    @property
    def member(self) -> str:
        """SQL: whether a row belongs to the domain."""
        return f"coalesce({self.where}, false)" if self.where else "true"


@dataclass(frozen=True)
class ModelColumn:
    """A column of the model: the intercept, a level's indicator, or a number from -1 to 1 = (value - centre) / spread."""

    term: Term | None
    level: object = None
    centre: float = 0.0
    spread: float = 1.0

    @property
    def name(self) -> str:
        return INTERCEPT if self.term is None else column_name(self.term, self.level)

    @property
    def number(self) -> str | None:
        """SQL: the scaled number; None for an intercept or indicator."""
        if not isinstance(self.term, Numeric):
            return None
        return f"((cast({quoted(self.term.column)} as double) - {_literal(self.centre)}) * {_literal(1 / self.spread)})"


@dataclass(frozen=True, eq=False)
class Scan:
    """`units`: stratum and psu of every sampled PSU, `n` analysed and `n_sampled` rows; `scores` (units, k) belong to it.

    `information` (k, k) and `log_likelihood` (up to a constant) are sums over all analysed rows, 0 where they were not asked
    for; they and the scores are in the scaled columns.
    """

    units: pl.DataFrame
    scores: FloatArray
    information: FloatArray
    log_likelihood: float


def model_columns(
    terms: Sequence[Term], levels: pl.DataFrame, ranges: Mapping[str, tuple[float, float]], names: Collection[str]
) -> tuple[ModelColumn, ...]:
    """The columns of a model whose coefficients have these names. `levels`: holds the categorical columns; `ranges`: lowest
    and highest analysed value of each number.
    """
    columns = [ModelColumn(None)]
    for term in terms:
        if isinstance(term, Numeric):
            low, high = ranges[term.column]
            columns.append(ModelColumn(term, None, (low + high) / 2, (high - low) / 2 or 1.0))
        else:
            found = levels[term.column].drop_nulls().unique().sort().to_list()
            columns += [ModelColumn(term, level) for level in found if column_name(term, level) in names]
    return tuple(columns)


def unscaling(columns: Sequence[ModelColumn]) -> FloatArray:
    """(k, k): raw coefficients = unscaling @ coefficients of the scaled columns. The intercept comes first."""
    matrix = np.diag([1 / column.spread for column in columns])
    matrix[0, 1:] = [-column.centre / column.spread for column in columns[1:]]
    return matrix


def scan(
    con: duckdb.DuckDBPyConnection,
    question: Question,
    columns: Sequence[ModelColumn],
    coefficients: FloatArray,
    *,
    information: Literal["none", "rough", "exact"] = "exact",
) -> Scan:
    """Read the relation once, at these coefficients (k,) of the scaled columns.

    Scores are summed exactly. `information`: rough, too, costs less than exact, but its last digits vary from run to run;
    the log-likelihood comes with the exact one.

    Raises NotConverged where the coefficients are so large that the means overflow.
    """
    numbers = [i for i, column in enumerate(columns) if column.number is not None]
    pairs = list(combinations_with_replacement(range(len(numbers)), 2))
    at_most = _largest_addends(question, columns, coefficients)
    z = [f"z{m}" for m in range(len(numbers))]
    score = ["r", *(f"r * {a}" for a in z)]
    spread = ["v", *(f"v * {a}" for a in z), *(f"v * z{a} * z{b}" for a, b in pairs)]
    sums = [_sum(expression, at_most[0], f"r{i}") for i, expression in enumerate(score)]
    if information == "exact":
        sums += [_sum(expression, at_most[1], f"v{i}") for i, expression in enumerate(spread)]
        sums += [_sum("l", at_most[2], "l")]
    else:
        sums += [
            f"coalesce(sum({v}), 0) as v{i}" if information == "rough" else f"0::double as v{i}" for i, v in enumerate(spread)
        ]
        sums += ["0::double as l"]
    design = [f"{quoted(name)} as {alias}" for name, alias in _design_columns(question.design)]
    keys = [f"{quoted(term.column)} as g{i}" for i, term in enumerate(question.categories)]
    names = [alias for _, alias in _design_columns(question.design)] + [f"g{i}" for i in range(len(keys))]
    mean, variance, likelihood = _family_sql(question.family)
    y = f"cast({quoted(question.outcome)} as double)"
    rows = f"""
        select *, w * (y - mu) as r, {variance} as v, {likelihood} as l
        from (select *, {mean} as mu from (select *, {_predictor(question, columns, coefficients)} as eta from (
            select {", ".join([*design, *keys])}{"," if design or keys else ""} {y} as y,
                case when {question.member} and {quoted(question.outcome)} is not null then {question.weight} end as w
                {"".join(f", {columns[i].number} as {name}" for i, name in zip(numbers, z, strict=True))}
            from {question.relation})))"""
    selected = ", ".join([*names, f"count(r) as {N_RESPONDENTS}", f"count(*) as {N_SAMPLED}", *sums])
    groups = con.sql(f"select {selected} from ({rows}) group by all order by all").pl()
    return _assembled(groups, question, columns, numbers, pairs)


def _design_columns(design: Design) -> list[tuple[str, str]]:
    return [(name, alias) for name, alias in ((design.stratum, STRATUM), (design.psu, PSU)) if name is not None]


def _literal(number: float) -> str:
    """A DOUBLE: bare numbers with a point are DECIMAL in DuckDB, whose arithmetic is slow."""
    return f"{float(number)!r}::double"


def _sum(expression: str, largest: float, name: str) -> str:
    unit = 2.0 ** (_LARGEST_ADDEND_BITS - math.ceil(math.log2(largest)))
    total = f"coalesce(sum(cast({expression} * {_literal(unit)} as bigint)), 0)"
    return f"cast({total} as double) * {_literal(1 / unit)} as {name}"


def _family_sql(family: Family) -> tuple[str, str, str]:
    """SQL of the mean, the variance and the log-likelihood of a row, from y, w, eta and mu."""
    if family == "logistic":
        return "1::double / (1::double + exp(-eta))", "w * mu * (1::double - mu)", _LOGISTIC_LIKELIHOOD
    return "exp(eta)", "w * mu", "w * (y * eta - mu)"


# log(1 + exp(eta)) without overflow
_LOGISTIC_LIKELIHOOD = "w * (y * eta - greatest(eta, 0::double) - ln(1::double + exp(-abs(eta))))"


def _predictor(question: Question, columns: Sequence[ModelColumn], coefficients: FloatArray) -> str:
    group = {term.column: f"g{i}" for i, term in enumerate(question.categories)}
    parts, number = list[str](), 0
    for column, coefficient in zip(columns, coefficients, strict=True):
        c = _literal(float(coefficient))
        if column.term is None:
            parts.append(c)
        elif isinstance(column.term, Numeric):
            parts.append(f"{c} * z{number}")
            number += 1
        else:
            name = group[column.term.column]
            parts.append(f"{c} * cast({name} = {level_literal(column.level)} as double)")
    shown = {column.term.column for column in columns if isinstance(column.term, Categorical)}
    # a term without a column still decides who is complete
    parts += [f"case when {name} is not null then 0::double end" for term, name in group.items() if term not in shown]
    return " + ".join(parts)


def level_literal(level: object) -> str:
    """SQL: a level of a categorical term; DuckDB gives the text the type of what it is compared with."""
    return "'" + str(level).replace("'", "''") + "'"


def _largest_addends(question: Question, columns: Sequence[ModelColumn], coefficients: FloatArray) -> tuple[float, float, float]:
    """Bounds of what a row adds to the score, the information and the log-likelihood; numbers lie within -1 to 1."""
    weight = 1.0 if question.design.weight is None else float(LARGEST_WEIGHT)
    reach = float(np.abs(coefficients).sum())
    if not reach < 300:
        raise NotConverged("The coefficients grew without end: a term may predict the outcome perfectly. Merge sparse levels.")
    mean = 1.0 if question.family == "logistic" else max(1.0, math.exp(_highest_predictor(columns, coefficients)))
    return 2 * weight * mean, 2 * weight * mean, 2 * weight * (1 + reach + mean)


def _highest_predictor(columns: Sequence[ModelColumn], coefficients: FloatArray) -> float:
    highest, of_level = float(coefficients[0]), dict[str, float]()
    for column, coefficient in zip(columns[1:], coefficients[1:], strict=True):
        if isinstance(column.term, Categorical):
            of_level[column.term.column] = max(of_level.get(column.term.column, 0.0), float(coefficient))
        else:
            highest += abs(float(coefficient))
    return highest + sum(of_level.values())


def _assembled(
    groups: pl.DataFrame,
    question: Question,
    columns: Sequence[ModelColumn],
    numbers: Sequence[int],
    pairs: Sequence[tuple[int, int]],
) -> Scan:
    """Scores and information of all columns from the sums of the groups: an indicator is constant in a group."""
    group = {term.column: f"g{i}" for i, term in enumerate(question.categories)}
    fixed = [i for i in range(len(columns)) if i not in numbers]
    x = np.ones((groups.height, len(fixed)))
    for j, i in enumerate(fixed):
        term = columns[i].term
        if term is not None:
            x[:, j] = (groups[group[term.column]] == columns[i].level).fill_null(False).to_numpy()

    def sums(prefix: str, size: int) -> FloatArray:
        return groups.select([f"{prefix}{i}" for i in range(size)]).to_numpy().astype(np.float64)

    r, v = sums("r", 1 + len(numbers)), sums("v", 1 + len(numbers) + len(pairs))
    row_scores = np.zeros((groups.height, len(columns)))
    row_scores[:, fixed] = x * r[:, :1]
    row_scores[:, numbers] = r[:, 1:]
    information = np.zeros((len(columns), len(columns)))
    information[np.ix_(fixed, fixed)] = (x * v[:, :1]).T @ x
    cross = x.T @ v[:, 1 : 1 + len(numbers)]
    information[np.ix_(fixed, numbers)] = cross
    information[np.ix_(numbers, fixed)] = cross.T
    for (a, b), total in zip(pairs, v[:, 1 + len(numbers) :].sum(axis=0), strict=True):
        information[numbers[a], numbers[b]] = information[numbers[b], numbers[a]] = total
    design = [alias for _, alias in _design_columns(question.design)]
    summed = groups.select(*design, N_RESPONDENTS, N_SAMPLED).hstack(
        pl.DataFrame(row_scores, schema=[f"s{i}" for i in range(len(columns))])
    )
    units = summed.group_by(design, maintain_order=True).agg(pl.all().sum())
    scores = units.select([f"s{i}" for i in range(len(columns))]).to_numpy().astype(np.float64)
    return Scan(units.select(*design, N_RESPONDENTS, N_SAMPLED), scores, information, float(groups["l"].sum()))
