"""Pages of docs/ as a reader follows them: the files that a page tells to write, the commands, and what it says they print.

A fenced block with `title="path"` is a file, a block `sh` is a command, and a block `text` right after it is what it prints; a
line `...` there stands for any lines. Whether the page is right is for its test to say.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
GAP = "..."

VARYING = {
    r"\d+\.\d s\b": "# s",
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "#",
    r"\b20\d\d-\d\d-\d\d\.\d+-[0-9a-f]{8}\b": "#",
}
"""What differs from run to run: seconds, run ids and release ids."""


@dataclass(frozen=True)
class Block:
    """One fenced block: a file to write to `path`, or a command; `shown` is what the page says it prints."""

    text: str
    path: str | None = None
    shown: str | None = None


def blocks_of(page: str) -> list[Block]:
    """The files and commands of a page, in order; raises ValueError for output that follows no command."""
    blocks: list[Block] = []
    end = 0
    for fence in FENCE.finditer(page):
        follows = not page[end : fence.start()].strip()
        end = fence.end()
        if fence["title"]:
            blocks.append(Block(fence["text"], path=fence["title"]))
        elif fence["language"] == "sh":
            blocks.append(Block(fence["text"]))
        elif fence["language"] == "text":
            if not blocks or blocks[-1].path or blocks[-1].shown or not follows:
                raise ValueError(f"output that follows no command: {fence['text'][:60]!r}")
            blocks[-1] = Block(blocks[-1].text, shown=fence["text"])
    return blocks


PROJECT = re.compile(r"^project /.*\n", re.MULTILINE)
"""The first line of a command, which names a folder of this machine."""


def run(command: str, project: Path) -> subprocess.CompletedProcess[str]:
    """A command as a reader types it in the project's folder; what it prints to both streams is one text."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CRAMP_ATLAS_PROJECT": str(project),
    }
    environment.pop("DAGSTER_HOME", None)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=project,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    done.stdout = PROJECT.sub("", done.stdout)
    return done


def differences(shown: str, printed: str, project: Path) -> list[str]:
    """The parts of `shown` (what stands between gaps) that were not printed, in order; empty where the page is right."""
    wanted = _lines(shown, project)
    left = _lines(printed, project)
    missing = []
    parts = _parts(wanted)
    for number, part in enumerate(parts):
        at_start, at_end = number == 0 and wanted[0] != GAP, number == len(parts) - 1 and wanted[-1] != GAP
        places = [place for place in range(len(left) - len(part) + 1) if left[place : place + len(part)] == part]
        places = [place for place in places if (not at_start or place == 0) and (not at_end or place + len(part) == len(left))]
        if places:
            left = left[places[0] + len(part) :]
        else:
            missing.append("\n".join(part))
    return missing


def _parts(lines: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if line == GAP:
            parts.append([])
        else:
            parts[-1].append(line)
    return [part for part in parts if part]


def _lines(text: str, project: Path) -> list[str]:
    text = text.replace(f"{project}/", "")
    for pattern, sign in VARYING.items():
        text = re.sub(pattern, sign, text)
    return [line.rstrip() for line in text.strip().splitlines()]
