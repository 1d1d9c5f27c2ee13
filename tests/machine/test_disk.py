"""A full disk: it is told as such and never recorded as a verdict on a delivery or a table."""

import errno
import gzip
import os
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import duckdb
import polars as pl
import pytest
import typer

from pipelines.core.harmonise import build_core
from pipelines.landing.readers.delivered import Refused
from pipelines.landing.readers.reading import read_delivery
from pipelines.machine.disk import is_full
from pipelines.machine.errors import NoSpace
from pipelines.machine.settings import Settings
from pipelines.making.engine import engine
from pipelines.making.judging import judge_claims
from pipelines.raw.take_in import take_in
from pipelines.store import Place
from pipelines.terminal.console import explained
from tests.atlas import Atlas
from tests.soak.disk import CannotMount, small_disk

CORE = Place("core", "respondents", "synthetic_survey", "2024")
SPILLING = "failed to offload data block (This limit was set by the 'max_temp_directory_size' setting.)"
SAID = "No space left on device"


def from_error(error: Exception, cause: Exception) -> Exception:
    """As `raise error from None` while the cause is handled."""
    error.__context__ = cause
    error.__suppress_context__ = True
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "x"), True),
        (OSError(errno.EDQUOT, "x"), True),
        (OSError(f"{SAID} (os error 28)"), True),
        (duckdb.IOException(f"IO Error: Could not write: {SAID}"), True),
        (duckdb.OutOfMemoryException(SPILLING), True),
        (sqlite3.OperationalError("database or disk is full"), True),
        (from_error(Refused("a cut or damaged zip file", "Fetch it again"), OSError(errno.ENOSPC, "x")), True),
        (OSError(errno.EACCES, "x"), False),
        (duckdb.OutOfMemoryException("could not allocate block"), False),
        (duckdb.InvalidInputException(f"CSV Error on line 2: {SAID}"), False),
        (ValueError(SAID), False),
    ],
    ids=str,
)
def test_a_full_disk_is_told_from_other_errors_even_where_a_delivery_quotes_it(error: Exception, expected: bool) -> None:
    assert is_full(error) is expected


@pytest.mark.parametrize(("free", "expected"), [(0, True), (2**30, False)])
def test_an_io_error_of_sqlite_is_a_full_disk_where_there_is_no_space(
    monkeypatch: pytest.MonkeyPatch, free: int, expected: bool
) -> None:
    monkeypatch.setattr("pipelines.machine.disk.shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert is_full(sqlite3.OperationalError("disk I/O error")) is expected


@pytest.mark.parametrize("packed", [False, True])
def test_a_reader_without_space_does_not_call_the_file_damaged(tmp_path: Path, packed: bool) -> None:
    people = pl.DataFrame({"person": range(200_000)}).write_csv().encode()
    path = tmp_path / ("people.csv.gz" if packed else "people.csv")
    path.write_bytes(gzip.compress(people) if packed else people)
    settings = Settings(project=tmp_path)
    try:
        with small_disk(settings.warehouse_folder / "spill") as disk:
            ballast = disk / "ballast"
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - 100_000)
            with pytest.raises(NoSpace, match=r"no space is left on the disk of .*spill"):
                read_delivery(path, settings=settings)
            ballast.unlink()
            assert read_delivery(path, settings=settings).frame.height == 200_000
    except CannotMount as error:
        pytest.skip(str(error))


def test_a_delivery_that_is_read_without_space_is_not_recorded_as_rejected(
    synthetic: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = synthetic.sidecars()

    def full(*_: object, **__: object) -> None:
        raise NoSpace("no space")

    monkeypatch.setattr("pipelines.raw.candidate.read_delivery", full)
    with pytest.raises(NoSpace):
        take_in(synthetic.project, "synthetic_survey", "2024", reread=True)
    assert synthetic.sidecars() == recorded
    assert synthetic.project.store.acceptance("synthetic_survey", "2024").rejections == {}


@pytest.mark.parametrize("error", [duckdb.OutOfMemoryException(SPILLING), duckdb.IOException(f"IO Error: {SAID}")], ids=str)
def test_a_table_that_spills_onto_a_full_disk_is_made_the_next_time(
    synthetic: Atlas, monkeypatch: pytest.MonkeyPatch, error: duckdb.Error
) -> None:
    synthetic.edit("sql/core/respondents/synthetic_survey.sql", "bmi as", "bmi + 0 as")
    project = synthetic.project
    recorded = synthetic.sidecars()

    def full(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.core.harmonise.completed", full)
        with pytest.raises(NoSpace, match=r"no space is left on the disk of .*warehouse .* run cramp-atlas refresh again"):
            build_core(project, CORE)
    assert synthetic.sidecars() == recorded
    built = build_core(project, CORE)
    assert (built.is_new, built.sidecar.verdict) == (True, "accepted")


def test_a_claim_that_spills_onto_a_full_disk_is_no_verdict(published_synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self.connection = connection

        def __getattr__(self, name: str) -> object:
            return getattr(self.connection, name)

        def sql(self, query: str) -> object:
            raise duckdb.OutOfMemoryException(SPILLING)

    project = published_synthetic.project
    with engine(project.settings) as connection:
        from contextlib import nullcontext

        monkeypatch.setattr("pipelines.making.judging.engine", lambda *_, **__: nullcontext(Full(connection)))
        with pytest.raises(NoSpace):
            judge_claims(project, CORE, {})


def test_a_command_without_space_ends_with_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, explained():
        raise OSError(errno.ENOSPC, SAID)
    assert ended.value.exit_code == 3
    assert "no space is left on the disk of" in capsys.readouterr().out


def test_other_errors_of_a_command_stay_what_they_are() -> None:
    with pytest.raises(OSError, match="denied"), explained():
        raise OSError(errno.EACCES, "denied")
