"""One hostile text goes through every place that an analyst or a provider can set, and is looked for in every output.

It arrives where it belongs, as text: no page runs it, no spreadsheet computes it, no terminal obeys it, no chat links it.
"""

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docx
import pytest
from markdown_it import MarkdownIt

from pipelines.machine.errors import ConfigurationError
from pipelines.release.export import export
from pipelines.release.page.sections import PAGE
from pipelines.release.page.writing import TABLES, WORD
from tests.atlas import Atlas
from tests.browser.conftest import browser
from tests.hostile.outputs import (
    alerts_of,
    csv_cells,
    documents_of,
    markdown_of_dagster,
    said_in_a_terminal,
    word_xml,
    workbook_cells,
)
from tests.hostile.project import ESCAPE, PLACES, hostile_atlas, mark_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]

ARRIVES = {
    "title of the study": {"page", "word", "workbook", "alerts"},
    "question of the study": {"page", "word", "workbook"},
    "label of a population with age bands": {"page", "word", "csv", "dagster", "terminal"},
    "label of a population with odds ratios": {"page", "word", "csv", "dagster", "terminal"},
    "label of an outcome": {"page", "word", "csv", "dagster", "terminal"},
    "label of an exposure": {"page", "word", "csv", "dagster", "terminal"},
    "label of a characteristic in groups": {"page", "word", "csv"},
    "label of a characteristic in numbers": {"page", "word", "csv"},
    "name of a standard population": {"page", "word", "csv", "workbook", "dagster"},
    "source of a standard population": set(),
    "title of a source": {"page", "word", "csv", "workbook", "documents", "dagster", "terminal", "alerts"},
    "citation of a source": {"page", "word", "workbook", "documents"},
    "terms of use of a source": {"page", "word", "workbook", "documents"},
    "homepage of a source": {"terminal", "alerts"},
    "name of a file": set(),
    "reason of a verdict on comparability": {"page", "word", "csv"},
    "reference of a verdict on comparability": set(),
    "name of a contract": {"documents"},
    "contact of a contract": set(),
    "purpose of a contract": {"documents"},
    "link of a contract": set(),
    "description of a table": {"dagster", "documents"},
    "name of a rule that fails": set(),
    "description of a rule that fails": {"documents"},
    "description of a column": {"documents"},
    "question of a column": {"dagster", "documents"},
    "meaning of a code": {"documents"},
    "comment of a select": {"dagster", "terminal"},
    "comment of a check": {"dagster"},
    "name of a check": {"dagster"},
    "heading of a query": {"terminal"},
    "reading of a query": set(),
    "name of a query": {"terminal"},
    "name of a member": {"page", "terminal", "alerts"},
    "name of a sheet": {"page", "terminal", "alerts"},
    "name of a column": set(),
    "label of a column of SPSS": set(),
    "label of a known column of SPSS": set(),
    "label of a value of SPSS": set(),
    "code that is not in the codebook": set(),
}
"""Place -> outputs that show it. What arrives nowhere is looked for all the same."""


@dataclass(frozen=True)
class Outputs:
    """What was made of the project; `shown` is each output as a reader has it: text, unescaped."""

    release: Path
    page: str
    word: str
    csv: list[str]
    workbook: list[Any]
    dagster: list[str]
    documents: list[str]
    terminal: str
    alerts: list[str]

    @property
    def markdown(self) -> dict[str, list[str]]:
        return {"dagster": self.dagster, "documents": self.documents}

    @property
    def shown(self) -> dict[str, str]:
        document = docx.Document(str(self.release / WORD))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        return {
            "page": html.unescape(self.page),
            "word": "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells]),
            "csv": "\n".join(self.csv),
            "workbook": "\n".join(str(cell.value) for cell in self.workbook),
            **{name: re.sub(r"\\([^\w\s])", r"\1", html.unescape("\n".join(pages))) for name, pages in self.markdown.items()},
            "terminal": self.terminal,
            "alerts": "\n".join(self.alerts),
        }


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """One night of the hostile project, and everything that is made of it."""
    folder = tmp_path_factory.mktemp("hostile")
    atlas = hostile_atlas(folder / "project")
    atlas.refresh()  # what the providers of three waves sent is rejected, and the rest published
    release = atlas.warehouse / "current"
    export(atlas.project, folder / "exported")
    return Outputs(
        release=release,
        page=(release / PAGE).read_text(encoding="utf-8"),
        word=word_xml(release / WORD),
        csv=csv_cells(release / TABLES, folder / "exported"),
        workbook=workbook_cells(folder / "exported" / "report.xlsx"),
        dagster=list(markdown_of_dagster(atlas.project)),
        documents=documents_of(atlas.project, folder),
        terminal="\n".join(said_in_a_terminal(atlas).values()),
        alerts=alerts_of(atlas),
    )


def test_every_place_arrives_where_it_is_shown(outputs: Outputs) -> None:
    assert list(ARRIVES) == PLACES
    shown = outputs.shown
    assert {place: {name for name, text in shown.items() if mark_of(place) in text} for place in PLACES} == ARRIVES


def test_the_page_runs_nothing_and_asks_nobody(outputs: Outputs, browser: "Browser") -> None:
    assert "<script" not in outputs.page
    assert "<img src=x" not in outputs.page
    ran, asked = [], []
    page = browser.new_context(offline=True).new_page()
    page.expose_function("ran", lambda number: ran.append(number))
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url.partition(",")[0]))
    page.goto((outputs.release / PAGE).resolve().as_uri())
    assert page.locator("table").count() >= 10
    assert page.locator("script, iframe, object, form, img:not([src^='data:image/svg+xml;base64,'])").count() == 0
    assert page.locator("a:not([href^='#']):not([href^='report_tables'])").count() == 0
    assert (ran, [url for url in asked if url.startswith("http")]) == ([], [])


def test_markup_that_came_into_the_page_is_not_run(outputs: Outputs, browser: "Browser", tmp_path: Path) -> None:
    attack = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\"><style>h1{display:none}</style>"
    assert outputs.page.count("<body>") == 1
    planted = tmp_path / PAGE
    planted.write_text(outputs.page.replace("<body>", f"<body>{attack}"), encoding="utf-8")
    page = browser.new_context(offline=True).new_page()
    page.goto(planted.as_uri())
    assert page.title() != "ran"
    assert page.locator("h1").is_visible()


def test_word_holds_no_field_and_no_link(outputs: Outputs) -> None:
    assert not re.search("<w:(instrText|fldSimple|hyperlink)|<img|<script", outputs.word)


def test_no_cell_is_a_formula(outputs: Outputs) -> None:
    assert [cell for cell in outputs.csv if re.match(r"[=+\-@\t\r]", cell) and not _is_number(cell)] == []
    assert [cell.coordinate for cell in outputs.workbook if cell.data_type == "f" or cell.hyperlink] == []


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?", cell) is not None


@pytest.mark.parametrize("output", ["dagster", "documents"])
def test_markdown_holds_no_html_and_no_link_of_others(outputs: Outputs, output: str) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = [
        token for text in outputs.markdown[output] for block in parser.parse(text) for token in [block, *(block.children or [])]
    ]
    links = [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]
    pictures = [str(token.attrs["src"]) for token in tokens if token.type == "image"]
    written = [token.content for token in tokens if token.type in {"html_block", "html_inline"}]
    assert [link for link in links if not re.match(r"https?://[^\s<>()]*$|[a-z_]*\.md|#", link)] == []
    assert [link for link in pictures if not link.startswith("data:image/svg+xml;base64,")] == []
    assert [markup for markup in written if re.search("<(img|script)|onerror", markup)] == []


def test_the_terminal_obeys_nobody(outputs: Outputs) -> None:
    assert "\x1b" not in outputs.terminal
    assert "[bold red]x[/]" in outputs.terminal


def test_alerts_are_text(outputs: Outputs) -> None:
    *texts, of_night, of_trial = outputs.alerts
    assert [text for text in texts if ESCAPE[0] in text] == []
    assert "&lt;script&gt;" in of_night + of_trial
    assert not re.search("<script|<img|href=.javascript", of_night + of_trial)


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("study.yaml", "title: Nocturnal leg cramps", 'title: "Nocturnal \\e[31mleg cramps"'),
        ("data_contracts/sources/nhanes.yaml", "terms_of_use: ", "terms_of_use: \u202e"),
        ("data_contracts/codebooks/nhanes_slq.csv", "variable,received", "\x07variable,received"),
        ("data_contracts/standard_populations.csv", "standard_population,", "\x1bstandard_population,"),
        ("sql/core/respondents.sql", "-- one row", "-- \x9b31m one row"),
    ],
)
def test_a_character_that_is_not_seen_is_refused_in_a_file_of_the_project(
    published_synthetic: Atlas, tmp_path: Path, file: str, before: str, after: str
) -> None:
    atlas = published_synthetic.copy(tmp_path / "project")
    path = atlas.folder / file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"{Path(file).name}, line \d+: .*which is not seen: remove it"):
        _ = atlas.project
