"""Every mistake in a source's file is one sentence with file, line, key and the names that there are, from load and lint."""

import pytest

from tests.atlas import Atlas
from tests.project.edits import Cases, Edit, assert_one_sentence, changed, said_of

pytestmark = pytest.mark.usefixtures("contracts_read_once")

FILE = "data_contracts/sources/nhanes.yaml"
DEMO = "file: Nchs/Data/Nhanes/Public/2005/DataFiles/DEMO_D.xpt, rows: 10348"
VERDICT = """
comparability:
  - variables: [wave]
    waves: ["2005-2006", "2007-2008"]
    verdict: recoded
    reason: the question was asked in other words
    reference: the questionnaires
"""


def after_nesting(line: str) -> Edit:
    """One more line, which becomes the sixth of the file."""
    return changed("psus_nested: true\n", f"psus_nested: true\n{line}\n")


def verdict(before: str = "", after: str = "") -> Edit:
    """A verdict of the file's own at its end, from line 71 on."""
    return lambda text: text + changed(before, after)(VERDICT) if before else text + VERDICT


def where(condition: str) -> Edit:
    return verdict("    reference: the questionnaires\n", f"    reference: the questionnaires\n    where: {condition}\n")


DIETARY = "[magnesium_intake_mg, is_in_lowest_magnesium_quartile]"
"""A list of columns in the file of the source."""

REFUSED: Cases = {
    # keys
    "key misspelt": (
        changed("psus_nested: true", "psu_nested: true"),
        "line 5 (psu_nested)",
        ("is no key here", "did you mean psus_nested?", "lonely_psu"),
    ),
    "key of a wave": (
        changed("{age_years: 85}", "{age_years: 85}\n    tabels: {}"),
        "line 32 (waves.2005-2006.tabels)",
        ("did you mean tables?", "top_codes"),
    ),
    "file misspelt": (
        changed(DEMO, "fil: DEMO_D.xpt"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.fil)",
        ("did you mean file?", "rows, form"),
    ),
    "file missing": (changed(DEMO, "rows: 3"), "line 33 (waves.2005-2006.tables.nhanes_demo.file)", ("must be given",)),
    "form misspelt": (
        changed(DEMO, f"{DEMO}, form: {{decimel: ','}}"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.form.decimel)",
        ("did you mean decimal?", "encoding"),
    ),
    "design missing": (changed("design: survey\n", ""), "line 1 (design)", ("must be given",)),
    "waves missing": (lambda text: text.partition("# Files lie")[0], "line 1 (waves)", ("must be given",)),
    "source missing": (changed("source: nhanes\n", ""), "line 1 (source)", ("must be given",)),
    "another source's name": (changed("source: nhanes\n", "source: nhane\n"), "line 1 (source)", ("the same name",)),
    "reason missing": (
        verdict("    reason: the question was asked in other words\n"),
        "line 72 (comparability.0.reason)",
        ("must be given",),
    ),
    "key of a verdict": (
        verdict("    reason:", "    were: age_years > 3\n    reason:"),
        "line 75 (comparability.0.were)",
        ("did you mean where?",),
    ),
    # types
    "table of text": (
        changed(f"{{{DEMO}}}", "DEMO_D.xpt"),
        "line 33 (waves.2005-2006.tables.nhanes_demo)",
        ("must be a mapping",),
    ),
    "rows as text": (
        changed("rows: 10348", "rows: '10348'"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.rows)",
        ("must be a whole number", "without quotes"),
    ),
    "rows with a line between digits": (
        changed("rows: 10348", "rows: '10_348'"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.rows)",
        ("must be a whole number; found the text '10_348'.",),
    ),
    "rows that are true": (
        changed("rows: 10348", "rows: 'true'"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.rows)",
        ("must be a whole number; found the text 'true'.",),
    ),
    "rows of many digits": (
        changed("rows: 10348", "rows: '9007199254740993'"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.rows)",
        (": write it without quotes",),
    ),
    "rows below 0": (
        changed("rows: 10348", "rows: -1"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.rows)",
        ("must be at least 0",),
    ),
    "homepage of a number": (
        changed("homepage: https://www.cdc.gov/nchs/nhanes/", "homepage: 5"),
        "line 8 (homepage)",
        ("must be text", "number 5", "in quotes"),
    ),
    "homepage of nobody": (
        changed("homepage: https://www.cdc.gov/nchs/nhanes/", "homepage: https://"),
        "line 8 (homepage)",
        ("must be an address",),
    ),
    "a word of a key": (changed("terms_of_use: >-", "terms: >-"), "line 12 (terms)", ("is no key here", "terms_of_use")),
    "shared wave in capitals": (changed("  all:\n", "  All:\n"), "line 51 (waves.All)", ("differs from all",)),
    "top code of what all waves share": (
        changed("  all:\n", "  all:\n    top_codes: {age_years: 80}\n"),
        "line 52 (waves.all.top_codes)",
        ("no respondents",),
    ),
    "empty title": (lambda text: text.replace(text.splitlines()[1], "title: ''"), "line 2 (title)", ("must not be empty",)),
    "no title": (lambda text: text.replace(text.splitlines()[1], "title:"), "line 2 (title)", ("must be text; found nothing",)),
    "nested or not, as text": (
        changed("psus_nested: true", "psus_nested: 'true'"),
        "line 5 (psus_nested)",
        ("must be true or false", "without quotes"),
    ),
    "nested or not, as a number in text": (
        changed("psus_nested: true", "psus_nested: '1'"),
        "line 5 (psus_nested)",
        ("must be true or false; found the text '1'.",),
    ),
    "panel of a number": (after_nesting("panel: 1"), "line 6 (panel)", ("must be true or false; found the number 1",)),
    "panel of a list": (after_nesting("panel: [a]"), "line 6 (panel)", ("must be true or false; found a list",)),
    "component of text": (
        changed(DIETARY, "magnesium_intake_mg"),
        "line 20 (components.dietary)",
        ("must be a list", "'magnesium_intake_mg'"),
    ),
    "top code as text": (
        changed("{age_years: 85}", "{age_years: '85'}"),
        "line 31 (waves.2005-2006.top_codes.age_years)",
        ("must be a whole number", "without quotes"),
    ),
    "top codes of a list": (
        changed("{age_years: 85}", "[age_years]"),
        "line 31 (waves.2005-2006.top_codes)",
        ("must be a mapping of keys; found a list",),
    ),
    "waves of a list": (
        lambda text: text.partition('  "2005-2006":')[0].removesuffix("waves:\n") + "waves: [a]\n",
        "line 29 (waves)",
        ("must be a mapping of keys; found a list",),
    ),
    "generator of a list": (lambda text: f"{text}\ngenerator: [a]\n", "line 71 (generator)", ("must be a mapping of keys",)),
    "generator of real people": (
        lambda text: f"{text}\ngenerator: {{seed: 1}}\n",
        "line 71 (generator)",
        ("only a source with is_synthetic: true and a generator can be generated",),
    ),
    "verdicts of text": (lambda text: f"{text}\ncomparability: same\n", "line 71 (comparability)", ("must be a list",)),
    # words of a list
    "design misspelt": (
        changed("design: survey\n", "design: surveys\n"),
        "line 3 (design)",
        ("surveys is not known", "did you mean survey?", "case_control"),
    ),
    "classification misspelt": (
        changed("classification: public_use", "classification: public"),
        "line 6 (classification)",
        ("did you mean public_use?", "synthetic, restricted"),
    ),
    "lonely PSU misspelt": (
        after_nesting("lonely_psu: adjusted"),
        "line 6 (lonely_psu)",
        ("did you mean adjust?", "fail, certainty, adjust, average"),
    ),
    "lonely PSU of true": (after_nesting("lonely_psu: true"), "line 6 (lonely_psu)", ("true is not known", "certainty")),
    "PSUs of no strata": (
        after_nesting("has_strata: false"),
        "line 5 (psus_nested)",
        ("has_strata is false",),
    ),
    "PSUs that were not drawn": (after_nesting("has_psus: false"), "line 5 (psus_nested)", ("has_psus is false",)),
    "panel without PSUs": (
        changed("psus_nested: true", "panel: true\nhas_psus: false"),
        "line 5 (panel)",
        ("return the person's id as psu",),
    ),
    "calibration of a cohort": (
        lambda text: changed("design: survey\n", "design: cohort\n")(changed("psus_nested: true", "calibrated_to: age")(text)),
        "line 5 (calibrated_to)",
        ("belongs to design: survey", "cohort"),
    ),
    **{
        f"replicate weights: {name}": (changed("psus_nested: true", f"replicate_weights: {{{said}}}"), place, parts)
        for name, said, place, parts in (
            ("without a centre", "method: brr", "line 5 (replicate_weights.centre)", ("must be given",)),
            ("method misspelt", "method: bbr, centre: mean", "line 5 (replicate_weights.method)", ("did you mean brr?",)),
            ("Fay without rho", "method: fay, centre: mean", "line 5 (replicate_weights.fay_rho)", ("which needs it",)),
            ("rho of 1", "method: fay, centre: mean, fay_rho: 1", "line 5 (replicate_weights.fay_rho)", ("less than 1",)),
            ("scale of BRR", "method: brr, centre: mean, scale: 1", "line 5 (replicate_weights.scale)", ("of its own",)),
            (
                "JKn without rscales",
                "method: jkn, centre: mean",
                "line 5 (replicate_weights.rscales)",
                ("must be given",),
            ),
            ("no scale", "method: other, centre: mean", "line 5 (replicate_weights.scale)", ("as the survey documents it",)),
            (
                "rscales of JK1",
                "method: jk1, centre: mean, rscales: [1, 1]",
                "line 5 (replicate_weights.rscales)",
                ("counts every replicate alike",),
            ),
            (
                "rscales below 0",
                "method: bootstrap, centre: mean, rscales: [1, -1]",
                "line 5 (replicate_weights.rscales)",
                ("not below 0",),
            ),
        )
    },
    "replicate weights without their column": (
        changed("psus_nested: true", "replicate_weights: {method: brr, centre: mean}"),
        "line 5 (replicate_weights)",
        ("needs dietary_replicate_weights, exam_replicate_weights, interview_replicate_weights", "docs/designs.md"),
    ),
    **{
        f"imputed: {name}": (changed("psus_nested: true", f"imputed: {{{said}}}"), place, parts)
        for name, said, place, parts in (
            ("once", "imputations: 1, variables: [has_cramps]", "line 5 (imputed.imputations)", ("at least 2",)),
            ("nothing", "imputations: 5, variables: []", "line 5 (imputed.variables)", ("at least",)),
            ("no answer", "imputations: 5, variables: [psu]", "line 5 (imputed.variables.0)", ("no answer of respondents",)),
            ("misspelt", "imputations: 5, variables: [has_cramp]", "line 5 (imputed.variables.0)", ("did you mean has_cramps?",)),
            (
                "no column",
                "imputations: 5, variables: [has_cramps]",
                "line 5 (imputed.variables.0)",
                ("needs has_cramps_imputed of type BOOLEAN[]", "docs/designs.md"),
            ),
        )
    },
    "imputed and restricted": (
        lambda text: changed("classification: public_use", "classification: restricted")(
            changed("psus_nested: true", "imputed: {imputations: 5, variables: [has_cramps]}")(text)
        ),
        "line 5 (imputed)",
        ("belongs to no restricted source",),
    ),
    "replicate weights beside PSUs": (
        after_nesting("replicate_weights: {method: brr, centre: mean}"),
        "line 5 (psus_nested)",
        ("replicate_weights tell how",),
    ),
    "finite population without its column": (
        after_nesting("finite_population: true"),
        "line 6 (finite_population)",
        ("needs n_population", "docs/designs.md"),
    ),
    "microdata misspelt": (
        changed("is_synthetic: false", "microdata: withhold"),
        "line 7 (microdata)",
        ("did you mean withheld?", "included"),
    ),
    "component misspelt": (changed("  dietary: [", "  diet: ["), "line 20 (components.diet)", ("did you mean dietary?", "exam")),
    "verdict misspelt": (
        verdict("recoded", "recode"),
        "line 74 (comparability.0.verdict)",
        ("did you mean recoded?", "identical, recoded, not_comparable"),
    ),
    # columns and tables
    "column of a component": (
        changed(DIETARY, "[magnesium_intake]"),
        "line 20 (components.dietary.0)",
        ("no column of core.respondents", "did you mean magnesium_intake_mg?", "has_cramps"),
    ),
    "column in two components": (
        changed(DIETARY, "[is_pregnant]"),
        "line 18 (components)",
        ("is_pregnant in two components",),
    ),
    "matched survey": (after_nesting("matched_on: [sex]"), "line 6 (matched_on)", ("belongs to design: case_control", "survey")),
    "cases of a survey": (after_nesting("case_definition: x"), "line 6 (case_definition)", ("belongs to design: case_control",)),
    "column twice in a component": (
        changed(DIETARY, "[magnesium_intake_mg, magnesium_intake_mg]"),
        "line 20 (components.dietary.1)",
        ("twice",),
    ),
    "weight in a component": (
        changed(DIETARY, "[interview_weight]"),
        "line 20 (components.dietary.0)",
        ("is no answer of respondents", "magnesium_intake_mg"),
    ),
    "top code of a weight": (
        changed("{age_years: 85}", "{interview_weight: 85}"),
        "line 31 (waves.2005-2006.top_codes.interview_weight)",
        ("is no answer of respondents",),
    ),
    "top code below the bands": (
        changed("{age_years: 85}", "{age_years: 10}"),
        "line 31 (waves.2005-2006.top_codes.age_years)",
        ("10 is below 16, where the first age band",),
    ),
    "top code below 0": (
        changed("{age_years: 85}", "{age_years: -1}"),
        "line 31 (waves.2005-2006.top_codes.age_years)",
        ("-1 is no age_years",),
    ),
    "column of the design twice": (
        changed("[WTDRD1, WTDR2D]", "[WTDRD1, WTDRD1]"),
        "line 25 (design_columns.nhanes_dr1tot.1)",
        ("WTDRD1 twice",),
    ),
    # words for readers
    "title of blanks": (lambda text: text.replace(text.splitlines()[1], "title: '  '"), "line 2 (title)", ("not be empty",)),
    "title of two lines": (lambda text: text.replace(text.splitlines()[1], 'title: "A\\nB"'), "line 2 (title)", ("one line",)),
    "title without an end": (
        lambda text: text.replace(text.splitlines()[1], f"title: {'T' * 300}"),
        "line 2 (title)",
        ("at most 200",),
    ),
    "homepage that runs a script": (
        changed("homepage: https://www.cdc.gov/nchs/nhanes/", "homepage: javascript:alert(1)"),
        "line 8 (homepage)",
        ("begins with https://",),
    ),
    "reason of blanks": (
        verdict("the question was asked in other words", "'  '"),
        "line 75 (comparability.0.reason)",
        ("not be empty",),
    ),
    # traps of YAML
    "octal rows": (changed("rows: 10348", "rows: 010347"), "line 33", ("`010347` is read as the number 4327",)),
    "comma of thousands": (
        changed("rows: 10348", "rows: 10,348"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.348)",
        ("348 is no key here", "rows"),
    ),
    "web address": (
        changed(DEMO, "file: 'https://x.org/DEMO.xpt'"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.file)",
        ("landing",),
    ),
    "nested condition": (where("(" * 300 + "psu = 1" + ")" * 300), "line 77 (comparability.0.where)", ("too deeply",)),
    "wave like pooled": (changed('"2005-2006":\n', "Pooled:\n"), "line 30 (waves.Pooled)", ("give the wave another name",)),
    "wave with a colon": (changed('"2005-2006":\n', '"2005:2006":\n'), "line 30 (waves.2005:2006)", ("must not hold any of",)),
    "column of a top code": (
        changed("{age_years: 85}", "{age_year: 85}"),
        "line 31 (waves.2005-2006.top_codes.age_year)",
        ("did you mean age_years?", "sitting_minutes_per_day"),
    ),
    "top code of text": (
        changed("{age_years: 85}", "{sex: 85}"),
        "line 31 (waves.2005-2006.top_codes.sex)",
        ("only a number has a top code", "age_years"),
    ),
    "top code that nobody reaches": (
        changed("{age_years: 85}", "{age_years: 999}"),
        "line 31 (waves.2005-2006.top_codes.age_years)",
        ("999 is no age_years", "at least 0 and at most 120"),
    ),
    "column of the design": (
        changed("[WTDRD1, WTDR2D]", "[WTDRD1, WTDR3D]"),
        "line 25 (design_columns.nhanes_dr1tot.1)",
        ("WTDR3D", "no column of raw.nhanes_dr1tot", "WTDR2D"),
    ),
    "table of the design": (
        changed("nhanes_dr1tot: [WTDRD1", "nhanes_dr2tot: [WTDRD1"),
        "line 25 (design_columns.nhanes_dr2tot)",
        ("did you mean nhanes_dr1tot?", "nhanes_demo"),
    ),
    "table misspelt": (
        changed("nhanes_bmx: {file: Nchs/Data/Nhanes/Public/2005", "nhanes_bmxx: {file: Nchs/Data/Nhanes/Public/2005"),
        "line 37 (waves.2005-2006.tables.nhanes_bmxx)",
        ("has no contract", "did you mean nhanes_bmx?"),
    ),
    "variable of a verdict": (
        verdict("[wave]", "[is_sedentry]"),
        "line 72 (comparability.0.variables.0)",
        ("no column of core.respondents", "did you mean is_sedentary?"),
    ),
    # waves
    "wave of a verdict": (
        verdict('"2007-2008"', '"2009-2010"'),
        "line 73 (comparability.0.waves)",
        ("2009-2010", "did you mean 2007-2008?", "2005-2006"),
    ),
    "wave that is none": (verdict('"2007-2008"', "all"), "line 73 (comparability.0.waves)", ("no wave of respondents",)),
    "wave of a verdict without quotes": (
        verdict('"2007-2008"', "2007"),
        "line 73 (comparability.0.waves.1)",
        ("must be text", "number 2007", "in quotes"),
    ),
    "verdict on one wave": (verdict(', "2007-2008"'), "line 73 (comparability.0.waves)", ("must name at least 2; found 1",)),
    "verdict on a wave and itself": (
        verdict('"2007-2008"', '"2005-2006"'),
        "line 73 (comparability.0.waves.1)",
        ("names 2005-2006 twice",),
    ),
    "judged in the contract, too": (
        verdict("[wave]", "[is_sedentary]"),
        "line 72 (comparability.0.variables.0)",
        ("is_sedentary is judged between 2005-2006 and 2007-2008", "in the contract of core.respondents, too"),
    ),
    "judged twice": (
        lambda text: text + VERDICT + VERDICT.replace("\ncomparability:\n", ""),
        "line 77 (comparability.1.variables.0)",
        ("wave is judged", "by verdict 1 of this file, too"),
    ),
    "wave without quotes": (
        changed('"2005-2006":\n', "2005:\n"),
        "line 30 (waves.2005)",
        ("must be text", "number 2005", "in quotes"),
    ),
    "wave like a date": (changed('"2005-2006":\n', "2005-06-01:\n"), "line 30", ("`2005-06-01` is read as a date", "in quotes")),
    "wave like a word of YAML": (changed('"2005-2006":\n', "no:\n"), "line 30", ("`no` is read as true or false", "in quotes")),
    "wave called pooled": (changed('"2005-2006":\n', "pooled:\n"), "line 30 (waves.pooled)", ("give the wave another name",)),
    "wave of nothing": (
        lambda text: text.partition("  all:\n")[0] + "  all:\n",
        "line 51 (waves.all)",
        ("must be a mapping of keys; found nothing",),
    ),
    # conditions of verdicts
    "condition with a syntax error": (
        where("age_years >"),
        "line 77 (comparability.0.where)",
        ("`age_years >` is no condition in SQL", "at its end", "write one such as"),
    ),
    "condition on an unknown column": (
        where("age_yers > 3"),
        "line 77 (comparability.0.where)",
        ("age_yers, which core.respondents does not have", "did you mean age_years?"),
    ),
    "condition on an unknown level": (
        where("sex = 'women'"),
        "line 77 (comparability.0.where)",
        ("compares sex with 'women', which it never is", "male, female"),
    ),
    "condition that is a number": (where("age_years"), "line 77 (comparability.0.where)", ("true or false is needed",)),
    "condition that is a number in YAML": (where("3"), "line 77 (comparability.0.where)", ("must be text", "in quotes")),
    "condition with a select": (where("age_years > (select 3)"), "line 77 (comparability.0.where)", ("holds a select",)),
    "empty condition": (where("''"), "line 77 (comparability.0.where)", ("must not be empty",)),
    "condition of what is not comparable": (
        lambda text: where("age_years > 3")(text).replace("recoded", "not_comparable"),
        "line 72 (comparability.0)",
        ("where belongs to identical or recoded",),
    ),
    # what does not fit together
    "strata of a cohort": (
        changed("design: survey\n", "design: cohort\n"),
        "line 5 (psus_nested)",
        ("belongs to design: survey", "cohort"),
    ),
    "withheld, and for the public": (
        changed("is_synthetic: false", "microdata: withheld"),
        "line 7 (microdata)",
        ("classification: restricted",),
    ),
    "path that leads out": (
        changed("Nchs/Data/Nhanes/Public/2005/DataFiles/DEMO_D.xpt", "../DEMO_D.xpt"),
        "line 33 (waves.2005-2006.tables.nhanes_demo.file)",
        ("leads out of its folder",),
    ),
    # YAML
    "key twice": (lambda text: f"{text}\ntitle: again\n", "line 71", ("`title` is given twice",)),
    "top code twice": (changed("{age_years: 85}", "{age_years: 85, age_years: 80}"), "line 31", ("`age_years` is given twice",)),
    "tab": (changed("  exam: [is", "\texam: [is"), "line 19", ("a tab", "indent with blanks")),
    "bracket that is not closed": (changed(DIETARY, "[magnesium_intake_mg"), "line 23", ("`[` is not closed",)),
    "empty file": (lambda _: "", "line 1", ("expected a mapping of fields", "found nothing")),
    "comments only": (lambda _: "# nothing\n", "line 1", ("found nothing",)),
    "list": (lambda _: "- a\n- b\n", "line 1", ("expected a mapping of fields", "found a list")),
    "text": (lambda _: "hello\n", "line 1", ("expected a mapping of fields",)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_in_a_source_is_one_sentence(good: Atlas, name: str) -> None:
    edit, place, words = REFUSED[name]
    assert_one_sentence(said_of(good.settings, FILE, edit), FILE, f"{place}: ", words)


@pytest.mark.parametrize("edit", [verdict(), where("sex = 'female' and age_years >= 20 and age_years < 45"), lambda text: text])
def test_what_is_right_is_taken(good: Atlas, edit: Edit) -> None:
    assert said_of(good.settings, FILE, edit) == []


def test_a_column_that_pairs_cannot_be_matched_on_is_one_sentence(good: Atlas) -> None:
    file = "data_contracts/sources/synthetic_case_control.yaml"
    words = ("names sexx, which is no column of core.respondents", "did you mean sex?", "age_band")
    assert_one_sentence(said_of(good.settings, file, changed("  - sex\n", "  - sexx\n")), file, "line 11 (matched_on.2): ", words)
    case = changed("  - sex\n", "  - has_cramps\n")
    assert_one_sentence(said_of(good.settings, file, case), file, "line 11 (matched_on.2): ", ("which is the case definition",))


def test_a_table_of_two_sources_is_one_sentence(good: Atlas) -> None:
    edit = changed(
        "nhanes_bmx: {file: Nchs/Data/Nhanes/Public/2005", "synthetic_survey_respondents: {file: Nchs/Data/Nhanes/Public/2005"
    )
    words = ("synthetic_survey_respondents is a table of nhanes, too",)
    assert_one_sentence(said_of(good.settings, FILE, edit), "data_contracts/sources/synthetic_survey.yaml", "line 28", words)
