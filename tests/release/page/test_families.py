"""Every table of odds ratios shows adjusted p-values of one family, and says how many tests it has and which."""

import docx
import duckdb
import pytest
from lxml import html

from pipelines.release.page.labels import Labels
from pipelines.release.page.tables import families, odds_ratio_table
from tests.atlas import Atlas

TABLES = """
select
  'odds-ratios-' || source || '-' || outcome || '-' || population || '-' || model || '-' || wave
    || coalesce('-' || replace(hypotheses, ' ', '-'), '') as name,
  count(distinct p_value_family) as n_families,
  any_value(p_value_family_size) as size,
  count(p_value) as n_tested,
  any_value(multiple_testing) as method,
  any_value(replace(p_value_family, '_', ' ')) as family,
  list(exposure || ' ' || exposure_level order by exposure || ' ' || exposure_level) filter (where p_value is not null) as members
from report.odds_ratios
group by source, outcome, population, model, wave, hypotheses
"""

ALL = 8 + 2
"""Eight exposures that are there or not, and three levels of activity, two of them against the third."""

SIZES = {
    **{
        f"{source}-{outcome}-adults_20_plus-{model}-{wave}": size
        for source, wave, size in (
            ("synthetic_survey", "2024", ALL),
            ("nhanes", "2005-2006", ALL),
            ("nhanes", "2007-2008", ALL),
            ("nhanes", "pooled", ALL - 1 - 2),  # activity was asked for in other words, and so is being sedentary
        )
        for outcome in ("has_cramps", "has_frequent_cramps")
        for model in ("crude", "adjusted")
    },
    **{
        f"{source}-{outcome}-{population}-{model}-{wave}-further-exposures": size
        for source, population, wave, size in (
            ("nhanes", "adults_20_plus", "pooled", 4),
            ("nhanes", "adults_20_plus", "2005-2006", 4),  # of them this table has sitting alone, which was not asked about
            ("nhanes", "adults_20_plus", "2007-2008", 5),
            ("nhanes", "women_20_44", "pooled", 1),
            ("synthetic_survey", "adults_20_plus", "2024", 2),
            ("synthetic_survey", "women_20_44", "2024", 1),
        )
        for outcome in ("has_cramps", "has_frequent_cramps")
        for model in ("crude", "adjusted")
    },
    # the pairs are matched on all medicines, and were asked for activity in no levels
    **{f"synthetic_case_control-has_cramps-adults_20_plus-matched-{wave}": 1 for wave in ("pooled", "136-pairs", "5000-pairs")},
}
"""Table on the page -> tests in its family."""


@pytest.fixture(params=["published_synthetic", "published_nhanes"])
def published(request: pytest.FixtureRequest) -> Atlas:
    atlas = request.getfixturevalue(request.param)
    assert isinstance(atlas, Atlas)
    return atlas


def in_words(atlas: Atlas, member: str) -> str:
    """An exposure with its level, as the table names it: by its label, and by the level where it is not just there or not."""
    exposure, _, level = member.partition(" ")
    label = atlas.project.study.exposures[exposure].label
    said = label[0].lower() + label[1:]
    if level == "true":
        return said
    return f"{said}: {level.capitalize() if exposure == 'activity_level' else level}"


def test_a_table_has_one_family_and_says_its_size_and_members(published: Atlas) -> None:
    held = {name: rest for name, *rest in published.query(TABLES)}
    page = html.fromstring((published.warehouse / "current" / "report.html").read_text(encoding="utf-8"))
    word = [paragraph.text for paragraph in docx.Document(str(published.warehouse / "current" / "report_tables.docx")).paragraphs]
    shown = page.xpath("//div[@class='table'][starts-with(p/@id, 'odds-ratios-')]")
    sizes = {}
    sources = {name for (name,) in published.query("select distinct source from report.odds_ratios")}
    for table in shown:
        name = table.xpath("string(p[@class='title']/@id)").removesuffix("-name")
        n_families, size, n_tested, method, family, members = held[name]
        sizes[name.removeprefix("odds-ratios-")] = size
        said = " ".join(table.text_content().split())
        if size is None or name.endswith("2005-2006-further-exposures"):
            assert "No p value is adjusted." in said
            continue
        assert n_families == 1
        assert size == n_tested == len(members)
        assert family.partition(": ")[2] == ", ".join(member.replace("_", " ") for member in members)
        assert f"p, adjusted ({method}): for one family of {size} test" in said
        assert f": {'; '.join(in_words(published, member) for member in members)}. E-value" in said
        note = said[said.index("p, adjusted (") : said.index(". E-value")]
        assert any(note in paragraph for paragraph in word)
    has_further = bool(published.query("select 1 from report.odds_ratios where hypotheses is not null limit 1"))
    expected = {name: size for name, size in SIZES.items() if name.partition("-")[0] in sources}
    assert sizes == {name: size for name, size in expected.items() if has_further or not name.endswith("further-exposures")}


def test_members_that_another_table_shows_are_counted(published_synthetic: Atlas) -> None:
    """Of waves that are pooled for one exposure and not for another, each table has its own."""
    project = published_synthetic.project
    labels = Labels(project.study, project.sources["synthetic_survey"])
    with duckdb.connect(str(published_synthetic.warehouse / "epi.duckdb"), read_only=True) as connection:
        first = (
            connection.sql(
                "from report.odds_ratios where source = 'synthetic_survey' and model = 'crude' and p_value is not null limit 1"
            )
            .pl()
            .row(0, named=True)
        )
    row = first | {"p_value_family": "crude, 2024: is_sedentary true, takes_statin true", "p_value_family_size": 2}
    by_wave = families(
        labels, [row, row | {"model": "adjusted"}, row | {"wave": "pooled", "p_value": None, "p_value_family": None}]
    )
    assert [(rows[0]["model"], rows[0]["wave"], len(rows)) for rows in by_wave] == [
        ("crude", "pooled", 1),
        ("crude", "2024", 1),
        ("adjusted", "2024", 1),
    ]
    pooled, crude, _ = (odds_ratio_table(labels, row["outcome"], rows) for rows in by_wave)
    assert "for one family of 2 tests, 1 of them in this table: no leisure-time physical activity; statin." in crude.notes[0]
    assert "No p value is adjusted." in pooled.notes[0]
    assert len({table.name for table in (pooled, crude)}) == 2
