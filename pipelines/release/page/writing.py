"""Writing the page, and its tables as Word and CSV, into the folder of a release."""

import base64
import hashlib
from collections.abc import Collection, Mapping
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipelines.project.project import Project
from pipelines.release.page.content import Content, read_content
from pipelines.release.page.display import DisplayTable
from pipelines.release.page.files import write_table, write_word
from pipelines.release.page.markup import html, picture
from pipelines.release.page.sections import PAGE, Sections, Undrawn

WORD, TABLES = "report_tables.docx", "report_tables"
"""Names in the folder of a release."""


def write_page(project: Project, folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Write the page, the Word file and the CSV files into the folder of a release that holds its public database.

    Returns what could not be drawn, a line each: the page says so in the place of that section. Faults of the machine are raised.
    """
    whole = Sections(project.settings.warehouse_folder)
    content = whole.draw(PAGE, None, lambda: _write(project, folder, manifest))
    if isinstance(content, Undrawn):
        (folder / PAGE).write_text(_nothing_but(content, project, manifest), encoding="utf-8")
        return [content.in_words]
    return list(dict.fromkeys(failed.in_words for failed in content.sections.undrawn))


def _write(project: Project, folder: Path, manifest: Mapping[str, Any]) -> Content:
    content = read_content(project, folder / "epi_public.duckdb", manifest)
    (folder / TABLES).mkdir()
    files = {shown.name for shown in content.tables if _write_csv(shown, folder, content.sections)}
    word = content.sections.draw(WORD, None, lambda: write_document(project, content, folder / WORD))
    missing = {shown.name for shown in content.tables} - files
    page = render(project, content, missing=missing, has_word=not isinstance(word, Undrawn))
    (folder / PAGE).write_text(page, encoding="utf-8")
    return content


def write_document(project: Project, content: Content, path: Path) -> None:
    """The tables of the page as a file of Word, with the question, the answer, what a reviewer asks for and how to cite them."""
    citation = [] if isinstance(content.citation, Undrawn) else content.citation
    caution = [f"What may not be concluded: {' '.join(content.not_concluded)}"] if content.not_concluded else []
    paragraphs = [project.study.question, *content.answer_in_words, *caution, *content.statements_in_words, *citation]
    write_word(content.title, paragraphs, content.tables, path)


def render(project: Project, content: Content, *, missing: Collection[str] = (), has_word: bool = True) -> str:
    """The page as HTML; `missing` are the tables of which there is no CSV file."""
    environment = Environment(
        loader=PackageLoader("pipelines.release.page", "templates"), autoescape=True, undefined=StrictUndefined
    )
    draw = content.sections.draw
    environment.tests["undrawn"] = lambda shown: isinstance(shown, Undrawn)
    environment.globals |= {
        "table": lambda shown: draw(shown.title, None, lambda: html(shown)),
        "picture": lambda drawn, title, source: draw(f"{title}, figure", source, lambda: picture(drawn)),
        "word": WORD if has_word else None,
        "folder": TABLES,
        "missing": missing,
    }
    style = Markup(environment.get_template("style.css.j2").render())
    page = environment.get_template("report.html.j2")
    return page.render(content=content, study=project.study, style=style, policy=policy_of(style))


def policy_of(style: str) -> str:
    """What a browser may do for the page (Content Security Policy 3): draw its own pictures, dressed by this very style.

    It runs no script, asks nobody for anything and sends nothing, even if markup of somebody else came into it.
    """
    known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{known}'; img-src data:; base-uri 'none'; form-action 'none'"


def _write_csv(shown: DisplayTable, folder: Path, sections: Sections) -> bool:
    path = folder / TABLES / f"{shown.name}.csv"
    return not isinstance(sections.draw(f"{shown.title}, CSV", None, lambda: write_table(shown, path)), Undrawn)


def _nothing_but(failed: Undrawn, project: Project, manifest: Mapping[str, Any]) -> str:
    """A page that says why there is none."""
    title = escape(f"{project.study.title} \N{EN DASH} release {manifest['release_id']}")
    policy = policy_of("")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1><p>{escape(failed.in_words)}</p>"
        "<p>Every number is in the report tables beside this page: epi_public.duckdb and report/.</p></body></html>\n"
    )
