"""Ratios within each level of another variable, from one model in which the exposure may act differently at each."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from pipelines.ask.modelled import Modelled, modelled
from pipelines.ask.question import Refused
from pipelines.ask.released import Asked
from pipelines.report.verdicts import Row, as_text, not_shown, verdict_on_cells
from pipelines.statistics import Categorical, Cells, Regression, StatsError, regression
from pipelines.statistics.independence import wald_f
from pipelines.statistics.model_matrix import column_name

WITHIN = "exposure within levels"
REFERENCE = "reference"

METHOD = "{} with an interaction (Taylor linearisation), complete cases; interaction by a Wald test (Korn and Graubard)"
FAMILIES = {
    "odds_ratio": ("logistic", "design-based logistic regression"),
    "prevalence_ratio": ("poisson", "design-based Poisson regression"),
}


def within(asked: Asked, population: str) -> Iterator[Row]:
    """A row for each level of the exposure within each level of `interaction`; `interaction_p_value` is of no difference between
    the levels of `interaction`, for this level of the exposure."""
    question = asked.question
    if question.measure not in FAMILIES:
        raise Refused("an interaction is of ratios: differences within the levels of a variable are asked with by")
    if asked.study.exposures[str(question.exposure)].is_number or asked.study.adjustment[str(question.interaction)].form:
        raise Refused("an interaction is between variables with levels")
    modifier = str(question.interaction)
    model = modelled(asked, population, str(question.exposure), question.adjusters)
    family, words = FAMILIES[question.measure]
    key = model.key | {"method": METHOD.format(words)}
    pairs = [(level, at) for level in model.levels for at in model.complete[modifier].unique().sort().to_list()]
    try:
        fitted = regression(
            _joint(model, modifier),
            question.outcome,
            [Categorical(WITHIN, REFERENCE), *model.beside],
            family=family,  # type: ignore[arg-type]
            domain=model.domain,
            separation="limit",
            nuisance=model.beside,
        )
    except StatsError as error:
        for level, at in pairs:
            yield key | {modifier: at, "exposure_level": as_text(level)} | not_shown(str(error))
        return
    for level, at in pairs:
        four = _four(model, modifier, level, at)
        row = key | {modifier: at, "exposure_level": as_text(level)} | four
        try:
            effect = fitted.term(WITHIN, _name(level, at), asked.study.confidence_level)
        except StatsError as error:
            yield row | not_shown(str(error))
            continue
        estimates = {
            question.measure: effect.estimate,
            f"log_{question.measure}_se": effect.se,
            f"{question.measure}_lower": effect.lower,
            f"{question.measure}_upper": effect.upper,
            "p_value": effect.p_value,
            "degrees_freedom": fitted.degrees_freedom,
            "interaction_p_value": _test(fitted, [_name(level, other) for one, other in pairs if one == level]),
        }
        yield row | estimates | verdict_on_cells(four, fitted.degrees_freedom)


def _joint(model: Modelled, modifier: str) -> Cells:
    """The cells with a key that tells the level of the exposure and of the modifier, and one reference for all unexposed."""
    text = pl.concat_str(pl.col(model.exposure).cast(pl.String), pl.lit(" at "), pl.col(modifier).cast(pl.String))
    is_reference = pl.col(model.exposure) == model.reference
    joint = pl.when(is_reference & pl.col(modifier).is_not_null()).then(pl.lit(REFERENCE)).otherwise(text)
    return Cells(model.cells.table.with_columns(joint.alias(WITHIN)), model.cells.design)


def _name(level: Any, at: Any) -> str:
    return f"{as_text(level)} at {as_text(at)}"


def _four(model: Modelled, modifier: str, level: Any, at: Any) -> dict[str, int]:
    inside = model.complete.filter(pl.col(modifier) == at)
    counts = {}
    for who, wanted in (("exposed", level), ("unexposed", model.reference)):
        for what, has in (("cases", True), ("noncases", False)):
            group = inside.filter(pl.col(model.exposure) == wanted, pl.col(model.outcome) == has)
            counts[f"{who}_{what}"] = int(group["n"].sum())
    return counts


def _test(fitted: Regression, levels: Sequence[str]) -> float | None:
    """That the coefficients of these levels are equal; None where there are fewer than two, or one has none."""
    names = [column_name(Categorical(WITHIN, REFERENCE), level) for level in levels]
    if len(names) < 2 or any(name not in fitted.names or name in fitted.separated for name in names):
        return None
    at = [fitted.names.index(name) for name in names]
    contrast = np.column_stack([-np.ones(len(at) - 1), np.eye(len(at) - 1)])
    covariance = contrast @ fitted.covariance[np.ix_(at, at)] @ contrast.T
    try:
        return float(wald_f(contrast @ fitted.coefficients[at], covariance, fitted.degrees_freedom, adjusted=True).p_value)
    except StatsError:
        return None
