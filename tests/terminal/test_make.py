"""`make help` names every target that a person may call, with what it does."""

import re
import subprocess
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
