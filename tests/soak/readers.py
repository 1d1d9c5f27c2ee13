"""Readers of the live warehouse while one release follows another: each answer is of exactly one release, none is an error."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.machine.settings import REPOSITORY
from pipelines.release.publish import publish
from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS
from tests.soak.nights import new_estimates, new_words, start_refresh
from tests.soak.reader import truth

FOR_EVER = 1e9
REAL_EVERY = 4
"""One release in so many is that of a whole `cramp-atlas refresh`; the others are published only."""


@dataclass(frozen=True)
class Reader:
    """A process, what it prints, and for how many seconds it keeps a connection: 0 for one query."""

    process: subprocess.Popen[bytes]
    output: Path
    session_seconds: float


@dataclass
class Watched:
    """What the readers saw. `alone` and `beside`: milliseconds of an answer without and with releases being made."""

    n_answers: int = 0
    n_sessions: int = 0
    n_releases: int = 0
    problems: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)

    def in_words(self) -> str:
        times = [
            f"{name} refreshes: p50 {statistics.median(found):.1f} ms, p99 {_percentile_99(found):.1f} ms (n {len(found):,})"
            for name, found in (("without", self.alone), ("with", self.beside))
            if found
        ]
        return (
            f"{self.n_answers:,} answers in {self.n_sessions:,} sessions, of {len(self.seen)} of {self.n_releases + 1} releases, "
            f"{len(self.problems)} wrong; {'; '.join(times)}"
        )


def _percentile_99(found: list[float]) -> float:
    return sorted(found)[int(0.99 * (len(found) - 1))]


def watch(atlas: Atlas, folder: Path, n_readers: int, n_releases: int, quiet_seconds: float, pause: float) -> Watched:
    """Half of the readers connect for each query; of the others every second one keeps its connection to the end."""
    new_words(atlas, 0)
    publish(atlas.project)
    releases = [_current(atlas)]
    truths = {releases[0]: truth((atlas.warehouse / "current").resolve())}
    readers = [_start(atlas, folder / f"{number}.jsonl", number, pause) for number in range(n_readers)]
    try:
        _wait_for(readers)
        started = time.time()
        time.sleep(quiet_seconds)
        between = time.time()
        for night in range(1, n_releases + 1):
            _release(atlas, night, folder / "refresh.txt")
            releases.append(_current(atlas))
            truths[releases[-1]] = truth((atlas.warehouse / "current").resolve())
            assert truths[releases[-1]][:3] == [releases[-1], f"Night {night}", f"Night {night}"]
            time.sleep(4 * pause)
        ended = time.time()
    finally:
        for reader in readers:
            assert reader.process.stdin
            reader.process.stdin.close()
            reader.process.wait(timeout=PATIENCE_SECONDS)
    watched = Watched(n_releases=n_releases)
    if len(set(releases)) != n_releases + 1 or len({json.dumps(answer[3:5]) for answer in truths.values()}) < 2:
        watched.problems.append("the nights made no releases of their own")
    for reader in readers:
        _judge(reader, releases, truths, watched, (started, between, ended))
    return watched


def _current(atlas: Atlas) -> str:
    return (atlas.warehouse / "current").resolve().name


def _start(atlas: Atlas, output: Path, number: int, pause: float) -> Reader:
    database = atlas.warehouse / ("epi.duckdb" if number % 4 < 2 else "epi_public.duckdb")
    session_seconds = 0 if number % 2 else (FOR_EVER if number % 8 < 4 else 20 * pause)
    command = [sys.executable, "-m", "tests.soak.reader", str(database), str(session_seconds), str(pause)]
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file, cwd=REPOSITORY, env=os.environ)
    return Reader(process, output, session_seconds)


def _wait_for(readers: list[Reader]) -> None:
    until = time.monotonic() + 120
    while any(not reader.output.stat().st_size for reader in readers):
        assert time.monotonic() < until, "a reader never answered"
        time.sleep(0.1)


def _release(atlas: Atlas, night: int, output: Path) -> None:
    new_words(atlas, night)
    if night % REAL_EVERY != 2:
        assert publish(atlas.project).is_new
        return
    new_estimates(atlas, night)
    assert start_refresh(atlas, output).wait(timeout=PATIENCE_SECONDS) == 0, output.read_text(encoding="utf-8")


def _judge(
    reader: Reader, releases: list[str], truths: dict[str, list[Any]], watched: Watched, times: tuple[float, float, float]
) -> None:
    """Every answer is the truth of one release; a session sees one release; no session goes back."""
    started, between, ended = times
    order = {release: position for position, release in enumerate(releases)}
    of_session: dict[int, str] = {}
    newest = -1
    for line in reader.output.read_text(encoding="utf-8").splitlines():
        session, moment, milliseconds, answer = json.loads(line)
        if milliseconds is None or answer[0] not in truths:
            watched.problems.append(f"{reader.output.stem}: {answer}")
            continue
        release = answer[0]
        if answer != truths[release]:
            watched.problems.append(f"{reader.output.stem}: {answer} is not the answer of {release}, {truths[release]}")
        if of_session.setdefault(session, release) != release:
            watched.problems.append(f"{reader.output.stem}: a session saw {of_session[session]} and {release}")
        if order[release] < newest:
            watched.problems.append(f"{reader.output.stem}: {release} came after {releases[newest]}")
        newest = max(newest, order[release])
        watched.n_answers += 1
        watched.seen[release] += 1
        if started <= moment < between:
            watched.alone.append(milliseconds)
        elif between <= moment < ended:
            watched.beside.append(milliseconds)
    watched.n_sessions += len(of_session)
