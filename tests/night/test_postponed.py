"""A night in which the machine fails on one delivery, and another is no file: both are told, and readers keep what they have."""

import os
import sys
import textwrap
from pathlib import Path

import pytest

from pipelines.landing.readers.desk import DESK
from pipelines.machine.settings import REPOSITORY
from pipelines.release.kept import current_release
from tests.atlas import Atlas
from tests.night.small import SOURCE, generated_no_more

KILLED = f"""
    import os, signal, sys
    sys.path.insert(0, {str(REPOSITORY)!r})
    from pipelines.landing.readers import formats, worker
    formats.READERS[".csv"] = lambda path, job: os.kill(os.getpid(), signal.SIGKILL)
    worker.main()
"""


def planted(atlas: Atlas) -> list[tuple[object, ...]]:
    return atlas.query(f"select wave, planted from raw.{SOURCE}_planted order by planted")


def test_a_killed_reader_and_a_pipe_fail_the_night_in_words_and_the_next_night_takes_both_in(
    synthetic: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generated_no_more(synthetic)
    landing = synthetic.settings.landing_folder / SOURCE
    small, large = (landing / wave / "planted.csv" for wave in ("136-pairs", "5000-pairs"))
    before, release = planted(synthetic), current_release(synthetic.project)
    text = small.read_text(encoding="utf-8")
    small.unlink()
    os.mkfifo(small)
    large.write_text(large.read_text(encoding="utf-8").replace("9.34", "8.34"), encoding="utf-8")
    worker = tmp_path / "worker.py"
    worker.write_text(textwrap.dedent(KILLED), encoding="utf-8")
    with monkeypatch.context() as patch:
        DESK.close()
        patch.setattr(DESK, "command", [sys.executable, str(worker)])
        night = synthetic.refresh()
        DESK.close()
    assert not night.success
    assert night.broken == []
    [told] = night.failures
    killed, pipe = f"{SOURCE} 5000-pairs (", f"{SOURCE} 136-pairs ("
    assert killed in told
    assert "could not be judged, which says nothing against it" in told
    assert "(SIGKILL)" in told
    assert pipe in told
    assert "planted.csv cannot be read: found a pipe, a socket or a device" in told
    assert night.rejected == [f"raw.{SOURCE}_planted"]
    assert not synthetic.project.store.acceptance(SOURCE, "5000-pairs").rejections
    assert planted(synthetic) == before
    assert current_release(synthetic.project) is not None
    small.unlink()
    small.write_text(text, encoding="utf-8")
    assert synthetic.refresh().success
    assert current_release(synthetic.project) != release
    assert [f"{number:.2f}" for _, number in planted(synthetic)] == ["8.34", "9.34"]
