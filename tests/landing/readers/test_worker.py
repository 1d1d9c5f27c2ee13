"""The process that opens deliveries: bounded, replaced when it dies, silent, and ended with its parent."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.landing.readers.desk import DESK, temporary_folder
from pipelines.landing.readers.limits import Limits
from pipelines.landing.readers.pieces import MOST_ROWS
from pipelines.machine.settings import REPOSITORY
from tests.landing.readers.conftest import Read, Refusal
from tests.landing.readers.samples import MARKER, N_RECORDS, sample
from tests.patience import PATIENCE_SECONDS

DYING = {
    "a crash": ("os.kill(os.getpid(), signal.SIGSEGV)", "(SIGSEGV)"),
    "an abort": ("os.abort()", "(SIGABRT)"),
    "a quiet end": ("os._exit(3)", "(exit code 3)"),
    "an endless loop": ("time.sleep(60)", "not read within 1 seconds"),
    "half an answer": ("os.write(ANSWERS, b'{'); os._exit(0)", "(exit code 0)"),
    "too much memory": ("raise MemoryError", "more than 16,000,000,000 bytes of memory"),
    "an error of a library": (f"raise RuntimeError('{MARKER}')", "found a file that its reader fails on at"),
    "output of a library": (
        f"print('{MARKER}'); os.write(2, b'{MARKER}'); raise ValueError",
        "found a file that its reader fails on at",
    ),
}


def test_memory_beyond_the_limit_is_a_refusal_and_the_next_file_is_read(landing: Path, read: Read, refusal: Refusal) -> None:
    """A long text that the file holds once and the table so often that what is read at once needs more than the limit by itself:
    when an allocator gives memory back does not matter."""
    limits = {"reader_memory_limit": 4_000_000_000}
    path = landing / "delivery.parquet"
    repeated = pa.DictionaryArray.from_arrays(np.zeros(MOST_ROWS, dtype=np.int32), [MARKER * 500])
    pq.write_table(pa.table({"note": repeated}), path, store_schema=False)
    assert path.stat().st_size < 2_000_000
    text = refusal(path, limits)
    assert "4,000,000,000 bytes of memory needed" in text
    assert "CRAMP_ATLAS_READER_MEMORY_LIMIT" in text
    assert read(sample(landing, ".csv"), limits).frame.height == N_RECORDS


def test_a_worker_that_holds_half_of_its_memory_is_replaced(landing: Path, read: Read) -> None:
    path = sample(landing, ".parquet")
    read(path)
    first = DESK._process
    read(path)
    assert DESK._process is first
    assert first is not None
    half = 4096 * int(Path(f"/proc/{first.pid}/statm").read_text().split()[0]) + 500_000_000
    read(path, {"reader_memory_limit": half})
    assert first.poll() is not None
    assert read(path).frame.height == N_RECORDS


def worker_program(folder: Path) -> tuple[Path, Path]:
    """A worker whose reader of Parquet files runs the Python lines of a file: that worker, and that file."""
    lines, started = folder / "lines.py", folder / "worker.py"
    started.write_text(
        textwrap.dedent(
            f"""
            import os, signal, sys, time
            sys.path.insert(0, {str(REPOSITORY)!r})
            from pipelines.landing.readers import formats, worker
            ANSWERS = os.dup(1)
            formats.READERS[".parquet"] = lambda path, job: exec(open({str(lines)!r}).read())
            worker.main()
            """
        )
    )
    return started, lines


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file whose Python lines the worker runs as its reader of Parquet files."""
    started, lines = worker_program(tmp_path_factory.mktemp("worker"))
    DESK.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DESK, "command", [sys.executable, str(started)])
        yield lines
    DESK.close()


@pytest.mark.parametrize("death", DYING)
def test_a_worker_that_fails_is_a_refusal_and_the_next_file_is_read(
    landing: Path, read: Read, refusal: Refusal, lines: Path, death: str, capfd: pytest.CaptureFixture[str]
) -> None:
    line, expected = DYING[death]
    lines.write_text(line)
    parquet = sample(landing, ".parquet")
    assert expected in refusal(parquet, {"reader_seconds_limit": 1} if death == "an endless loop" else None)
    assert read(sample(landing, ".csv")).frame.height == 40
    assert MARKER not in "".join(capfd.readouterr())


def test_one_worker_reads_file_after_file(landing: Path, read: Read) -> None:
    read(sample(landing, ".csv"))
    first = DESK._process
    read(sample(landing, ".tsv"))
    assert first is not None
    assert DESK._process is first


def test_a_worker_that_was_killed_in_between_is_replaced(landing: Path, read: Read) -> None:
    path = sample(landing, ".csv")
    read(path)
    assert DESK._process is not None
    os.kill(DESK._process.pid, signal.SIGKILL)
    DESK._process.wait(10)
    assert read(path).frame.height == 40


def test_no_worker_is_started_before_a_file_is_read() -> None:
    program = (
        "import pipelines.landing.readers as r, sys\n"
        "from pipelines.landing.readers.desk import DESK\n"
        "sys.exit(DESK._process is not None)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False, timeout=PATIENCE_SECONDS).returncode == 0


def test_an_interrupted_reading_leaves_no_answer_for_the_next_file(landing: Path, read: Read, lines: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    lines.write_text("time.sleep(3); raise ValueError")
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        with pytest.raises(KeyboardInterrupt):
            read(sample(landing, ".parquet"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert read(sample(landing, ".csv")).frame.height == N_RECORDS


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


def _ends(pid: int) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if _state(pid) in ("gone", "Z"):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("is_reading", [False, True], ids=["idle", "reading"])
def test_the_worker_of_a_killed_parent_ends(landing: Path, is_reading: bool) -> None:
    started, lines = worker_program(landing)
    ready = landing / "ready"
    lines.write_text(f"open({str(ready)!r}, 'w')\n" + ("time.sleep(60)" if is_reading else "raise ValueError"))
    limits = Limits(memory=10**10, seconds=60, decompressed=1, members=1, line=1)
    request = {
        "task": "read",
        "path": str(sample(landing, ".parquet")),
        "form": {},
        "limits": asdict(limits),
        "folder": str(landing),
    }
    line = json.dumps(request).encode() + b"\n"
    program = textwrap.dedent(
        f"""
        import subprocess, sys, time
        worker = subprocess.Popen([sys.executable, {str(started)!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        worker.stdin.write({line!r})
        worker.stdin.flush()
        print(worker.pid, flush=True)
        time.sleep(60)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    worker = int(parent.stdout.readline())
    until = time.monotonic() + 60
    while not ready.exists():
        assert time.monotonic() < until, "the worker never came to the patched reader"
        time.sleep(0.05)
    time.sleep(0.2)
    assert _state(worker) in ("R", "S", "D")
    parent.kill()
    parent.wait(10)
    began = time.monotonic()
    assert _ends(worker)
    assert time.monotonic() - began < 5


def test_the_kernels_word_of_a_request_does_not_end_the_worker_that_read_it_already(tmp_path: Path) -> None:
    """It may come late, when the worker has asked to be told of the end of its parent: here it comes with another line."""
    working = tmp_path / "working"
    program = f"""
        import sys
        from pathlib import Path
        from pipelines.landing.readers.worker import _end_with_parent

        _end_with_parent(1, is_on=True)
        Path({str(working)!r}).touch()
        sys.stdin.readline()
        _end_with_parent(1, is_on=False)
        print("has read it")
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as worker:
        until = time.monotonic() + PATIENCE_SECONDS
        while not working.exists() and time.monotonic() < until:
            time.sleep(0.05)
        said, _ = worker.communicate("a request\n")
    assert (said, worker.returncode) == ("has read it\n", 0)


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / "reading-old", tmp_path / "reading-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "frame.arrow").write_bytes(b"x")
    os.utime(old, (time.time() - 90_000, time.time() - 90_000))
    with temporary_folder(tmp_path):
        assert not old.exists()
        assert new.exists()


def test_a_forked_process_gets_a_worker_of_its_own(landing: Path, read: Read) -> None:
    path = sample(landing, ".csv")
    read(path)
    ours = DESK._process
    pid = os.fork()
    if pid == 0:
        is_another = DESK._worker() is not ours
        DESK.close()
        os._exit(0 if is_another else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert read(path).frame.height == 40
    assert DESK._process is ours
