"""Writing the page, and its tables as Word and CSV, into the folder of a release."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from pipelines.project.project import Project
from pipelines.release.page.content import read_content
from pipelines.release.page.files import write_table, write_word
from pipelines.release.page.markup import html, picture

PAGE, WORD, TABLES = "report.html", "report_tables.docx", "report_tables"
"""Names in the folder of a release."""


def write_page(project: Project, folder: Path, manifest: dict[str, Any]) -> None:
    """Write the page, the Word file and the CSV files into the folder of a release that holds its public database."""
    content = read_content(project, folder / "epi_public.duckdb", manifest)
    environment = Environment(
        loader=PackageLoader("pipelines.release.page", "templates"), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    environment.globals |= {"table": html, "picture": picture, "word": WORD, "folder": TABLES}
    text = environment.get_template("report.html.j2").render(content=content, study=project.study)
    (folder / PAGE).write_text(text, encoding="utf-8")
    (folder / TABLES).mkdir()
    for shown in content.tables:
        write_table(shown, folder / TABLES / f"{shown.name}.csv")
    write_word(project.study.title, [project.study.question, *content.citation], content.tables, folder / WORD)
