"""Matched pairs drawn anew: the interval of the matched odds ratio against the planted one."""

from collections.abc import Iterable

import polars as pl

from pipelines.project.generator import case_control_generator
from pipelines.project.project import Project
from pipelines.synthetic.case_control import draw_sets, planted_odds_ratios
from pipelines.synthetic.harmonising import estimated
from pipelines.synthetic.records import with_unanswered
from tests.coverage.counting import compared

SOURCE = "synthetic_case_control"
WAVE = "5000-pairs"


def matched_intervals(project: Project, n_pairs: int, seeds: Iterable[int]) -> pl.DataFrame:
    """The rows of report.planted_truth for one delivery of `n_pairs` a seed."""
    source = project.sources[SOURCE]
    made = case_control_generator(source)
    codebook = project.contracts[f"raw.{made.tables.people}"].codebook_frame()
    deliveries = []
    for seed in seeds:
        pairs = draw_sets(project, source, WAVE, n_pairs, seed)
        deliveries.append(estimated(project, source, WAVE, with_unanswered(pairs, made.unanswered, codebook, seed, WAVE)))
    return compared(project, made.tables.planted, planted_odds_ratios(made, source, project.study, WAVE), deliveries)


def mean_log_width(rows: pl.DataFrame) -> float:
    """Mean width of the intervals on the log scale."""
    return float(rows.select((pl.col("estimate_upper") / pl.col("estimate_lower")).log().mean()).item())
