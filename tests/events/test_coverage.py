"""The intervals of sequence ratios hold the planted ones; `python -m tests.coverage sequences` has 100 whole registers."""

from pipelines.project.project import Project
from tests.coverage.counting import least_covered
from tests.coverage.sequences import covered, sequence_intervals

N_SEEDS = 10


def test_intervals_of_small_registers_hold_the_planted_ratios(project: Project) -> None:
    counted = covered(sequence_intervals(project, range(1, N_SEEDS + 1), people=10_000))
    assert counted.height == 14
    assert (counted["n_registers"] == N_SEEDS).all()
    # of each ratio 3 standard errors under 95 %, and one more: there are fourteen
    assert (counted["n_covered"] >= least_covered(N_SEEDS) - 1).all(), counted
    assert counted["n_covered"].sum() >= least_covered(14 * N_SEEDS)
