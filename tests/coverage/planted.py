"""The report on the planted values of the synthetic sources."""

from collections.abc import Iterator
from itertools import pairwise
from tempfile import TemporaryDirectory

import polars as pl
from rich.table import Table

from pipelines.machine.settings import Settings
from pipelines.project.project import Project
from pipelines.stages import load_project
from tests.coverage.case_control import matched_intervals, mean_log_width
from tests.coverage.console import console, seeds, show
from tests.coverage.counting import NOMINAL, VALUE, by_kind, by_value, least_covered
from tests.coverage.survey import sample_intervals

N_SEEDS = 200
PAIRS = (1_250, 5_000, 20_000)
LEAST_OF_PAIRS = 180
"""Of N_SEEDS: the promise of the case-control source."""

SHRINKAGE_TOLERANCE = 0.05


def report_planted() -> list[str]:
    """Print the tables; returns what is not as it should be."""
    with TemporaryDirectory() as folder:
        project = load_project(Settings(warehouse=folder))
        return [*_case_control(project), *_survey(project)]


def _case_control(project: Project) -> Iterator[str]:
    rows = {pairs: matched_intervals(project, pairs, seeds(N_SEEDS, f"{pairs:,} pairs")) for pairs in PAIRS}
    table = Table("pairs", "deliveries", "intervals that hold the planted value", "mean log width", "times sqrt(pairs)")
    widths = {pairs: mean_log_width(found) for pairs, found in rows.items()}
    for pairs, found in rows.items():
        n_covered = int(found["is_covered"].sum())
        table.add_row(
            f"{pairs:,}", str(found.height), str(n_covered), f"{widths[pairs]:.4f}", f"{widths[pairs] * pairs**0.5:.2f}"
        )
        if n_covered < LEAST_OF_PAIRS * found.height / N_SEEDS:
            yield f"{pairs:,} pairs: {n_covered} of {found.height} intervals hold the planted value, fewer than {LEAST_OF_PAIRS}"
    console.print(table)
    for fewer, more in pairwise(PAIRS):
        shrinkage = widths[fewer] / widths[more] / (more / fewer) ** 0.5
        if abs(shrinkage - 1) > SHRINKAGE_TOLERANCE:
            yield f"from {fewer:,} to {more:,} pairs the width does not shrink as 1/sqrt(pairs): {shrinkage:.3f} instead of 1"


def _survey(project: Project) -> Iterator[str]:
    rows = sample_intervals(project, seeds(N_SEEDS, "samples of the survey"))
    least = least_covered(N_SEEDS)
    values = by_value(rows)
    error = (NOMINAL * (1 - NOMINAL) / N_SEEDS) ** 0.5
    named = values.select(pl.concat_str(VALUE[:-1], separator=" ", ignore_nulls=True).alias("value"), pl.exclude(VALUE[:-1]))
    show(f"Planted values, each in {N_SEEDS} samples (Monte Carlo standard error {error:.4f}; at least {least})", named)
    kinds = by_kind(rows)
    show("All intervals of a kind", kinds)
    yield from (f"{_name(row)}: held by {row['n_covered']} intervals, fewer than {least}" for row in _too_low(values, least))
    yield from (
        f"{_name(row)}: {row['share_covered']:.4f} of all intervals" for row in kinds.filter(~pl.col("is_enough")).to_dicts()
    )


def _too_low(values: pl.DataFrame, least: int) -> list[dict[str, object]]:
    return values.filter(pl.col("n_covered") < least).to_dicts()


def _name(row: dict[str, object]) -> str:
    return " ".join(str(value) for value in row.values() if isinstance(value, str))
