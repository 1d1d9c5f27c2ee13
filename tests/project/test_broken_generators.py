"""Every mistake in how a synthetic source is made is one sentence with file, line, key and what is known, before a night."""

import pytest

from pipelines.machine.settings import REPOSITORY
from tests.atlas import Atlas
from tests.project.edits import assert_one_sentence, changed, said_of

pytestmark = pytest.mark.usefixtures("contracts_read_once")

SURVEY, PAIRS = "synthetic_survey", "synthetic_case_control"

WRONG: list[tuple[str, str, str, str, str]] = [
    (SURVEY, "  seed:", "  sed:", "generator.sed", "sed is no key here; did you mean seed?"),
    (SURVEY, "  seed: 20241122", "  seed: abc", "generator.seed", "must be a whole number; found the text 'abc'"),
    (
        SURVEY,
        "people: synthetic_survey_respondents",
        "people: somebody",
        "generator.tables.people",
        "somebody is no table of wave 2024",
    ),
    (SURVEY, "stratum_size: [0.6, 1.4]", "stratum_size: [1.4, 0.6]", "generator.population.stratum_size", "found [1.4, 0.6]"),
    (SURVEY, "psus_per_stratum: 20", "psus_per_stratum: 2", "generator.population.psus_per_stratum", "must be at least 3"),
    (SURVEY, "    female: 1.25", "    female: .inf", "generator.effects.female", "must be a finite number"),
    (SURVEY, "stratum_size: [0.6, 1.4]", "stratum_size: [0.6, .inf]", "generator.population.stratum_size", "found [0.6, inf]"),
    (PAIRS, "seed: 20241122", "seed: -1", "generator.seed", "must be at least 0"),
    (PAIRS, "136-pairs: 136,", "136-pairs: 0,", "generator.sets.136-pairs", "must be at least 1"),
    (PAIRS, "is_sedentary: 9.34", "is_sedentary: 0", "generator.planted.is_sedentary", "must be more than 0"),
    (
        PAIRS,
        "case_definition: has_cramps",
        "case_definition: sex",
        "case_definition",
        "no answer of respondents that is true or false",
    ),
    (SURVEY, "    female: 1.25", "    female: much", "generator.effects.female", "must be a number; found the text 'much'"),
    (
        SURVEY,
        "is_synthetic: true",
        "is_synthetic: false",
        "classification",
        "is synthetic, and is_synthetic is not true",
    ),
    (
        SURVEY,
        "classification: synthetic\nis_synthetic: true",
        "classification: public_use",
        "generator",
        "only a source with is_synthetic: true",
    ),
    (
        PAIRS,
        "design: case_control",
        "design: cohort",
        "matched_on",
        "and case_definition belong to design: case_control; this source is a cohort",
    ),
    (
        SURVEY,
        "design: survey\n# PSUs are numbered 1, 2 in every stratum.\npsus_nested: true",
        "design: cohort",
        "generator",
        "only a source of design case_control, diary, register or survey",
    ),
    (
        PAIRS,
        "136-pairs: 136,",
        "137-pairs: 136,",
        "generator.sets",
        "must name the waves of the source, each once: 136-pairs, 5000-pairs",
    ),
    (PAIRS, "variables: [sedentary]", "variables: [sedentery]", "generator.unanswered.0.variables.0", "did you mean sedentary?"),
    (PAIRS, "refused: 0.004", "refused: 0.999", "generator.unanswered.0.share", "must add up to less than 1"),
    (
        PAIRS,
        "planted: synthetic_case_control_planted}",
        "planted: planted}",
        "generator.tables.planted",
        "planted is no table of wave 136-pairs, 5000-pairs; known: synthetic_case_control_participants",
    ),
    (
        SURVEY,
        "planted: synthetic_survey_planted}",
        "planted: synthetic_survey_respondents}",
        "waves.2024.tables.synthetic_survey_planted",
        "is not generated: generator.tables names people and planted only",
    ),
    (PAIRS, "  seed:", "  sed:", "generator.sed", "sed is no key here; did you mean seed?"),
]


@pytest.mark.parametrize(("source", "before", "after", "key", "message"), WRONG, ids=[f"{case[0]} {case[3]}" for case in WRONG])
def test_a_setting_that_is_wrong_is_told_with_its_line(
    good: Atlas, source: str, before: str, after: str, key: str, message: str
) -> None:
    file = f"data_contracts/sources/{source}.yaml"
    text = changed(before, after)((REPOSITORY / file).read_text(encoding="utf-8"))
    line = text[: text.index(after if key.startswith("generator.") else f"{key.rpartition('.')[2]}:")].count("\n") + 1
    assert_one_sentence(said_of(good.settings, file, lambda _: text), file, f"line {line} ({key}): ", (message,))
