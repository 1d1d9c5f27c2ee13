"""`make help` names every target that a person may call, with what it does."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE_SECONDS

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def test_help_lists_every_target() -> None:
    told = subprocess.run(
        ["make", "-C", str(MAKEFILE.parent), "--no-print-directory", "help"],
        capture_output=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    lines = dict(line.split(None, 1) for line in told.stdout.decode().splitlines())
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert targets
    assert sorted(lines) == sorted(targets[1].split())
    assert lines["refresh"] == "take in deliveries, estimate, publish: the nightly job, now"


def test_setting_up_says_how_far_it_is() -> None:
    """Of 45 packages, in the lines that pip prints."""
    told = runpy.run_path(str(MAKEFILE.parent / ".ci" / "set_up.py"))["progress"]
    printed = [f"Collecting package-{n} (from -r requirements.lock (line {n}))\n" for n in range(1, 45)]
    printed += ["Processing /wheels/last_one-1.0-py3-none-any.whl (from -r requirements.lock (line 45))\n"]
    printed += ["  Downloading x.whl (1.0 MB)\n", "Installing collected packages: package-1\n", "Successfully installed x\n"]
    lines = [line.rpartition(" (")[0] for line in told(printed, 45, 0.0)]
    assert lines == [
        "  20 of 45 packages are here, last package-20",
        "  40 of 45 packages are here, last package-40",
        "  unpacking them, the longest part",
    ]


def test_a_set_up_that_fails_fails(tmp_path: Path) -> None:
    """What stands in for Python in the new .venv finds no package."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho Collecting nothing==1\necho no matching distribution >&2\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / "requirements.lock").write_text("nothing==1 \\\n    --hash=sha256:0\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(MAKEFILE.parent / ".ci" / "set_up.py"), str(python), "requirements.lock"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert (done.returncode, done.stderr) == (1, "no matching distribution\n")
    assert done.stdout.startswith("installing 1 packages of requirements.lock, once")
