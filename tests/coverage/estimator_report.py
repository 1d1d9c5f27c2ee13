"""The report on the estimators themselves."""

from collections.abc import Iterator

import polars as pl

from tests.coverage.complex_sample import CLUSTERED, HARD, USUAL, Scenario
from tests.coverage.console import console, seeds, show
from tests.coverage.counting import NOMINAL, least_covered
from tests.coverage.estimators import DEFAULTS, coverage, estimated_intervals

N_SAMPLES = 2_000

SHOWN = ("method", "covered", "coverage", "monte_carlo_se", "truth_below", "truth_above", "mean_width")


def report_estimators() -> list[str]:
    """Print the coverage of every method; returns the defaults that cover too seldom in the usual scenario.

    The others are shown and not judged: there the defaults are known to fall short.
    """
    least = least_covered(N_SAMPLES)
    console.print(
        f"{N_SAMPLES:,} samples of 15 strata x 2 PSUs. The defaults ({' and '.join(DEFAULTS)}) must hold the truth at least "
        f"{least} times: {NOMINAL:.0%} less three Monte Carlo standard errors. Widths of odds ratios are of their logarithm."
    )
    problems = list(_report(USUAL, least))
    for scenario in (CLUSTERED, HARD):
        for problem in _report(scenario, least):
            console.print(f"[dim]not judged: {scenario.name}, {problem}")
    return problems


def _report(scenario: Scenario, least: int) -> Iterator[str]:
    found = coverage(estimated_intervals(scenario, seeds(N_SAMPLES, f"samples, {scenario.name}")))
    for (value, truth), rows in found.group_by("value", "truth", maintain_order=True):
        at = f", true log odds ratio {truth:.4f}" if str(value).startswith("odds") else ""
        show(f"{scenario.name}: {value}{at}", rows.rename({"n_covered": "covered"}).select(SHOWN))
    for row in found.filter(~pl.col("is_enough")).to_dicts():
        yield f"{row['value']}, {row['method']}: {row['n_covered']} of {row['n_samples']} hold the truth, fewer than {least}"
