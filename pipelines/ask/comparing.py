"""Comparisons of the levels of an exposure: ratios and differences, crude or adjusted."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from pipelines.ask.interacting import within
from pipelines.ask.modelled import Modelled, modelled
from pipelines.ask.question import Refused
from pipelines.ask.released import ASKED, Asked
from pipelines.project.respondents import FOUR_CELLS
from pipelines.release.macros.estimating import METHODS, NO_RATIO, NOBODY
from pipelines.report.odds_ratios import odds_ratio_rows
from pipelines.report.verdicts import Row, not_shown, verdict_on_cells
from pipelines.statistics import Categorical, Margins, StatsError, compare, margins, prevalence
from pipelines.statistics.effect import two_sided_p
from pipelines.statistics.intervals import NO_DEGREES_OF_FREEDOM, t_quantile
from pipelines.statistics.variance import design_degrees_freedom, sampling_frame

OF_MODELS = {
    "odds_ratio": "design-based logistic regression (Taylor linearisation), complete cases",
    "prevalence_ratio": "design-based Poisson regression (Taylor linearisation), complete cases",
    "prevalence_difference": "difference of marginally standardised prevalences (logistic model, delta method), complete cases",
}
"""Adjusted measure -> its method; the crude ones have those of the macros."""

NUMBERS = ("{m}", "{log}{m}_se", "{m}_lower", "{m}_upper", "p_value", "interaction_p_value")
LAST = ("adjusted_for", "confidence_level", "method", "degrees_freedom", "presentation", "presentation_reason")


def comparison_rows(asked: Asked) -> pl.DataFrame:
    """A row for each level of the exposure but the reference, in each part, and within each level of `interaction`."""
    question = asked.question
    estimate = within if question.interaction else _differences if question.measure == "prevalence_difference" else _ratios
    rows = [levels | row for population, levels in asked.parts.items() for row in estimate(asked, population)]
    if not rows:
        raise Refused(NOBODY)
    log = "" if question.measure == "prevalence_difference" else "log_"
    numbers = [name.format(m=question.measure, log=log) for name in NUMBERS]
    if not question.interaction:
        numbers.remove("interaction_p_value")
    first = ["outcome", "exposure", "exposure_level", "reference_level"]
    split = [*question.by, *([question.interaction] if question.interaction else [])]
    columns = [*split, *first, *FOUR_CELLS, "n_missing", *numbers, *LAST]
    kinds: dict[str, Any] = dict.fromkeys((*first, "adjusted_for", "method", "presentation_reason"), pl.String)
    kinds |= dict.fromkeys(numbers, pl.Float64) | dict.fromkeys((*FOUR_CELLS, "n_missing", "degrees_freedom"), pl.Int64)
    told = [{name: row.get(name) for name in columns} for row in rows]
    return pl.DataFrame(told, infer_schema_length=None, schema_overrides=kinds)


def adjusted_prevalences(asked: Asked) -> Margins:
    """Prevalences at the levels of the one column of `by`, adjusted."""
    question = asked.question
    try:
        return _margins(modelled(asked, ASKED, question.by[0], question.adjust), asked)
    except StatsError as error:
        raise Refused(f"the prevalences cannot be adjusted: {error}") from error


def _margins(model: Modelled, asked: Asked) -> Margins:
    return margins(
        model.cells,
        asked.question.outcome,
        Categorical(model.exposure, model.reference),
        model.beside,
        domain=model.domain,
        confidence_level=asked.study.confidence_level,
    )


def _ratios(asked: Asked, population: str) -> Iterator[Row]:
    """Odds or prevalence ratios, as report.odds_ratios has them."""
    measure, model = asked.question.measure, "adjusted" if asked.question.adjust else "crude"
    is_crude = model == "crude" and not next(iter(asked.study.exposures.values())).is_number
    for row in odds_ratio_rows(asked.estimation):
        if row["population"] != population or row["model"] != model:
            continue
        if is_crude and row.get(measure) is None and row.get("exposed_cases") is not None:
            if 0 in (row["exposed_cases"] + row["exposed_noncases"], row["unexposed_cases"] + row["unexposed_noncases"]):
                continue
            if 0 in [row[name] for name in FOUR_CELLS]:
                row |= not_shown(NO_RATIO)
        p_value = row.get("p_value" if measure == "odds_ratio" else "prevalence_ratio_p_value")
        yield row | {"p_value": p_value, "method": METHODS[measure] if is_crude else OF_MODELS[measure]}


def _differences(asked: Asked, population: str) -> Iterator[Row]:
    """Differences of prevalences, or of adjusted prevalences."""
    question, confidence = asked.question, asked.study.confidence_level
    model = modelled(asked, population, str(question.exposure), question.adjust)
    key = model.key | {"method": (OF_MODELS if question.adjust else METHODS)["prevalence_difference"]}
    try:
        found: Any = (
            _margins(model, asked)
            if question.adjust
            else prevalence(model.cells, question.outcome, by=[model.exposure], domain=model.domain, confidence_level=confidence)
        )
    except StatsError as error:
        for level in model.levels:
            yield key | model.at(level) | not_shown(str(error))
        return
    degrees = _degrees(model)
    for level in model.levels:
        contrast = compare(found, {model.exposure: level}, {model.exposure: model.reference}, confidence_level=confidence)
        row = key | model.at(level) | {"degrees_freedom": degrees}
        if degrees <= 0 or contrast.estimate is None or contrast.se is None:
            yield row | not_shown(NO_DEGREES_OF_FREEDOM)
            continue
        margin = t_quantile(degrees, confidence) * contrast.se
        estimates = {
            "prevalence_difference": contrast.estimate,
            "prevalence_difference_se": contrast.se,
            "prevalence_difference_lower": contrast.estimate - margin,
            "prevalence_difference_upper": contrast.estimate + margin,
            "p_value": two_sided_p(contrast.estimate / contrast.se, degrees) if contrast.se > 0 else None,
        }
        yield row | estimates | verdict_on_cells(model.four(level), degrees)


def _degrees(model: Modelled) -> int:
    """PSUs minus strata with anybody who is compared."""
    group = np.where(model.cells.members(model.domain) & model.cells.known(model.columns), 0, -1)
    return int(design_degrees_freedom(model.cells, sampling_frame(model.cells), group, 1)[0])
