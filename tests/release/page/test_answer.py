"""What the page opens with: every number of its sentences is read back from the report tables, by SQL of its own."""

import re

import docx
import duckdb
import pytest
from lxml import html

from pipelines.project.project import Project
from pipelines.release.page.answer import answer_of
from pipelines.release.page.labels import Labels
from pipelines.stages import load_project
from tests.atlas import Atlas

NUMBERS = re.compile(r"\d[\d,]*\.\d+|\d{1,3}(?:,\d{3})+")
"""Shares, ratios and counts of respondents; not ages, years and the level of intervals."""

SHARES = """
select
  printf('%.1f %.1f %.1f ', 100 * prevalence, 100 * prevalence_lower, 100 * prevalence_upper) || format('{:,}', n_respondents)
from report.prevalence_by_age_band
where source = $source and outcome = $outcome and population = 'everyone_asked' and age_band = 'all' and wave = $wave
"""

RATIOS = """
with asked as (
  select
    *, bool_or(wave = 'pooled' and odds_ratio is not null) over (partition by exposure) as is_pooled,
    list_position(['is_sedentary', 'takes_diuretic', 'takes_beta_agonist', 'takes_statin'], exposure) as position
  from report.odds_ratios
  where source = $source and outcome = $outcome and population = 'adults_20_plus' and model = 'adjusted'
)
select printf('%.2f %.2f %.2f', odds_ratio, odds_ratio_lower, odds_ratio_upper)
from asked
where position is not null and odds_ratio is not null and (wave = 'pooled') = is_pooled
order by position, wave
"""


def numbers(text: str) -> list[str]:
    return NUMBERS.findall(text)


def held(atlas: Atlas, source: str, outcome: str, wave: str) -> list[str]:
    """The numbers that the sentences of an outcome must have, in order."""
    parameters = {"source": source, "outcome": outcome}
    with duckdb.connect(str(atlas.warehouse / "epi_public.duckdb"), read_only=True) as connection:
        shares = connection.execute(SHARES, parameters | {"wave": wave}).fetchall()
        ratios = connection.execute(RATIOS, parameters).fetchall()
    assert len(shares) == 1
    assert len(ratios) >= 4
    return [number for (line,) in [*shares, *ratios] for number in line.split()]


@pytest.mark.parametrize(
    ("fixture", "source", "wave"),
    [
        ("published_nhanes", "nhanes", "pooled"),
        ("published_synthetic", "synthetic_survey", "2024"),
    ],
)
def test_every_number_of_the_answer_is_that_of_the_report_tables(
    fixture: str, source: str, wave: str, request: pytest.FixtureRequest
) -> None:
    atlas: Atlas = request.getfixturevalue(fixture)
    answers = html.fromstring((atlas.warehouse / "current" / "report.html").read_text(encoding="utf-8")).xpath(
        f"//header/section[@class='answer'][contains(@aria-label, {atlas.project.sources[source].title!r})]"
    )
    assert len(answers) == 1
    parts = answers[0].xpath(".//div[@class='outcome']")
    outcomes = atlas.project.study.outcomes
    assert [part.xpath("string(./p[@class='outcome-name'])") for part in parts] == [
        outcome.label for outcome in outcomes.values()
    ]
    paragraphs = [p.text for p in docx.Document(str(atlas.warehouse / "current" / "report_tables.docx")).paragraphs]
    for part, (outcome, described) in zip(parts, outcomes.items(), strict=True):
        said = " ".join(text for says in part.xpath("./*[@class='says']") for text in says.itertext())
        wanted = held(atlas, source, outcome, wave)
        assert numbers(said) == wanted
        [written] = [p for p in paragraphs if atlas.project.sources[source].title in p and f". {described.label}. The prev" in p]
        assert numbers(written) == wanted


def test_a_real_source_opens_the_page_and_a_synthetic_one_only_where_there_is_no_other(
    published_nhanes: Atlas, published_synthetic: Atlas
) -> None:
    for atlas, is_synthetic in ((published_nhanes, False), (published_synthetic, True)):
        page = html.fromstring((atlas.warehouse / "current" / "report.html").read_text(encoding="utf-8"))
        badges = page.xpath("//header/section[@class='answer']//*[@class='badge']")
        assert bool(badges) is is_synthetic
        [caveat] = page.xpath("//header/p[@class='caveat']")
        assert "do not show that an exposure brings the outcome" in " ".join(caveat.text_content().split())
        assert "Nobody should stop a medicine because of these numbers." in " ".join(caveat.text_content().split())


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project()


def share(**values: object) -> dict[str, object]:
    row: dict[str, object] = {"wave": "pooled", "population": "everyone_asked", "outcome": "has_cramps", "age_band": "all"}
    row |= {"n_respondents": 1_200, "prevalence": 0.301, "prevalence_lower": 0.28, "prevalence_upper": 0.32}
    return row | {"presentation_reason": None} | values


def ratio(**values: object) -> dict[str, object]:
    row: dict[str, object] = {"wave": "pooled", "population": "adults_20_plus", "outcome": "has_cramps", "model": "adjusted"}
    row |= {"adjusted_for": "age_band, sex", "exposure": "takes_statin", "exposure_level": "true", "reference_level": "false"}
    row |= {"odds_ratio": 1.2, "odds_ratio_lower": 1.1, "odds_ratio_upper": 1.3, "presentation_reason": None}
    return row | values


def said(project: Project, prevalence: list[dict[str, object]], ratios: list[dict[str, object]]) -> tuple[list[str], list[str]]:
    labels = Labels.of(project, "nhanes")
    rows = {"prevalence_by_age_band": prevalence, "odds_ratios": ratios}
    answer = answer_of(labels, {name: [labels.said(row) for row in of_table] for name, of_table in rows.items()}, [])
    assert answer is not None
    return answer.outcomes[0].sentences, answer.cautions


HIDDEN = {"prevalence": None, "prevalence_lower": None, "prevalence_upper": None, "n_respondents": None}
NO_RATIO = {"odds_ratio": None, "odds_ratio_lower": None, "odds_ratio_upper": None}


def test_a_number_that_is_hidden_is_named_and_its_reason_given(project: Project) -> None:
    few = "fewer than 11 people"
    sentences, cautions = said(
        project, [share(**HIDDEN, presentation_reason=few)], [ratio(**NO_RATIO, presentation_reason="activity_level is missing")]
    )
    assert sentences == [
        "The prevalence among everyone asked (16 years and older) is not shown.",
        "The odds ratio (95 % CI) among adults aged 20 and older, adjusted for age band, sex, is not shown for statin.",
    ]
    assert cautions == [f"Prevalence: {few}.", "Statin: “Leisure-time physical activity” is missing."]


def test_a_model_that_names_nothing_it_allows_for_is_said_without_names(project: Project) -> None:
    reason = "No member of the domain has the outcome and every term."
    sentences, _ = said(project, [share()], [ratio(**NO_RATIO, adjusted_for=None, presentation_reason=reason)])
    assert sentences[1] == "The odds ratio (95 % CI) among adults aged 20 and older, adjusted, is not shown for statin."


def test_waves_that_cannot_be_taken_together_are_said_each(project: Project) -> None:
    waves = ("2005-2006", "2007-2008")
    sentences, _ = said(
        project,
        [share(**HIDDEN), *(share(wave=wave, n_respondents=n) for n, wave in enumerate(waves, 11))],
        [ratio(**NO_RATIO), *(ratio(wave=wave) for wave in waves)],
    )
    assert sentences[0].replace("\N{NO-BREAK SPACE}", " ") == (
        "The prevalence among everyone asked (16 years and older) is 30.1 % (95 % CI 28.0 to 32.0; 11 respondents) in 2005-2006 "
        "and 30.1 % (95 % CI 28.0 to 32.0; 12 respondents) in 2007-2008."
    )
    assert "is 1.20 (1.10 to 1.30) in 2005-2006 and 1.20 (1.10 to 1.30) in 2007-2008 for statin." in sentences[1]


def test_the_model_that_adjusts_most_is_said_and_levels_in_the_words_of_the_codebook(project: Project) -> None:
    level = {"exposure": "activity_level", "exposure_level": "none", "reference_level": "vigorous"}
    study = project.study.model_copy(update={"page": project.study.page.model_copy(update={"exposures": ["activity_level"]})})
    labels = Labels(study, project.sources["nhanes"], Labels.of(project, "nhanes").columns, Labels.of(project, "nhanes").levels)
    rows = [ratio(model="crude", odds_ratio=9.0, adjusted_for=None, **level), ratio(**level)]
    answer = answer_of(labels, {"prevalence_by_age_band": [], "odds_ratios": [labels.said(row) for row in rows]}, ["2007-2008"])
    assert answer is not None
    assert answer.outcomes[0].sentences == [
        "The odds ratio (95 % CI) among adults aged 20 and older, adjusted for age band, sex, is 1.20 (1.10 to 1.30) for "
        "leisure-time physical activity, none against vigorous."
    ]
    assert answer.stale == ["2007-2008"]


def test_nothing_is_said_where_there_is_nothing_to_say(project: Project) -> None:
    assert answer_of(Labels.of(project, "nhanes"), {"prevalence_by_age_band": [], "odds_ratios": []}, []) is None
