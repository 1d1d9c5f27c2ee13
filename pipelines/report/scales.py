"""Whether the weights of the waves that are pooled are on one scale. If not, one wave decides every pooled estimate."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from pipelines.project.respondents import POOLED
from pipelines.report.estimation import Estimation

LARGEST_RATIO = 10
"""Sums of weights estimate the population, which does not grow or shrink so many times from wave to wave."""

DIFFERENT_SCALES = f"the weights of the waves are on different scales: their sums differ more than {LARGEST_RATIO} times"
"""The reason of a row that pools them."""


def scale_warnings(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each source and weight whose pooled rows, of any report tables, are marked."""
    apart = {(row["source"], row["weight"]) for row in rows if DIFFERENT_SCALES in (row.get("presentation_reason") or "")}
    return [
        f"{source}, {weight}: {DIFFERENT_SCALES}, so one wave decides what is pooled, and pooled rows are marked for review. "
        f"Bring the waves to one scale in sql/core/respondents/{source}.sql"
        for source, weight in sorted(apart)
    ]


def marked_for_scale(frame: pl.DataFrame, estimation: Estimation) -> pl.DataFrame:
    """The rows of a report table, those that pool weights of different scales marked for review with the reason."""
    if not {"wave", "weight", "presentation", "presentation_reason"} <= set(frame.columns):
        return frame
    pooled = frame.filter(pl.col("wave") == POOLED)
    apart = [weight for weight in pooled["weight"].drop_nulls().unique().sort() if _ratio(estimation, weight) > LARGEST_RATIO]
    if not apart:
        return frame
    reason = pl.lit(DIFFERENT_SCALES)
    is_apart = (pl.col("wave") == POOLED) & pl.col("weight").is_in(apart) & (pl.col("presentation") != "suppress")
    before = pl.col("presentation_reason").cast(pl.String)
    with_reason = pl.concat_str(before, reason, separator="; ", ignore_nulls=True)
    return frame.with_columns(
        presentation=pl.when(is_apart).then(pl.lit("review")).otherwise(pl.col("presentation")),
        presentation_reason=pl.when(is_apart).then(with_reason).otherwise(before),
    )


def _ratio(estimation: Estimation, weight: str) -> float:
    """The largest sum of weights of a wave over the smallest."""
    people, _ = estimation.people(estimation.waves, (), weight=weight)
    [(ratio,)] = estimation.connection.sql(
        "select max(total) / min(total) from "
        f"(select cast(sum(units) as double) as total from {people} where units > 0 group by wave)"
    ).fetchall()
    return float(ratio or 1)
