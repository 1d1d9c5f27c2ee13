"""Dagster's SQLite files are opened once a run, and are anybody's between two statements and after the run."""

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from pipelines.dagster.kept_open import kept_open
from tests.atlas import Atlas


def open_files(folder: Path) -> list[str]:
    """Databases below the folder that this process holds open."""
    held = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sorted({Path(file).name for file in held if file.startswith(str(folder)) and file.endswith(".db")})


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells which files a process holds open")
def test_a_run_opens_each_file_once_and_closes_it(synthetic: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    create = sa.create_engine

    def counting(url: str, **settings: object) -> sa.Engine:
        made.append(url)
        return create(url, **settings)

    monkeypatch.setattr(sa, "create_engine", counting)
    assert synthetic.refresh().success
    assert len(made) == len(set(made)), "an engine of a file that had one"
    assert {Path(url).name for url in made} >= {"runs.db", "index.db"}
    assert open_files(synthetic.folder) == []


def test_between_two_statements_another_writes_and_is_read(tmp_path: Path) -> None:
    """Neither a transaction nor a lock is held while a file is kept open."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance, kept_open():
        instance.run_storage.set_cursor_values({"ours": "1"})
        with closing(sqlite3.connect(tmp_path / "history" / "runs.db", timeout=0)) as other, other:
            [[found]] = other.execute("select value from kvs where key = 'ours'").fetchall()
            other.execute("update kvs set value = '2' where key = 'ours'")
        assert found == "1"
        assert instance.run_storage.get_cursor_values({"ours"}) == {"ours": "2"}


def test_outside_dagster_works_as_by_itself(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        with pytest.raises(ZeroDivisionError), kept_open():
            instance.run_storage.set_cursor_values({"ours": str(1 // 0)})
        instance.run_storage.set_cursor_values({"ours": "1"})
        assert open_files(tmp_path) == []
