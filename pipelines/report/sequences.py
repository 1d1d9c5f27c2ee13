"""Rows of report.sequence_ratios: for each class of medicines and window, which of it and the marker people had first."""

import math
from typing import Any

import numpy as np
import polars as pl

from pipelines.project.event_checks import ABOUT_PERSON
from pipelines.project.events import SequenceSymmetrySettings
from pipelines.report.events import Events
from pipelines.report.first_events import FirstEvents, first_events
from pipelines.report.verdicts import SPARSE_CELL, Row, not_shown, with_note
from pipelines.statistics import (
    OrderModel,
    StatsError,
    active_comparator_ratio,
    null_ratio,
    order_model,
    sequence_ratio,
)

FEW_IN_ONE_ORDER = f"fewer than {SPARSE_CELL} pairs in one of the two orders"

AGE_UNIT = 10
"""Years of age that one step of the model of the order is about."""


def sequence_ratios(events: Events) -> pl.DataFrame:
    """One row per wave, class and window: the crude ratio with the score interval is the primary result.

    Beside it Jeffreys's interval, both null-effect ratios with a window of their own, the ratio adjusted by each, the ratio to an
    active comparator in the same window, and the model of the order by age and sex.
    """
    rows: list[Row] = []
    for wave in events.waves:
        with first_events(events, wave) as firsts:
            if firsts is not None:
                rows += _with_comparators(events, [_row(events, firsts, wave, *asked) for asked in _asked(firsts.settings)])
    return pl.DataFrame(rows, infer_schema_length=None)


def _asked(settings: SequenceSymmetrySettings) -> list[tuple[str, int]]:
    return [(index, window) for index in settings.index for window in settings.windows_days]


def in_window(firsts: FirstEvents, index: str, window_days: int) -> pl.DataFrame:
    """The pairs of an index and the marker within a window and beyond the gap, with `after`, the days from index to marker."""
    distance = pl.col("after").abs()
    pairs = firsts.pairs(index).with_columns(after=pl.col("marker_day") - pl.col("index_day"))
    return pairs.filter((distance > firsts.settings.gap_days) & (distance <= window_days))


def _row(events: Events, firsts: FirstEvents, wave: str, index: str, window_days: int) -> Row:
    settings, confidence_level = firsts.settings, events.study.confidence_level
    pairs = in_window(firsts, index, window_days)
    index_first, marker_first = pairs.filter(pl.col("after") > 0), pairs.filter(pl.col("after") < 0)
    counts = int(index_first["n"].sum()), int(marker_first["n"].sum())
    per_day = firsts.per_day(index)
    key: Row = dict(events.key(wave)) | {
        "index_class": index,
        "marker_class": settings.marker,
        "window_days": window_days,
        "drug_classes": settings.drug_classes,
        "role": settings.index[index].role,
        "gap_days": settings.gap_days,
        "run_in_days": settings.run_in_days,
        "null_window_days": settings.null_window_days,
        "confidence_level": confidence_level,
        "n_index": int(per_day.sum()),
        "n_marker": int(firsts.marker_per_day.sum()),
        "n_index_first": counts[0],
        "n_marker_first": counts[1],
    }
    if not sum(counts):
        return key | not_shown("nobody first had both medicines within the window")
    of_all = null_ratio(per_day, firsts.marker_per_day, window_days=settings.null_window_days)
    of_pairs = null_ratio(
        _per_day(index_first, "index_day", firsts.n_days),
        _per_day(marker_first, "marker_day", firsts.n_days),
        window_days=settings.null_window_days,
    )
    score = sequence_ratio(*counts, null=of_all, confidence_level=confidence_level)
    jeffreys = sequence_ratio(*counts, null=of_pairs, method="jeffreys", confidence_level=confidence_level)
    shown: Row = {"presentation": "show", "presentation_reason": None}
    return (
        key
        | {
            "sequence_ratio": score.crude_ratio,
            "sequence_ratio_lower": score.crude_lower,
            "sequence_ratio_upper": score.crude_upper,
            "sequence_ratio_jeffreys_lower": jeffreys.crude_lower,
            "sequence_ratio_jeffreys_upper": jeffreys.crude_upper,
            "p_value": score.p_value,
            "method": score.method,
            "null_ratio": of_all,
            "adjusted_ratio": score.adjusted_ratio,
            "adjusted_ratio_lower": score.adjusted_lower,
            "adjusted_ratio_upper": score.adjusted_upper,
            "null_ratio_of_pairs": of_pairs,
            "adjusted_ratio_of_pairs": jeffreys.adjusted_ratio,
        }
        | _of_model(pairs, firsts.about, confidence_level)
        | with_note(shown, FEW_IN_ONE_ORDER if min(counts) < SPARSE_CELL else None)
    )


def _per_day(pairs: pl.DataFrame, column: str, n_days: int) -> Any:
    return np.bincount(pairs[column].to_numpy(), weights=pairs["n"].to_numpy(), minlength=n_days).astype(np.int64)


def _of_model(pairs: pl.DataFrame, about: tuple[str, ...], confidence_level: float) -> Row:
    """The ratio of people of average age and sex, and whether it depends on them; why not, where there is no model."""
    known = pairs.drop_nulls(list(about))
    row: Row = {"n_not_in_model": int(pairs["n"].sum()) - int(known["n"].sum())}
    columns, names = _covariates(known, about)
    try:
        model = order_model(
            known.select(pl.when(pl.col("after") > 0).then(pl.col("n")).otherwise(0)).to_series(),
            known.select(pl.when(pl.col("after") < 0).then(pl.col("n")).otherwise(0)).to_series(),
            columns,
            names=names,
            confidence_level=confidence_level,
        )
    except StatsError as error:
        return row | {"model_reason": str(error)}
    return row | _rows_of_model(model, names)


def _covariates(known: pl.DataFrame, about: tuple[str, ...]) -> tuple[np.ndarray, list[str]]:
    """Age in steps of ten years, and each further level of what is text against the first in order."""
    columns: dict[str, np.ndarray] = {}
    for name in about:
        if ABOUT_PERSON[name] == "INTEGER":
            columns[name] = known[name].to_numpy() / AGE_UNIT
        else:
            levels = known[name].unique().sort().to_list()
            columns |= {f"{name}={level}": (known[name] == level).to_numpy().astype(np.float64) for level in levels[1:]}
    return (np.column_stack(list(columns.values())) if columns else np.zeros((known.height, 0))), list(columns)


def _rows_of_model(model: OrderModel, names: list[str]) -> Row:
    age = model.terms.get("age_years")
    return {
        "model_terms": ", ".join(names) or None,
        "model_ratio": model.ratio.estimate,
        "model_ratio_lower": model.ratio.lower,
        "model_ratio_upper": model.ratio.upper,
        "model_p_value": model.p_value if names else None,
        "model_ratio_per_10_years": age.estimate if age else None,
        "model_ratio_per_10_years_lower": age.lower if age else None,
        "model_ratio_per_10_years_upper": age.upper if age else None,
    }


def _with_comparators(events: Events, rows: list[Row]) -> list[Row]:
    """The rows, each over that of its active comparator in the same window."""
    by_key = {(row["index_class"], row["window_days"]): row for row in rows}
    return [row | _compared(events, row, by_key) for row in rows]


def _compared(events: Events, row: Row, by_key: dict[tuple[str, int], Row]) -> Row:
    settings = events.study.sequence_symmetry
    name = settings.index[row["index_class"]].active_comparator if settings else None
    if name is None:
        return {}
    other = by_key[name, row["window_days"]]
    found = active_comparator_ratio(
        row["n_index_first"],
        row["n_marker_first"],
        other["n_index_first"],
        other["n_marker_first"],
        confidence_level=events.study.confidence_level,
    )
    if found.ratio is None:
        return {"active_comparator": name}
    return {
        "active_comparator": name,
        "comparator_ratio": found.ratio,
        "comparator_ratio_lower": found.lower,
        "comparator_ratio_upper": None if math.isinf(found.upper) else found.upper,
        "comparator_p_value": found.p_value,
    }
