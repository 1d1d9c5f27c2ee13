"""Nights on a server of Spark Connect that is killed in the middle."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.machine.settings import Settings
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS
from tests.soak.kills import CHANGES, next_night
from tests.soak.nights import fingerprint, problems_of_release, start_refresh
from tests.spark.servers import sail

LOST = "nothing was judged by it, readers keep the last release, and the next night tries again"
"""What every sentence about such a server says."""

SHORTER = 0.8
"""How much less time nights are taken to need where one had ended before its server was to be killed."""


@dataclass
class Lost:
    """How many servers were killed while a night ran, how many nights failed of it, and what was wrong."""

    n_killed: int = 0
    n_too_late: int = 0
    n_failed: int = 0
    problems: list[str] = field(default_factory=list)

    def in_words(self) -> str:
        return (
            f"{self.n_killed} servers killed ({self.n_too_late} more nights had ended before), {self.n_failed} nights failed "
            f"of it, the others needed them no more; {len(self.problems)} wrong"
        )


def lose_servers(
    atlas: Atlas, folder: Path, n_kills: int, say: Callable[[str], None] = print, seconds: float | None = None, seed: int = 2026
) -> Lost:
    """Kill as many servers, each while a night that has something new to do runs on it, at moments spread over its time.

    `seconds` stands for that time where it need not be measured.
    """
    moments = random.Random(seed)
    lasts = seconds or _seconds(atlas, folder / "output.txt")
    order = moments.sample(range(n_kills), n_kills)
    lost = Lost()
    night = 100
    while lost.n_killed < n_kills:
        night += 1
        was_too_late = lost.n_too_late
        _lose_one(atlas, folder / "output.txt", night, (order[lost.n_killed] + moments.random()) / n_kills * lasts, lost)
        if lost.n_too_late > was_too_late:
            lasts *= SHORTER
        say(lost.in_words())
    return lost


def on_server(remote: str) -> dict[str, str]:
    return {"CRAMP_ATLAS_ENGINE": "spark", "SPARK_REMOTE": remote}


def _seconds(atlas: Atlas, output: Path) -> float:
    started = time.monotonic()
    CHANGES[-1](atlas, 10)
    with sail() as server:
        assert start_refresh(atlas, output, on_server(server.remote)).wait(timeout=PATIENCE_SECONDS) == 0, output.read_text()
    return time.monotonic() - started


def _lose_one(atlas: Atlas, output: Path, night: int, seconds: float, lost: Lost) -> None:
    before = fingerprint(atlas)
    CHANGES[night % len(CHANGES)](atlas, night)
    with sail() as server:
        process = start_refresh(atlas, output, on_server(server.remote))
        time.sleep(seconds)
        was_running = process.poll() is None
        server.kill()
        code = process.wait(timeout=PATIENCE_SECONDS)
    said = " ".join(output.read_text(encoding="utf-8").split())  # wherever a line was broken
    found, problems = fingerprint(atlas), problems_of_release(atlas)
    if code and (LOST not in said or "Traceback" in said):
        problems.append(f"the night said: {said[-2000:]}")
    if code and found != before:
        problems.append("readers have another release of a night that failed")
    with sail() as server:
        elsewhere = Atlas(atlas.folder)
        elsewhere.settings = Settings(project=atlas.folder, engine="spark", spark_remote=server.remote)
        problems += next_night(elsewhere, before, found)
    lost.problems += [f"night {night}, after {seconds:.2f} s: {problem}" for problem in problems]
    lost.n_killed += was_running
    lost.n_too_late += not was_running
    lost.n_failed += was_running and code != 0
