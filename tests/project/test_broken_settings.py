"""Every mistake in study.yaml is one sentence with file, line, key and the names that there are, the same from load and lint."""

from pathlib import Path

import pytest

from pipelines.machine.settings import REPOSITORY, Settings
from tests.atlas import Atlas
from tests.project.edits import Cases, Edit, assert_one_sentence, changed, complaints, said_of

STUDIES = REPOSITORY / "tests" / "cases" / "study"

pytestmark = pytest.mark.usefixtures("sources_read_once")

OUTCOMES = """outcomes:
  has_cramps:
    label: Any leg cramps at night in the past month
  has_frequent_cramps:
    label: Leg cramps at night five or more times in the past month
"""
LOWER_BOUNDS, CONFIDENCE = "line 11 (age_bands.lower_bounds", "line 7 (confidence_level): "
LABEL = "line 26 (populations.women_20_44.label)"
FIRST_OUTCOME, SECOND_OUTCOME = "line 30 (outcomes.", "line 32 (outcomes."

REFUSED: Cases = {
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
    "exposure of where people come from": (
        changed("exposures:\n", "exposures:\n  is_synthetic: {label: Synthetic, reference: false}\n"),
        "line 37 (exposures.is_synthetic)",
        ("says where people come from", "takes_statin"),
    ),
    "adjustment for a weight": (
        changed("  age_band: {}\n", "  interview_weight: {form: linear}\n"),
        "line 48 (adjustment.interview_weight)",
        ("says how people were sampled", "age_years"),
    ),
    "adjustment for a reason": (
        changed("  age_band: {}\n", "  has_cramps_missing: {}\n"),
        "line 48 (adjustment.has_cramps_missing)",
        ("says why has_cramps is unanswered", "age_band"),
    ),
    "characteristic of the design": (
        changed("    sex: {label: Sex}", "    stratum_text: {label: Stratum}"),
        "line 56 (characteristics.categorical.stratum_text)",
        ("says how people were sampled", "sex"),
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
        ("BOOLEAN", "a continuous one is a number"),
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
    "where misspelt": (changed("    where: age_years >= 60", "    were: age_years >= 60"), "line 24", ("did you mean where?",)),
    "label empty": (changed("label: Women aged 20 to 44", "label: ''"), LABEL, ("must not be empty",)),
    "label blank": (changed("label: Women aged 20 to 44", "label: '  '"), LABEL, ("must not be empty",)),
    "label that is not seen": (
        changed("label: Women aged 20 to 44", 'label: "\\u200b\\u2060 \\ufeff"'),
        LABEL,
        ("must not be empty",),
    ),
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
    "confidence that is true": (
        changed("confidence_level: 0.95", "confidence_level: 'true'"),
        "line 7 (confidence_level)",
        ("must be a number; found the text 'true'.",),
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
    # traps of YAML
    "octal bound": (changed("[16, 20, 30,", "[016, 20, 30,"), "line 11: ", ("`016` is read as the number 14",)),
    "sexagesimal seconds": (changed("quiet_seconds: 60", "quiet_seconds: 1:00"), "line 101: ", ("is read as the number 60",)),
    "exponent without a point": (changed("[16, 20, 30,", "[16, 2e1, 30,"), LOWER_BOUNDS + ".1): ", ("'2e1'", "write 20 without")),
    "small exponent": (changed("shift: 0.1", "shift: 1e-1"), "line 79 (drift.shift): ", ("'1e-1'", "write 0.1 without quotes")),
    "word of YAML in bounds": (changed("[16, 20, 30,", "[no, 20, 30,"), LOWER_BOUNDS + ".0): ", ("whole number; found false",)),
    "tilde": (changed("confidence_level: 0.95", "confidence_level: ~"), "line 7 (confidence_level): ", ("found nothing",)),
    "dash alone": (changed("runs: 100", "runs: -"), "line 95: ", ("a `-` begins a list",)),
    "alias of nothing": (
        changed("label: Women aged 20 to 44", "label: *women"),
        "line 26: ",
        ("refers to an anchor", "in quotes"),
    ),
    "merge of a word": (changed("sex: {reference: male}", "sex: {<<: men}"), "line 49: ", ("merges a mapping",)),
    "colon in a label": (changed("label: Women aged", "label: Women: aged"), "line 26: ", ("a second `: `",)),
    "at sign": (changed("label: Women aged", "label: @women"), "line 26: ", ("reserved character",)),
    "key of yes or no": (changed("  women_20_44:", "  no:"), "line 25: ", ("`no` is read as true or false",)),
    "key of a number": (changed("  women_20_44:", "  2044:"), "line 25 (populations.2044): ", ("must be text", "in quotes")),
    "key of nothing": (changed("  women_20_44:", "  ~:"), "line 25: ", ("`~` is read as nothing",)),
    "key without colon": (changed("title: Noct", "title Noct"), "line 4: ", ("a key without `:`",)),
    "scalar": (lambda _: "hello", "line 1: ", ("found a list or a single value",)),
    "NUL": (changed("label: Statin", "label: St\0atin"), "line 45: not valid YAML", ("control character",)),
    # limits
    "confidence of a test": (changed("confidence_level: 0.95", "confidence_level: 0.05"), CONFIDENCE, ("at least 0.5", "0.95")),
    "confidence of nearly all": (
        changed("confidence_level: 0.95", "confidence_level: 0.999999999"),
        CONFIDENCE,
        ("at most 0.9999",),
    ),
    "confidence of one": (changed("confidence_level: 0.95", "confidence_level: 1"), CONFIDENCE, ("less than 1",)),
    "confidence with a sign": (changed("confidence_level: 0.95", "confidence_level: 95 %"), CONFIDENCE, ("'95 %'",)),
    "band beyond every life": (changed("70, 80]", "70, 99999999999]"), LOWER_BOUNDS + "): ", ("below 1,000 years",)),
    "bands above the top code": (changed("70, 80]", "70, 80, 85, 90]"), LOWER_BOUNDS + ".8): ", ("85, 90 are above",)),
    "grace of ages": (changed("grace_days: 7", "grace_days: 99999999999"), "line 94 ", ("at most 36,500",)),
    "negative drift": (changed("shift: 0.1", "shift: -0.1"), "line 79 (drift.shift): ", ("at least 0; found the number -0.1",)),
    "drift in percent": (changed("shift: 0.1", "shift: 10"), "line 79 (drift.shift): ", ("at most 1",)),
    "negative cell": (changed("minimum_cell: 11", "minimum_cell: -11"), "line 89 ", ("at least 2",)),
    "cell of a fraction": (changed("minimum_cell: 11", "minimum_cell: 11.5"), "line 89 ", ("a whole number",)),
    "alerts of nothing": (changed("moved_standard_errors: 1.0", "moved_standard_errors: 0"), "line 105 ", ("more than 0",)),
    "prevalence in percent": (
        changed("common_outcome_prevalence: 0.15", "common_outcome_prevalence: 15"),
        "line 67 (odds_ratios.common_outcome_prevalence): ",
        ("less than 1",),
    ),
    "no population of odds ratios": (
        changed("odds_ratios:\n  populations: [adults_20_plus]", "odds_ratios:\n  populations: []"),
        "line 65 (odds_ratios.populations): ",
        ("at least 1",),
    ),
    "no multiple testing": (
        changed("multiple_testing: holm", "multiple_testing: none"),
        "line 69 ",
        ("none is not known", "holm"),
    ),
    # names and labels
    "label of two populations": (
        changed("label: Women aged 20 to 44", "label: adults  aged 60 and Older"),
        "line 26 (populations.women_20_44.label): ",
        ("is the label of adults_60_plus, too",),
    ),
    "label of two outcomes": (
        changed("Leg cramps at night five or more times in", "Any leg cramps at night in"),
        "line 33 (outcomes.has_frequent_cramps.label): ",
        ("is the label of has_cramps, too",),
    ),
    "label of an exposure and a characteristic": (
        changed('{label: "Sitting, minutes a day"}', "{label: Statin}"),
        "line 61 (characteristics.continuous.sitting_minutes_per_day.label): ",
        ("is the label of takes_statin, too",),
    ),
    "label without an end": (
        changed("label: Women aged 20 to 44", f"label: {'Women ' * 40}"),
        LABEL,
        ("at most 200", "found 239"),
    ),
    "label with a bell": (
        changed("label: Women aged 20 to 44", 'label: "Women\\a"'),
        "line 26: ",
        ("\\x07", "not seen: remove it"),
    ),
    "question of blanks": (
        lambda text: text.replace("question: How", "question: '  ' #"),
        "line 4 (question): ",
        ("not be empty",),
    ),
    "name with a slash": (
        changed("  women_20_44:", "  women/20:"),
        "line 25 (populations.women/20): ",
        ("must not hold any of /",),
    ),
    "name in capitals": (
        changed("  women_20_44:", "  Adults_60_plus:"),
        "line 25 (populations.Adults_60_plus): ",
        ("differs from adults_60_plus by letter case only",),
    ),
    "name without an end": (changed("  women_20_44:", f"  {'w' * 61}:"), "line 25 ", ("at most 60 characters; found 61",)),
    "respondents of raw": (
        changed("respondents: core.respondents", "respondents: raw.nhanes_demo"),
        "line 5 (respondents): ",
        ("is no table of core; known: core.respondents",),
    ),
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


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_one_sentence_with_its_place_and_what_is_known(good: Atlas, case: str) -> None:
    edit, place, words = REFUSED[case]
    assert_one_sentence(said_of(good.settings, "study.yaml", edit), "study.yaml", place, words)


WORKS: dict[str, Edit] = {
    "as it is": str,
    "an exposure that is an adjuster": changed("  age_band: {}\n", "  age_band: {}\n  takes_statin: {reference: false}\n"),
    "an adjuster without reference": changed("sex: {reference: male}", "sex: {}"),
    "labels with quotes": changed("label: Women aged 20 to 44", """label: 'Women''s "best" years <b>&</b> d’été, µ'"""),
    "a month by name": changed('cron: "0 4 * * *"', 'cron: "30 4 * jan-jun mon-fri"'),
    "leap day": changed('cron: "0 4 * * *"', 'cron: "0 4 29 2 *"'),
    "labels with signs of other languages": changed(
        "label: Women aged 20 to 44", "label: 'Women 👩‍🦰\u00a020–44, نساء, 100 % {x} | $y$'"
    ),
    "an anchor": lambda text: text.replace("{label: Sex}", "&sex {label: Sex}"),
    "a merge": lambda text: text.replace("{label: Any diuretic, ", "{<<: {label: x}, label: Any diuretic, "),
    "a mark of bytes": lambda text: f"\ufeff{text}",
    "lines of Windows": lambda text: text.replace("\n", "\r\n"),
    "no adjustment": lambda text: (
        text.replace("adjustment:\n", "adjustment: {}\n# ")
        .replace("\n  sex: {ref", "\n# {ref")
        .replace("\n  race_ethnicity: {ref", "\n# {ref")
    ),
    "no standardising": changed("three_groups\n  populations: [adults_20_plus]", "three_groups\n  populations: []"),
    "a name with an apostrophe": lambda text: text.replace("women_20_44:", '"women\'s":'),
    "without drift": lambda text: text[: text.index("drift:")] + text[text.index("# For sources") :],
    "UTC": changed("timezone: Europe/Paris", "timezone: UTC"),
}


@pytest.mark.parametrize("case", WORKS)
def test_what_can_be_meant_is_let_through(good: Atlas, case: str) -> None:
    assert said_of(good.settings, "study.yaml", WORKS[case]) == []


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_kept_as_cases_are_refused_or_work(good: Atlas, path: Path) -> None:
    said = said_of(good.settings, "study.yaml", lambda _: path.read_text(encoding="utf-8"))
    assert bool(said) is (path.stem != "analyst_change"), said
    assert all(line.startswith("study.yaml, line ") for line in said)


def test_all_mistakes_are_told_together(good: Atlas) -> None:
    said = said_of(
        good.settings,
        "study.yaml",
        lambda text: text.replace("confidence_level: 0.95", "confidence_level: 95").replace("cron: ", "crom: "),
    )
    assert [line.partition(": ")[0] for line in said] == [
        "study.yaml, line 7 (confidence_level)",
        "study.yaml, line 99 (nightly.crom)",
    ]


def test_a_project_without_study_is_named(tmp_path: Path) -> None:
    said = " ".join(complaints(Settings(project=tmp_path)))
    assert "study.yaml does not exist" in said
    assert "make one: cramp-atlas init DIR" in said


@pytest.mark.parametrize(
    ("study", "place"),
    [
        (STUDIES / "bands_above_topcode_and_outcome_is_exposure.yaml", "line 47 (exposures.takes_statin)"),
        (STUDIES.parent / "statistics" / "outcome_and_exposure_study.yaml", "line 71 (exposures.takes_statin)"),
    ],
)
def test_an_outcome_that_is_an_exposure_is_told_what_to_do(good: Atlas, study: Path, place: str) -> None:
    refused = said_of(good.settings, "study.yaml", lambda _: study.read_text(encoding="utf-8"))
    [said] = [line for line in refused if "related to itself" in line]
    assert said == (
        f"study.yaml, {place}: is under outcomes, too, and nothing can be related to itself: keep takes_statin in "
        "one of the two, and ask the question that needs it in the other in a project of its own."
    )
