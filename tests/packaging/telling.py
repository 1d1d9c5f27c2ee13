"""Where anything that a project holds or has made tells of a subject: files, the page and its documents, tables, macros."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

TEXTS = {".yaml", ".yml", ".sql", ".csv", ".html", ".md", ".json", ".txt", ".toml", ".cff", ".svg"}
BOOKS = {".docx", ".xlsx"}
NAME_OF_THE_PROGRAM = re.compile(r"cramp[-_ ]?atlas", re.IGNORECASE)


def what_tells_of(pattern: str, project: Path) -> list[str]:
    """Files of the project, and tables and macros of what it published, in which the pattern stands, in letters of any case.

    The name of the program is not counted.
    """
    subject = re.compile(pattern, re.IGNORECASE)
    found = [where for where, text in _texts(project) if subject.search(NAME_OF_THE_PROGRAM.sub("", text))]
    return sorted(set(found))


def _texts(project: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project).as_posix()
        yield name, name
        if path.is_file() and path.suffix in TEXTS and "landing" not in path.parts:
            yield name, path.read_text(encoding="utf-8")
        elif path.is_file() and path.suffix in BOOKS:
            with zipfile.ZipFile(path) as book:
                yield from ((f"{name}/{part}", book.read(part).decode("utf-8", "ignore")) for part in book.namelist())
    for database in ("epi.duckdb", "epi_public.duckdb"):
        yield from ((f"{database}: {where}", text) for where, text in _of_database(project / "warehouse" / database))


def _of_database(path: Path) -> Iterator[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        for name, text in connection.sql(
            "select table_schema || '.' || table_name, concat_ws(' ', table_name, table_comment) from information_schema.tables "
            "union all select schema_name || '.' || table_name, concat_ws(' ', column_name, comment) from duckdb_columns() "
            "where not internal union all select schema_name || '.' || function_name, macro_definition from duckdb_functions() "
            "where not internal and macro_definition is not null"
        ).fetchall():
            yield name, text
        for (name,) in connection.sql(
            "select table_schema || '.' || table_name from information_schema.tables where table_schema in ('report', 'meta')"
        ).fetchall():
            yield name, connection.sql(f"from {name}").pl().write_ndjson()
