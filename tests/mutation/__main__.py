"""`make mutate`: a sample of mutants, which of them no test noticed, and the share that was noticed.

    python -m tests.mutation --mutants 60 --seed 1 [MODULE ...]

A mutant is killed when a test fails or does not end. A module whose tests fail without a change is named, and is not judged.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from pipelines.machine.settings import REPOSITORY
from tests.mutation.modules import MODULES, files_of, noticed_by
from tests.mutation.mutants import Place, mutant, places
from tests.mutation.running import AT_LEAST, TIMES, Copy, Fate

GOAL = 0.9
"""Of mutants that tests should notice. Below it the command ends with 1."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(MODULES), help="folders or files of pipelines/")
    parser.add_argument("--mutants", type=int, default=60, help="how many")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chosen = sample(asked.modules, asked.mutants, asked.seed)
    say(f"{len(chosen)} mutants, seed {asked.seed}")
    fates: list[Fate] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Copy(Path(folder) / "repository")
        limits: dict[Path, float | None] = {}
        for file, place in chosen:
            source, tests = file.read_text(encoding="utf-8"), noticed_by(file)
            if file not in limits:
                limits[file] = _limit(copy, file, source, tests)
            limit = limits[file]
            name = f"{file.relative_to(REPOSITORY)}:{place.line} {place.change}"
            if limit is None:
                say(f"NOT JUDGED  {name}: its tests fail as it is")
                continue
            outcome = copy.judge(file, mutant(source, place), tests, limit)
            fates.append(outcome.fate)
            say(f"{outcome.fate:<10}  {name}  ({outcome.seconds:.0f} s)")
            if outcome.fate is Fate.SURVIVED:
                say(f"            {source.splitlines()[place.line - 1].strip()}")
    noticed = sum(fate is not Fate.SURVIVED for fate in fates)
    say(f"{noticed} of {len(fates)} noticed: {100 * noticed / max(1, len(fates)):.0f} %")
    return 0 if fates and noticed >= GOAL * len(fates) else 1


def sample(modules: list[str], number: int, seed: int) -> list[tuple[Path, Place]]:
    """Mutants of files, each place as likely as any other, ordered by file."""
    files = sorted({file for module in modules for file in files_of(module)})
    everywhere = [(file, place) for file in files for place in places(file.read_text(encoding="utf-8"))]
    chosen = random.Random(seed).sample(everywhere, min(number, len(everywhere)))
    return sorted(chosen, key=lambda found: (found[0], found[1].line, found[1].node))


def _limit(copy: Copy, file: Path, source: str, tests: list[list[Path]]) -> float | None:
    """How many seconds the tests of a file are given; None where they fail without a change."""
    outcome = copy.judge(file, source, tests, limit=1_800)
    return max(AT_LEAST, TIMES * outcome.seconds) if outcome.fate is Fate.SURVIVED else None


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
