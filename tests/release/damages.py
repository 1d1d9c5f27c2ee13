"""The kinds of file of a warehouse, the ways in which one is damaged, and the commands that must not fall over it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner, Result

from pipelines.terminal.cli import app
from tests.atlas import Atlas

COMMANDS = ("status", "releases list", "releases verify", "releases prune")

KINDS = {
    "raw object": "store/raw/synthetic_survey_respondents/synthetic_survey/2024/*.parquet",
    "core object": "store/core/respondents/synthetic_survey/2024/*.parquet",
    "report object": "store/report/odds_ratios/synthetic_survey/all/*.parquet",
    "set-aside rows": "store/meta/rejected_rows/synthetic_survey/*/*.parquet",
    "raw sidecar": "store/raw/synthetic_case_control_participants/synthetic_case_control/*/*.json",
    "core sidecar": "store/core/respondents/synthetic_case_control/*/*.json",
    "report sidecar": "store/report/odds_ratios/synthetic_case_control/all/*.json",
    "drift sidecar": "store/drift/*/*/*/*.json",
    "acceptance of a wave": "store/accepted/synthetic_case_control/136-pairs.json",
    "acceptance of reports": "store/accepted/synthetic_survey/all.json",
    "manifest": "releases/*/manifest.json",
    "database": "releases/*/epi.duckdb",
    "public database": "releases/*/epi_public.duckdb",
    "page": "releases/*/report.html",
    "report file": "releases/*/report/odds_ratios.parquet",
    "note of the sweep": "store/unneeded.json",
    "format of the store": "store/format",
    "hold": "releases/hold.json",
    "what was generated": "landing/synthetic_survey/generated.json",
    "lock": ".lock",
    "current": "current",
    "link to a database": "epi.duckdb",
}
"""Kind of file -> where one lies in the warehouse."""


def file_of(atlas: Atlas, kind: str) -> Path:
    """The first of its kind."""
    return min(atlas.warehouse.glob(KINDS[kind]))


def empty(path: Path) -> None:
    _rewrite(path, b"")


def truncated(path: Path) -> None:
    _rewrite(path, _content(path)[: len(_content(path)) // 2])


def a_list(path: Path) -> None:
    """JSON of another shape."""
    _rewrite(path, b"[]")


def flipped(path: Path) -> None:
    """One bit in the middle, as a failing disk leaves it."""
    content = bytearray(_content(path))
    if content:
        content[len(content) // 2] ^= 1
    _rewrite(path, bytes(content))


def deleted(path: Path) -> None:
    path.unlink()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "empty": empty,
    "truncated": truncated,
    "a list": a_list,
    "flipped": flipped,
    "deleted": deleted,
    "a folder": a_folder,
}


def _content(path: Path) -> bytes:
    """Of a link to a folder, what tells where it leads."""
    return bytes(path.readlink()) if path.is_dir() else path.read_bytes()


def _rewrite(path: Path, content: bytes) -> None:
    """A new file in its place, as protected as it was: the copies of a project share theirs."""
    mode = path.stat().st_mode & 0o777
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


@contextmanager
def damaged(path: Path, damage: str, aside: Path) -> Iterator[None]:
    """The file damaged, and afterwards as it was; what commands may have put in its place is gone."""
    shutil.copy2(path, aside, follow_symlinks=False)
    DAMAGES[damage](path)
    try:
        yield
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        aside.rename(path)


def files_of(atlas: Atlas) -> set[Path]:
    """All files of store and releases, but notes that come and go."""
    folders = [atlas.warehouse / "store", atlas.warehouse / "releases"]
    return {path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != "unneeded.json"}


def run(atlas: Atlas, command: str) -> Result:
    """A command in this process; a traceback is an error of the test."""
    environment = {"CRAMP_ATLAS_PROJECT": str(atlas.folder), "DAGSTER_HOME": str(atlas.folder / ".dagster"), "COLUMNS": "500"}
    result = CliRunner().invoke(app, command.split(), env=environment)
    error = result.exception
    assert error is None or isinstance(error, SystemExit), f"{command}: {error!r}\n{result.output}"
    assert "Traceback" not in result.output
    return result
