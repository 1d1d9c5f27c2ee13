"""A claim may name the rows against it only where it reads nothing but report tables: no record can stand in its message."""

import pytest

from pipelines.making.judging import _is_about_reports
from pipelines.project.selects import Select, tables_read


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("select study as named from report.published_numbers where not is_reproduced", True),
        ("select cast(age_years as varchar) as named from core.respondents where age_years > 89", False),
        ("select r.study as named from report.evidence as r cross join core.respondents as p", False),
        ("select a.named from (select sex as named from raw.nhanes_demo) as a, report.trends as t", False),
    ],
)
def test_a_claim_that_reads_records_names_no_row(text: str, is_told: bool) -> None:
    assert _is_about_reports(Select("sql/checks/x__y.sql", text, tuple(tables_read(text, "x")))) is is_told
