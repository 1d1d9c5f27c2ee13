"""`make mutate`: a sample of mutants, which of them no test noticed, and the share that was noticed.

    python -m tests.mutation --mutants 60 --seed 1 [MODULE ...]

A mutant is killed when a test fails or does not end. Where the tests fail without a change
nothing is judged, and the command ends with 1.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipelines.machine.settings import REPOSITORY
from tests.mutation.modules import MODULES, files_of, noticed_by
from tests.mutation.mutants import Place, mutant, places
from tests.mutation.running import Fate, copied

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
        copy = copied(Path(folder) / "repository")
        for file, place in chosen:
            source = file.read_text(encoding="utf-8")
            outcome = copy.judge(file, mutant(source, place), noticed_by(file))
            fates.append(outcome.fate)
            say(f"{outcome.fate:<10}  {file.relative_to(REPOSITORY)}:{place.line} {place.change}  ({outcome.seconds:.0f} s)")
            if outcome.fate is Fate.SURVIVED:
                say(f"            {source.splitlines()[place.line - 1].strip()}")
    said, is_enough = verdict(fates)
    say(said)
    return 0 if is_enough else 1


def verdict(fates: Sequence[Fate]) -> tuple[str, bool]:
    """The share that was noticed, in words, and whether it is enough: nothing unjudged, and no less than the goal."""
    judged = [fate for fate in fates if fate is not Fate.NOT_JUDGED]
    noticed = sum(fate is not Fate.SURVIVED for fate in judged)
    unjudged = len(fates) - len(judged)
    said = f"{noticed} of {len(judged)} noticed: {100 * noticed / max(1, len(judged)):.0f} %"
    if unjudged:
        said += f"; {unjudged} not judged, for their tests fail without a change"
    return said, bool(judged) and not unjudged and noticed >= GOAL * len(judged)


def sample(modules: list[str], number: int, seed: int) -> list[tuple[Path, Place]]:
    """Mutants of files, each place as likely as any other, ordered by file."""
    files = sorted({file for module in modules for file in files_of(module)})
    everywhere = [(file, place) for file in files for place in places(file.read_text(encoding="utf-8"))]
    chosen = random.Random(seed).sample(everywhere, min(number, len(everywhere)))
    return sorted(chosen, key=lambda found: (found[0], found[1].line, found[1].node))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
