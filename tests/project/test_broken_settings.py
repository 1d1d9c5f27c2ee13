"""Every mistake in study.yaml is one sentence with file, line, key and the names that there are, the same from load and lint."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.authoring import lint as linting
from pipelines.contracts.model import load_contracts
from pipelines.machine.errors import ConfigurationError
from pipelines.machine.settings import REPOSITORY, Settings
from pipelines.project import project as loading
from pipelines.project.selects import load_checks, load_selects
from pipelines.project.sources import load_sources
from pipelines.project.standards import load_standard_populations
from pipelines.stages import load_project
from tests.atlas import Atlas, make_atlas

STUDIES = REPOSITORY / "tests" / "cases" / "study"

Edit = Callable[[str], str]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return make_atlas(tmp_path_factory.mktemp("settings") / "project")


@pytest.fixture(autouse=True, scope="module")
def read_once(good: Atlas) -> object:
    """All but study.yaml is the same in every case here, and is read once."""
    settings = good.settings
    contracts = load_contracts(settings.data_contracts)
    sources = load_sources(settings.data_contracts / "sources")
    standards = load_standard_populations(settings.data_contracts / "standard_populations.csv")
    selects, checks = load_selects(settings.sql), load_checks(settings.sql / "checks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load_contracts", lambda *_: contracts)
        patch.setattr(loading, "load_selects", lambda *_: selects)
        patch.setattr(loading, "load_checks", lambda *_: checks)
        patch.setattr(loading, "load_sources", lambda *_: sources)
        patch.setattr(loading, "load_standard_populations", lambda *_: standards)
        patch.setattr(linting, "_contract", lambda *_: None)
        patch.setattr(linting, "_source", lambda *_: None)
        yield


def complaints(settings: Settings) -> list[str]:
    """What loading says, one sentence a line; lint says the same."""
    said: list[str] = []
    try:
        load_project(settings)
    except ConfigurationError as error:
        said = str(error).splitlines()
    assert linting.lint(settings) == said
    return said


def changed(before: str, after: str, count: int = 1) -> Edit:
    def edit(text: str) -> str:
        assert text.count(before) == count, f"{before!r} stands {text.count(before)} times"
        return text.replace(before, after)

    return edit


def one_where(condition: str) -> Edit:
    return changed("where: sex = 'female' and age_years >= 20 and age_years < 45", f"where: {condition}")


OUTCOMES = """outcomes:
  has_cramps:
    label: Any leg cramps at night in the past month
  has_frequent_cramps:
    label: Leg cramps at night five or more times in the past month
"""
WHERE, LABEL = "line 27 (populations.women_20_44.where)", "line 26 (populations.women_20_44.label)"
FIRST_OUTCOME, SECOND_OUTCOME = "line 30 (outcomes.", "line 32 (outcomes."

REFUSED: dict[str, tuple[Edit, str, tuple[str, ...]]] = {
    # references
    "reference misspelt": (
        changed("reference: vigorous", "reference: vigourous"),
        "line 38 (exposures.activity_level.reference)",
        ("vigourous is no level of activity_level", "did you mean vigorous?", "none, moderate, vigorous"),
    ),
    "reference in capitals": (
        changed("reference: vigorous", "reference: Vigorous"),
        "line 38 (exposures.activity_level.reference)",
        ("did you mean vigorous?",),
    ),
    "adjustment reference": (
        changed("sex: {reference: male}", "sex: {reference: men}"),
        "line 49 (adjustment.sex.reference)",
        ("men is no level of sex", "male, female"),
    ),
    "adjustment reference of codebooks": (
        changed("reference: non_hispanic_white", "reference: non_hispanic_wite"),
        "line 50 (adjustment.race_ethnicity.reference)",
        ("did you mean non_hispanic_white?", "mexican_american"),
    ),
    "reference of an age band": (
        changed("age_band: {}", "age_band: {reference: 20-34}"),
        "line 48 (adjustment.age_band.reference)",
        ("16-19, 20-29, 30-39, 40-49, 50-59, 60-69, 70-79, 80+",),
    ),
    "boolean reference as text": (
        changed("takes_statin: {label: Statin, reference: false}", "takes_statin: {label: Statin, reference: 'false'}"),
        "line 45 (exposures.takes_statin.reference)",
        ("must be true or false", "without quotes"),
    ),
    "boolean reference as a word": (
        changed("takes_statin: {label: Statin, reference: false}", "takes_statin: {label: Statin, reference: never}"),
        "line 45 (exposures.takes_statin.reference)",
        ("must be true or false", "'never'"),
    ),
    "boolean reference as a number": (
        changed("takes_statin: {label: Statin, reference: false}", "takes_statin: {label: Statin, reference: 0}"),
        "line 45 (exposures.takes_statin.reference)",
        ("true, false or the name of a level", "number 0"),
    ),
    "text reference that YAML takes for a boolean": (
        changed("reference: vigorous", "reference: no"),
        "line 38 (exposures.activity_level.reference)",
        ("must be a level of activity_level, which is text", "none, moderate, vigorous"),
    ),
    "no reference": (
        changed("takes_statin: {label: Statin, reference: false}", "takes_statin: {label: Statin}"),
        "line 45 (exposures.takes_statin.reference)",
        ("must be given",),
    ),
    "empty reference": (
        changed("reference: vigorous", "reference: null"),
        "line 38 (exposures.activity_level.reference)",
        ("found nothing",),
    ),
    # variables
    "outcome of text": (
        changed("  has_frequent_cramps:\n", "  cramp_frequency:\n"),
        f"{SECOND_OUTCOME}cramp_frequency)",
        ("VARCHAR", "an outcome is true or false", "has_frequent_cramps"),
    ),
    "outcome of numbers": (
        changed("  has_frequent_cramps:\n", "  age_years:\n"),
        f"{SECOND_OUTCOME}age_years)",
        ("INTEGER", "an outcome is true or false"),
    ),
    "outcome that is no column": (
        changed("  has_frequent_cramps:\n", "  has_frequent_cramp:\n"),
        f"{SECOND_OUTCOME}has_frequent_cramp)",
        ("is no column of core.respondents", "did you mean has_frequent_cramps?"),
    ),
    "outcome without reasons": (
        changed("  has_frequent_cramps:\n", "  is_case:\n"),
        f"{SECOND_OUTCOME}is_case)",
        ("has no column is_case_missing",),
    ),
    "outcome and exposure": (
        changed("  has_frequent_cramps:\n", "  takes_statin:\n"),
        "line 45 (exposures.takes_statin)",
        ("is under outcomes, too",),
    ),
    "outcome and adjustment": (
        changed("  age_band: {}\n", "  age_band: {}\n  has_cramps: {reference: false}\n"),
        "line 49 (adjustment.has_cramps)",
        ("is under outcomes, too",),
    ),
    "exposure that is no column": (
        changed("  takes_statin: {", "  takes_statins: {"),
        "line 45 (exposures.takes_statins)",
        ("did you mean takes_statin?",),
    ),
    "exposure of numbers": (
        changed("  takes_statin: {", "  sitting_minutes_per_day: {"),
        "line 45 (exposures.sitting_minutes_per_day)",
        ("INTEGER", "an exposure has levels"),
    ),
    "exposure that tells people apart": (
        changed("  takes_statin: {label: Statin, reference: false}", "  respondent_id: {label: Statin, reference: a}"),
        "line 45 (exposures.respondent_id)",
        ("tells respondents apart",),
    ),
    "adjustment that is no column": (
        changed("  sex: {reference: male}", "  sexx: {reference: male}"),
        "line 49 (adjustment.sexx)",
        ("did you mean sex?",),
    ),
    "characteristic that is no column": (
        changed("    sex: {label: Sex}", "    gender: {label: Sex}"),
        "line 56 (characteristics.categorical.gender)",
        ("is no column of core.respondents", "race_ethnicity"),
    ),
    "continuous characteristic of text": (
        changed("    age_years: {label", "    cramp_frequency: {label"),
        "line 59 (characteristics.continuous.cramp_frequency)",
        ("VARCHAR", "is a number"),
    ),
    "continuous and categorical": (
        changed("    age_years: {label", "    takes_statin: {label"),
        "line 59 (characteristics.continuous.takes_statin)",
        ("is categorical, too",),
    ),
    # sections that name nothing
    "no outcomes": (changed(OUTCOMES, "outcomes: {}\n"), "line 29 (outcomes)", ("name at least one",)),
    "outcomes left empty": (changed(OUTCOMES, "outcomes:\n"), "line 29 (outcomes)", ("a mapping of keys", "found nothing")),
    "respondents": (
        changed("respondents: core.respondents", "respondents: core.respondent"),
        "line 5 (respondents)",
        ("has no contract", "did you mean core.respondents?"),
    ),
    # populations
    "where misspelt value": (one_where("sex = 'women' and age_years >= 20"), WHERE, ("'women'", "male, female")),
    "where value in capitals": (one_where("sex = 'Female'"), WHERE, ("did you mean female?",)),
    "where value in a list": (one_where("sex in ('female', 'women')"), WHERE, ("'women'", "male, female")),
    "where value unequal": (one_where("sex <> 'men'"), WHERE, ("'men'", "male, female")),
    "where value of codebooks": (one_where("race_ethnicity = 'white'"), WHERE, ("'white'", "non_hispanic_white")),
    "where value of an age band": (one_where("age_band = '85+'"), WHERE, ("'85+'", "70-79, 80+")),
    "where pattern that no level has": (one_where("sex like 'wom%'"), WHERE, ("true for nobody", "male, female")),
    "where function that no level meets": (one_where("upper(sex) = 'female'"), WHERE, ("true for nobody",)),
    "where contradicts itself": (one_where("sex = 'male' and sex = 'female'"), WHERE, ("true for nobody",)),
    "where above every age": (one_where("age_years > 150"), WHERE, ("true for nobody", "0 to 120")),
    "where null by equality": (one_where("sex = null"), WHERE, ("true for nobody",)),
    "where false": (one_where("'false'"), WHERE, ("true for nobody",)),
    "where syntax": (one_where("age_years => 60"), WHERE, ("is no condition in SQL", "=>")),
    "where unfinished": (one_where("age_years >= 60 and"), WHERE, ("is no condition in SQL", "at its end")),
    "where quote not closed": (one_where("sex = 'female"), WHERE, ("is no condition in SQL", "unterminated")),
    "where two statements": (one_where("age_years >= 60; drop table x"), WHERE, ("is no condition in SQL",)),
    "where unknown column": (one_where("agee_years >= 60"), WHERE, ("agee_years", "did you mean age_years?")),
    "where column in capitals": (one_where("Age_Years >= 60"), WHERE, ("did you mean age_years?",)),
    "where text in double quotes": (one_where('sex = "female"'), WHERE, ("single quotes",)),
    "where number against text": (one_where("sex = 2"), WHERE, ("which is text", "single quotes")),
    "where text against number": (one_where("age_years >= 'sixty'"), WHERE, ("which is a number", "'sixty'")),
    "where word against boolean": (one_where("takes_statin = 'yes'"), WHERE, ("true or false", "'yes'")),
    "where no condition": (one_where("age_years"), WHERE, ("gives INTEGER",)),
    "where aggregate": (one_where("age_years > avg(age_years)"), WHERE, ("avg", "many people")),
    "where window": (one_where("row_number() over () < 5"), WHERE, ("window",)),
    "where subquery": (one_where("age_years > (select 60)"), WHERE, ("select",)),
    "where reads a file": (one_where("exists (select * from read_csv('/etc/passwd'))"), WHERE, ("select",)),
    "where function of tables": (one_where("read_text('/etc/passwd') = 'x'"), WHERE, ("read_text",)),
    "where random": (one_where("random() < 0.5"), WHERE, ("random", "another answer")),
    "where today": (one_where("current_date > date '2026-01-01'"), WHERE, ("another answer",)),
    "where comment": (one_where("sex = 'female' -- women"), WHERE, ("comment",)),
    "where above the top code": (one_where("age_years >= 85"), WHERE, ("top code 80 of nhanes", "age_years >= 80")),
    "where beyond the top code": (one_where("age_years > 80"), WHERE, ("top code 80 of nhanes",)),
    "where below more than the top code": (one_where("age_years < 82"), WHERE, ("top code 80 of nhanes",)),
    "where between across the top code": (one_where("age_years between 60 and 84"), WHERE, ("top code 80 of nhanes",)),
    "where exactly the top code": (one_where("age_years = 80"), WHERE, ("top code 80 of nhanes",)),
    "where arithmetic across the top code": (one_where("floor(age_years / 10) = 8"), WHERE, ("top code 80 of nhanes",)),
    "where is true by itself": (one_where("yes"), WHERE, ("must be text", "found true")),
    "where misspelt": (changed("    where: age_years >= 60", "    were: age_years >= 60"), "line 24", ("did you mean where?",)),
    "label empty": (changed("label: Women aged 20 to 44", "label: ''"), LABEL, ("must not be empty",)),
    "label blank": (changed("label: Women aged 20 to 44", "label: '  '"), LABEL, ("must not be empty",)),
    "label of two lines": (changed("label: Women aged 20 to 44", 'label: "Women\\n20 to 44"'), LABEL, ("one line",)),
    "label a number": (changed("label: Women aged 20 to 44", "label: 2044"), LABEL, ("must be text", "in quotes")),
    "label missing": (
        changed("    label: Women aged 20 to 44\n", ""),
        "line 25 (populations.women_20_44.label)",
        ("must be given",),
    ),
    "by_age_band as a word": (changed("by_age_band: true", "by_age_band: often"), "line 18", ("true or false", "'often'")),
    "unknown population of odds ratios": (
        changed("odds_ratios:\n  populations: [adults_20_plus]", "odds_ratios:\n  populations: [adults_20]"),
        "line 65 (odds_ratios.populations.0)",
        ("did you mean adults_20_plus?", "women_20_44"),
    ),
    "population of odds ratios twice": (
        changed("odds_ratios:\n  populations: [adults_20_plus]", "odds_ratios:\n  populations: [adults_20_plus, adults_20_plus]"),
        "line 65 (odds_ratios.populations.1)",
        ("twice",),
    ),
    "unknown population of standardisation": (
        changed("three_groups\n  populations: [adults_20_plus]", "three_groups\n  populations: [grown_ups]"),
        "line 74 (standardisation.populations.0)",
        ("grown_ups", "everyone_asked, adults_20_plus"),
    ),
    "unknown standard": (
        changed("standard_population: us_2000_adults_three_groups", "standard_population: us_2000_adults"),
        "line 73 (standardisation.standard_population)",
        ("us_2000_adults_three_groups",),
    ),
    # age bands
    "band above the top code": (
        changed("[16, 20, 30, 40, 50, 60, 70, 80]", "[16, 40, 60, 80, 85]"),
        "line 11 (age_bands.lower_bounds.4)",
        ("85 is above the top code of nhanes (80", "the highest bound that works is 80"),
    ),
    "band above every age": (changed("70, 80]", "70, 80, 130]"), "line 11 (age_bands.lower_bounds.8)", ("130", "120")),
    "bands that do not ascend": (changed("[16, 20, 30,", "[16, 30, 20,"), "line 11", ("must ascend",)),
    "bands twice": (changed("[16, 20, 30,", "[16, 20, 20,"), "line 11", ("must ascend",)),
    "bands below birth": (changed("[16, 20,", "[-1, 20,"), "line 11", ("negative",)),
    "no bands": (changed("[16, 20, 30, 40, 50, 60, 70, 80]", "[]"), "line 11", ("at least 1",)),
    "bands as text": (changed("[16, 20, 30, 40, 50, 60, 70, 80]", "16, 20"), "line 11", ("must be a list",)),
    "a bound with a fraction": (changed("[16, 20,", "[16.5, 20,"), "line 11 (age_bands.lower_bounds.0)", ("whole number",)),
    # numbers
    "confidence as percent": (
        changed("confidence_level: 0.95", "confidence_level: 95"),
        "line 7 (confidence_level)",
        ("less than 1", "95 % is written 0.95"),
    ),
    "confidence as text": (
        changed("confidence_level: 0.95", 'confidence_level: "0.95"'),
        "line 7 (confidence_level)",
        ("must be a number", "without quotes"),
    ),
    "confidence with a comma": (
        changed("confidence_level: 0.95", "confidence_level: 0,95"),
        "line 7 (confidence_level)",
        ("must be a number", "'0,95'"),
    ),
    "confidence nothing": (changed("confidence_level: 0.95", "confidence_level: 0"), "line 7", ("more than 0",)),
    "confidence no number": (changed("confidence_level: 0.95", "confidence_level: .nan"), "line 7", ("finite",)),
    "multiple testing": (
        changed("multiple_testing: holm", "multiple_testing: homl"),
        "line 69 (odds_ratios.multiple_testing)",
        ("did you mean holm?", "bonferroni"),
    ),
    "minimum cell": (changed("minimum_cell: 11", "minimum_cell: 1"), "line 89", ("at least 2",)),
    "releases": (changed("releases: 30", "releases: 0"), "line 93 (retention.releases)", ("at least 1",)),
    "releases as text": (changed("releases: 30", "releases: many"), "line 93", ("whole number", "'many'")),
    "quiet for ever": (changed("quiet_seconds: 60", "quiet_seconds: .inf"), "line 101", ("finite",)),
    # schedule
    "cron": (changed('cron: "0 4 * * *"', 'cron: "4am"'), "line 99 (nightly.cron)", ("'4am'", '"0 4 * * *"')),
    "cron hour": (changed('cron: "0 4 * * *"', 'cron: "0 25 * * *"'), "line 99", ("'25'", "hour from 0 to 23")),
    "cron never": (changed('cron: "0 4 * * *"', 'cron: "0 4 31 2 *"'), "line 99", ("never comes",)),
    "cron six fields": (changed('cron: "0 4 * * *"', 'cron: "0 0 4 * * *"'), "line 99", ("five fields",)),
    "time zone": (changed("timezone: Europe/Paris", "timezone: Europe/Pariss"), "line 100", ("did you mean Europe/Paris?",)),
    "time zone in lower case": (changed("timezone: Europe/Paris", "timezone: europe/paris"), "line 100", ("Europe/Paris?",)),
    "time zone of nowhere": (changed("timezone: Europe/Paris", "timezone: zzzz"), "line 100", ("UTC",)),
    # the file
    "unknown section": (changed("adjustment:\n", "adjustments:\n"), "line 47 (adjustments)", ("did you mean adjustment?",)),
    "key twice": (changed("outcomes:\n", "outcomes: {}\noutcomes:\n"), "line 30", ("`outcomes` is given twice",)),
    "key twice inside": (changed("  cron:", '  cron: "0 3 * * *"\n  cron:'), "line 100", ("`cron` is given twice",)),
    "list for a mapping": (changed(OUTCOMES, "outcomes: [has_cramps]\n"), "line 29 (outcomes)", ("mapping", "found a list")),
    "tab": (changed("  releases: 30", "\treleases: 30"), "line 93", ("tab",)),
    "bracket not closed": (
        changed("odds_ratios:\n  populations: [adults_20_plus]", "odds_ratios:\n  populations: [adults"),
        "line",
        (),
    ),
    "not a date": (changed("title: Nocturnal leg cramps", "title: 2026-02-30"), "line 3", ("in quotes",)),
    "a date": (changed("title: Nocturnal leg cramps", "title: 2026-02-20"), "line 3 (title)", ("must be text",)),
    "a tag of Python": (changed("title: Nocturnal leg cramps", "title: !!python/object:os.system x"), "line 3", ()),
    "empty": (lambda _: "", "line 1", ("nothing",)),
    "comments only": (lambda _: "# nothing here\n", "line 1", ("nothing",)),
    "a list": (lambda _: "- a\n", "line 1", ("mapping",)),
    "two documents": (lambda text: f"{text}\n---\nstudy: x\n", "line", ("second document",)),
}

NEVER = (
    "pydantic",
    "http",
    "Traceback",
    "Input should",
    "validation error",
    "Binder",
    "Catalog",
    "<unicode string>",
    "ValueError",
)


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_one_sentence_with_its_place_and_what_is_known(good: Atlas, case: str) -> None:
    edit, place, words = REFUSED[case]
    path = good.folder / "study.yaml"
    path.write_text(edit((REPOSITORY / "study.yaml").read_text(encoding="utf-8")), encoding="utf-8")
    said = complaints(good.settings)
    assert len([line for line in said if line.startswith(f"study.yaml, {place}")]) >= 1, said
    [sentence] = [line for line in said if line.startswith(f"study.yaml, {place}")][:1]
    assert [word for word in words if word not in sentence] == []
    assert [word for word in NEVER if word in "\n".join(said)] == []


WORKS: dict[str, Edit] = {
    "as it is": str,
    "an exposure that is an adjuster": changed("  age_band: {}\n", "  age_band: {}\n  takes_statin: {reference: false}\n"),
    "an adjuster without reference": changed("sex: {reference: male}", "sex: {}"),
    "up to the top code": one_where("age_years >= 80"),
    "below the top code": one_where("age_years < 80"),
    "between below the top code": one_where("age_years between 20 and 79"),
    "not by SQL's null": one_where("sex is not null and not takes_statin"),
    "a level of a codebook": one_where("race_ethnicity in ('mexican_american', 'other_hispanic')"),
    "a source": one_where("source = 'nhanes' or wave = '2005-2006'"),
    "of two lines": one_where(">-\n      sex = 'female'\n      and age_years >= 20"),
    "labels with quotes": changed("label: Women aged 20 to 44", """label: 'Women''s "best" years <b>&</b> d’été, µ'"""),
    "a month by name": changed('cron: "0 4 * * *"', 'cron: "30 4 * jan-jun mon-fri"'),
    "leap day": changed('cron: "0 4 * * *"', 'cron: "0 4 29 2 *"'),
    "UTC": changed("timezone: Europe/Paris", "timezone: UTC"),
}


@pytest.mark.parametrize("case", WORKS)
def test_what_can_be_meant_is_let_through(good: Atlas, case: str) -> None:
    text = (REPOSITORY / "study.yaml").read_text(encoding="utf-8")
    (good.folder / "study.yaml").write_text(WORKS[case](text), encoding="utf-8")
    assert complaints(good.settings) == []


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_kept_as_cases_are_refused_or_work(good: Atlas, path: Path) -> None:
    (good.folder / "study.yaml").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    said = complaints(good.settings)
    assert bool(said) is (path.stem != "analyst_change"), said
    assert all(line.startswith("study.yaml, line ") for line in said)


def test_all_mistakes_are_told_together(good: Atlas) -> None:
    text = (REPOSITORY / "study.yaml").read_text(encoding="utf-8")
    text = text.replace("confidence_level: 0.95", "confidence_level: 95").replace("cron: ", "crom: ")
    (good.folder / "study.yaml").write_text(text, encoding="utf-8")
    assert [line.partition(": ")[0] for line in complaints(good.settings)] == [
        "study.yaml, line 7 (confidence_level)",
        "study.yaml, line 99 (nightly.crom)",
    ]


def test_a_project_without_study_is_named(tmp_path: Path) -> None:
    said = " ".join(complaints(Settings(project=tmp_path)))
    assert "study.yaml does not exist" in said
    assert "CRAMP_ATLAS_PROJECT must name the folder that holds study.yaml" in said


@pytest.mark.parametrize(
    ("study", "place"),
    [
        (STUDIES / "bands_above_topcode_and_outcome_is_exposure.yaml", "line 47 (exposures.takes_statin)"),
        (STUDIES.parent / "statistics" / "outcome_and_exposure_study.yaml", "line 71 (exposures.takes_statin)"),
    ],
)
def test_an_outcome_that_is_an_exposure_is_told_what_to_do(good: Atlas, study: Path, place: str) -> None:
    (good.folder / "study.yaml").write_text(study.read_text(encoding="utf-8"), encoding="utf-8")
    [said] = [line for line in complaints(good.settings) if "related to itself" in line]
    assert said == (
        f"study.yaml, {place}: is under outcomes, too, and nothing can be related to itself: keep takes_statin in "
        "one of the two, and ask the question that needs it in the other in a project of its own."
    )
