"""A fault of the machine is no verdict on a delivery: it is told with what to do, and the delivery is judged afterwards."""

import errno
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.contracts import duckdb_datasource
from pipelines.landing.readers.desk import DESK
from pipelines.machine.disk import fault_of_the_machine
from pipelines.machine.errors import MachineFault
from pipelines.machine.settings import REPOSITORY
from pipelines.making.faults import verdict_on
from pipelines.raw import take_in as taking_in
from tests.raw.landed import FIRST, PLACE, WAVE, Landed

VALUE = "a value of a respondent"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A worker that runs the Python lines of this file before it reads a text file."""
    folder = tmp_path_factory.mktemp("worker")
    lines, program = folder / "lines.py", folder / "worker.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import errno, os, signal, sys, time
            import duckdb
            sys.path.insert(0, {str(REPOSITORY)!r})
            from pipelines.landing.readers import formats, worker
            well = formats.READERS[".csv"]
            formats.READERS[".csv"] = lambda path, job: exec(open({str(lines)!r}).read()) or well(path, job)
            worker.main()
            """
        )
    )
    DESK.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DESK, "command", [sys.executable, str(program)])
        yield lines
    DESK.close()


IN_THE_READER = {
    "killed by the system": ("os.kill(os.getpid(), signal.SIGKILL)", "(SIGKILL)", "CRAMP_ATLAS_READER_MEMORY_LIMIT"),
    "ended by an operator": ("os.kill(os.getpid(), signal.SIGTERM)", "(SIGTERM)", "tried again the next night"),
    "a page that is gone": ("os.kill(os.getpid(), signal.SIGBUS)", "(SIGBUS)", "tried again the next night"),
    "an allocator that gives up": ("os.abort()", "(SIGABRT)", "CRAMP_ATLAS_READER_MEMORY_LIMIT"),
    "an end of its own": ("os._exit(127)", "(exit code 127)", "tried again the next night"),
    "no memory": ("raise MemoryError", "of memory needed for it", "raise CRAMP_ATLAS_READER_MEMORY_LIMIT"),
    "DuckDB without memory": (
        f"raise duckdb.OutOfMemoryException('{VALUE}')",
        "an error of this machine (out of memory)",
        "look at the disks and the memory",
    ),
    "no time": ("time.sleep(30)", "not read within 1 seconds", "raise CRAMP_ATLAS_READER_SECONDS_LIMIT"),
    **{
        f"errno {number}": (f"raise OSError({number}, '{VALUE}')", os.strerror(number), "tried again the next night")
        for number in (errno.EIO, errno.EMFILE, errno.ENOMEM, errno.ESTALE)
    },
    "an error of a library that hides it": (
        f"try: raise OSError(errno.EIO, '{VALUE}')\nexcept OSError: raise ValueError('{VALUE}') from None",
        "Input/output error",
        "look at the disks",
    ),
}


@pytest.mark.parametrize("fault", IN_THE_READER)
def test_a_reader_that_the_machine_fails_says_nothing_against_the_file(landed: Landed, lines: Path, fault: str) -> None:
    code, found, remedy = IN_THE_READER[fault]
    before, accepted = landed.sidecars(), landed.acceptance.tables
    landed.land("8.34")
    lines.write_text(code, encoding="utf-8")
    if fault == "no time":
        landed.with_limits(reader_seconds_limit=1)
    delivery = landed.take_in()
    [reason] = delivery.postponed
    assert reason.startswith(f"{PLACE.name} {WAVE}: planted.csv was not read: found ")
    assert found in reason
    assert remedy in reason
    assert VALUE not in reason
    assert (delivery.problems, landed.acceptance.rejections, landed.acceptance.postponed) == ([], {}, [reason])
    assert (landed.sidecars(), landed.acceptance.tables, landed.number) == (before, accepted, FIRST)
    lines.write_text("", encoding="utf-8")
    landed.with_limits()
    assert landed.take_in().problems == landed.acceptance.postponed == []
    assert landed.number == "8.34"


def test_a_limit_that_was_raised_as_advised_lets_the_same_file_in(landed: Landed, lines: Path) -> None:
    """A true limit: the reader gets no address space for what it needs, however it dies of that."""
    landed.land("8.34")
    lines.write_text("bytearray(900_000_000)", encoding="utf-8")
    landed.with_limits(reader_memory_limit=600_000_000)
    [reason] = landed.take_in().postponed
    assert "600,000,000 bytes of memory needed" in reason
    assert "raise CRAMP_ATLAS_READER_MEMORY_LIMIT" in reason
    assert (landed.acceptance.rejections, landed.number) == ({}, FIRST)
    landed.with_limits()
    assert landed.take_in().problems == landed.acceptance.postponed == []
    assert landed.number == "8.34"


@pytest.mark.parametrize("limit", ["reader_line_limit", "reader_decompressed_limit"])
def test_a_refusal_by_a_limit_of_this_machine_ends_when_it_is_raised(landed: Landed, limit: str) -> None:
    landed.land("8.34")
    landed.with_limits(**{limit: 60})
    problems = landed.take_in().problems
    assert [f"raise CRAMP_ATLAS_{limit.upper()}" in problem for problem in problems] == [True] * len(problems)
    assert landed.acceptance.rejections
    landed.with_limits()
    assert landed.take_in().problems == []
    assert (landed.acceptance.rejections, landed.number) == ({}, "8.34")


BESIDE_THE_READER: dict[str, tuple[str, BaseException, str]] = {
    "hashing": ("pipelines.landing.finding.sha256_of_file", OSError(errno.EIO, "x"), "the machine failed (Input/output error)"),
    "a file that nobody may read": (
        "pipelines.landing.finding.sha256_of_file",
        PermissionError(errno.EACCES, "Permission denied"),
        "the machine failed (Permission denied)",
    ),
    "a folder that cannot be listed": (
        "pipelines.raw.take_in.find_file",
        OSError(errno.EIO, "Input/output error"),
        "the machine failed (Input/output error)",
    ),
    "no descriptor": (
        "pipelines.landing.readers.desk.subprocess.Popen",
        OSError(errno.EMFILE, "x"),
        "the machine failed (Too many open files)",
    ),
    "no process": (
        "pipelines.landing.readers.desk.subprocess.Popen",
        BlockingIOError(errno.EAGAIN, "x"),
        "the machine failed (Resource temporarily unavailable)",
    ),
    "conforming": ("pipelines.raw.candidate.conform", MemoryError(), "raise CRAMP_ATLAS_MEMORY_LIMIT"),
    "judging": (
        "pipelines.raw.candidate.judge_contract",
        duckdb.OutOfMemoryException(f"could not allocate {VALUE}"),
        "the machine failed (out of memory)",
    ),
    "writing": (
        "pipelines.raw.candidate.judge_contract",
        duckdb.IOException(f"IO Error: Could not read {VALUE}: Input/output error"),
        "the machine failed (Input/output error)",
    ),
    "a library without a number": (
        "pipelines.raw.candidate.conform",
        OSError("Too many open files (os error 24)"),
        "the machine failed (Too many open files)",
    ),
    "claims": ("pipelines.raw.take_in.claims_about", MachineFault("the machine failed (out of memory)"), "out of memory"),
}


@pytest.mark.parametrize("moment", BESIDE_THE_READER)
def test_a_fault_beside_the_reader_says_nothing_against_the_delivery(landed: Landed, moment: str) -> None:
    name, error, said = BESIDE_THE_READER[moment]
    accepted = landed.acceptance.tables
    landed.land("8.34")
    DESK.close()  # so that the next reader must be started

    def fail(*_: object, **__: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name, fail)
        delivery = landed.take_in()
    assert delivery.postponed
    assert all(said in reason and VALUE not in reason for reason in delivery.postponed)
    assert (delivery.problems, landed.acceptance.rejections) == ([], {})
    assert (landed.acceptance.tables, landed.number) == (accepted, FIRST)
    assert landed.take_in().problems == landed.acceptance.postponed == []
    assert landed.number == "8.34"


def test_duckdb_without_memory_inside_great_expectations_is_no_error_of_a_rule(
    landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection of so little memory that no rule can be judged."""
    confine = duckdb_datasource._confine

    def starved(connection: object, parquet: Path) -> None:
        connection.exec_driver_sql("set memory_limit = '1kB'")  # type: ignore[attr-defined]
        confine(connection, parquet)

    landed.land("8.34")
    with monkeypatch.context() as patch:
        patch.setattr(duckdb_datasource, "_confine", starved)
        [reason] = landed.take_in().postponed
    assert "the machine failed (out of memory)" in reason
    assert not landed.acceptance.rejections
    assert landed.take_in().problems == []
    assert landed.number == "8.34"


def test_an_earlier_rejection_stands_while_the_next_file_cannot_be_judged(
    landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed.path.write_text("measure\nx\n", encoding="utf-8")
    assert landed.take_in().problems
    rejected = landed.acceptance.rejections
    landed.land("8.34")
    with monkeypatch.context() as patch:
        patch.setattr(taking_in, "candidate", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "x")))
        assert landed.take_in().postponed
    assert landed.acceptance.rejections == rejected
    landed.take_in()
    assert (landed.acceptance.rejections, landed.number) == ({}, "8.34")


FAULTS: dict[str, tuple[BaseException, str | None]] = {
    "an error of polars without a number": (OSError("Cannot allocate memory (os error 12)"), "Cannot allocate memory"),
    "a library that quotes a delivery": (ValueError("Input/output error"), None),
    "DuckDB that quotes a delivery": (duckdb.InvalidInputException("CSV Error on line 2: Input/output error"), None),
    "a file that is not there": (FileNotFoundError(errno.ENOENT, "x"), None),
    "a name that reads like a fault": (FileNotFoundError(errno.ENOENT, "x", "Input/output error.csv"), None),
    "a socket that is closed": (ConnectionResetError(errno.ECONNRESET, "x"), None),
    "DuckDB": (duckdb.IOException("IO Error: Cannot open file: Too many open files"), "Too many open files"),
    "a time-out of a network disk": (TimeoutError(errno.ETIMEDOUT, "x"), "Connection timed out"),
    "a disk that is mounted read-only": (OSError(errno.EROFS, "x"), "Read-only file system"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_a_fault_of_the_machine(kind: str) -> None:
    error, said = FAULTS[kind]
    assert fault_of_the_machine(error) == said


@pytest.mark.parametrize(
    "error", [duckdb.OutOfMemoryException("x"), duckdb.IOException("IO Error: x: Input/output error")], ids=str
)
def test_a_select_that_the_machine_fails_is_not_rejected(tmp_path: Path, error: duckdb.Error) -> None:
    with pytest.raises(MachineFault, match=r"the machine failed \(.*\): nothing was judged by it, .* if it stays, "):
        verdict_on(error, tmp_path)
