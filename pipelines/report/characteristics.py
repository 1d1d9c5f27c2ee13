"""Rows of report.characteristics_by_outcome: who the people with and without each outcome are."""

from collections.abc import Sequence
from typing import Any, get_args

import polars as pl

from pipelines.report.estimation import Estimation
from pipelines.report.respondents import Scope, in_population
from pipelines.report.verdicts import as_text, not_shown
from pipelines.statistics import (
    Cells,
    MeanOfGroup,
    StatsError,
    compare_means,
    pool_means,
    pool_prevalences,
    prevalence,
    rao_scott_test,
)
from pipelines.statistics.presentation import (
    FEWEST_DEGREES_OF_FREEDOM,
    NO_KNOWN_OUTCOME,
    SMALLEST_N,
    STANDARD_LEVEL,
    PresentationStatus,
)

KEY = ["source", "wave", "population", "outcome", "characteristic", "level"]
"""By which its rows are told apart, and their order."""

MEAN = "mean"
"""The level of a continuous characteristic."""

GROUPS = ("cases", "noncases")

STATUS = "is_case"
"""The column that marks the cases of a case-control source."""

RAO_SCOTT = "Rao-Scott F test of the two-way table (second-order correction), complete cases"
T_TEST = "design-based t test of the difference of means ({by}), complete cases"
UNTESTED = "unweighted shares and means by case status"
MATCHED_ON = "cases and noncases were matched on it: that it does not differ is by design"
MATCHED_STUDY = "of a matched study the test is that of the matched odds ratio, in report.odds_ratios"

Row = dict[str, Any]


def characteristics_by_outcome(estimation: Estimation) -> pl.DataFrame:
    """Each characteristic that the source asked about, of cases and of noncases, in the populations of the odds ratios.

    Shares with the verdicts of the NCHS standards; means are suppressed under as few respondents as shares are. Of a
    case-control source neither standard errors nor tests are given: its controls were chosen to resemble its cases.
    """
    study = estimation.study
    categorical = estimation.asked(study.categorical_characteristics)
    continuous = estimation.asked(study.continuous_characteristics)
    rows: list[Row] = []
    elsewhere = {name for name in study.exposures if not set(study.populations_of(name)) & set(study.odds_ratios.populations)}
    categorical = [name for name in categorical if name not in elsewhere or name in study.characteristics.categorical]
    for population in study.odds_ratios.populations:
        levels = {name: estimation.levels(name, population) for name in categorical} | dict.fromkeys(continuous)
        for scope in estimation.scopes():
            for outcome in estimation.outcomes:
                for name, of_name in levels.items():
                    if name == outcome:  # who has the outcome has it: that describes nobody
                        continue
                    rows += _rows(estimation, scope, population, outcome, name, of_name)
    return pl.DataFrame(rows, infer_schema_length=None).sort(KEY) if rows else pl.DataFrame()


def _rows(
    estimation: Estimation, scope: Scope, population: str, outcome: str, name: str, levels: Sequence[bool | str] | None
) -> list[Row]:
    """The rows of one characteristic; `levels` are None where it is continuous."""
    variables = {outcome, name, *estimation.population_variables(population)}
    weight = estimation.weight(variables)
    key = estimation.key(scope, population, outcome, weight) | {
        "characteristic": name,
        "kind": "continuous" if levels is None else "categorical",
    }
    named = [MEAN] if levels is None else levels
    refusal = estimation.refusal(scope, variables, population)
    if refusal:
        return [key | {"level": as_text(level)} | not_shown(refusal) for level in named]
    status = STATUS if estimation.is_matched else outcome
    asked = _asked(estimation.completions(variables)[0], scope, population, status)
    by = tuple([status] if estimation.is_matched else estimation.outcomes)
    keys, number = (by, name) if levels is None else ((*by, name), None)
    needed = [status, name]
    cells = [each.cells(scope, weight, keys, population, needed, number) for each in estimation.completions(variables)]
    domain = pl.col(in_population(population))
    try:
        if levels is None:
            found = [_means(cells, name, status, domain, estimation.source.estimated_by)]
        else:
            found = _shares(cells, name, status, domain, levels)
        found = [row | {"n_missing": asked - _answered(cells[0], name, status, domain)} for row in found]
    except StatsError as error:
        return [key | {"level": as_text(level)} | not_shown(str(error)) for level in named]
    if estimation.is_matched:
        reason = MATCHED_ON if name in estimation.source.matched_on else MATCHED_STUDY
        nothing = dict.fromkeys([f"{what}_of_{group}_se" for what in ("share", "mean") for group in GROUPS])
        untested = nothing | {"p_value": None, "p_value_reason": reason, "degrees_freedom": None, "method": UNTESTED}
        return [key | row | untested for row in found]
    return [key | row | estimation.rules(variables) for row in found]


def _asked(estimation: Estimation, scope: Scope, population: str, status: str) -> int:
    """Members whose case status is known, whether they are in the component of the characteristic or not."""
    weight = estimation.weight({status, *estimation.population_variables(population)})
    keys = (STATUS,) if estimation.is_matched else tuple(estimation.outcomes)
    table = estimation.cells(scope, weight, keys, population).table
    return int(table.filter(pl.col(in_population(population)) & pl.col(status).is_not_null())["n"].sum())


def _answered(cells: Cells, name: str, status: str, domain: pl.Expr) -> int:
    """Those of them who are in the component and have a value."""
    return int(cells.table.filter(domain & pl.col(status).is_not_null() & pl.col(name).is_not_null())["n"].sum())


def _shares(completions: Sequence[Cells], name: str, status: str, domain: pl.Expr, levels: Sequence[bool | str]) -> list[Row]:
    """One row per level: its share among cases and among noncases whose characteristic is known, pooled over imputations."""
    common = _association(completions, name, status, domain)
    rows = []
    for level in levels:
        at_level = [Cells(cells.table.with_columns(is_at_level=pl.col(name) == level), cells.design) for cells in completions]
        tables = [
            prevalence(cells, "is_at_level", by=[status], domain=domain, confidence_level=STANDARD_LEVEL).table
            for cells in at_level
        ]
        estimated = pool_prevalences(tables, [status], STANDARD_LEVEL)
        of_status = {bool(row[status]): row for row in estimated.iter_rows(named=True)}
        row: Row = {"level": as_text(level)} | common
        verdicts = []
        for group, is_case in zip(GROUPS, (True, False), strict=True):
            share = of_status.get(is_case, NOBODY)
            is_shown = share["presentation"] != "suppress"
            row[f"n_{group}"] = share["n_cases"]
            row[f"share_of_{group}"] = share["prevalence"] if is_shown else None
            row[f"share_of_{group}_se"] = share["prevalence_se"] if is_shown else None
            verdicts.append((share["presentation"], share["presentation_reason"]))
        rows.append(row | _stricter(verdicts))
    return rows


NOBODY: Row = {"n_cases": 0, "presentation": "suppress", "presentation_reason": NO_KNOWN_OUTCOME}
"""Of a group without members."""


NOT_POOLED = "no test of a two-way table is pooled over imputations"
"""Why a share of imputed values has no p-value."""


def _association(completions: Sequence[Cells], name: str, status: str, domain: pl.Expr) -> Row:
    if len(completions) > 1:
        return {"p_value_reason": NOT_POOLED, "method": RAO_SCOTT}
    try:
        test = rao_scott_test(completions[0], name, status, domain=domain)
    except StatsError as error:
        return {"p_value_reason": str(error), "method": RAO_SCOTT}
    return {"p_value": test.p_value, "degrees_freedom": test.degrees_freedom, "method": RAO_SCOTT}


def _means(completions: Sequence[Cells], name: str, status: str, domain: pl.Expr, by: str) -> Row:
    found = pool_means([compare_means(cells, name, status, domain=domain) for cells in completions])
    row: Row = {"level": MEAN, "p_value": found.p_value, "method": T_TEST.format(by=by)}
    row |= {"degrees_freedom": found.degrees_freedom}
    if found.p_value is None:
        row["p_value_reason"] = "the standard error of the difference is 0"
    verdicts = []
    for group, of_group in zip(GROUPS, (found.group, found.others), strict=True):
        status_of, reason = _verdict(of_group, found.degrees_freedom)
        row[f"n_{group}"] = of_group.n_respondents
        if status_of != "suppress":
            row[f"mean_of_{group}"], row[f"mean_of_{group}_se"] = of_group.mean, of_group.se
            row[f"sd_of_{group}"] = of_group.standard_deviation
        verdicts.append((status_of, reason))
    return row | _stricter(verdicts)


def _verdict(group: MeanOfGroup, degrees_freedom: int) -> tuple[PresentationStatus, str | None]:
    if group.n_respondents < SMALLEST_N:
        return "suppress", f"fewer than {SMALLEST_N} respondents"
    if degrees_freedom < FEWEST_DEGREES_OF_FREEDOM:
        return "review", f"fewer than {FEWEST_DEGREES_OF_FREEDOM} degrees of freedom"
    return "show", None


def _stricter(verdicts: Sequence[tuple[str, str | None]]) -> Row:
    """The stricter of the verdicts on cases and noncases, with the reasons of both."""
    order = get_args(PresentationStatus)
    reasons = [f"{group}: {reason}" for group, (_, reason) in zip(GROUPS, verdicts, strict=True) if reason]
    strictest = max((status for status, _ in verdicts), key=order.index)
    return {"presentation": strictest, "presentation_reason": "; ".join(reasons) or None}
