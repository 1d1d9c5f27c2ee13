"""`python -m tests.soak [readers|kills|servers|moments|disk|nights|all] [--short]`.

Ends with 1 where something is not as it must be.
"""

import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from tests.atlas import Atlas, make_atlas
from tests.coverage.console import console
from tests.soak.aimed import die_at_each, restrict
from tests.soak.disk import SHARES, CannotMount, fill, needed
from tests.soak.kills import kill_many, refresh_twice_at_once
from tests.soak.lost_servers import lose_servers
from tests.soak.nights import keep_little, new_estimates, new_words
from tests.soak.readers import watch
from tests.soak.unattended import spend_nights


def main() -> int:
    """Print what was done and found; 0 where nothing is wrong."""
    parser = ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("part", nargs="?", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--short", action="store_true", help="a few readers, kills, sizes and nights")
    options = parser.parse_args()
    problems: list[str] = []
    for name, run in PARTS.items():
        if options.part not in (name, "all"):
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            atlas = make_atlas(Path(folder) / "project")
            keep_little(atlas)
            assert atlas.refresh().success
            problems += run(atlas, Path(folder), options.short)
        console.print(f"{name}: {time.monotonic() - started:.0f} s")
    for problem in problems:
        console.print(problem, markup=False)
    return 1 if problems else 0


def soak_readers(atlas: Atlas, folder: Path, short: bool) -> list[str]:
    watched = watch(atlas, folder, *((4, 3, 2, 0.05) if short else (32, 20, 30, 0.5)))
    console.print(watched.in_words())
    return watched.problems


def soak_kills(atlas: Atlas, folder: Path, short: bool) -> list[str]:
    killed = kill_many(atlas, folder, 3 if short else 50, console.print)
    console.print(killed.in_words())
    return killed.problems + refresh_twice_at_once(atlas, folder)


def soak_servers(atlas: Atlas, folder: Path, short: bool) -> list[str]:
    return lose_servers(atlas, folder, 2 if short else 10, console.print).problems


def soak_moments(atlas: Atlas, _: Path, short: bool) -> list[str]:
    restrict(atlas)
    aimed = die_at_each(atlas, 3 if short else 50, lambda words: console.print(words, markup=False))
    console.print(aimed.in_words(), markup=False)
    return aimed.problems


def soak_disk(atlas: Atlas, folder: Path, short: bool) -> list[str]:
    problems: list[str] = []
    n_bytes, after = needed(atlas, folder / "needed")
    for is_all_on_it in (False, True):
        for share in SHARES[1::4] if short else SHARES:
            try:
                full = fill(atlas, folder, int(share * n_bytes), is_all_on_it=is_all_on_it, after=after)
            except CannotMount as error:
                console.print(f"skipped: {error}", markup=False)
                return problems
            console.print(f"{'project' if is_all_on_it else 'warehouse'} on it, {full.in_words()}")
            problems += full.problems
    return problems


def soak_nights(atlas: Atlas, _: Path, short: bool) -> list[str]:
    n_nights, kept_runs = (60, 10) if short else (1000, 10)
    changes = {0: new_words, 2: new_estimates}  # the other nights have nothing to do
    seen = spend_nights(
        atlas, n_nights, range(20, n_nights, 20), kept_runs, lambda words: console.print(words, markup=False), changes
    )
    console.print(f"{seen.n_runs} runs kept", markup=False)
    return seen.problems


PARTS: dict[str, Callable[[Atlas, Path, bool], list[str]]] = {
    "readers": soak_readers,
    "kills": soak_kills,
    "servers": soak_servers,
    "moments": soak_moments,
    "disk": soak_disk,
    "nights": soak_nights,
}

if __name__ == "__main__":
    sys.exit(main())
