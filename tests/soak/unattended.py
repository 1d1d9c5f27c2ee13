"""Many nights of one project in a row: who is told of what, and how large Dagster's own storage becomes."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import dagster as dg

from pipelines.dagster.alerts import alert
from pipelines.machine.settings import Settings
from tests.atlas import Atlas
from tests.night.sinks import web_hook
from tests.night.small import PAIRS, SOURCE, generated_no_more
from tests.soak.nights import substitute

GROWTH = 1.1
"""How much larger than before the first run was removed the storage may be later: a failed night logs more than a good one."""


@dataclass
class Unattended:
    """Night -> titles of the messages that it sent, and bytes of DAGSTER_HOME after it; nights count from 1."""

    messages: dict[int, list[str]] = field(default_factory=dict)
    n_bytes: dict[int, int] = field(default_factory=dict)
    n_runs: int = 0
    problems: list[str] = field(default_factory=list)

    def in_words(self) -> str:
        told = {night: titles for night, titles in self.messages.items() if titles}
        sizes = ", ".join(f"{night}: {n_bytes / 1e6:.1f}" for night, n_bytes in self.n_bytes.items())
        return f"messages {told}; {self.n_runs} runs kept; MB of Dagster's storage by night: {sizes}"


def spend_nights(
    atlas: Atlas, n_nights: int, bad: Collection[int], kept_runs: int, say: Callable[[str], object] = lambda _: None
) -> Unattended:
    """A delivery that lacks a record lands before each night of `bad`, and the whole one again two nights later."""
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
            if atlas.refresh().success is is_bad:
                seen.problems.append(f"night {night} did not {'fail' if is_bad else 'succeed'}")
            n_told = len(hook.messages)
            project = replace(atlas.project, settings=Settings(project=atlas.folder, alert_urls=hook.url))
            with dg.DagsterInstance.from_config(str(atlas.folder / ".dagster")) as instance:
                alert(instance, project)
                seen.n_runs = instance.get_runs_count()
            seen.messages[night] = [title for title, _ in hook.messages[n_told:]]
            home = atlas.folder / ".dagster"
            seen.n_bytes[night] = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
            say(f"night {night}: {seen.n_bytes[night] / 1e6:.1f} MB, {seen.messages[night]}")
    seen.problems += _judge(seen, bad, kept_runs)
    return seen


def _judge(seen: Unattended, bad: Collection[int], kept_runs: int) -> list[str]:
    problems = []
    for night, titles in seen.messages.items():
        expected = ["Nocturnal leg cramps: 1 failed"] * (night in bad) + ["Nocturnal leg cramps: 1 mended"] * (night - 2 in bad)
        if titles != expected:
            problems.append(f"night {night} sent {titles}, not {expected}")
    reached = kept_runs + 2  # the run of the night itself is at work while it prunes
    settled = max(n_bytes for night, n_bytes in seen.n_bytes.items() if night <= reached)
    problems += [
        f"night {night}: {n_bytes:,} bytes where {settled:,} were enough for {reached} nights"
        for night, n_bytes in seen.n_bytes.items()
        if night > reached and n_bytes > GROWTH * settled
    ]
    if seen.n_runs > kept_runs + 2:
        problems.append(f"{seen.n_runs} runs are kept, not {kept_runs}")
    return problems
