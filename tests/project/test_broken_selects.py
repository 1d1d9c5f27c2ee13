"""A select that reads what it cannot have, or gives another answer another day, is refused in one sentence."""

import pytest

from tests.atlas import Atlas
from tests.project.edits import changed, complaints

SELECT = "sql/core/respondents/synthetic_survey.sql"
AGE, FROM = "  age as age_years,", "from decoded.synthetic_survey_respondents"
NO_TABLE = "which is no table that it can read"
MEANT = "did you mean decoded.synthetic_survey_respondents?"

REFUSED = {
    "another source's table": (FROM, "from raw.nhanes_slq", f" reads raw.nhanes_slq, {NO_TABLE}"),
    "what is made of it": (FROM, "from core.respondents", f" reads core.respondents, {NO_TABLE}"),
    "a misspelt table": (FROM, f"{FROM[:-1]}", f" reads decoded.synthetic_survey_respondent, {NO_TABLE}; {MEANT}"),
    "a table in capitals": (FROM, FROM.replace("d", "D", 1), f" reads Decoded.synthetic_survey_respondents, {NO_TABLE}; {MEANT}"),
    "the catalog": (FROM, "from information_schema.tables", f" reads information_schema.tables, {NO_TABLE}"),
    "a parameter": (
        AGE,
        "  $age as age_years,",
        ": holds the parameter `$age`, which nobody gives a value: write the value itself.",
    ),
    "today": (AGE, "  year(now()) - age as age_years,", ": calls now, which gives another answer every day."),
}
"""What is changed -> what is written before and after, and what is said."""


@pytest.mark.parametrize("case", REFUSED)
def test_a_select_that_cannot_be_meant_is_one_sentence(good: Atlas, case: str) -> None:
    before, after, said = REFUSED[case]
    path = good.folder / SELECT
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(changed(before, after)(text), encoding="utf-8")
        [sentence] = complaints(good.settings)
    finally:
        path.write_text(text, encoding="utf-8")
    assert sentence == f"{SELECT}{said}"
