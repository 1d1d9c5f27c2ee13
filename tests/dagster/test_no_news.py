"""A night in which no recipe differs starts neither what judges, nor what estimates, nor what draws and writes."""

import json
import os
import shutil
import subprocess
import sys

from tests.atlas import Atlas
from tests.patience import PATIENCE_SECONDS

MAKERS = {
    "judging": ("great_expectations", "pandas"),
    "estimating": ("scipy.linalg", "scipy.optimize", "scipy.sparse", "scipy.special"),
    "drawing": ("altair", "vl_convert"),
    "writing": ("docx", "xlsxwriter"),
    "reading": ("pyreadstat", "openpyxl"),
}
"""What a night with news does -> the libraries that it takes, which are slow to start."""

NIGHT = """
import json, sys
from pipelines.terminal.cli import app
try:
    app(["refresh"])
except SystemExit as ended:
    print(json.dumps({"exit": ended.code, "started": sorted(sys.modules)}), file=sys.stderr)
"""


def started_by_a_night(atlas: Atlas) -> set[str]:
    """The modules that a successful refresh in a process of its own has imported."""
    environment = {**os.environ, "CRAMP_ATLAS_PROJECT": str(atlas.folder), "DAGSTER_HOME": str(atlas.folder / ".dagster")}
    ended = subprocess.run(
        [sys.executable, "-c", NIGHT], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    said = json.loads(ended.stderr.splitlines()[-1])
    assert said["exit"] == 0, ended.stderr
    return set(said["started"])


def test_no_news_start_no_library_that_makes_something(synthetic: Atlas) -> None:
    assert synthetic.refresh().success  # the copy of a project has no history, in which figures are found again
    started = started_by_a_night(synthetic)
    assert "dagster" in started
    assert [library for libraries in MAKERS.values() for library in libraries if library in started] == []


def test_news_start_what_they_need(synthetic: Atlas) -> None:
    """The test above would notice them: a table that is lost is estimated and judged again, another title drawn and written."""
    shutil.rmtree(synthetic.warehouse / "store/report/odds_ratios/synthetic_case_control")
    synthetic.edit("data_contracts/sources/synthetic_case_control.yaml", "title: ", "title: The same, ")
    started = started_by_a_night(synthetic)
    assert {what for what, libraries in MAKERS.items() if started & set(libraries)} == MAKERS.keys() - {"reading"}
