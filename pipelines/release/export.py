"""The report tables of a release as files for people: Parquet, CSV and one Excel workbook, with data dictionary and citation.

Everything is read from the public database of the release, so that what is hidden there stays hidden. How cells are written
stands in spreadsheet.py, how texts are worded in wording.py.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from pipelines.machine.errors import CrampAtlasError, WrongUsage
from pipelines.machine.quoting import identifier
from pipelines.project.project import Project
from pipelines.project.publication import Publication
from pipelines.release import wording
from pipelines.release.copying import copy_database
from pipelines.release.kept import manifest_of, releases_folder
from pipelines.release.metadata.writing import write_metadata
from pipelines.release.spreadsheet import write_csv, write_workbook
from pipelines.release.wording import Exported

INSIDE = "epi.duckdb"
"""The database with raw and core tables, for those who may see people."""

UNFINISHED = ".exporting-"
"""How the name of a folder begins that is not finished yet."""


def export(project: Project, folder: Path, release_id: str | None = None, *, microdata: bool = False) -> str:
    """Write the tables of a release, by default the one that readers see, to a new or empty folder. Returns its id.

    With `microdata` also epi.duckdb with all rows in it, that can be moved. The folder is there whole or not at all. Raises
    WrongUsage where it holds something, or there is no such release.
    """
    exported = read_release(project, release_id)
    with _appearing(folder) as fresh:
        write_files(exported, fresh)
        if microdata:
            copy_database(releases_folder(project) / exported.release_id / INSIDE, fresh / INSIDE, project.settings)
        write_metadata(exported, fresh)
    return exported.release_id


def write_files(exported: Exported, folder: Path) -> None:
    """Write the report tables of a release, and what is said about them, into an empty folder."""
    for name in ("parquet", "csv"):
        (folder / name).mkdir()
    for table, frame in exported.tables.items():
        metadata = {"release_id": exported.release_id, "description": exported.descriptions[table]}
        frame.write_parquet(folder / "parquet" / f"{table}.parquet", metadata=metadata)
        write_csv(frame, folder / "csv" / f"{table}.csv")
    write_csv(exported.dictionary, folder / "data_dictionary.csv")
    (folder / "data_dictionary.md").write_text(wording.dictionary_page(exported), encoding="utf-8")
    (folder / "CITATION.cff").write_text(wording.citation_file(exported), encoding="utf-8")
    (folder / "CITATION.txt").write_text("\n\n".join(wording.citation(exported)) + "\n", encoding="utf-8")
    (folder / "README.txt").write_text("\n\n".join(wording.read_me(exported)) + "\n", encoding="utf-8")
    sheets: dict[str, pl.DataFrame | list[str]] = {
        "read me": wording.read_me(exported),
        **exported.tables,
        "data dictionary": exported.dictionary,
        "citation": wording.citation(exported),
    }
    write_workbook(sheets, folder / "report.xlsx")


def read_release(project: Project, release_id: str | None = None) -> Exported:
    """What is exported of a release; raises WrongUsage where there is none, CrampAtlasError for one that is too old."""
    manifest = manifest_of(project, release_id)
    wanted = str(manifest["release_id"])
    database = releases_folder(project) / wanted / "epi_public.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        comments = dict(
            connection.sql("select schema_name || '.' || table_name, comment from duckdb_tables() order by all").fetchall()
        )
        if "meta.sources" not in comments:
            raise CrampAtlasError(f"release {wanted} does not say its sources and their terms of use: export a newer one")
        names = [name.removeprefix("report.") for name in comments if name.startswith("report.")]
        tables = {name: connection.sql(f"select * from report.{identifier(name)}").pl() for name in names}
        return Exported(
            release_id=wanted,
            published_on=_published_on(connection),
            title=project.study.title,
            question=project.study.question,
            tables=tables,
            descriptions={name: comments[f"report.{name}"] for name in names},
            dictionary=connection.sql(
                "select * from meta.columns where starts_with(table_name, 'report.') order by table_name, position"
            ).pl(),
            sources=_with_rows(connection.sql("select * from meta.sources order by is_synthetic, source").pl(), tables),
            publication=project.study.publication or Publication(),
            code=manifest.get("code", {}),
            published_at=str(manifest["published_at"]),
        )


def _published_on(connection: duckdb.DuckDBPyConnection) -> str:
    rows = connection.sql("select strftime(published_at, '%Y-%m-%d') from meta.releases where is_this_release").fetchall()
    return str(rows[0][0])


def _with_rows(sources: pl.DataFrame, tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The sources that a report table says something of."""
    reported = {source for frame in tables.values() if "source" in frame.columns for source in frame["source"].unique()}
    return sources.filter(pl.col("source").is_in(sorted(reported)))


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A folder beside the wanted one that takes its name when all went well, and is gone otherwise."""
    target = folder.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise WrongUsage(f"{folder} holds something already, and nothing is overwritten: name a new or empty folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=UNFINISHED))
        try:
            yield fresh
            fresh.chmod(0o755)
            fresh.rename(target)  # takes the place of an empty folder, and of nothing else
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise CrampAtlasError(f"{folder} could not be written: {error.strerror or error}") from error
