"""How levels and columns are said: in the words of codebooks, contracts and study.yaml, in every place that people read."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import docx
import duckdb
import pytest
from lxml import html

from pipelines.dagster.assets.shown import report_metadata
from pipelines.machine.console import PlainConsole
from pipelines.project.project import Project
from pipelines.project.words import level_words, within
from pipelines.release.page.labels import Labels, key_in_words
from pipelines.stages import load_project
from pipelines.terminal.summary import _print_odds_ratios, _print_planted, _print_prevalence
from tests.atlas import Atlas

NAMES_OF_PEOPLE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+")


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


def never_read(project: Project) -> set[str]:
    """Names with an underscore that are for machines: columns, codes and the keys of study.yaml."""
    study = project.study
    names = {column.name for contract in project.contracts.values() for column in contract.columns}
    names |= {code.code or "" for contract in project.contracts.values() if contract.codebook for code in contract.codebook.codes}
    names |= {*study.populations, *study.outcomes, *study.exposures, "mantel_haenszel", study.standardisation.standard_population}
    # a table may be called what a column of another is called
    return {name for name in names if "_" in name} - {table.split(".")[1] for table in project.contracts}


def texts_of_page(atlas: Atlas) -> Iterator[tuple[str, str]]:
    page = html.fromstring((atlas.warehouse / "current" / "report.html").read_text(encoding="utf-8"))
    for picture in page.xpath("//img"):
        drawn = html.fromstring(base64.b64decode(picture.get("src").partition(",")[2]))
        yield "a figure", "\n".join([picture.get("alt"), *drawn.xpath("//text//text()")])
    for style in page.xpath("//style"):
        style.drop_tree()
    # table by table and paragraph by paragraph: a cell ends where the next begins
    yield "the page", "\n".join(page.itertext())
    document = docx.Document(str(atlas.warehouse / "current" / "report_tables.docx"))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    yield "Word", "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def texts_of_terminal(project: Project) -> Iterator[tuple[str, str]]:
    with duckdb.connect(str(project.settings.warehouse_folder / "epi_public.duckdb"), read_only=True) as connection:
        for say in (_print_prevalence, _print_odds_ratios, _print_planted):
            out = io.StringIO()
            say(project, connection, PlainConsole(file=out, width=400))
            yield "the terminal", out.getvalue()


def texts_of_previews(project: Project) -> Iterator[tuple[str, str]]:
    for table in project.report_tables:
        accepted = {place: sidecar for place in project.places(table) if (sidecar := project.store.accepted(place))}
        for shown in report_metadata(project, table, accepted, {}).values():
            if isinstance(shown, dg.MarkdownMetadataValue):
                without_pictures = re.sub(r"\(data:image[^)]*\)", "", shown.md_str or "")
                yield f"the preview of {table}", without_pictures.partition("[drawn from]")[0].replace("\\", "")


@pytest.mark.parametrize("fixture", ["published_nhanes", "published_events"])
def test_no_column_and_no_code_is_spelled_where_people_read(fixture: str, request: pytest.FixtureRequest) -> None:
    atlas: Atlas = request.getfixturevalue(fixture)
    project = atlas.project
    never = never_read(project)
    assert {"has_cramps", "takes_statin", "race_ethnicity", "non_hispanic_white", "adults_20_plus", "odds_ratio"} <= never
    found: dict[str, set[str]] = {}
    places = set()
    for place, text in (*texts_of_page(atlas), *texts_of_terminal(project), *texts_of_previews(project)):
        places.add(place)
        spelled = set(NAMES_OF_PEOPLE.findall(text)) & never
        # as parted by spaces it is still a code
        spelled |= {name for name in ("non hispanic white", "other hispanic", "non hispanic black") if name in text}
        if spelled:
            found[place] = spelled
    assert found == {}
    assert {"a figure", "the page", "Word", "the terminal"} < places
    assert len(places) > 10


def test_every_level_is_said_as_its_codebook_says_it(published_nhanes: Atlas) -> None:
    """Race and ethnicity, sex and activity, in Table 1 and in the forest plot."""
    words = dict(
        published_nhanes.query(
            "select code, first(meaning order by position) from meta.codes "
            "where table_name = 'raw.nhanes_demo' and variable in ('RIAGENDR', 'RIDRETH1') group by code"
        )
    )
    assert words["non_hispanic_white"] == "Non-Hispanic White"
    page = html.fromstring((published_nhanes.warehouse / "current" / "report.html").read_text(encoding="utf-8"))
    [table] = page.xpath("//p[@id='characteristics-nhanes-has_cramps-adults_20_plus-name']/parent::div")
    named = [line.strip() for line in table.xpath(".//tbody/tr/th[@scope='row']/text()")]
    assert set(words.values()) <= set(named)
    assert {"None", "Moderate", "Vigorous"} <= set(named)


def test_a_level_is_said_by_the_contract_before_the_codebook(project: Project) -> None:
    assert level_words(project, project.sources["nhanes"])["activity_level"]["none"] == "None"
    contract = project.contracts["core.respondents"]
    columns = [replace(column, levels=(("female", "Women"),)) if column.name == "sex" else column for column in contract.columns]
    reworded = replace(project, contracts={**project.contracts, "core.respondents": replace(contract, columns=tuple(columns))})
    assert level_words(reworded, project.sources["nhanes"])["sex"] == {"male": "Male", "female": "Women"}


def test_each_source_says_levels_in_its_own_words(project: Project) -> None:
    said = {name: Labels.of(project, name).level("race_ethnicity", "non_hispanic_white") for name in project.sources}
    assert said["nhanes"] == "Non-Hispanic White"
    assert said["synthetic_survey"] == "Non-Hispanic white"
    assert said["synthetic_case_control"] == "non hispanic white"  # it does not ask for it, and has no words


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("Any diuretic", "any diuretic"),
        ("ACE inhibitor", "ACE inhibitor"),
        ("pH of blood", "pH of blood"),
        ("Adults of the US", "adults of the US"),
        ("", ""),
    ],
)
def test_a_label_within_a_sentence_keeps_its_abbreviations(label: str, said: str) -> None:
    assert within(label) == said


def test_a_reason_names_columns_by_their_labels(project: Project) -> None:
    labels = Labels.of(project, "nhanes")
    assert labels.in_words("activity_level is not comparable with not_a_column") == (
        "“Leisure-time physical activity” is not comparable with not_a_column"
    )
    assert labels.names("age_band, race_ethnicity") == "age band, race and ethnicity"
    key = "wave=2024, population=adults_20_plus, sex=female, exposure=activity_level, exposure_level=none"
    assert key_in_words(project, "nhanes", key) == (
        "wave 2024, population Adults aged 20 and older, sex Female, exposure Leisure-time physical activity, exposure level None"
    )
