"""Writing the page, and its tables as Word and CSV, into the folder of a release."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from pipelines.project.project import Project
from pipelines.release.page.content import Content, read_content
from pipelines.release.page.files import write_table, write_word
from pipelines.release.page.markup import html, picture

PAGE, WORD, TABLES = "report.html", "report_tables.docx", "report_tables"
"""Names in the folder of a release."""


def write_page(project: Project, folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the page, the Word file and the CSV files into the folder of a release that holds its public database."""
    content = read_content(project, folder / "epi_public.duckdb", manifest)
    (folder / PAGE).write_text(render(project, content), encoding="utf-8")
    (folder / TABLES).mkdir()
    for shown in content.tables:
        write_table(shown, folder / TABLES / f"{shown.name}.csv")
    write_word(content.title, [project.study.question, *content.citation], content.tables, folder / WORD)


def render(project: Project, content: Content) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=PackageLoader("pipelines.release.page", "templates"), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    environment.globals |= {"table": html, "picture": picture, "word": WORD, "folder": TABLES}
    return environment.get_template("report.html.j2").render(content=content, study=project.study)
