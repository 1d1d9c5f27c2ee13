"""A refresh that is killed: readers keep the last release, and the next refresh puts things right."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from pipelines.release.kept import current_release
from tests.atlas import DESCRIBED, DESCRIPTION, Atlas
from tests.patience import PATIENCE_SECONDS, killed_at_last

LEVELS = "select distinct confidence_level from report.odds_ratios"


def change(atlas: Atlas, *, makes_tables: bool) -> None:
    """Something for a night to publish: all estimates anew, or a description only."""
    if makes_tables:
        atlas.edit("study.yaml", "confidence_level: 0.95", "confidence_level: 0.9")
    else:
        atlas.edit("data_contracts/core/respondents.odcs.yaml", *DESCRIBED)


def is_changed(atlas: Atlas) -> bool:
    """Whether readers have what `change` brings."""
    [[level]], [[comment]] = atlas.query(LEVELS), atlas.query(DESCRIPTION)
    assert level in (0.9, 0.95)
    assert any(words in comment for words in DESCRIBED)
    return bool(level == 0.9 or DESCRIBED[1] in comment)


def start_refresh(atlas: Atlas) -> subprocess.Popen[str]:
    environment = {**os.environ, "CRAMP_ATLAS_PROJECT": str(atlas.folder), "DAGSTER_HOME": str(atlas.folder / ".dagster")}
    command = [str(Path(sys.executable).with_name("cramp-atlas")), "refresh"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def runs(atlas: Atlas) -> list[dg.DagsterRunStatus]:
    with dg.DagsterInstance.from_config(str(atlas.folder / ".dagster")) as instance:
        return [run.status for run in instance.get_runs()]


def test_a_killed_refresh_leaves_the_last_release_and_the_next_one_succeeds(synthetic: Atlas) -> None:
    release = current_release(synthetic.project)
    change(synthetic, makes_tables=False)
    process = start_refresh(synthetic)
    assert process.stdout is not None
    with killed_at_last(process):
        assert any("take_in_synthetic_survey" in line for line in process.stdout)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=PATIENCE_SECONDS)
    assert runs(synthetic)[0] == dg.DagsterRunStatus.STARTED
    assert current_release(synthetic.project) == release
    assert not is_changed(synthetic)

    assert synthetic.refresh().success
    assert runs(synthetic)[:2] == [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    assert is_changed(synthetic)


@pytest.mark.parametrize("moment", ["objects.ParquetWriter", "files.sync_folder"])
def test_a_refresh_that_dies_while_it_writes_leaves_the_last_release(synthetic: Atlas, moment: str) -> None:
    """The process ends, without a chance to clean up, the third time that it comes to the moment."""
    release = current_release(synthetic.project)
    assert release is not None
    folder = synthetic.warehouse / "releases" / release
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    change(synthetic, makes_tables=moment == "objects.ParquetWriter")
    script = f"""
import os, sys
from pathlib import Path
from unittest.mock import patch
os.environ["DAGSTER_HOME"] = {str(synthetic.folder / ".dagster")!r}
import pipelines.release.publish as publish, pipelines.machine.files as files, pipelines.store.objects as objects
from pipelines.project.project import Project
from pipelines.stages import load_project
from pipelines.dagster.job import refresh
from pipelines.machine.settings import Settings
module, name = {moment!r}.split(".")
holder = objects.pq if name == "ParquetWriter" else files
real, calls = getattr(holder, name), []
def dying(*arguments, **named):
    calls.append(1)
    if len(calls) == 3:
        os._exit(9)
    return real(*arguments, **named)
setattr(holder, name, dying)
if name == "sync_folder":
    objects.sync_folder = publish.sync_folder = dying
refresh(load_project(Settings(project=Path({str(synthetic.folder)!r}))))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert ended.returncode == 9, ended.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert not is_changed(synthetic)

    assert synthetic.refresh().success
    assert is_changed(synthetic)
    leftovers = [path for path in synthetic.warehouse.rglob(".*") if path.name not in {".lock"}]
    assert leftovers == []
