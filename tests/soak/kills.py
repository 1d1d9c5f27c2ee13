"""A refresh that is killed at any moment, and two refreshes at once."""

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.machine.lock import warehouse_lock
from pipelines.release.prune import prune
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS
from tests.soak.nights import Fingerprint, fingerprint, new_delivery, new_estimates, orphans, problems_of_release, start_refresh

CHANGES = (new_estimates, new_delivery)
SAID_EVERY = 10
NOT_SWAPPED = re.compile(r"warehouse/current does not lead to .*: run cramp-atlas publish")
"""What verify says between a release that is whole and the swap of the link: readers are well, the next refresh swaps."""


@dataclass
class Killed:
    """How many were killed, after which step, whether readers had the new release by then, and what was wrong."""

    n_killed: int = 0
    n_too_late: int = 0
    n_published: int = 0
    n_not_swapped: int = 0
    after: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def in_words(self) -> str:
        places = ", ".join(f"{step} {number}" for step, number in self.after.most_common())
        return (
            f"{self.n_killed} killed ({self.n_too_late} more had ended before), {self.n_published} after publishing, "
            f"{self.n_not_swapped} between building and swapping; {len(self.problems)} wrong; last step that had ended: {places}"
        )


def kill_many(
    atlas: Atlas, folder: Path, n_kills: int, say: Callable[[str], None] = print, seconds: float | None = None, seed: int = 2026
) -> Killed:
    """Kill as many refreshes, each of which has something new to do, at moments spread over the time that they take.

    `seconds` stands for that time where it need not be measured.
    """
    moments = random.Random(seed)
    output = folder / "output.txt"
    lasts = {change: seconds or _seconds(atlas, change, 10 + number, output) for number, change in enumerate(CHANGES)}
    order = moments.sample(range(n_kills), n_kills)
    killed = Killed()
    night = 100
    while killed.n_killed < n_kills:
        night += 1
        change = CHANGES[night % len(CHANGES)]
        # one stretch of the time for each kill, so that a few are spread as well as many
        share = (order[killed.n_killed] + moments.random()) / n_kills
        _kill_one(atlas, output, night, share * lasts[change], killed)
        if not killed.n_killed % SAID_EVERY:
            say(killed.in_words())
    return killed


def _seconds(atlas: Atlas, change: object, night: int, output: Path) -> float:
    assert callable(change)
    change(atlas, night)
    started = time.monotonic()
    assert start_refresh(atlas, output).wait(timeout=PATIENCE_SECONDS) == 0, output.read_text(encoding="utf-8")
    return time.monotonic() - started


def _kill_one(atlas: Atlas, output: Path, night: int, seconds: float, killed: Killed) -> None:
    before = fingerprint(atlas)
    CHANGES[night % len(CHANGES)](atlas, night)
    process = start_refresh(atlas, output)
    time.sleep(seconds)
    was_running = process.poll() is None
    # every second time the whole group, otherwise the refresh alone: its reader must end by itself
    if was_running and night % 4 < 2:
        os.killpg(process.pid, signal.SIGKILL)
    elif was_running:
        process.kill()
    process.wait(timeout=PATIENCE_SECONDS)
    problems = [] if _all_gone(process.pid) else ["a process is left"]
    with warehouse_lock(atlas.warehouse):
        wrong = problems_of_release(atlas)
    not_swapped = [problem for problem in wrong if NOT_SWAPPED.fullmatch(problem)]
    problems += [problem for problem in wrong if problem not in not_swapped]
    found = fingerprint(atlas)
    problems += next_night(atlas, before, found)
    killed.problems += [f"night {night}, after {seconds:.2f} s: {problem}" for problem in problems]
    if not was_running:
        killed.n_too_late += 1
        return
    killed.n_killed += 1
    killed.n_published += found != before
    killed.n_not_swapped += bool(not_swapped)
    steps = re.findall(r"✓ (\w+)", output.read_text(encoding="utf-8"))
    killed.after[steps[-1] if steps else "none"] += 1


def next_night(atlas: Atlas, before: Fingerprint, found: Fingerprint) -> list[str]:
    """What is wrong with the refresh after a kill, with what readers had in between, and with what pruning leaves."""
    refreshed = atlas.refresh()
    if not refreshed.success:
        return [f"the next refresh failed: {refreshed.failures}"]
    after = fingerprint(atlas)
    problems = []
    if before == after:
        problems.append("the night had nothing new to do")
    if found not in (before, after):
        problems.append("readers had tables of neither release")
    prune(atlas.project)
    problems += [f"{path} is left" for path in orphans(atlas)]
    return [*problems, *problems_of_release(atlas)]


def _all_gone(group: int) -> bool:
    """Whether no process of the group lives any more, with time for those that end by themselves."""
    until = time.monotonic() + PATIENCE_SECONDS
    while _alive(group):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _alive(group: int) -> list[str]:
    """Numbers of the processes of a group, without those that ended and that nobody has waited for."""
    listed = subprocess.run(
        ["ps", "-eo", "pgid=,pid=,stat="], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [pid for pgid, pid, state in rows if int(pgid) == group and not state.startswith("Z")]


def refresh_twice_at_once(atlas: Atlas, folder: Path) -> list[str]:
    """What is wrong when two `cramp-atlas refresh` start together: one must work, the other say who does and since when."""
    new_estimates(atlas, 300)
    outputs = [folder / "one.txt", folder / "other.txt"]
    processes = [start_refresh(atlas, output) for output in outputs]
    codes = [process.wait(timeout=PATIENCE_SECONDS) for process in processes]
    said = [output.read_text(encoding="utf-8") for output in outputs]
    if sorted(codes) != [0, 3]:
        return [f"exit codes {codes}", *said]
    worked = codes.index(0)
    refused = (
        rf"process {processes[worked].pid} \(cramp-atlas refresh, since [-0-9: ]+ UTC\) is at work on .*: wait for it to end"
    )
    problems = problems_of_release(atlas)
    if not re.search(refused, said[1 - worked]) or "Traceback" in said[1 - worked]:
        problems.append(f"the second said: {said[1 - worked]}")
    return problems
