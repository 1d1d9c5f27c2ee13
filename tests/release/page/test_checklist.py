"""The checklists: all items are there, each leads to what answers it, and what a release has not is the author's."""

import csv
from dataclasses import replace

import docx
import pytest
from lxml import html

from pipelines.release.page.checklist import OF_THE_PAGE, RECORD, STROBE, checklist_table, places_of
from pipelines.release.page.display import GROUP, DisplayTable
from tests.atlas import Atlas

STROBE_ITEMS = (
    "1a 1b 2 3 4 5 6a 7 8 9 10 11 12a 12b 12c 12d 12e 13a 13b 13c 14a 14b 15 16a 16b 16c 17 18 19 20 21 22"  # cross-sectional
)
RECORD_ITEMS = "1.1 1.2 1.3 6.1 6.2 6.3 7.1 12.1 12.2 12.3 13.1 19.1 22.1"


@pytest.mark.parametrize(("checklist", "items"), [(STROBE, STROBE_ITEMS), (RECORD, RECORD_ITEMS)])
def test_every_item_is_there_once(checklist: str, items: str) -> None:
    assert [row["name"] for row in checklist_table({}).rows if row[GROUP] == checklist] == items.split()


@pytest.mark.parametrize("fixture", ["published_nhanes", "published_events"])
def test_every_item_leads_to_a_place_of_the_page_or_is_the_authors(fixture: str, request: pytest.FixtureRequest) -> None:
    atlas: Atlas = request.getfixturevalue(fixture)
    page = html.fromstring((atlas.warehouse / "current" / "report.html").read_text(encoding="utf-8"))
    rows = page.xpath("//p[@id='checklist-name']/parent::div//tbody/tr[td]")
    assert len(rows) == len(STROBE_ITEMS.split()) + len(RECORD_ITEMS.split())
    for row in rows:
        asks, where, author = row.xpath("./td")
        links = where.xpath("./a")
        assert links or author.text_content(), asks.text_content()
        for link in links:
            [there] = page.xpath("//*[@id=$anchor]", anchor=link.get("href").removeprefix("#"))
            assert " ".join(there.text_content().split()), link.get("href")
    linked = {row.xpath("string(./th)"): row.xpath("./td[2]/a/@href") for row in rows}
    assert linked["3"] == ["#question"]
    assert linked["18"] == ["#answer"]
    assert linked["22"] == []  # nobody has written who paid
    assert linked["21"] == ["#generalisability"]
    assert linked["14b"] == [next(href for href in linked["14b"] if href.startswith("#characteristics-"))]


def test_word_and_csv_hold_the_checklist(published_synthetic: Atlas) -> None:
    release = published_synthetic.warehouse / "current"
    with (release / "report_tables" / "checklist.csv").open(encoding="utf-8-sig", newline="") as file:
        listed = [row["Item"] for row in csv.DictReader(file)]
    assert listed == f"{STROBE_ITEMS} {RECORD_ITEMS}".split()
    tables = docx.Document(str(release / "report_tables.docx")).tables
    [in_word] = [table for table in tables if table.rows[0].cells[1].text == "Asks for"]
    assert len(in_word.rows) == 1 + 2 + len(listed)


def test_an_item_rests_on_what_the_release_has() -> None:
    """Missing answers are reported where Table 1 is there, and otherwise left to the author; so it is with what others found."""
    nothing = places_of([], [], False, [])
    assert nothing == OF_THE_PAGE
    table = DisplayTable("characteristics-survey-ill-adults", "Who they are", [], [])
    there = places_of([table], [], False, [])
    assert there["characteristics"] == ("characteristics-survey-ill-adults-name", "Characteristics")
    literature = places_of([], [], True, [replace(table, name="evidence")])
    assert {"answer", "not-concluded", "literature"} <= literature.keys()
    for places, where, author in ((nothing, "–", "all of it"), (there, "Characteristics", "")):
        [item] = [row for row in checklist_table(places).rows if row["name"] == "14b"]
        assert (item["where"], item["author"]) == (where, author)


def test_estimates_before_and_after_adjustment_are_reported_where_both_are_there() -> None:
    models = [DisplayTable(f"odds-ratios-survey-ill-adults-{model}-2024", model, [], []) for model in ("adjusted", "crude")]
    for tables, where, author in (
        (models, "Odds ratios, crude; Odds ratios, adjusted", ""),
        (models[:1], "Odds ratios, adjusted", "what is missing of it"),
        ([], "–", "all of it"),
    ):
        [item] = [row for row in checklist_table(places_of(tables, [], False, [])).rows if row["name"] == "16a"]
        assert (item["where"], item["author"]) == (where, author)


def test_a_table_that_is_named_alike_is_not_taken_for_another() -> None:
    other = DisplayTable("characteristicsofours", "Something", [], [])
    assert "characteristics" not in places_of([other], [], False, [])
