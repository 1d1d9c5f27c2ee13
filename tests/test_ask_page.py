"""The examples of docs/ask.md are answered by a release, as they stand there, with the numbers of its report."""

import re

import duckdb
import pytest

from pipelines.machine.settings import REPOSITORY
from tests.atlas import Atlas

PAGE = (REPOSITORY / "docs" / "ask.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^```sql\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)

COLUMNS = (
    "age_band, n_respondents, n_cases, n_missing, prevalence, prevalence_se, prevalence_lower, prevalence_upper, "
    "degrees_freedom, design_effect, n_effective, weight, presentation, presentation_reason"
)


def test_each_example_is_answered(published_synthetic: Atlas) -> None:
    assert len(QUESTIONS) == 6
    for question in QUESTIONS:
        assert published_synthetic.query(question)


def test_an_answer_is_the_row_of_the_report(published_synthetic: Atlas) -> None:
    asked = (
        f"select {COLUMNS} from ask.prevalence('has_cramps', by := 'age_band', condition := 'age_years >= 16', "
        "source := 'synthetic_survey') order by all"
    )
    reported = (
        f"select {COLUMNS} from report.prevalence_by_age_band where source = 'synthetic_survey' and wave = '2024' "
        "and population = 'everyone_asked' and outcome = 'has_cramps' and age_band <> 'all' order by all"
    )
    rows = list(zip(published_synthetic.query(asked), published_synthetic.query(reported), strict=True))
    assert rows
    for found, expected in rows:
        for one, other in zip(found, expected, strict=True):
            assert one == (pytest.approx(other, rel=1e-10) if isinstance(other, float) else other)


def test_the_public_file_answers_nothing(published_synthetic: Atlas) -> None:
    with pytest.raises(duckdb.Error, match="prevalence"):
        published_synthetic.query("from ask.prevalence('has_cramps', source := 'synthetic_survey')", "epi_public.duckdb")
