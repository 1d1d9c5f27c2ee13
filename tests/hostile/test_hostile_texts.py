"""One hostile text goes through every place that an analyst or a provider can set, and is looked for in every output.

It arrives where it belongs, as text: no page runs it, no spreadsheet computes it, no terminal obeys it, no chat links it.
"""

import csv
import html
import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docx
import pytest
import yaml
from markdown_it import MarkdownIt

from pipelines.machine.errors import ConfigurationError
from pipelines.release.export import export
from pipelines.release.meta import deliveries
from pipelines.release.page.sections import PAGE
from pipelines.release.page.writing import TABLES, WORD
from pipelines.terminal.exit_codes import ExitCode
from tests.atlas import Atlas
from tests.browser.conftest import browser
from tests.hostile.outputs import (
    COMMANDS,
    alerts_of,
    answers_of,
    csv_cells,
    documents_of,
    draft_of,
    markdown_of_dagster,
    pictures_of,
    said_in_a_terminal,
    summary_of,
    tables_of_dagster,
    word_xml,
    workbook_cells,
)
from tests.hostile.project import ESCAPE, PLACES, SOURCE, WAVES, hostile_atlas, mark_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]

EXPORTED = ("CITATION.cff", "CITATION.txt", "README.txt", "data_dictionary.csv")

ARRIVES = {
    "title of the study": {"page", "word", "workbook", "alerts", "exported"},
    "question of the study": {"page", "word", "workbook", "exported"},
    "label of a population with age bands": {"page", "word", "csv", "dagster", "terminal", "summary"},
    "label of a population with odds ratios": {"page", "word", "csv", "dagster", "terminal", "summary"},
    "label of an outcome": {"page", "word", "csv", "dagster", "terminal", "summary"},
    "label of an exposure": {"page", "word", "csv", "dagster", "terminal", "summary"},
    "label of a characteristic in groups": {"page", "word", "csv", "dagster"},
    "label of a characteristic in numbers": {"page", "word", "csv", "dagster"},
    "name of a standard population": {"page", "word", "csv", "workbook", "dagster"},
    "source of a standard population": set(),
    "title of a source": {
        *("page", "word", "csv", "workbook", "documents", "dagster", "terminal", "alerts", "exported", "summary", "tables"),
    },
    "citation of a source": {"page", "word", "workbook", "documents", "exported"},
    "terms of use of a source": {"page", "word", "workbook", "documents", "exported"},
    "homepage of a source": {"terminal", "alerts", "exported", "summary", "tables"},
    "name of a file": set(),
    "reason of a verdict on comparability": {"page", "word", "csv"},
    "reference of a verdict on comparability": set(),
    "name of a contract": {"documents"},
    "contact of a contract": set(),
    "purpose of a contract": {"documents"},
    "link of a contract": set(),
    "description of a table": {"dagster", "documents"},
    "name of a rule that fails": {"answers", "tables"},
    "description of a rule that fails": {"documents", "answers", "tables"},
    "description of a column": {"documents"},
    "question of a column": {"dagster", "documents"},
    "meaning of a code": {"documents", "answers"},
    "comment of a select": {"dagster", "terminal"},
    "comment of a check": {"dagster"},
    "name of a check": {"dagster"},
    "heading of a query": {"terminal", "answers"},
    "reading of a query": {"answers"},
    "name of a query": {"terminal"},
    "name of a member": {"page", "terminal", "alerts", "summary", "tables"},
    "name of a sheet": {"page", "terminal", "alerts", "summary", "tables"},
    "name of a column": set(),
    "label of a column of SPSS": {"draft"},
    "label of a known column of SPSS": {"draft"},
    "label of a value of SPSS": {"draft"},
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
    summary: str
    answers: dict[str, str]
    exported: list[str]
    tables: list[str]
    draft: tuple[int, str, dict[str, str]]
    exit_codes: dict[tuple[str, ...], int]
    verdicts: dict[str, str]

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
            "summary": self.summary,
            "answers": "\n".join(self.answers.values()),
            "exported": "\n".join(self.exported),
            "tables": "\n".join(self.tables),
            "draft": "\n".join(self.draft[2].values()),
        }


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """One night of the hostile project, and everything that is made of it."""
    folder = tmp_path_factory.mktemp("hostile")
    atlas = hostile_atlas(folder / "project")
    refreshed = atlas.refresh()  # what is sent for five waves is rejected, and the rest published
    release = atlas.warehouse / "current"
    export(atlas.project, folder / "exported")
    said = said_in_a_terminal(atlas)
    rows = deliveries(atlas.project).filter(source=SOURCE).iter_rows(named=True)
    return Outputs(
        release=release,
        page=(release / PAGE).read_text(encoding="utf-8"),
        word=word_xml(release / WORD),
        csv=csv_cells(release / TABLES, folder / "exported"),
        workbook=workbook_cells(folder / "exported" / "report.xlsx"),
        dagster=list(markdown_of_dagster(atlas.project)),
        documents=documents_of(atlas.project, folder),
        terminal="\n".join(result.output for result in said.values()),
        alerts=alerts_of(atlas),
        summary=summary_of(atlas, refreshed),
        answers=answers_of(atlas),
        exported=[(folder / "exported" / name).read_text(encoding="utf-8") for name in EXPORTED],
        tables=tables_of_dagster(atlas, refreshed),
        draft=draft_of(atlas, atlas.settings.landing_folder / SOURCE / WAVES["2025"]),
        exit_codes={command: result.exit_code for command, result in said.items()},
        verdicts={row["wave"]: row["verdict"] for row in rows},
    )


def test_every_place_arrives_where_it_is_shown(outputs: Outputs) -> None:
    assert list(ARRIVES) == PLACES
    shown = outputs.shown
    arrived = {place: {name for name, text in shown.items() if mark_of(place) in text} for place in PLACES}
    assert {place: names for place, names in arrived.items() if names != ARRIVES[place]} == {}


def test_what_can_be_read_is_accepted_and_what_cannot_is_rejected(outputs: Outputs) -> None:
    """Two waves are as their contract wants them; of each other the provider's text stands where none may stand."""
    assert outputs.verdicts == {wave: "accepted" if wave in {"2020", "2021"} else "rejected" for wave in WAVES}
    assert {command: code for command, code in outputs.exit_codes.items() if code} == {("status",): ExitCode.LOOK}
    assert set(outputs.exit_codes) == set(COMMANDS)


def test_a_draft_says_what_a_file_says_and_loads(outputs: Outputs) -> None:
    code, said, written = outputs.draft
    assert (code, sorted(written)) == (ExitCode.GOOD, ["drafted.csv", "drafted.odcs.yaml", "drafted.yaml"]), said
    assert ESCAPE[0] not in said + "".join(written.values())
    columns = yaml.safe_load(written["drafted.odcs.yaml"])["schema"][0]["properties"]
    described = {column["name"]: column["description"] for column in columns}
    assert described["extra"] == f"=<img src=x onerror=ran({PLACES.index('label of a column of SPSS')})>"
    codes = {
        row["received"]: row["meaning"] for row in csv.DictReader(io.StringIO(written["drafted.csv"])) if row["variable"] == "sex"
    }
    assert codes["1"] == f"=<img src=x onerror=ran({PLACES.index('label of a value of SPSS')})>"
    assert codes["9"] == r"b\x1b[31m\x1b]8;;h.invalid\x07"


def test_the_citation_file_is_yaml_with_the_title_as_it_is(outputs: Outputs) -> None:
    place = PLACES.index("title of the study")
    title = yaml.safe_load(outputs.exported[EXPORTED.index("CITATION.cff")])["title"]
    assert f"=1+<img src=x onerror=ran({place})><script>ran({place})</script>[bold red]x[/]" in title


def test_pictures_hold_nothing_that_runs_or_asks(outputs: Outputs) -> None:
    pictures = pictures_of(outputs.page, *outputs.dagster)
    assert len(pictures) > 2
    assert any(b"onerror=ran(" in picture for picture in pictures)  # in a text
    for picture in pictures:
        for element in ElementTree.fromstring(picture).iter():
            assert element.tag.rpartition("}")[2] not in {"script", "foreignObject", "image", "a", "use", "img", "animate", "set"}
            assert [name for name in element.attrib if name.lower().startswith("on") or name.endswith("href")] == []


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
    assert "\x1b" not in outputs.terminal + outputs.summary + "".join(outputs.answers.values())
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
