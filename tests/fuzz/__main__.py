"""Fuzzes every reader for some minutes each; exits with 1 where a file breaks what must be true of it."""

import sys
import tempfile
import time
import traceback
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path

from tests.coverage.console import console
from tests.fuzz.property import PACKED, READERS, run, seeds

EXAMPLES_A_ROUND = 500


def main() -> int:
    """Print for each reader how many files were tried; 0 where the property held for all."""
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10, help="for each reader")
    parser.add_argument("--reader", choices=[*READERS, *PACKED], action="append", help="only these")
    options = parser.parse_args()
    broken = 0
    for suffix in options.reader or [*READERS, *PACKED]:
        until = time.monotonic() + 60 * options.minutes
        outcomes: Counter[str] = Counter()
        with tempfile.TemporaryDirectory() as folder:
            for start in seeds():
                try:
                    outcomes += run(Path(folder), suffix, EXAMPLES_A_ROUND, start)
                except Exception:
                    broken += 1
                    console.print(f"[red]{suffix}: seed {start} breaks the property[/red]")
                    console.print(traceback.format_exc(limit=3), markup=False)
                    break
                if time.monotonic() > until:
                    break
        counts = ", ".join(f"{number:,} {outcome}" for outcome, number in sorted(outcomes.items()))
        console.print(f"{suffix}: {counts or 'none'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
