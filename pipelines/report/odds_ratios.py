"""Rows of report.odds_ratios: crude and adjusted from surveys and cohorts, matched from case-control sources."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.project.study import Exposure
from pipelines.report.adjusting import as_numbers, described, in_steps
from pipelines.report.estimation import Estimation
from pipelines.report.families import with_adjusted_p_values
from pipelines.report.matched import matched_rows
from pipelines.report.respondents import Scope, in_population
from pipelines.report.stratified import mantel_haenszel_estimates
from pipelines.report.verdicts import EVERYBODY_OR_NOBODY, FEWER_TERMS, Row, as_text, not_shown, verdict_on_cells, with_note
from pipelines.statistics import Categorical, Cells, Numeric, Regression, StatsError, e_value, pool_effects
from pipelines.statistics.model_matrix import Term
from pipelines.statistics.regression import analysed_for

MANTEL_HAENSZEL = "mantel_haenszel"

NOT_IN_THE_TABLE = ("log_odds_ratio_se", "log_prevalence_ratio_se", "prevalence_ratio_p_value")
"""What is known of a survey's models beside the columns of the table."""

MANTEL_HAENSZEL_IMPUTED = "no Mantel-Haenszel odds ratio: none is pooled over imputations"


def odds_ratios(estimation: Estimation) -> pl.DataFrame:
    """Odds ratio of each outcome by each exposure that the source asked about: one row per level, population and model.

    Where an odds ratio cannot be estimated its numbers are NULL and `presentation_reason` says why. A case-control source
    gives matched odds ratios only, and none of a variable that it was matched on.
    """
    rows = odds_ratio_rows(estimation)
    if not rows:
        return pl.DataFrame()
    common = {"source": estimation.source.source, "is_suppressed": False, "is_synthetic": estimation.source.is_synthetic}
    told = [{name: value for name, value in row.items() if name not in NOT_IN_THE_TABLE} | common for row in rows]
    frame = pl.DataFrame(told, infer_schema_length=None, schema_overrides={"hypotheses": pl.String})
    return with_adjusted_p_values(frame, estimation.study.odds_ratios.multiple_testing).sort(
        "source", "wave", "population", "outcome", "exposure", "exposure_level", "model"
    )


def odds_ratio_rows(estimation: Estimation) -> list[Row]:
    """The rows of the table before p-values are adjusted, with NOT_IN_THE_TABLE."""
    rows: list[Row] = []
    asked = estimation.asked(list(estimation.study.exposures))
    for scope in estimation.scopes():
        for name in asked:
            exposure = estimation.study.exposures[name]
            if estimation.source.design == "case_control":
                found = matched_rows(estimation, scope, name)
            else:
                found = _survey_rows(estimation, scope, name, exposure)
            rows += [row | {"hypotheses": exposure.hypotheses} for row in found]
    return rows


def _survey_rows(estimation: Estimation, scope: Scope, name: str, exposure: Exposure) -> list[Row]:
    study = estimation.study
    levels = (
        [exposure.step] if exposure.is_number else [level for level in estimation.levels(name) if level != exposure.reference]
    )
    rows = []
    for population in study.populations_of(name):
        for model in ("crude", "adjusted") if estimation.is_weighted else ("crude", "adjusted", MANTEL_HAENSZEL):
            for outcome in study.outcomes:
                if outcome == name:  # a variable is not related to itself
                    continue
                adjusters = [] if model == "crude" else [column for column in study.adjustment if column not in (name, outcome)]
                variables = {outcome, name, *adjusters, *estimation.population_variables(population)}
                weight = estimation.weight(variables)
                key = {
                    "wave": scope.wave,
                    "population": population,
                    "outcome": outcome,
                    "exposure": name,
                    "reference_level": None if exposure.is_number else as_text(exposure.reference),
                    "model": model,
                    "adjusted_for": described(study, adjusters),
                    "confidence_level": study.confidence_level,
                    "weight": weight,
                }
                refusal = estimation.refusal(scope, variables, population)
                if refusal:
                    rows += [key | {"exposure_level": as_text(level)} | not_shown(refusal) for level in levels]
                    continue
                if model == MANTEL_HAENSZEL and estimation.is_imputed(variables):
                    rows += [key | {"exposure_level": as_text(level)} | not_shown(MANTEL_HAENSZEL_IMPUTED) for level in levels]
                    continue
                keys = (*study.outcomes, name, *study.adjustment)
                cells = [
                    each.cells(scope, weight, keys, population, [outcome, name, *adjusters])
                    for each in estimation.completions(variables)
                ]
                if exposure.is_number:
                    cells = [in_steps(each, name, exposure) for each in cells]
                rules = estimation.rules(variables)
                rows += _model_rows(estimation, cells, key, name, exposure, levels, adjusters, rules)
    return rows


def _model_rows(
    estimation: Estimation,
    completions: Sequence[Cells],
    key: Row,
    name: str,
    exposure: Exposure,
    levels: Sequence[bool | str],
    adjusters: Sequence[str],
    rules: Row,
) -> list[Row]:
    """The levels of one model. `completions` are the cells of each imputation, of which the first tells who is counted."""
    cells = completions[0]
    outcome = key["outcome"]
    domain = pl.col(in_population(key["population"]))
    members = cells.table.filter(domain, pl.col("n") > 0)
    # a source that did not ask for an adjuster is adjusted for the others
    adjusters = [column for column in adjusters if members[column].null_count() < members.height]
    complete = members.drop_nulls([outcome, name, *adjusters])
    # a variable that has one level in the population cannot be adjusted for
    adjusters = [column for column in adjusters if complete[column].n_unique() > 1]
    key = key | {
        "adjusted_for": described(estimation.study, adjusters),
        "n_missing": int(members["n"].sum()) - int(complete["n"].sum()),
    }
    numbers = [column for column in adjusters if estimation.study.adjustment[column].form]
    beside: list[Term] = [
        Categorical(column, _reference(estimation, complete, column)) for column in adjusters if column not in numbers
    ]
    if numbers:
        with_numbers = [as_numbers(each, estimation.study, numbers) for each in completions]
        completions, beside = [each for each, _ in with_numbers], [*beside, *with_numbers[0][1]]
    unexposed = complete.filter(pl.lit(False) if exposure.is_number else pl.col(name) == exposure.reference)
    prevalence = _share(complete, outcome)
    fitted: Sequence[Fitted] | str | None = None
    if key["model"] != MANTEL_HAENSZEL:
        term = Numeric(name) if exposure.is_number else Categorical(name, exposure.reference)
        fitted = _fit(completions, outcome, term, beside, domain)
    not_grouped = [name] if exposure.is_number else numbers
    if fitted is None and not_grouped:
        fitted = f"Mantel-Haenszel compares within groups, and {', '.join(not_grouped)} {_taken(exposure)} as a number"
    rows = []
    for level in levels:
        exposed = complete if exposure.is_number else complete.filter(pl.col(name) == level)
        four = {
            "exposed_cases": _count(exposed, outcome, True),
            "exposed_noncases": _count(exposed, outcome, False),
            "unexposed_cases": None if exposure.is_number else _count(unexposed, outcome, True),
            "unexposed_noncases": None if exposure.is_number else _count(unexposed, outcome, False),
        }
        row = key | {"exposure_level": as_text(level)} | four
        if isinstance(fitted, str) or exposed.is_empty():
            rows.append(row | not_shown(fitted if isinstance(fitted, str) else "no respondents with this level"))
            continue
        is_rare = prevalence < estimation.study.odds_ratios.common_outcome_prevalence
        if fitted is None:
            common = mantel_haenszel_estimates(exposed, unexposed, outcome, adjusters, key["confidence_level"])
            estimates = not_shown(common) if isinstance(common, str) else common | verdict_on_cells(four, None)
        else:
            of_level, by = None if exposure.is_number else level, estimation.source.estimated_by
            estimates = _estimates(fitted, name, of_level, key["confidence_level"], by)
            if "odds_ratio" in estimates:
                verdict = verdict_on_cells(four, estimates["degrees_freedom"])
                verdict = with_note(verdict, _put_aside(fitted, adjusters))
                estimates |= with_note(verdict, _too_many_terms(fitted[0].logistic)) | rules
        rows.append(row | estimates | _e_value(estimates, is_rare))
    return rows


def _taken(exposure: Exposure) -> str:
    return "is taken" if exposure.is_number else "is adjusted for"


@dataclass(frozen=True)
class Fitted:
    """The same terms in two models: for odds ratios and for prevalence ratios."""

    logistic: Regression
    poisson: Regression


def _fit(
    completions: Sequence[Cells], outcome: str, exposure: Term, beside: Sequence[Term], domain: pl.Expr
) -> Sequence[Fitted] | str:
    """The logistic and the Poisson model of the exposure and of what is adjusted for beside it, in each imputation, or why they
    cannot be fitted."""

    try:
        analysed = [analysed_for(cells, outcome, [exposure, *beside], domain=domain, nuisance=beside) for cells in completions]
        return [Fitted(each.fit("logistic", separation="limit"), each.fit("poisson", separation="limit")) for each in analysed]
    except StatsError as error:
        return str(error)


def _estimates(fitted: Sequence[Fitted], name: str, level: Any, confidence_level: float, by: str) -> Row:
    """The estimates of one level, pooled over imputations where there are several, or why there are none."""
    try:
        odds = pool_effects([each.logistic.term(name, level, confidence_level) for each in fitted])
        ratio = pool_effects([each.poisson.term(name, level, confidence_level) for each in fitted])
    except StatsError as error:
        return not_shown(str(error))
    return {
        "odds_ratio": odds.estimate,
        "odds_ratio_lower": odds.lower,
        "odds_ratio_upper": odds.upper,
        "p_value": odds.p_value,
        "degrees_freedom": math.floor(odds.degrees_freedom),
        "method": f"design-based logistic regression ({by}), complete cases",
        "prevalence_ratio": ratio.estimate,
        "prevalence_ratio_lower": ratio.lower,
        "prevalence_ratio_upper": ratio.upper,
        "log_odds_ratio_se": odds.se,
        "log_prevalence_ratio_se": ratio.se,
        "prevalence_ratio_p_value": ratio.p_value,
    }


def _put_aside(fitted: Sequence[Fitted], adjusters: Sequence[str]) -> str | None:
    """That a model leaves people out: all in some level of an adjuster have, or lack, the outcome. None where it does not.

    They say nothing about the other coefficients, which are the same with and without them.
    """
    separated = [name for each in fitted if each.logistic.n_separated for name in each.logistic.separated]
    if not any(each.logistic.n_separated for each in fitted):
        return None
    columns = [column for column in adjusters if any(name.startswith(f"{column}=") for name in separated)]
    named = ", ".join(columns or adjusters) or "the exposure"
    return f"in some level of {named} {EVERYBODY_OR_NOBODY}: the odds ratio is that of the others"


def _too_many_terms(model: Regression) -> str | None:
    """That a model has more coefficients than its design has degrees of freedom: R's residual ones are then none."""
    if model.residual_degrees_freedom > 0:
        return None
    n = len(model.names)
    return f"the model has {n} coefficients, the design {model.degrees_freedom} {FEWER_TERMS}"


def _e_value(estimates: Row, is_rare: bool) -> Row:
    """E-values of an estimated odds ratio and of its limit nearer to 1; where the outcome is common, by their square roots."""
    if "odds_ratio" not in estimates:
        return {}
    ratio = (estimates[name] for name in ("odds_ratio", "odds_ratio_lower", "odds_ratio_upper"))
    found = e_value(*ratio, measure="odds_ratio", is_rare=is_rare)
    return {"e_value": found.point, "e_value_limit": found.limit}


def _reference(estimation: Estimation, complete: pl.DataFrame, column: str) -> Any:
    """The study's reference level, or the first that is there."""
    wanted = estimation.study.adjustment[column].reference
    levels = complete[column].unique().sort().to_list()
    return wanted if wanted in levels else levels[0]


def _share(complete: pl.DataFrame, outcome: str) -> float:
    """Weighted share of cases among the analysed."""
    total = float(complete["w"].sum())
    return float(complete.filter(pl.col(outcome))["w"].sum()) / total if total else 0.0


def _count(group: pl.DataFrame, outcome: str, value: bool) -> int:
    return int(group.filter(pl.col(outcome) == value)["n"].sum())
