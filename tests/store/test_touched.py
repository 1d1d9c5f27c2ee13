"""Objects and sidecars that nobody touched are looked at once; a change is seen, however soon it comes and whatever it leaves."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.machine.files import sha256_of_file
from pipelines.machine.sealed import Unsound, sealed
from pipelines.store import Sidecar, objects
from pipelines.store.objects import is_whole, read_sidecar

BEFORE, AFTER = b"before", b"after!"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / f"{hashlib.sha256(BEFORE).hexdigest()}.parquet"
    path.write_bytes(BEFORE)
    return path


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were hashed."""
    found: list[Path] = []
    whole = sha256_of_file

    def noting(path: Path) -> str:
        found.append(path)
        return whole(path)

    monkeypatch.setattr(objects, "sha256_of_file", noting)
    return found


def at(seconds_ago: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system whose clock stood still that long ago."""
    then = time.time_ns() - round(seconds_ago * 1e9)
    state = objects._state
    monkeypatch.setattr(objects, "_state", lambda path: state(path)._replace(modified_ns=then, changed_ns=then))


def test_an_object_that_nobody_touched_is_hashed_once(path: Path, hashed: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    at(1, monkeypatch)
    assert [is_whole(path) for _ in range(3)] == [True] * 3
    assert hashed == [path]
    assert is_whole(path, anew=True)
    assert hashed == [path, path]


def test_a_change_within_one_tick_of_the_clock_is_seen(path: Path, hashed: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    at(0, monkeypatch)
    assert is_whole(path)
    path.write_bytes(AFTER)
    assert not is_whole(path)


def rewritten(path: Path) -> None:
    path.write_bytes(AFTER)


def rewritten_with_its_times(path: Path) -> None:
    status = path.stat()
    path.write_bytes(AFTER)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replaced_with_its_times(path: Path) -> None:
    status = path.stat()
    beside = path.with_name("beside")
    beside.write_bytes(AFTER)
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.replace(path)


@pytest.mark.parametrize("change", [rewritten, rewritten_with_its_times, replaced_with_its_times])
def test_a_change_of_the_same_size_is_seen_whatever_its_times(
    path: Path, hashed: list[Path], change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "LONGEST_TICK_NS", -1)  # as if it were old
    assert is_whole(path)
    change(path)
    assert path.stat().st_size == len(BEFORE)
    assert not is_whole(path)


def test_a_sidecar_is_read_again_where_it_was_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Sidecar(table="x", source="s", wave="w", recipe="r", ingredients={}, content=None, rows=0, verdict="accepted")
    path = tmp_path / "r.json"
    path.write_text(sealed(written.model_dump_json()), encoding="utf-8")
    monkeypatch.setattr(objects, "LONGEST_TICK_NS", -1)
    first = read_sidecar(path)
    assert first == written
    assert read_sidecar(path) is first
    path.write_text(path.read_text(encoding="utf-8").replace('"accepted"', '"rejected"'), encoding="utf-8")
    with pytest.raises(Unsound, match="not what was written"):
        read_sidecar(path)
    path.unlink()
    assert read_sidecar(path) is None
