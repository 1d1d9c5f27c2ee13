"""Every number on the report page is that of the release's report tables, written anew from them by SQL."""

import base64
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import docx
import docx.table
import duckdb
import pytest
from lxml import html

from pipelines.release.page.labels import Labels
from tests.atlas import Atlas

EXPECTED = (Path(__file__).parent / "expected.sql").read_text(encoding="utf-8")
Lines = Counter[tuple[str, str | None, tuple[str, ...]]]


@pytest.fixture(params=["published_synthetic", "published_nhanes"])
def published(request: pytest.FixtureRequest) -> Atlas:
    atlas = request.getfixturevalue(request.param)
    assert isinstance(atlas, Atlas)
    return atlas


def page_of(atlas: Atlas) -> html.HtmlElement:
    return html.fromstring((atlas.warehouse / "current" / "report.html").read_text(encoding="utf-8"))


def lines_of(atlas: Atlas) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every line of every table: name of the table, name of the line, cells without the marks of footnotes."""
    for part in page_of(atlas).xpath("//div[@class='table']"):
        name = part.xpath("./p[@class='title']/@id")[0].removesuffix("-name")
        for line in part.xpath(".//tbody/tr[not(contains(@class, 'gt_group_heading_row'))]"):
            for mark in line.xpath(".//span[contains(@class, 'gt_footnote_marks')]"):
                mark.drop_tree()
            first, *cells = [cell.text_content().strip() for cell in line.xpath("./th | ./td")]
            yield name, first, tuple(cells)


def read_page(atlas: Atlas) -> Lines:
    """The lines of the page; those of planted values without their names, which are put together from several columns."""
    return Counter((table, None if table.startswith("planted-") else name, cells) for table, name, cells in lines_of(atlas))


def read_tables(atlas: Atlas) -> Lines:
    study = atlas.project.study
    with duckdb.connect() as connection:
        connection.execute(f"attach '{atlas.warehouse / 'epi_public.duckdb'}' as release (read_only)")
        connection.execute("create table populations (population text, population_label text)")
        connection.executemany("insert into populations values (?, ?)", [(k, v.label) for k, v in study.populations.items()])
        connection.execute("create table exposures (exposure text, exposure_label text)")
        connection.executemany("insert into exposures values (?, ?)", [(k, v.label) for k, v in study.exposures.items()])
        names = {name: of.label for name, of in (study.characteristics.categorical | study.characteristics.continuous).items()}
        names |= {name: exposure.label for name, exposure in study.exposures.items()}
        names |= {name: outcome.label for name, outcome in study.outcomes.items()}
        connection.execute("create table labels (name text, label text)")
        connection.executemany("insert into labels values (?, ?)", list(names.items()))
        for schema in ("report", "meta"):
            connection.execute(f"create schema {schema}")
            found = connection.execute(
                "select table_name from duckdb_tables() where database_name = 'release' and schema_name = ?", [schema]
            )
            for (table,) in found.fetchall():
                connection.execute(f"create view {schema}.{table} as from release.{schema}.{table}")
        connection.execute(EXPECTED)
        rows = connection.execute("select table_name, name, cells from expected").fetchall()
    return Counter((table, name, tuple(cells)) for table, name, cells in rows)


WITHOUT_NUMBERS = {"variables", "checklist"}
"""Tables of words, of which test_about.py and test_checklist.py tell."""


def test_every_table_says_what_the_release_holds_and_leaves_nothing_out(published: Atlas) -> None:
    held = read_tables(published)
    shown = Counter({line: times for line, times in read_page(published).items() if line[0] not in WITHOUT_NUMBERS})
    # outcomes with the same flow share their lines
    for line in [line for line in held if line[0].startswith("flow-")]:
        held[line] = 1
        shown[line] = min(shown[line], 1)
    assert sum(shown.values()) > 100
    assert shown - held == Counter()
    assert held - shown == Counter()


def test_every_number_in_a_forest_plot_stands_in_the_table_under_it(published: Atlas) -> None:
    for source in published.project.sources:
        for outcome in published.project.study.outcomes:
            wanted = f"odds-ratios-{source}-{outcome}-adults_20_plus-"
            of_table = [cells for (name, _, cells) in read_page(published).elements() if name.startswith(wanted)]
            if not of_table:
                continue
            label = published.project.study.outcomes[outcome].label
            adults = published.project.study.populations["adults_20_plus"].label
            [drawn] = page_of(published).xpath(
                f"//section[@id='{source}']//figure[starts-with(@aria-label, '{label}, odds ratios, ')"
                f" and contains(@aria-label, '{adults}')]//img/@src"
            )
            texts = Counter("".join(text.itertext()) for text in html.fromstring(svg_of(drawn)).iter("text"))
            ratios = Counter(cells[2] for cells in of_table if cells[2] != "–")
            assert ratios
            assert ratios - texts == Counter()
            assert {text for text in texts if " to " in text} == set(ratios)


def svg_of(source: str) -> bytes:
    return base64.b64decode(source.removeprefix("data:image/svg+xml;base64,"))


def without_marks(cell: docx.table._Cell) -> str:
    return "".join(run.text for run in cell.paragraphs[0].runs if not run.font.superscript)


def test_the_word_file_holds_every_line_of_every_table(published: Atlas) -> None:
    document = docx.Document(str(published.warehouse / "current" / "report_tables.docx"))
    lines = Counter(tuple(without_marks(cell) for cell in row.cells) for table in document.tables for row in table.rows)
    page = page_of(published)
    assert len(document.tables) == len(page.xpath("//table"))
    of_page = Counter((name, *cells) for _, name, cells in lines_of(published))
    assert sum(of_page.values()) > 100
    assert of_page - lines == Counter()


def test_every_title_says_whose_numbers_follow(published: Atlas) -> None:
    """On the page, in Word and in figures: the source, whether it is synthetic, and the population where there is one."""
    page, project = page_of(published), published.project
    titles = {
        title.get("id").removesuffix("-name"): " ".join(title.text_content().split())
        for title in page.xpath("//p[@class='title']")
    }
    headings = [
        paragraph.text
        for paragraph in docx.Document(str(published.warehouse / "current" / "report_tables.docx")).paragraphs
        if paragraph.style and paragraph.style.name == "Heading 2"
    ]
    assert len(headings) == len(titles) > 10
    assert sorted(heading.replace(" – ", " ") for heading in headings) == sorted(titles.values())
    shown = [source for source in project.sources.values() if any(f"-{source.source}" in name for name in titles)]
    for source in shown:
        of_source = {name: title for name, title in titles.items() if f"-{source.source}" in name}
        assert all(source.title in title for title in of_source.values())
        assert all(("synthetic: describes no real person" in title) is source.is_synthetic for title in of_source.values())
        figures = page.xpath(f"//section[@id='{source.source}']//figure/img/@alt")
        assert figures
        labels = [population.label for population in project.study.populations.values()]
        for figure in [*figures, *(title for name, title in of_source.items() if name.startswith(("odds-", "characteristics-")))]:
            assert source.title in figure
            assert any(label in figure for label in labels)
        assert source.title in page.xpath("string(//title)")
    assert page.xpath("string(//title)").count("synthetic: describes no real person") == sum(
        source.is_synthetic for source in shown
    )
    for name in ("quality", "changes"):
        if name in titles:
            assert "(synthetic)" in titles[name]


def test_each_table_is_a_csv_file_with_the_same_lines(published: Atlas) -> None:
    shown: Lines = Counter()
    for path in (published.warehouse / "current" / "report_tables").iterdir():
        with path.open(encoding="utf-8-sig", newline="") as file:
            heading, *rows = list(csv.reader(file))
        first = 1 if heading[0] == "Group" else 0
        for row in rows:
            cells = tuple(cell.removeprefix("'") for cell in row[first + 1 :])
            shown[path.stem, None if path.stem.startswith("planted-") else row[first], cells] += 1
    assert shown == read_page(published)


def test_two_populations_of_odds_ratios_stand_in_tables_and_figures_of_their_own(synthetic: Atlas) -> None:
    synthetic.edit(
        "study.yaml", "  populations: [adults_20_plus]\n  # At", "  populations: [adults_20_plus, adults_60_plus]\n  # At"
    )
    assert synthetic.refresh().success
    shown, held = read_page(synthetic), read_tables(synthetic)
    adults = ("adults_20_plus", "adults_60_plus")
    by_kind = {
        "odds-ratios-synthetic_survey-has_cramps-": [
            f"{name}-{model}-2024" for name in adults for model in ("crude", "adjusted")
        ],
        "characteristics-synthetic_survey-has_cramps-": list(adults),
    }
    for kind, names in by_kind.items():
        assert {line[0] for line in shown if line[0].startswith(kind)} == {f"{kind}{name}" for name in names}
        of_page, of_tables = ({line: n for line, n in lines.items() if line[0].startswith(kind)} for lines in (shown, held))
        assert of_page == of_tables
    figures = page_of(synthetic).xpath(
        "//section[@id='synthetic_survey']//figure[contains(@aria-label, 'odds ratios')]/@aria-label"
    )
    assert len(set(figures)) == 4


def test_rows_about_what_the_study_names_no_more_are_left_out(published_synthetic: Atlas) -> None:
    project = published_synthetic.project
    labels = Labels(project.study, project.sources["synthetic_survey"])
    row = {"population": "adults_20_plus", "outcome": "has_cramps", "exposure": "takes_statin"}
    assert labels.knows(row)
    assert labels.knows({"wave": "2024"})
    for gone in ("population", "outcome", "exposure", "characteristic"):
        assert not labels.knows(row | {gone: "dropped_from_the_study"})
