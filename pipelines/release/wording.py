"""What an export says about itself: data dictionary, citation and read-me. Texts only; nothing is read or written here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import yaml

from pipelines.machine.visible import markdown
from pipelines.project.publication import Author, Publication

PUBLISHER = "Cramp Atlas"

HOW_TO_READ = (
    "Proportions are between 0 and 1, intervals are at confidence_level, counts (n_...) are unweighted.",
    "An empty cell is a number that is not shown or does not exist, never 0: presentation_reason says why. "
    "presentation is the verdict of the NCHS Data Presentation Standards for Proportions (show, footnote, review, suppress); "
    "is_suppressed marks what disclosure control hides.",
    "wave = pooled is all waves of a source together.",
    "CSV files are UTF-8 with a byte order mark, separated by commas. A text that a spreadsheet would run as a formula (it "
    "begins with = + - @, a tab or a line break), or that begins with an apostrophe, has one apostrophe put before it: drop the "
    "first apostrophe to have the text back. Numbers are written in full, to the last bit. The sheets of report.xlsx hold 15 "
    "digits and no formula; Parquet holds everything as it is.",
)


@dataclass(frozen=True)
class Exported:
    """A release as it is exported. `tables` and `descriptions` go by the name of a report table; `sources` have rows in them.

    `publication` is what its authors say of it; `code` is the version of the software and the hash of its code, if recorded.
    """

    release_id: str
    published_on: str
    title: str
    question: str
    tables: Mapping[str, pl.DataFrame]
    descriptions: Mapping[str, str]
    dictionary: pl.DataFrame
    sources: pl.DataFrame
    publication: Publication = field(default_factory=Publication)
    code: Mapping[str, str] = field(default_factory=dict)
    published_at: str = ""

    @property
    def name(self) -> str:
        """What is cited."""
        return f"{self.title}: report tables"

    @property
    def authors(self) -> Sequence[Author]:
        return authors_of(self.publication)

    @property
    def publisher(self) -> str:
        return self.publication.publisher or PUBLISHER


def read_me(exported: Exported) -> list[str]:
    """Paragraphs for whoever opens the export first."""
    return [
        f"{exported.title}: report tables of release {exported.release_id}, published {exported.published_on}.",
        exported.question,
        *HOW_TO_READ,
        *(f"{name}: {description}" for name, description in exported.descriptions.items()),
        *cite_sources(exported.sources),
    ]


def citation(exported: Exported) -> list[str]:
    """Paragraphs: how to cite the release, and each source with its terms of use."""
    release = cite(exported.title, exported.release_id, exported.published_on, exported.authors)
    return [release, *cite_sources(exported.sources)]


def authors_of(publication: Publication | None) -> Sequence[Author]:
    """Those that the study names; what made the tables where it names none."""
    return (publication and publication.authors) or [Author(name=PUBLISHER)]


def cite(title: str, release_id: str, published_on: str, authors: Sequence[Author]) -> str:
    """How to cite a release."""
    named = "; ".join(author.sorted_by for author in authors)
    return f"{named.rstrip('.')}. {title}: report tables. Release {release_id}, {published_on}."


def cite_sources(sources: pl.DataFrame) -> list[str]:
    """How to cite each source of rows of meta.sources, and its terms of use."""
    return [
        f"Source {row['source']}{', SYNTHETIC' if row['is_synthetic'] else ''}: {row['title']}. {row['citation']} "
        f"Terms of use: {row['terms_of_use']}"
        for row in sources.iter_rows(named=True)
    ]


def citation_file(exported: Exported) -> str:
    """CITATION.cff (Citation File Format 1.2.0) of the release, with its sources as references."""
    references = [
        {
            "type": "data",
            "title": titled(row),
            "authors": [{"name": row["title"]}],
            "notes": f"{row['citation']} Terms of use: {row['terms_of_use']}",
        }
        | ({"url": row["homepage"]} if row["homepage"] else {})
        for row in exported.sources.iter_rows(named=True)
    ]
    content = {
        "cff-version": "1.2.0",
        "message": "Please cite this release and the sources that it rests on, and keep to their terms of use.",
        "type": "dataset",
        "title": exported.name,
        "authors": [_cff_author(author) for author in exported.authors],
        "version": exported.release_id,
        "date-released": exported.published_on,
        **_cff_publication(exported.publication),
        "references": references,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def titled(source: Mapping[str, Any]) -> str:
    """The title of a source, a row of meta.sources; what is synthetic says so."""
    return f"{source['title']} (synthetic)" if source["is_synthetic"] else str(source["title"])


def published_studies(exported: Exported) -> list[dict[str, Any]]:
    """The published studies that a release compares itself with: `study`, `citation`, `doi` (or None); each once."""
    register = exported.tables.get("evidence")
    if register is None or register.is_empty():
        return []
    return register.select("study", "citation", "doi").unique(maintain_order=True).to_dicts()


def _cff_author(author: Author) -> dict[str, str]:
    named = {"family-names": author.family_names, "given-names": author.given_names, "name": author.name}
    orcid = f"https://orcid.org/{author.orcid}" if author.orcid else None
    said = named | {"orcid": orcid} | ({"affiliation": author.affiliation} if author.is_person else {})
    return {key: value for key, value in said.items() if value}


def _cff_publication(publication: Publication) -> dict[str, Any]:
    """What the authors say beside their names. The format takes only an SPDX identifier as `license`, so its address stands."""
    said: dict[str, Any] = {}
    if publication.doi:
        said["identifiers"] = [{"type": "doi", "value": publication.doi, "description": "All releases of the study together"}]
    if publication.licence and publication.licence.address:
        said["license-url"] = publication.licence.address
    if publication.keywords:
        said["keywords"] = publication.keywords
    return said


def dictionary_page(exported: Exported) -> str:
    """The data dictionary as Markdown, a section a table."""
    lines = [f"# Data dictionary of release {exported.release_id}"]
    for name, description in exported.descriptions.items():
        lines += ["", f"## {name}", "", markdown(description), "", "| column | type | unit | meaning |", "|---|---|---|---|"]
        for row in exported.dictionary.filter(pl.col("table_name") == f"report.{name}").iter_rows(named=True):
            cells = (row["column_name"], row["data_type"], row["unit"] or "", row["description"] or "")
            lines.append(f"| {' | '.join(markdown(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"
