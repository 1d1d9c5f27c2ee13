"""The order in which a refresh asks the kernel for fsync and rename, so that no loss of power leaves half of anything."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.release.prune import REMOVING
from tests.atlas import Atlas
from tests.soak.nights import new_delivery

SYNCS = ("fsync", "fdatasync")
RENAMES = ("rename", "renameat", "renameat2")
WRITES = ("write", "pwrite64", "writev", "pwritev", "ftruncate")
SECONDS = 300

CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += \d+")
CUT = re.compile(r"^(\d+) +(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")


@dataclass(frozen=True)
class Step:
    """A `sync` or `write` of a path, or its `rename` to another."""

    kind: str
    path: Path
    target: Path | None = None


def why_not_traced() -> str:
    """What to install, or what is not allowed here; empty where a process can be traced."""
    if not shutil.which("strace"):
        return "strace is not installed: apt-get install strace"
    tried = subprocess.run(["strace", "-qq", "true"], capture_output=True, text=True, check=False, timeout=SECONDS)
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode else ""


def refresh_traced(atlas: Atlas, log: Path) -> list[Step]:
    """What a refresh did with files of the warehouse, in order."""
    calls = ",".join((*SYNCS, *RENAMES, *WRITES))
    strace = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-y",
        "-s",
        "0",
        "-e",
        f"trace={calls}",
        "-e",
        "signal=none",
        "-o",
        str(log),
    ]
    environment = {**os.environ, "CRAMP_ATLAS_PROJECT": str(atlas.folder), "DAGSTER_HOME": str(atlas.folder / ".dagster")}
    command = [*strace, str(Path(sys.executable).with_name("cramp-atlas")), "refresh"]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=SECONDS)
    steps = [step for line in whole_lines(log.read_text(encoding="utf-8").splitlines()) if (step := step_of(line))]
    return [step for step in steps if step.path.is_relative_to(atlas.warehouse)]


def whole_lines(lines: Sequence[str]) -> Iterator[str]:
    """The calls in the order in which they ended, those put together that another process interrupted."""
    begun: dict[str, str] = {}
    for line in lines:
        if cut := CUT.match(line):
            begun[cut[1]] = cut[2]
        elif resumed := RESUMED.match(line):
            yield f"{resumed[1]} {begun.pop(resumed[1])}{resumed[2]}"
        else:
            yield line


def step_of(line: str) -> Step | None:
    called = CALL.match(line)
    if not called:
        return None
    if called[1] in RENAMES:
        path, target = (Path(found) for found in re.findall(r'"([^"]*)"', called[2])[:2])
        return Step("rename", path, target)
    descriptor = re.match(r"\d+<([^>]*)>", called[2])
    return Step("sync" if called[1] in SYNCS else "write", Path(descriptor[1])) if descriptor else None


def unsafe(steps: Sequence[Step]) -> list[str]:
    """Every rename of something that was not durable, and every one that was not made durable at once."""
    problems, dirty = [], set()
    for number, step in enumerate(steps):
        if step.kind == "write":
            dirty.add(step.path)
        elif step.kind == "sync":
            dirty.discard(step.path)
        elif step.target is not None and not step.target.name.startswith(REMOVING):
            problems += [f"{path} was not synced before {step.target}" for path in dirty if path.is_relative_to(step.path)]
            after = next((other for other in steps[number + 1 :] if other.kind != "write"), None)
            if after != Step("sync", step.target.parent):
                problems.append(f"{step.target.parent} was not synced after {step.target}")
    return problems


@pytest.mark.skipif(bool(why_not_traced()), reason=why_not_traced() or "traced")
def test_what_a_refresh_renames_is_durable_before_and_its_name_right_after(synthetic: Atlas, tmp_path: Path) -> None:
    new_delivery(synthetic, 4)
    steps = refresh_traced(synthetic, tmp_path / "strace.txt")
    renamed = {step.target.relative_to(synthetic.warehouse).parts[0] for step in steps if step.target}
    assert renamed >= {"landing", "store", "releases", "current"}
    assert unsafe(steps) == []
    # the release's own files, and its folders
    [release] = {step.target for step in steps if step.target and step.target.parent.name == "releases"}
    [building] = {step.path for step in steps if step.target == release}
    synced = {step.path for step in steps if step.kind == "sync"}
    made = [building / path.relative_to(release) for path in release.rglob("*") if path.name != "manifest.json"]
    assert [path for path in made if path not in synced] == []


FILE, MADE, FOLDER = Path("/w/.making-1"), Path("/w/folder/name"), Path("/w/folder")
SAFE = [Step("write", FILE), Step("sync", FILE), Step("rename", FILE, MADE), Step("sync", FOLDER)]


@pytest.mark.parametrize("left_out", [1, 3])
def test_a_missing_fsync_is_noticed(left_out: int) -> None:
    assert unsafe(SAFE) == []
    assert len(unsafe([step for number, step in enumerate(SAFE) if number != left_out])) == 1
    assert len(unsafe([SAFE[1], SAFE[0], *SAFE[2:]])) == 1
