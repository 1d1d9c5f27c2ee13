"""The files of a folder as they are described: what each is, its size and its hash."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pipelines.machine.files import sha256_of_file

MEDIA_TYPES = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".css": "text/css",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".duckdb": "application/vnd.duckdb",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""End of a name -> how the file is encoded."""

SAID = {
    "CITATION.cff": "How to cite the release and its sources, for programs (Citation File Format)",
    "CITATION.txt": "How to cite the release and its sources",
    "README.txt": "What the files hold, and how to read them",
    "data_dictionary.csv": "Every column of every table: type, unit, meaning",
    "data_dictionary.md": "Every column of every table: type, unit, meaning",
    "datacite.json": "What a DataCite record says of the release",
    "epi.duckdb": "All rows of the release, those of people among them, for who may see them",
    "report.html": "The page of the release",
    "report.xlsx": "The report tables as a workbook",
    "report_tables.docx": "The tables of the page for a text processor",
    "schema-org.json": "The release in the words of schema.org",
}
"""Name of a file -> what it is. Files of report tables are described by their contracts."""

CRATE = "ro-crate-metadata.json"


@dataclass(frozen=True)
class DescribedFile:
    """A file by its path below the folder; `table` where it holds a report table."""

    path: str
    n_bytes: int
    sha256: str
    media_type: str
    description: str
    table: str | None = None

    @property
    def address(self) -> str:
        """The path as a relative address."""
        return quote(self.path)


def described_files(folder: Path, descriptions: Mapping[str, str]) -> Iterator[DescribedFile]:
    """Every file below a folder but the crate's own, in the order of paths. `descriptions` go by the name of a report table."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CRATE):
        yield described_file(folder, path, descriptions)


def described_file(folder: Path, path: Path, descriptions: Mapping[str, str]) -> DescribedFile:
    """One file below a folder."""
    table = path.stem if path.suffix in {".csv", ".parquet"} and path.stem in descriptions else None
    return DescribedFile(
        path=path.relative_to(folder).as_posix(),
        n_bytes=path.stat().st_size,
        sha256=sha256_of_file(path),
        media_type=MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
        description=descriptions[table] if table else SAID.get(path.name, ""),
        table=table,
    )
