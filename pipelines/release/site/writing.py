"""Writing the site: its own pages, the tables of the release that readers see, the pages of releases as they were published."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipelines.machine.errors import WrongUsage
from pipelines.machine.quoting import identifier
from pipelines.project.project import Project
from pipelines.release.export import write_files
from pipelines.release.metadata.files import described_files
from pipelines.release.metadata.schema_org import schema_org
from pipelines.release.metadata.writing import write_metadata
from pipelines.release.page.sections import PAGE
from pipelines.release.page.writing import WORD
from pipelines.release.page.writing import policy_of as policy_without_scripts
from pipelines.release.site.content import SiteContent, read_content
from pipelines.release.site.engine import MAKE, copy_engine
from pipelines.release.site.place import appearing_site
from pipelines.release.spreadsheet import write_csv
from pipelines.release.wording import HOW_TO_READ, Exported, citation

DATA, RELEASES = "data", "releases"
"""Folders of a site: an export of the release that readers see, and a folder a release."""

QUERY = "query.html"

PAGES = {"index.html": "Overview", "changes.html": "What changed", "dictionary.html": "Data dictionary", QUERY: "Ask in SQL"}
"""Page -> what it is called in the contents. They are read from a disk as from a server, but for the last."""

TEMPLATES = Path(__file__).parent / "templates"

SCRIPTS = ("query.js", "query_worker.js")


@dataclass(frozen=True)
class Written:
    """A site that was written: the releases on it, the newest first, and which were left out and why, a line each."""

    releases: tuple[str, ...]
    left_out: tuple[str, ...]
    n_bytes: int
    answers_sql: bool


def write_site(project: Project, folder: Path, *, with_earlier: bool = True) -> Written:
    """Write the site into a new or empty folder, or in the place of an earlier one. It is there whole or not at all.

    Raises WrongUsage where the folder holds what no site wrote, CrampAtlasError where there is no sound release.
    """
    _require_outside(project, folder)
    content = read_content(project, with_earlier=with_earlier)
    with appearing_site(folder) as fresh:
        (fresh / DATA).mkdir()
        write_files(content.exported, fresh / DATA)
        write_metadata(content.exported, fresh / DATA)
        _copy_releases(content, fresh / RELEASES)
        has_engine = copy_engine(project.settings.project / project.settings.query_engine, fresh)
        _write_pages(content, fresh, has_engine=has_engine)
        n_bytes = sum(path.stat().st_size for path in fresh.rglob("*") if path.is_file())
    return Written(tuple(release.release_id for release in content.releases), tuple(content.left_out), n_bytes, has_engine)


def _require_outside(project: Project, folder: Path) -> None:
    warehouse = project.settings.warehouse_folder.resolve()
    if warehouse in (folder.resolve(), *folder.resolve().parents):
        raise WrongUsage(f"{folder} lies in the warehouse, where only the pipeline writes: name a folder outside of it")


def _copy_releases(content: SiteContent, folder: Path) -> None:
    for release in content.releases:
        for name in release.files:
            path = folder / release.release_id / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(release.folder / name, path)
        write_csv(release.changes, folder / release.release_id / "changes.csv")


def _write_pages(content: SiteContent, folder: Path, *, has_engine: bool) -> None:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    style = Markup(_style_of_page() + environment.get_template("site.css.j2").render())
    environment.globals |= {
        "content": content,
        "exported": content.exported,
        "style": style,
        "policy": policy_without_scripts(style),
        "pages": PAGES,
        "report": PAGE,
        "word": WORD,
    }
    beside: dict[str, dict[str, object]] = {
        "index.html": {
            "how_to_read": HOW_TO_READ,
            "citation": citation(content.exported),
            "described": _described(content, folder),
            "sizes": _sizes(folder),
        },
        QUERY: {"has_engine": has_engine, "make_engine": MAKE, "example": example_of(content.exported)},
    }
    if has_engine:
        beside[QUERY]["policy"] = policy_of_query(style)
        for name in SCRIPTS:
            shutil.copyfile(TEMPLATES / name, folder / name)
    for name in PAGES:
        page = environment.get_template(f"{name}.j2").render(this=name, **beside.get(name, {}))
        (folder / name).write_text(page, encoding="utf-8")


def policy_of_query(style: str) -> str:
    """What a browser may do for the page that answers SQL: run the scripts of the site, and read its files."""
    return f"{policy_without_scripts(style)}; script-src 'self'; worker-src 'self'; connect-src 'self'"


def example_of(exported: Exported) -> str:
    """The query that stands on the page at first."""
    if "prevalence_by_age_band" not in exported.tables:
        return f"select *\nfrom report.{identifier(min(exported.tables))}\nlimit 20"
    return (
        "select source, wave, population, outcome, n_respondents, prevalence, prevalence_lower, prevalence_upper\n"
        "from report.prevalence_by_age_band\n"
        "where age_band = 'all'\n"
        "order by source, wave, population, outcome"
    )


def _style_of_page() -> str:
    """What dresses the page of a release dresses the site, too."""
    page = Environment(loader=PackageLoader("pipelines.release.page", "templates"), autoescape=True, undefined=StrictUndefined)
    return page.get_template("style.css.j2").render()


def _described(content: SiteContent, folder: Path) -> Markup:
    """The release in schema.org's words, to stand in a page: no text of it can end the element that it stands in."""
    files = described_files(folder / DATA, content.exported.descriptions)
    beside = (replace(file, path=f"{DATA}/{file.path}") for file in files)
    return Markup(json.dumps(schema_org(content.exported, beside), ensure_ascii=False).replace("<", "\\u003c"))


def _sizes(folder: Path) -> dict[str, str]:
    """File below the data folder -> its size in words."""
    files = [path for path in (folder / DATA).rglob("*") if path.is_file()]
    return {path.relative_to(folder / DATA).as_posix(): in_words(path.stat().st_size) for path in files}


def in_words(n_bytes: int) -> str:
    """A size as people say it."""
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 1e6 else f"{max(1, round(n_bytes / 1e3)):,} kB"
