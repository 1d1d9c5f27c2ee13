"""Many nights of one project in a row, spent by one process: who is told of what, and what grows that should not."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import dagster as dg

from pipelines.dagster.alerts import alert
from pipelines.machine.settings import Settings
from tests.atlas import Atlas
from tests.night.sinks import web_hook
from tests.night.small import PAIRS, SOURCE, generated_no_more
from tests.soak.nights import substitute

GROWTH = {"storage": 1.1, "warehouse": 1.1, "releases": 1.0, "files": 1.1, "memory": 1.25}
"""How much larger a line may be later than when all that is kept was there: a failed night logs more than a good one."""

SETTLED = 40
"""Nights after which all kinds of nights were there, and as many releases as are kept."""

UNITS = {"storage": 1e6, "warehouse": 1e6, "memory": 1e6}


@dataclass
class Unattended:
    """Night -> titles of the messages that it sent; line -> night -> its value after that night. Nights count from 1.

    Lines: bytes of DAGSTER_HOME and of the warehouse, releases that are there, open files and memory of the process (bytes).
    """

    messages: dict[int, list[str]] = field(default_factory=dict)
    lines: dict[str, dict[int, int]] = field(default_factory=lambda: {name: {} for name in GROWTH})
    n_runs: int = 0
    problems: list[str] = field(default_factory=list)

    def in_words(self, night: int) -> str:
        """The lines after a night, and whom it told."""
        values = ", ".join(f"{name} {line[night] / UNITS.get(name, 1):.4g}" for name, line in self.lines.items())
        return f"night {night}: {values}; {self.messages[night]}"


def spend_nights(
    atlas: Atlas,
    n_nights: int,
    bad: Collection[int],
    kept_runs: int,
    say: Callable[[str], object] = lambda _: None,
    changes: Mapping[int, Callable[[Atlas, int], None]] = MappingProxyType({}),
) -> Unattended:
    """A delivery that lacks a record lands before each night of `bad`, and the whole one again two nights later.

    `changes`: remainder of the night by four -> what is changed before it.
    """
    generated_no_more(atlas)
    substitute(atlas.folder / "study.yaml", r"^  runs: \d+$", f"  runs: {kept_runs}")
    path = atlas.settings.landing_folder / SOURCE / PAIRS
    whole = path.read_text(encoding="utf-8")
    seen = Unattended()
    with web_hook() as hook:
        for night in range(1, n_nights + 1):
            if night in bad:
                path.write_text(whole.rsplit("\n", 2)[0] + "\n", encoding="utf-8")
            if night - 2 in bad:
                path.write_text(whole, encoding="utf-8")
            is_bad = night in bad or night - 1 in bad
            if night % 4 in changes:
                changes[night % 4](atlas, night)
            if atlas.refresh().success is is_bad:
                seen.problems.append(f"night {night} did not {'fail' if is_bad else 'succeed'}")
            n_told = len(hook.messages)
            project = replace(atlas.project, settings=Settings(project=atlas.folder, alert_urls=hook.url))
            with dg.DagsterInstance.from_config(str(atlas.folder / ".dagster")) as instance:
                alert(instance, project)
                seen.n_runs = instance.get_runs_count()
            seen.messages[night] = [title for title, _ in hook.messages[n_told:]]
            for name, value in _measured(atlas).items():
                seen.lines[name][night] = value
            say(seen.in_words(night))
    seen.problems += _judge(seen, bad, kept_runs)
    return seen


def _measured(atlas: Atlas) -> dict[str, int]:
    return {
        "storage": _size(atlas.folder / ".dagster"),
        "warehouse": _size(atlas.warehouse),
        "releases": sum(path.is_dir() for path in (atlas.warehouse / "releases").iterdir()),
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "memory": int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE"),
    }


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _judge(seen: Unattended, bad: Collection[int], kept_runs: int) -> list[str]:
    problems = []
    for night, titles in seen.messages.items():
        expected = ["Nocturnal leg cramps: 1 failed"] * (night in bad) + ["Nocturnal leg cramps: 1 mended"] * (night - 2 in bad)
        if titles != expected:
            problems.append(f"night {night} sent {titles}, not {expected}")
    for name, line in seen.lines.items():
        reached = (kept_runs if name == "storage" else SETTLED) + 2  # the run of the night itself is at work while it prunes
        settled = max(value for night, value in line.items() if night <= reached)
        problems += [
            f"night {night}: {name} {value:,}, of which {settled:,} were enough for {reached} nights"
            for night, value in line.items()
            if night > reached and value > GROWTH[name] * settled
        ]
    if seen.n_runs > kept_runs + 2:
        problems.append(f"{seen.n_runs} runs are kept, not {kept_runs}")
    return problems
