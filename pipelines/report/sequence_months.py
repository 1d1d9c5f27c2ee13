"""Rows of report.sequence_pairs_by_month: how many months lie between two medicines, in either order, for the figure."""

import polars as pl

from pipelines.report.events import Events
from pipelines.report.first_events import first_events
from pipelines.report.sequences import in_window

DAYS_PER_MONTH = 365.25 / 12


def sequence_pairs_by_month(events: Events) -> pl.DataFrame:
    """One row per wave, class and month of the longest window. Month 1 is the first after the index, -1 the last before it."""
    frames = [frame for wave in events.waves for frame in _of_wave(events, wave)]
    return pl.concat(frames) if frames else pl.DataFrame()


def _of_wave(events: Events, wave: str) -> list[pl.DataFrame]:
    with first_events(events, wave) as firsts:
        if firsts is None:
            return []
        longest = firsts.settings.windows_days[-1]
        n_months = -int(-longest // DAYS_PER_MONTH)
        months = pl.DataFrame({"month": [month for month in range(-n_months, n_months + 1) if month]})
        found = []
        for index in firsts.settings.index:
            month = (pl.col("after").abs() / DAYS_PER_MONTH).ceil() * pl.col("after").sign()
            counted = (
                in_window(firsts, index, longest)
                .group_by(month.cast(pl.Int64).alias("month"))
                .agg(n_pairs=pl.col("n").sum().cast(pl.Int64))
            )
            found.append(
                months.join(counted, on="month", how="left", maintain_order="left")
                .with_columns(pl.col("n_pairs").fill_null(0))
                .with_columns(pl.lit(value).alias(name) for name, value in events.key(wave).items())
                .with_columns(
                    index_class=pl.lit(index),
                    marker_class=pl.lit(firsts.settings.marker),
                    role=pl.lit(firsts.settings.index[index].role),
                )
            )
        return found
