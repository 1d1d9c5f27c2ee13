"""Runs the simulation of the estimators, or of the planted values, or both; exits with 1 where a count is too low."""

import sys
from argparse import ArgumentParser
from time import monotonic

from tests.coverage.console import console
from tests.coverage.estimator_report import report_estimators
from tests.coverage.planted import report_planted
from tests.coverage.sequences import report_sequences

REPORTS = {
    "estimators": [report_estimators],
    "planted": [report_planted],
    "sequences": [report_sequences],
    "all": [report_estimators, report_planted, report_sequences],
}


def main() -> int:
    """Print the tables; 0 where every value is found as often as it should be."""
    parser = ArgumentParser(prog="python -m tests.coverage", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=REPORTS,
        default="all",
        help="estimators: samples of a population whose truth is computed; planted, sequences: the synthetic sources, "
        "through the pipeline",
    )
    reports = REPORTS[parser.parse_args().what]
    began = monotonic()
    problems = [problem for report in reports for problem in report()]
    for problem in problems:
        console.print(f"[red]{problem}")
    console.print(
        f"{'Not as it should be' if problems else 'Everything is found as often as it should be'} ({monotonic() - began:.0f} s)"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
