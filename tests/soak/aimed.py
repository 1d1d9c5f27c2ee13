"""Publishing that dies just before one change of a file, each of many in turn, until none is left or enough were tried."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from pipelines.machine.lock import warehouse_lock
from pipelines.release.prune import prune
from pipelines.release.publish import publish
from tests.atlas import Atlas
from tests.soak.kills import NOT_SWAPPED
from tests.soak.nights import fingerprint, new_words, orphans, problems_of_release, substitute

RESTRICTED = "data_contracts/sources/synthetic_case_control.yaml"
SECONDS = 120


@dataclass
class Aimed:
    """The changes of files that one publishing makes, before which of them one died, and what was wrong then."""

    moments: list[str]
    before: list[str] = field(default_factory=list)
    n_published: int = 0
    problems: list[str] = field(default_factory=list)

    def in_words(self) -> str:
        return (
            f"{len(self.before)} of {len(self.moments)} moments of publishing, {self.n_published} after the swap; "
            f"{len(self.problems)} wrong; died before {', '.join(dict.fromkeys(self.before))}"
        )


def restrict(atlas: Atlas) -> None:
    """A source of restricted data, so that publishing notes in the ledger what it shows."""
    substitute(atlas.folder / RESTRICTED, "^classification: .*$", "classification: restricted")


def die_at_each(atlas: Atlas, n_kills: int, say: Callable[[str], object]) -> Aimed:
    """Die at so many moments, from the first to the last, and publish again after each."""
    publish(atlas.project)  # makes folders that stay
    new_words(atlas, 1)
    moments = _publish(atlas, "none").stdout.splitlines()
    aimed = Aimed(moments)
    for night, moment in enumerate(sorted({number * (len(moments) - 1) // (n_kills - 1) for number in range(n_kills)}), 2):
        is_published, problems = die_before(atlas, night, str(moment + 1))
        aimed.before.append(_in_short(moments[moment]))
        aimed.n_published += is_published
        aimed.problems += [f"before {moments[moment]} ({moment + 1}): {problem}" for problem in problems]
        say(f"{moment + 1}: {moments[moment]}")
    return aimed


def die_before(atlas: Atlas, night: int, moment: str) -> tuple[bool, list[str]]:
    """Whether readers had the new release then, and what was wrong, there and after the next publishing."""
    before, title = fingerprint(atlas), _title(atlas)
    new_words(atlas, night)
    ended = _publish(atlas, moment)
    if ended.returncode != -signal.SIGKILL:
        return False, [f"publishing did not die but ended with {ended.returncode}: {ended.stderr}"]
    with warehouse_lock(atlas.warehouse):
        problems = [problem for problem in problems_of_release(atlas) if not NOT_SWAPPED.fullmatch(problem)]
    found = _title(atlas)
    if found not in (title, f"Night {night}"):
        problems.append(f"readers have {found}")
    publish(atlas.project)
    if _title(atlas) != f"Night {night}":
        problems.append(f"the next publishing left readers with {_title(atlas)}")
    if fingerprint(atlas) != before:
        problems.append("the tables are others")
    prune(atlas.project)
    problems += [*(f"{path} is left" for path in orphans(atlas)), *problems_of_release(atlas)]
    return found == f"Night {night}", problems


def _publish(atlas: Atlas, moment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.soak.dying", str(atlas.folder), moment]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)


def _title(atlas: Atlas) -> str:
    [(title,)] = atlas.query("select title from meta.sources where source = 'nhanes'")
    return str(title)


def _in_short(moment: str) -> str:
    """The change and the last part of its path."""
    event, _, path = moment.partition(" ")
    return f"{event} {path.rpartition('/')[2]}"
